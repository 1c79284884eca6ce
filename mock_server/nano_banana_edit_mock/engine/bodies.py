"""Bodies: bytes to a JSON value, or to the fields and files of a form, read strictly and in linear time."""

import re
import zlib
from itertools import islice
from typing import Any

from attrs import frozen

from ..contract import JSON, Operation
from ..contract.reading import Flaw, read_json

MAX_VALUES = 500_000  # in a JSON body; more of them take seconds to read, and more memory than the largest file
MAX_PARTS = 1_000  # of a form, as most servers have it
MAX_PART_HEAD = 8_192  # bytes of the headers of a part
MAX_BOUNDARY = 70  # bytes (RFC 2046, section 5.1.1)

# The repetitions are possessive: the pattern never goes back, and a hostile body takes no more time than another one.
_VALUE = re.compile(rb'(?:[^",\[{]++|"(?:[^"\\]++|\\.?+)*+"?+)*+(?:[,\[{]|\Z)', re.DOTALL)  # to where one begins
_PARAMETER = re.compile(rb';[ \t]*+([^=;" \t]++)[ \t]*+=[ \t]*+(?:"((?:[^"\\]++|\\.)*+)"|([^;"]*+))', re.DOTALL)
_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)  # in a quoted string (RFC 9110, section 5.6.4)
_HEADER = re.compile(rb"([\w!#$%&'*+.^`|~-]++):([^\r\n]*+)")  # RFC 9110, section 5
_QUOTED = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)


def decoded(content: bytes, coding: str, most: int) -> bytes | None:
    """Return a body of at most so many bytes without its coding; None if it has none, is damaged or too large."""
    if coding.strip().lower() not in {"gzip", "x-gzip", "deflate"}:
        return None
    decoder = zlib.decompressobj(zlib.MAX_WBITS | 32)  # of gzip and of deflate
    try:
        plain = decoder.decompress(content, most)
    except zlib.error:
        return None
    return plain if decoder.eof and not decoder.unused_data else None


@frozen
class Part:
    """One part of a form; `filename` is None for a plain field, `content_type` if it was not sent."""

    name: str
    filename: str | None
    content_type: str | None
    content: bytes


def read(operation: Operation, content_type: str, body: bytes) -> tuple[Any, tuple[Part, ...]]:
    """Return the value of a body, and the files in it; in the value of a form, blanks stand for a file."""
    if not body:
        raise Flaw("is missing; it is required.", keyword="required")
    if operation.media_type == JSON:
        if len(body) > MAX_VALUES and any(islice(_VALUE.finditer(body), MAX_VALUES, None)):
            raise Flaw(f"has more than {MAX_VALUES} values, which is the limit of the mock.")
        return read_json(body), ()
    form: dict[str, Any] = {}
    files = []
    for part in read_form(content_type, body):
        field = operation.fields.get(part.name)
        value = _value(field.kind if field else "string", part)
        if field and field.kind == "file":
            files.append(part)
        if field and field.many:
            form.setdefault(part.name, []).append(value)
        elif field and part.name in form:
            raise Flaw("is given twice; use one part.", part.name)
        else:
            form[part.name] = value
    return form, tuple(files)


def _value(kind: str, part: Part) -> Any:
    if kind == "file":
        if part.filename is None:
            raise Flaw("has no file name; it must be a file.", part.name)
        return " " * len(
            part.content
        )  # only its length is constrained, and blanks are the cheapest text of that length
    if kind == "string":
        return part.content.decode(errors="replace")
    try:
        return read_json(part.content)
    except Flaw as flaw:
        if kind != "object":  # the schema then says what it must be
            return part.content.decode(errors="replace")
        flaw.path = (part.name, *flaw.path)
        raise


def read_form(content_type: str, body: bytes) -> list[Part]:
    """Return the parts of a `multipart/form-data` body (RFC 7578); `content_type` has the boundary."""
    try:
        boundary = _options(content_type.encode("latin-1"))[1].get(b"boundary")
    except UnicodeError as error:
        raise Flaw(f"has a boundary that is not Latin-1 ({error}); use ASCII.") from error
    if not boundary:
        raise Flaw("has no boundary in its Content-Type; a form needs one.")
    if len(boundary) > MAX_BOUNDARY:
        raise Flaw(f"has a boundary of {len(boundary)} bytes; the limit is 1 to {MAX_BOUNDARY}.")
    # The padding of a delimiter is not part of it (RFC 2046, section 5.1.1).
    delimiter = re.compile(rb"\r\n--" + re.escape(boundary) + rb"(--|[ \t]*+\r\n)")
    # What is before the first and after the last delimiter is no part.
    _, *pieces = delimiter.split(b"\r\n" + body, MAX_PARTS + 1)
    if not pieces:
        raise Flaw("does not have the boundary that its Content-Type names.")
    ends, chunks = pieces[::2], pieces[1::2]
    if b"--" in ends:
        return [_part(chunk) for chunk in chunks[: ends.index(b"--")]]
    if len(ends) > MAX_PARTS:
        raise Flaw(f"has more than {MAX_PARTS} parts, which is the limit of the mock.")
    raise Flaw("is cut off; its closing boundary is missing.")


def _part(chunk: bytes) -> Part:
    head, _, content = chunk.partition(b"\r\n\r\n")
    if len(head) > MAX_PART_HEAD:
        raise Flaw(f"has a part with {len(head)} bytes of headers; the limit is {MAX_PART_HEAD}.")
    lines = [_HEADER.fullmatch(line) for line in head.split(b"\r\n")]
    headers = {line[1].lower(): line[2].strip(b" \t") for line in lines if line}
    kind, options = _options(headers.get(b"content-disposition", b""))
    if None in lines or kind != b"form-data" or b"name" not in options:
        raise Flaw("has a part without a name; it is required.")
    if b"filename*" in _QUOTED.sub(b"", headers[b"content-disposition"].lower()):
        raise Flaw(
            "has filename*, which a form does not have (RFC 7578, section 4.2). Use filename.",
            str(options[b"name"], "utf-8", "replace"),
        )
    filename, media_type = options.get(b"filename"), headers.get(b"content-type")
    return Part(
        options[b"name"].decode(errors="replace"),
        filename if filename is None else filename.decode(errors="replace"),
        media_type if media_type is None else media_type.decode("latin-1"),
        content,
    )


def _options(value: bytes) -> tuple[bytes, dict[bytes, bytes]]:
    """Return the value of a header in lower case, and its parameters."""
    kind, semicolon, rest = value.partition(b";")
    return kind.strip(b" \t").lower(), {
        name.lower(): _ESCAPE.sub(rb"\1", quoted) or plain.strip(b" \t")
        for name, quoted, plain in _PARAMETER.findall(semicolon + rest)
    }
