"""Bodies, read strictly: bytes to a JSON value, or to the parts of a form."""

import json
import math
import re
from codecs import BOM_UTF8
from collections.abc import Collection
from typing import Any

from attrs import frozen
from python_multipart.multipart import parse_options_header

from ..contract import JSON
from ..contract.reading import MAX_DEPTH
from ..contract.wording import explain, spell

_SURROGATE = re.compile("[\ud800-\udfff]")
_TOO_DEEP = f"The body is nested too deep; the limit is {MAX_DEPTH} levels."
_ESCAPE = re.compile(rb"\\(.)")  # in a quoted string (RFC 9110, section 5.6.4)
_HEADER = re.compile(rb"([\w!#$%&'*+.^`|~-]+):[ \t]*(.*?)[ \t]*")  # RFC 9110, section 5


class Malformed(ValueError):
    """A body that cannot be read; `path` leads to the culprit if that is known."""

    def __init__(self, message: str, *path: str | int, keyword: str = "content") -> None:
        super().__init__(message)
        self.path, self.keyword = path, keyword


@frozen
class Part:
    """One part of a form; `filename` is None for a plain field, `content_type` if it was not sent."""

    name: str
    filename: str | None
    content_type: str | None
    content: bytes


def read(media_type: str, content_type: str, body: bytes, names: Collection[str]) -> tuple[Any, dict[str, Part]]:
    """Return the value of a body, and the files in it: the parts of a form whose name is one of `names`."""
    if not body:
        raise Malformed(explain("The body", "required", {}, None), keyword="required")
    if media_type == JSON:
        return read_json(body), {}
    form: dict[str, str] = {}
    files: dict[str, Part] = {}
    for part in read_form(content_type, body):
        if part.name not in names:
            form[part.name] = part.content.decode(errors="replace")
            continue
        if part.name in files:
            raise Malformed(f"{part.name} is given twice; use one part.", part.name)
        if part.filename is None:
            raise Malformed(f"{part.name} has no file name; it must be a file.", part.name)
        files[part.name] = part
        # Only the length of a file is constrained, and blanks are the cheapest text of that length.
        form[part.name] = " " * len(part.content)
    return form, files


def read_json(body: bytes) -> Any:
    """Return a body as one JSON value (RFC 8259); what parsers disagree on is refused."""
    if body.startswith(BOM_UTF8):
        raise Malformed("The body starts with a byte order mark. Remove it.")
    try:
        value = _DECODER.decode(body.decode())
        _inspect(value)
    except UnicodeError as error:
        raise Malformed(f"The body is not UTF-8 ({error}).") from error
    except json.JSONDecodeError as error:
        raise Malformed(f"The body is not JSON ({error}).") from error
    except RecursionError as error:
        raise Malformed(_TOO_DEEP) from error
    except _Flaw as flaw:
        raise Malformed(flaw.text.format(spell(flaw.path)), *flaw.path) from flaw
    return value


class _Flaw(Exception):
    """Something that parsers disagree on; `path` grows on the way out, so that a sound value pays nothing for it."""

    def __init__(self, text: str, *path: str | int) -> None:
        super().__init__(text)
        self.text, self.path = text, path


class _Repeating(dict[str, Any]):
    """An object in which a key was written twice."""

    twice = ""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        value = _Repeating(value)
        keys = [key for key, _ in pairs]
        value.twice = next(key for key in keys if keys.count(key) > 1)
    return value


def _whole(text: str) -> float:
    number = float(text)  # infinite beyond the range of a double, as it is to most readers
    return int(text) if math.isfinite(number) else number


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=_whole)


def _inspect(value: Any, depth: int = 0) -> None:
    """Refuse what parsers disagree on, in keys too (RFC 7493, section 2)."""
    if isinstance(value, str):
        if not value.isascii() and _SURROGATE.search(value):
            raise _Flaw("{} has a lone surrogate; use whole characters.")
    elif isinstance(value, (dict, list)):
        if depth == MAX_DEPTH:
            raise _Flaw(_TOO_DEEP)
        if isinstance(value, _Repeating):
            raise _Flaw("{} is given twice; use each key once.", value.twice)
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            try:
                if isinstance(key, str):
                    _inspect(key)
                _inspect(inner, depth + 1)
            except _Flaw as flaw:
                flaw.path = (key, *flaw.path)
                raise
    elif isinstance(value, float) and not math.isfinite(value):
        raise _Flaw("{} is not a finite number, or does not fit into a double.")


def read_form(content_type: str, body: bytes) -> list[Part]:
    """Return the parts of a `multipart/form-data` body (RFC 7578); `content_type` has the boundary."""
    try:
        boundary = parse_options_header(content_type)[1].get(b"boundary")
    except UnicodeError as error:
        raise Malformed(f"The boundary is not Latin-1 ({error}); use ASCII.") from error
    if not boundary:
        raise Malformed("Content-Type has no boundary; a form needs one.")
    boundary = _ESCAPE.sub(rb"\1", boundary)
    # The padding of a delimiter is not part of it (RFC 2046, section 5.1.1).
    delimiter = re.compile(rb"\r\n--" + re.escape(boundary) + rb"(--|[ \t]*\r\n)")
    _, *pieces = delimiter.split(b"\r\n" + body)  # what is before the first and after the last delimiter is no part
    if not pieces:
        raise Malformed("The form does not have the boundary that its Content-Type names.")
    ends, chunks = pieces[::2], pieces[1::2]
    if b"--" not in ends:
        raise Malformed("The form is cut off; its closing boundary is missing.")
    return [_part(chunk) for chunk in chunks[: ends.index(b"--")]]


def _part(chunk: bytes) -> Part:
    head, _, content = chunk.partition(b"\r\n\r\n")
    lines = [_HEADER.fullmatch(line) for line in head.split(b"\r\n")]
    headers = {line[1].lower(): line[2] for line in lines if line}
    kind, options = parse_options_header(headers.get(b"content-disposition"))
    if None in lines or kind != b"form-data" or b"name" not in options:
        raise Malformed("A part of the form has no name; it is required.")
    filename, media_type = options.get(b"filename"), headers.get(b"content-type")
    return Part(
        options[b"name"].decode(errors="replace"),
        filename if filename is None else filename.decode(errors="replace"),
        media_type if media_type is None else media_type.decode("latin-1"),
        content,
    )
