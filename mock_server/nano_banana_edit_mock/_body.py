"""Bodies read strictly: bytes to a JSON value, or to the parts of a form."""

import json
import math
import re
from codecs import BOM_UTF8
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NoReturn

from attrs import frozen
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from ._messages import spell

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MAX_DEPTH = 128
"""Containers within containers; deeper input costs a parser its stack, and no request has more than two."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_TOO_DEEP = f"The body is nested too deep; the service accepts {MAX_DEPTH} levels. Flatten it."


class Malformed(ValueError):
    """A body that cannot be read, in the words of `explain`; `path` leads to the culprit where that is known."""

    def __init__(self, message: str, *path: str | int) -> None:
        super().__init__(message)
        self.path = path


def read_json(body: bytes) -> Any:
    """Return a body as one JSON value (RFC 8259), refusing what parsers disagree on: see the messages."""
    if body.startswith(BOM_UTF8):
        raise Malformed("The body starts with a byte order mark; the service accepts UTF-8 without one. Remove it.")
    try:
        value = json.loads(
            body.decode(),
            object_pairs_hook=_object,
            parse_constant=_refuse_number,
            parse_float=_float,
            parse_int=_int,
        )
        _refuse_depth(value)
        if b"\\u" in body:
            _refuse_surrogates(value)
    except UnicodeError as error:
        raise Malformed(f"The body is not UTF-8 ({error}); the service accepts nothing else. Encode it so.") from error
    except json.JSONDecodeError as error:
        raise Malformed(f"The body is not JSON ({error}); the service accepts one JSON value. Mend it.") from error
    except RecursionError as error:
        raise Malformed(_TOO_DEEP) from error
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise Malformed(f"{twice} is given twice; the service accepts each key once. Remove one.")
    return value


def _refuse_number(text: str) -> NoReturn:
    raise Malformed(f"The body holds the number {text[:20]}; the service accepts finite ones. Replace it.")


def _float(text: str) -> float:
    number = float(text)
    return _refuse_number(text) if math.isinf(number) else number


def _int(text: str) -> int:
    _float(text)  # an integer beyond the range of a double is infinite to most readers
    return int(text)


def _refuse_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for item in level for inner in _children(item)]
    if any(isinstance(item, dict | list) for item in level):
        raise Malformed(_TOO_DEEP)


def _refuse_surrogates(value: Any, *path: str | int) -> None:
    if isinstance(value, str) and _SURROGATE.search(value):
        raise Malformed(f"{spell(path)} has a lone surrogate; the service accepts whole characters. Remove it.", *path)
    if isinstance(value, dict):
        for key, inner in value.items():
            _refuse_surrogates(key, *path)
            _refuse_surrogates(inner, *path, key)
    if isinstance(value, list):
        for index, inner in enumerate(value):
            _refuse_surrogates(inner, *path, index)


def _children(item: Any) -> Iterable[Any]:
    if isinstance(item, dict):
        return item.values()
    return item if isinstance(item, list) else ()


@frozen
class Part:
    """One part of a form; `filename` is None for a plain field, `content_type` when it was not sent."""

    name: str
    filename: str | None
    content_type: str | None
    content: bytes


def read_form(content_type: str, body: bytes) -> list[Part]:
    """Return the parts of a `multipart/form-data` body (RFC 7578); `content_type` names the boundary."""
    form = _Form()
    try:
        boundary = parse_options_header(content_type)[1].get(b"boundary")
        if not boundary:
            raise Malformed("Content-Type names no boundary; the service accepts a form with one. Add it.")
        MultipartParser(boundary, form.callbacks()).write(body)
    except (FormParserError, UnicodeError) as error:
        raise Malformed(f"The body is not a form ({error}); the service accepts multipart. Mend it.") from error
    if not form.complete:
        raise Malformed("The form is cut off; the service accepts one with its closing boundary. Send all of it.")
    return form.parts


class _Form:
    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.complete = False
        self.headers: dict[bytes, bytes] = {}
        self.header, self.value, self.content = bytearray(), bytearray(), bytearray()

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_header_field": lambda data, start, end: self.header.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self.value.extend(data[start:end]),
            "on_header_end": self.end_header,
            "on_part_data": lambda data, start, end: self.content.extend(data[start:end]),
            "on_part_end": self.end_part,
            "on_end": self.end,
        }

    def end_header(self) -> None:
        self.headers[bytes(self.header).lower()] = bytes(self.value).strip()
        self.header, self.value = bytearray(), bytearray()

    def end_part(self) -> None:
        kind, options = parse_options_header(self.headers.get(b"content-disposition"))
        if kind != b"form-data" or b"name" not in options:
            raise Malformed("A part of the form has no name; the service accepts named parts. Name it.")
        filename, media_type = options.get(b"filename"), self.headers.get(b"content-type")
        self.parts.append(
            Part(
                name=options[b"name"].decode(errors="replace"),
                filename=None if filename is None else filename.decode(errors="replace"),
                content_type=None if media_type is None else media_type.decode("latin-1"),
                content=bytes(self.content),
            )
        )
        self.headers, self.content = {}, bytearray()

    def end(self) -> None:
        self.complete = True
