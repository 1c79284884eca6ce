"""Bodies: bytes to a JSON value, or to the fields and files of a form, read strictly."""

import re
from typing import Any

from attrs import frozen
from python_multipart.multipart import parse_options_header

from ..contract import JSON, Operation
from ..contract.reading import Flaw, read_json

_QUOTED = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_ESCAPE = re.compile(rb"\\(.)")  # in a quoted string (RFC 9110, section 5.6.4)
_HEADER = re.compile(rb"([\w!#$%&'*+.^`|~-]+):[ \t]*(.*?)[ \t]*")  # RFC 9110, section 5


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
        boundary = parse_options_header(content_type)[1].get(b"boundary")
    except UnicodeError as error:
        raise Flaw(f"has a boundary that is not Latin-1 ({error}); use ASCII.") from error
    if not boundary:
        raise Flaw("has no boundary in its Content-Type; a form needs one.")
    boundary = _ESCAPE.sub(rb"\1", boundary)
    # The padding of a delimiter is not part of it (RFC 2046, section 5.1.1).
    delimiter = re.compile(rb"\r\n--" + re.escape(boundary) + rb"(--|[ \t]*\r\n)")
    _, *pieces = delimiter.split(b"\r\n" + body)  # what is before the first and after the last delimiter is no part
    if not pieces:
        raise Flaw("does not have the boundary that its Content-Type names.")
    ends, chunks = pieces[::2], pieces[1::2]
    if b"--" not in ends:
        raise Flaw("is cut off; its closing boundary is missing.")
    return [_part(chunk) for chunk in chunks[: ends.index(b"--")]]


def _part(chunk: bytes) -> Part:
    head, _, content = chunk.partition(b"\r\n\r\n")
    lines = [_HEADER.fullmatch(line) for line in head.split(b"\r\n")]
    headers = {line[1].lower(): line[2] for line in lines if line}
    kind, options = parse_options_header(headers.get(b"content-disposition"))
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
