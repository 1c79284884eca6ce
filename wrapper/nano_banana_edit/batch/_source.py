"""From what a caller has to the checked rows of a batch: a JSONL or CSV file, a folder, or mappings.

The columns of a row:

    image, images           a URL or the path of a file, or a list of them; in CSV one, and further ones in
    image_2, image_3 ...    columns of their own, as a path may contain any separator; their numbers are their order
    prompt                  the instruction
    image_size ...          the options of an edit, by their names
    extra_body              an object, or its JSON
    key, output             what identifies the edit, and the name of its file

Other columns are there for templates: `prompt="Put {name} on a beach"`. A value of the row goes before a template,
unless the template contains it: `file_name="{output}-snow"`. An empty value, or null, is one that was not given.
"""

from __future__ import annotations

import csv
import json
import math
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import IO, Any, TypeAlias

from attrs import field, fields, frozen
from nano_banana_edit_client.constraints import Declared, shorten
from nano_banana_edit_client.models import EditRequest

from .. import _media, _requests
from .._errors import InvalidRequest, must_be
from .._images import parse
from .._redaction import visible
from ..ledger import check_key

Source: TypeAlias = str | os.PathLike[str] | Iterable[Mapping[str, Any]]
_Row: TypeAlias = Mapping[str, Any] | InvalidRequest  # what it has, or why that is unknown
_Placed: TypeAlias = tuple[str, _Row]  # with where it is

_DECLARED = [attribute.name for attribute in fields(EditRequest) if isinstance(attribute.validator, Declared)]
_OPTIONS = [name for name in _DECLARED if name not in ("image_urls", "prompt")]
_COLUMNS = ["image", "images", "prompt", *_OPTIONS, "extra_body", "key", "output"]
_IMAGE = re.compile(r"images?|image_\d{1,4}", re.ASCII)
_NOT_UPLOADED = "https://not-uploaded.invalid/"  # stands for a local image while the rest is checked
_LONGEST_NAME = 200  # bytes; file systems take 255, and an ending may be added
_BRACES = re.compile(r"\{\{|\}\}|\{([^{}]+)\}|[{}]")
_NOT_UTF8 = "it is not UTF-8; save the file as UTF-8."
_NO_UTF8 = re.compile("[\udc80-\udcff]")  # what `surrogateescape` makes of other bytes
# A URL that `parse` returns as it is. Most are, and a million rows are to load in seconds.
_PLAIN_URL = re.compile(r"https?://[a-z0-9][a-z0-9.-]*(?:/[!-~]*)?", re.IGNORECASE | re.ASCII)
_RESERVED = r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)"  # as files, on Windows
_PART = rf'(?!{_RESERVED} *(?:[./]|\Z))(?! )[^<>:"|?*\\/\x00-\x1f\ud800-\udfff]+(?<![. ])'
_NAME = re.compile(rf"{_PART}(?:/{_PART})*", re.IGNORECASE)
encode = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


@frozen
class Job:
    """One row, checked."""

    key: str
    images: tuple[str, ...]  # URLs, and absolute paths
    prompt: str
    options: dict[str, Any]  # only those that are given
    extra_body: dict[str, Any] | None
    output: str  # name of a file in the output folder; without an ending of images, it gets that of the result
    place: str = ""  # in its source, such as `Line 7`

    def spec(self) -> dict[str, Any]:
        """Return the JSON of all but key and place."""
        return {
            "images": list(self.images),
            "prompt": self.prompt,
            "options": self.options,
            "extra_body": self.extra_body,
            "output": self.output,
        }

    @classmethod
    def of(cls, key: str, spec: Mapping[str, Any], place: str = "") -> Job:
        """Return the job of a key and what `spec` returned."""
        return cls(key, **{**spec, "images": tuple(spec["images"])}, place=place)


@frozen
class Flaw:
    """A row that cannot be used. The message begins with its place."""

    key: str  # empty if it has none
    error: InvalidRequest


def read(
    source: Source, *, prompt: str | None = None, key: str | None = None, file_name: str | None = None, **options: Any
) -> Iterator[Job | Flaw]:
    """Return the rows of a source in their order, each as a job, or as a flaw if it cannot be used.

    Args:
        source: A file that ends in .jsonl, .ndjson or .csv; a folder, whose image files are the rows, with the columns
            `image`, `name` (the file name without its ending) and `ending`; or mappings of columns to values. A
            relative path of an image starts at the folder of the file, or for mappings at the working folder.
        prompt: Template of the instruction.
        key: Template of the key; default: a digest of the images as written, prompt, options and extra body.
        file_name: Template of the column `output`, which may contain {key}; default: from the key, for a folder {name}.
        options: The options of rows that have none, by name.

    Raises:
        InvalidRequest: The source, a template or an option cannot be used; also later, while the source is read.
    """
    given = {name: value for name, value in options.items() if value is not None}
    _requests.edit_request([_NOT_UPLOADED], "-", given, None)
    folder = Path.cwd()
    if isinstance(source, str | os.PathLike):
        path = folder / source
        if path.is_dir():
            rows, folder, file_name = _files(path), path, "{name}" if file_name is None else file_name
        elif reader := _READERS.get(path.suffix.lower()):
            rows, folder = _some(reader(path), path), path.parent
        else:
            raise must_be("a folder, or a file that ends in .jsonl, .ndjson or .csv", "source", str(source))
    elif isinstance(source, Iterable) and not isinstance(source, Mapping | bytes):
        rows = ((f"Row {number}", row) for number, row in enumerate(source, 1))
    else:
        raise must_be("a path, or an iterable of mappings", "source", source)
    texts = {"prompt": ("prompt", prompt), "key": ("key", key), "output": ("file_name", file_name)}
    templates = {column: _Template(name, text) for column, (name, text) in texts.items() if text is not None}
    return _jobs(rows, _Reader(folder, templates, given))


def _jobs(rows: Iterable[_Placed], reader: _Reader) -> Iterator[Job | Flaw]:
    for place, row in rows:
        given: dict[str, Any] = {}
        try:
            given = _given(row)
            yield reader.job(place, given)
        except InvalidRequest as error:
            problem = str(error.args[0])
            if error.field == "image":  # the rest is what Python takes, such as bytes
                problem = f"{problem.partition(', or pass ')[0].rstrip('.')}."
            problem = f"{place}: {problem}"
            yield Flaw(reader.key(given), InvalidRequest(problem, field=error.field, value=error.value))


def _given(row: _Row) -> dict[str, Any]:
    """Return the values of a row without those that were not given, or raise InvalidRequest."""
    if isinstance(row, InvalidRequest):
        raise row
    if not isinstance(row, Mapping):
        raise InvalidRequest(f"it is {shorten(row)}; it must be an object with columns.", field="source", value=row)
    for name in row:
        if not isinstance(name, str):
            raise InvalidRequest(f"it has the column {shorten(name)}; names are text.", field="source", value=name)
    return {name: value for name, value in row.items() if not _is_missing(value)}


def _some(rows: Iterator[_Placed], path: Path) -> Iterator[_Placed]:
    """Refuse a file without rows, as one that was not written to its end."""
    first = next(rows, None)
    if first is None:
        raise InvalidRequest(f"source {str(path)!r} has no rows.", field="source", value=str(path))
    yield first
    yield from rows


def _lines(path: Path) -> Iterator[_Placed]:
    with _opened(path) as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield f"Line {number}", _object(line)


def _object(line: str) -> Any:
    if _NO_UTF8.search(line):
        return InvalidRequest(_NOT_UTF8, field="source")
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        reason = str(error).replace("line 1 column", "column")  # of the file it is another line
        return InvalidRequest(f"it is not JSON ({reason}); write each row on one line.", field="source")


def _records(path: Path) -> Iterator[_Placed]:
    with _opened(path) as file:
        head = file.readline()
        reader = csv.reader(chain([head], file), delimiter=max(",;\t", key=head.count), strict=True)
        line = 1
        try:
            columns = [column.strip() for column in next(reader, [])]
            if "" in columns or len(columns) > len({*columns}):
                raise InvalidRequest(f"{path.name} has two columns of one name, or one without.", field="source")
            line = reader.line_num + 1
            for values in reader:
                if _NO_UTF8.search("".join(values + columns)):
                    yield f"Line {line}", InvalidRequest(_NOT_UTF8, field="source")
                elif values and len(values) != len(columns):
                    problem = f"its number of values is {len(values)}; that of the columns is {len(columns)}."
                    yield f"Line {line}", InvalidRequest(problem, field="source")
                elif values:
                    yield f"Line {line}", dict(zip(columns, values, strict=True))
                line = reader.line_num + 1
        except csv.Error as error:
            yield f"Line {line}", InvalidRequest(f"it is not CSV ({error}); the rest was not read.", field="source")


def _files(folder: Path) -> Iterator[_Placed]:
    """Yield the image files of a folder. Those in folders below it may be results of earlier batches."""
    with _readable(folder):
        files = (file for file in folder.iterdir() if _media.of_name(file.name) and file.name[0] != ".")
        names = sorted(file.name for file in files if not file.is_dir())  # of a million files, names are small
    if not names:
        raise InvalidRequest(f"source {str(folder)!r} has no image files.", field="source", value=str(folder))
    for file in map(Path, names):
        yield visible(str(file)), {"image": file, "name": file.stem, "ending": file.suffix[1:]}


_READERS = {".jsonl": _lines, ".ndjson": _lines, ".csv": _records}


@contextmanager
def _opened(path: Path) -> Iterator[IO[str]]:
    with _readable(path), path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        yield file


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        problem = f"{str(path)!r} cannot be read ({error.strerror or error}); check the path"
        raise InvalidRequest(f"source {problem}.", field="source", value=str(path)) from error


@frozen
class _Template:
    """A text with names of columns in braces; `{{` is a brace."""

    name: str
    text: str = field()

    @text.validator
    def _check(self, _attribute: object, text: object) -> None:
        if not isinstance(text, str):
            raise must_be("a text, with names of columns in braces", self.name, text)
        if any(found[0] in "{}" for found in _BRACES.finditer(text)):
            problem = "is no template; name a column in each pair of braces, and write {{ for a brace"
            raise InvalidRequest(f"{self.name} {shorten(text)} {problem}.", field=self.name, value=text)

    def has(self, column: str) -> bool:
        return any(found[1] == column for found in _BRACES.finditer(self.text))

    def fill(self, row: Mapping[str, Any]) -> str:
        """Return the text with a row's values. Raises InvalidRequest if the row does not have one."""
        return _BRACES.sub(lambda found: self._value(row, found[1]) if found[1] else found[0][0], self.text)

    def _value(self, row: Mapping[str, Any], column: str) -> str:
        value = row.get(column)
        if isinstance(value, str | int | float | Path):
            return str(value)
        problem = f"its {column!r} is {shorten(value)}, which is no text"
        if value is None:
            near = get_close_matches(column, row, 1)
            problem = f"it has no value for {{{column}}}" + (f"; did you mean {{{near[0]}}}?" if near else "")
        raise InvalidRequest(f"{problem} ({self.name} is {shorten(self.text)}).", field=self.name, value=value)


@frozen
class _Reader:
    """Makes jobs of rows."""

    folder: Path  # where relative paths start
    templates: Mapping[str, _Template]
    options: Mapping[str, Any]
    # The photos of many rows are few; those of the next batch may be others.
    _seen: Callable[[str], str] = field(init=False, factory=lambda: lru_cache(1000)(_looked_at))

    def key(self, given: Mapping[str, Any]) -> str:
        """Return the key of a row that cannot be used, or an empty text if it is unknown."""
        with suppress(InvalidRequest):
            return str(self._text("key", given) or "")
        return ""

    def job(self, place: str, given: Mapping[str, Any]) -> Job:
        """Return the job of a row, or raise InvalidRequest."""
        for name in given:
            self._check_name(name)
        columns = sorted(filter(_IMAGE.fullmatch, given), key=lambda name: int(name[6:] or 0))  # 2 of `image_2`
        written = [image for name in columns for image in _listed(given[name])]
        prompt = self._text("prompt", given) or ""
        options = {name: given.get(name, self.options.get(name)) for name in _OPTIONS}
        options = {name: value for name, value in options.items() if value is not None}
        extra_body = _extra_body(given.get("extra_body"))
        images = tuple(self._image(image) for image in written)
        urls = [image if "://" in image else _NOT_UPLOADED for image in images]
        if not prompt:
            raise InvalidRequest("it has no prompt; add one, or a prompt for all rows.", field="prompt")
        if not urls:
            raise InvalidRequest("it has no image; name a URL or a file.", field="image")
        _requests.edit_request(urls, prompt, options, extra_body)
        extra_body = extra_body and json.loads(encode(extra_body))  # without tuples, as in the ledger
        key = self._text("key", given)
        if key is None:
            content = {"images": list(map(str, written)), "prompt": prompt, "options": options, "extra": extra_body}
            key = _requests.digest(content)[:32]
        check_key(key)
        output = self._text("output", {**given, "key": key})
        output = _of_key(key) if output is None else _checked(output)
        return Job(key, images, prompt, options, extra_body, output, place)

    def _check_name(self, column: str) -> None:
        near = _misspelt(column)
        if near and not any(template.has(column) for template in self.templates.values()):
            raise InvalidRequest(f"it has the column {column!r}; did you mean {near!r}?", field=column)

    def _text(self, name: str, given: Mapping[str, Any]) -> str | None:
        template, value = self.templates.get(name), given.get(name)
        if template and (value is None or template.has(name)):
            return template.fill(given)
        return str(value) if name != "prompt" and type(value) is int else value

    def _image(self, image: Any) -> str:
        text = os.fspath(image) if isinstance(image, os.PathLike) else image
        if not isinstance(text, str):
            raise must_be("a URL or the path of a file, as it is kept in the ledger", "image", image)
        if _PLAIN_URL.fullmatch(text):
            return text
        if text is image:
            text = text.strip()
            if "://" in text or text[:5].lower() == "data:":
                return _looked_at(text)
        return self._seen(str(self.folder / text) if text else "")


def _is_missing(value: object) -> bool:
    """Return whether a value was not given; tables of pandas have NaN or NA in its place."""
    if isinstance(value, str):
        return not value
    return value is None or type(value).__name__ == "NAType" or (isinstance(value, float) and math.isnan(value))


def _looked_at(image: str) -> str:
    """Return a URL, or what else names an image if it can be read and is one; or raise InvalidRequest."""
    found = parse(image, "image")
    if isinstance(found, str):
        return found
    with found.reading() as file:
        found.content_type(file.read(_media.LONGEST))
    return image


@lru_cache(1000)
def _misspelt(column: str) -> str | None:
    """Return the column that a name is likely meant to be, if it is none itself."""
    if column in _COLUMNS or _IMAGE.fullmatch(column):
        return None
    return next(iter(get_close_matches(column.lower(), _COLUMNS, 1, 0.8)), None)


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _extra_body(value: Any) -> dict[str, Any] | None:
    try:
        found = json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError) as error:
        raise must_be(f"a JSON object ({error})", "extra_body", value) from error
    if found is not None and not isinstance(found, dict):
        raise must_be("a JSON object", "extra_body", value)
    return found


def _of_key(key: str) -> str:
    """Return a file name for a key: the key if every file system takes it, else what is left of it and a digest."""
    if _is_name(key):
        return key
    words = "-".join(re.findall(r"\w+", key, re.ASCII))[:80]
    return f"{words}-{_requests.sha256(key.encode())[:16]}".lstrip("-")


def _is_name(text: object) -> bool:
    return isinstance(text, str) and bool(_NAME.fullmatch(text)) and len(text.encode()) <= _LONGEST_NAME


def _checked(output: str) -> str:
    if _is_name(output):
        return output
    expected = "the name of a file below the output folder, which every system takes: with / between folders, without "
    expected += f'<>:"|?*\\ and .., of at most {_LONGEST_NAME} bytes'
    raise must_be(expected, "output", output)
