"""From what a caller has to the checked rows of a batch: a JSONL or CSV file, a folder, or mappings.

The columns of a row:

    image, images           a URL or the path of a file, or a list of them; in CSV one, and further ones in
    image_2, image_3 ...    columns of their own, as a path may contain any separator
    prompt                  the instruction
    image_size ...          the options of an edit, by their names
    extra_body              an object; in CSV its JSON
    key, output             what identifies the edit, and the name of its file

Other columns are there for templates: `prompt="Put {name} on a beach"`. A value of the row goes before a template, unless
the template contains it: `output="{output}-snow"`. An empty value, or null, is one that was not given.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import sqlite3
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from difflib import get_close_matches
from functools import lru_cache
from itertools import chain
from pathlib import Path
from string import Formatter
from typing import IO, Any, TypeAlias

from attrs import fields, frozen
from nano_banana_edit_client.constraints import Declared, shorten
from nano_banana_edit_client.errors import ConstraintViolation
from nano_banana_edit_client.models import EditRequest

from .. import _media, _requests
from .._errors import InvalidRequest, must_be
from .._images import parse

Source: TypeAlias = str | os.PathLike[str] | Iterable[Mapping[str, Any]]
_Row: TypeAlias = tuple[int, Mapping[str, Any] | InvalidRequest]  # its line, and what it holds or why that is unknown

_DECLARED = {field.name: field for field in fields(EditRequest) if isinstance(field.validator, Declared)}
OPTIONS = tuple(name for name in _DECLARED if name not in ("image_urls", "prompt"))
_COLUMNS = ("image", "images", "prompt", *OPTIONS, "extra_body", "key", "output")
_IMAGE = re.compile(r"images?|image_(\d{1,4})", re.ASCII)
_NOT_UPLOADED = "https://not-uploaded.invalid/"  # stands for a local image while the rest is checked
_SHOWN = 20  # flaws, of all that were found
_LONGEST_KEY = 500  # characters
_LONGEST_NAME = 200  # bytes; file systems take 255, and an ending may be added
# A URL that `parse` returns as it is. Most are, and a million rows are to load in seconds.
_PLAIN_URL = re.compile(r"https?://[a-z0-9][a-z0-9.-]*(?:/[!-~]*)?", re.IGNORECASE | re.ASCII)
_NO_UTF8 = re.compile("[\udc80-\udcff]")  # what `surrogateescape` makes of other bytes
_RESERVED = r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])"  # as files, on Windows
_PART = rf'(?!{_RESERVED} *(?:[./]|\Z))(?! )[^<>:"|?*\\/]+(?<![. ])'
_NAME = re.compile(rf"{_PART}(?:/{_PART})*", re.IGNORECASE)
_SAFE = re.compile(rf"(?!{_RESERVED}\Z)(?!.*-[0-9a-f]{{16}}\Z)[a-z0-9][a-z0-9_-]{{0,99}}")
_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


@frozen
class Job:
    """One row, checked."""

    key: str  # 1 to 500 printable characters
    images: tuple[str, ...]  # URLs, and absolute paths
    prompt: str
    options: dict[str, Any]  # only those that are given
    extra_body: dict[str, Any] | None
    output: str  # name of a file in the output folder; without an ending of images, it gets that of the result
    line: int = 0  # in its file, or the number of the row; from 1

    def spec(self) -> dict[str, Any]:
        """Return the JSON of all but key and line."""
        return {
            "images": list(self.images),
            "prompt": self.prompt,
            "options": self.options,
            "extra_body": self.extra_body,
            "output": self.output,
        }

    @classmethod
    def of(cls, key: str, spec: Mapping[str, Any]) -> Job:
        """Return the job of a key and what `spec` returned."""
        return cls(key, **{**spec, "images": tuple(spec["images"])})


@frozen
class Flaw:
    """A row that cannot be used. The message begins with its place."""

    line: int
    error: InvalidRequest


def read(
    source: Source, *, prompt: str | None = None, key: str | None = None, output: str | None = None, **options: Any
) -> Iterator[Job | Flaw]:
    """Return the rows of a source in their order, each as a job, or as a flaw if it cannot be used.

    Args:
        source: A file that ends in .jsonl, .ndjson or .csv; a folder, whose image files are the rows, with the columns
            `image` and `name` (the file name without its ending); or mappings of columns to values. A relative path of
            an image starts at the folder of the file, or for mappings at the working folder.
        prompt: Template of the instruction.
        key: Template of the key; default: a digest of the images as written, the prompt, the options and the extra body.
        output: Template of the file name, which may contain {key}; default: from the key, in a folder {name}.
        options: The options of rows that have none, by name.

    Raises:
        InvalidRequest: The source, a template or an option cannot be used; also later, while the source is read.
    """
    given = {name: value for name, value in options.items() if value is not None}
    _requests.edit_request([_NOT_UPLOADED], "-", given, None)
    named: Callable[[Path], Iterator[_Row]] | None = None
    unit, folder = "row", Path.cwd()
    if isinstance(source, str | os.PathLike):
        path = folder / source
        named = _files if path.is_dir() else _READERS.get(path.suffix.lower())
        if named is None:
            raise must_be("a folder, or a file that ends in .jsonl, .ndjson or .csv", "source", str(source))
        unit, folder = ("row", path) if named is _files else ("line", path.parent)
        output = "{name}" if named is _files and output is None else output
        rows = named(path)
    elif isinstance(source, Iterable) and not isinstance(source, Mapping | bytes):
        rows = ((number, row) for number, row in enumerate(source, 1))
    else:
        raise must_be("a path, or an iterable of mappings", "source", source)
    texts = {"prompt": prompt, "key": key, "output": output}
    templates = {name: _Template.of(name, text) for name, text in texts.items() if text is not None}
    return _read(rows, unit, _Reader(folder, templates, given), named is not None)
