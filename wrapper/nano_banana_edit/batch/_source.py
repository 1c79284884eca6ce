"""From what a caller has to the checked rows of a batch: a JSONL or CSV file, a folder, or mappings.

The columns of a row:

    image, images           a URL or the path of a file, or a list of them; in CSV one, and further ones in
    image_2, image_3 ...    columns of their own, as a path may contain any separator
    prompt                  the instruction
    image_size ...          the options of an edit, by their names
    extra_body              an object, or its JSON
    key, output             what identifies the edit, and the name of its file

Other columns are there for templates: `prompt="Put {name} on a beach"`. A value of the row goes before a template,
unless the template contains it: `output="{output}-snow"`. An empty value, or null, is one that was not given.
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
import os
import re
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from difflib import get_close_matches
from functools import lru_cache
from itertools import chain
from pathlib import Path
from string import Formatter
from typing import IO, Any, TypeAlias

from attrs import field, fields, frozen
from nano_banana_edit_client.constraints import Declared, shorten
from nano_banana_edit_client.models import EditRequest

from .. import _media, _requests
from .._errors import InvalidRequest, LedgerError, must_be
from .._images import parse
from .._redaction import visible
from ..ledger import check_key

Source: TypeAlias = str | os.PathLike[str] | Iterable[Mapping[str, Any]]
_Placed: TypeAlias = tuple[
    str, Mapping[str, Any] | InvalidRequest
]  # where a row is, and what it has or why that is unknown

_DECLARED = [attribute.name for attribute in fields(EditRequest) if isinstance(attribute.validator, Declared)]
_OPTIONS = [name for name in _DECLARED if name not in ("image_urls", "prompt")]
_COLUMNS = ["image", "images", "prompt", *_OPTIONS, "extra_body", "key", "output"]
_IMAGE = re.compile(r"images?|image_\d{1,4}", re.ASCII)
_NOT_UPLOADED = "https://not-uploaded.invalid/"  # stands for a local image while the rest is checked
_SHOWN = 20  # flaws, of all that were found
_LONGEST_NAME = 200  # bytes; file systems take 255, and an ending may be added
# A URL that `parse` returns as it is. Most are, and a million rows are to load in seconds.
_PLAIN_URL = re.compile(r"https?://[a-z0-9][a-z0-9.-]*(?:/[!-~]*)?", re.IGNORECASE | re.ASCII)
_NO_UTF8 = re.compile("[\udc80-\udcff]")  # what `surrogateescape` makes of other bytes
_RESERVED = r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])"  # as files, on Windows
_PART = rf'(?!{_RESERVED} *(?:[./]|\Z))(?! )[^<>:"|?*\\/\x00-\x1f]+(?<![. ])'
_NAME = re.compile(rf"{_PART}(?:/{_PART})*", re.IGNORECASE)
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


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
    source: Source, *, prompt: str | None = None, key: str | None = None, output: str | None = None, **options: Any
) -> Iterator[Job | Flaw]:
    """Return the rows of a source in their order, each as a job, or as a flaw if it cannot be used.

    Args:
        source: A file that ends in .jsonl, .ndjson or .csv; a folder, whose image files are the rows, with the columns
            `image`, `name` (the file name without its ending) and `ending`; or mappings of columns to values. A
            relative path of an image starts at the folder of the file, or for mappings at the working folder.
        prompt: Template of the instruction.
        key: Template of the key; default: a digest of the images as written, prompt, options and extra body.
        output: Template of the file name, which may contain {key}; default: from the key, in a folder {name}.
        options: The options of rows that have none, by name.

    Raises:
        InvalidRequest: The source, a template or an option cannot be used; also later, while the source is read.
    """
    given = {name: value for name, value in options.items() if value is not None}
    _requests.edit_request([_NOT_UPLOADED], "-", given, None)
    folder = Path.cwd()
    if isinstance(source, str | os.PathLike):
        path = folder / source
        reader = _files if path.is_dir() else _READERS.get(path.suffix.lower())
        if reader is None:
            raise must_be("a folder, or a file that ends in .jsonl, .ndjson or .csv", "source", str(source))
        if reader is _files:
            output = "{name}" if output is None else output
        rows, folder = reader(path), path if reader is _files else path.parent
    elif isinstance(source, Iterable) and not isinstance(source, Mapping | bytes):
        rows = ((f"Row {number}", row) for number, row in enumerate(source, 1))
    else:
        raise must_be("a path, or an iterable of mappings", "source", source)
    texts = {"prompt": prompt, "key": key, "output": output}
    templates = {name: _Template(name, text) for name, text in texts.items() if text is not None}
    return _jobs(rows, _Reader(folder, templates, given))


@contextmanager
def checked(jobs: Iterable[Job | Flaw]) -> Iterator[Iterator[Job]]:
    """Yield all jobs of a source when each was read and can be used; they are kept in a temporary file.

    Raises:
        InvalidRequest: Some rows cannot be used, or two have one key or one file. It names the first, and its notes
            name 19 more.
        LedgerError: The temporary file cannot be written.
    """
    flaws: list[str] = []
    number = 0

    def rows() -> Iterator[tuple[str, str, str, str]]:
        nonlocal number
        for job in jobs:
            if isinstance(job, Job):
                yield job.key, job.output.casefold(), job.place, _encode(job.spec())
            else:
                number += 1
                if number <= _SHOWN:
                    flaws.append(str(job.error.args[0]))

    with closing(sqlite3.connect("", isolation_level=None)) as spool:
        try:
            spool.execute("PRAGMA journal_mode = OFF")
            spool.execute("CREATE TABLE jobs (key, file, place, spec)")
            spool.execute("BEGIN")
            spool.executemany("INSERT INTO jobs VALUES (?, ?, ?, ?)", rows())
            for column, problem in _DOUBLES.items() if not number else ():
                for place, key, before in spool.execute(_FIND_DOUBLES.format(column), (_SHOWN - len(flaws),)):
                    number += 1
                    flaws.append(f"{place}: {problem.format(shorten(key), before)}")
        except sqlite3.Error as error:
            raise LedgerError(
                f"The rows cannot be kept in the temporary folder {tempfile.gettempdir()} ({error})."
            ) from error
        if flaws:
            first, *others = flaws
            many = f"{number:,} rows" if others else "A row"
            failure = InvalidRequest(f"{many} cannot be used; nothing was sent. {first}", field="source")
            for flaw in others:
                failure.add_note(visible(flaw))
            raise failure
        yield (Job.of(key, json.loads(spec), place) for key, place, spec in spool.execute(_IN_ORDER))


_IN_ORDER = "SELECT key, place, spec FROM jobs ORDER BY rowid"
_FIND_DOUBLES = """
    SELECT place, key, before FROM (
        SELECT rowid AS number, place, key, lag(place) OVER (PARTITION BY {0} ORDER BY rowid) AS before FROM jobs
    ) WHERE before IS NOT NULL ORDER BY number LIMIT ?
"""
_DOUBLES = {
    "key": "its key {} is that of {}; to edit the same twice, give each a key of its own.",
    "file": "the edit {} has the same file name as {}; give each a file name of its own.",
}


def _jobs(rows: Iterable[_Placed], reader: _Reader) -> Iterator[Job | Flaw]:
    for place, row in rows:
        try:
            yield reader.job(place, row)
        except InvalidRequest as error:
            problem = str(error.args[0])
            if error.field == "image":  # the rest is what Python takes, such as bytes
                problem = f"{problem.partition(', or pass ')[0].rstrip('.')}."
            key = str(row.get("key") or "") if isinstance(row, Mapping) else ""
            yield Flaw(key, InvalidRequest(f"{place}: {problem}", field=error.field, value=error.value))


def _lines(path: Path) -> Iterator[_Placed]:
    with _opened(path) as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield f"Line {number}", _object(line)


def _object(line: str) -> Any:
    try:
        problem = "is not UTF-8; save the file as UTF-8" if _NO_UTF8.search(line) else ""
        row = problem or json.loads(line)
    except (ValueError, RecursionError) as error:
        problem = f"is not JSON ({error}); write each row on one line"
    return InvalidRequest(f"it {problem}.", field="source", value=line) if problem else row


def _records(path: Path) -> Iterator[_Placed]:
    with _opened(path) as file:
        head = file.readline()
        separator = max(",;\t", key=head.count)
        reader = csv.reader(chain([head], file), delimiter=separator, strict=True)
        line = 1
        columns: list[str] = []
        try:
            columns = [column.strip() for column in next(reader, [])]
            if "" in columns or len(columns) > len({*columns}):
                raise InvalidRequest(f"{path.name} has two columns of one name, or one without.", field="source")
            line = reader.line_num + 1
            for values in reader:
                if values:
                    yield f"Line {line}", _record(columns, values)
                line = reader.line_num + 1
        except csv.Error as error:
            yield f"Line {line}", InvalidRequest(f"it is not CSV ({error}); the rest was not read.", field="source")


def _record(columns: list[str], values: list[str]) -> Mapping[str, Any] | InvalidRequest:
    problem = "it is not UTF-8; save the file as UTF-8." if _NO_UTF8.search("".join(values)) else None
    if len(values) != len(columns):
        problem = f"it has {len(values)} values, and the first line has {len(columns)} columns."
    return InvalidRequest(problem, field="source", value=values) if problem else dict(zip(columns, values, strict=True))


def _files(folder: Path) -> Iterator[_Placed]:
    """Yield the image files of a folder. Those in folders below it may be results of earlier batches."""
    try:
        files = [file for file in sorted(folder.iterdir()) if _media.of_name(file.name) and file.name[0] != "."]
    except OSError as error:
        raise _unreadable(folder, error) from error
    if not files:
        raise InvalidRequest(f"source {str(folder)!r} has no image files.", field="source", value=str(folder))
    for file in files:
        yield file.name, {"image": file.name, "name": file.stem, "ending": file.suffix[1:]}


_READERS = {".jsonl": _lines, ".ndjson": _lines, ".csv": _records}


@contextmanager
def _opened(path: Path) -> Iterator[IO[str]]:
    try:
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            yield file
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> InvalidRequest:
    problem = f"{str(path)!r} cannot be read ({error.strerror or error}); check the path"
    return InvalidRequest(f"source {problem}.", field="source", value=str(path))


@frozen
class _Template:
    """A text with names of columns in braces; `{{` is a brace."""

    name: str
    text: str
    parts: list[tuple[str, str | None]] = field(init=False)  # a literal, and the column after it

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.text, str):
            raise must_be("a text, with names of columns in braces", self.name, self.text)
        try:
            parts = [*Formatter().parse(self.text)]
            problem = "" if all(not (how or as_) for *_, how, as_ in parts) else "a column stands alone in its braces"
            problem = problem or ("" if all(column != "" for _, column, *_ in parts) else "name a column in the braces")
        except ValueError as error:
            problem = str(error)
        if problem:
            raise InvalidRequest(
                f"{self.name} {shorten(self.text)} is no template ({problem}); write {{{{ for a brace.",
                field=self.name,
                value=self.text,
            )
        object.__setattr__(self, "parts", [(literal, column) for literal, column, *_ in parts])

    def has(self, column: str) -> bool:
        return any(column == name for _, name in self.parts)

    def fill(self, row: Mapping[str, Any]) -> str:
        """Return the text with a row's values. Raises InvalidRequest if the row does not have one."""
        return "".join(literal + ("" if column is None else self._value(row, column)) for literal, column in self.parts)

    def _value(self, row: Mapping[str, Any], column: str) -> str:
        value = row.get(column)
        if isinstance(value, str | int | float):
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

    def job(self, place: str, row: Mapping[str, Any] | InvalidRequest) -> Job:
        """Return the job of a row, or raise InvalidRequest."""
        if isinstance(row, InvalidRequest):
            raise row
        if not isinstance(row, Mapping):
            raise InvalidRequest(f"it is {shorten(row)}; it must be an object with columns.", field="source", value=row)
        given = {name: value for name, value in row.items() if not _is_missing(value)}
        for name in given:
            self._check_name(name)
        written = [image for name, value in given.items() if _IMAGE.fullmatch(name) for image in _listed(value)]
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
        key = self._text("key", given)
        if key is None:
            content = {"images": list(map(str, written)), "prompt": prompt, "options": options, "extra": extra_body}
            key = _requests.digest(content)[:32]
        check_key(key)
        output = self._text("output", {**given, "key": key})
        return Job(
            key, images, prompt, options, extra_body, _of_key(key) if output is None else _checked(output), place
        )

    def _check_name(self, column: object) -> None:
        if not isinstance(column, str):
            raise InvalidRequest(f"it has the column {shorten(column)}; names are text.", field="source", value=column)
        near = _misspelt(column)
        if near and not any(template.has(column) for template in self.templates.values()):
            raise InvalidRequest(f"it has the column {column!r}; did you mean {near!r}?", field=column)

    def _text(self, name: str, given: Mapping[str, Any]) -> str | None:
        template, value = self.templates.get(name), given.get(name)
        if template and (value is None or template.has(name)):
            return template.fill(given)
        return str(value) if name != "prompt" and type(value) is int else value

    def _image(self, image: Any) -> str:
        text = os.fspath(image) if isinstance(image, str | os.PathLike) else image
        if not isinstance(text, str):
            raise must_be("a URL or the path of a file, as it is kept in the ledger", "image", image)
        if _PLAIN_URL.fullmatch(text):
            return text
        text = text.strip()
        if "://" in text or text[:5].lower() == "data:":
            url = parse(text, "image")
            return url if isinstance(url, str) else text
        path = str(self.folder / text) if text else ""
        _check_file(path)
        return path


def _is_missing(value: object) -> bool:
    """Return whether a value was not given; tables of pandas have NaN in its place."""
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


@lru_cache(1000)
def _check_file(path: str) -> None:
    """Raise InvalidRequest if a local image cannot be read, or is no image."""
    image = parse(path, "image")
    if not isinstance(image, str):
        with image.reading() as file:
            image.content_type(file.read(_media.LONGEST))


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
    return f"{words}-{hashlib.sha256(key.encode(errors='replace')).hexdigest()[:16]}".lstrip("-")


def _is_name(text: object) -> bool:
    return isinstance(text, str) and bool(_NAME.fullmatch(text)) and len(text.encode(errors="replace")) <= _LONGEST_NAME


def _checked(output: str) -> str:
    if _is_name(output):
        return output
    expected = "the name of a file below the output folder, which every system takes: with / between folders, without "
    expected += f'<>:"|?*\\ and .., of at most {_LONGEST_NAME} bytes'
    raise must_be(expected, "output", output)
