"""A request judged by the document: the transport first, then every schema, by jsonschema-rs."""

import re
from collections.abc import Collection, Iterator, Sequence
from functools import reduce
from itertools import islice
from operator import getitem
from typing import Any
from urllib.parse import quote

from attrs import frozen
from jsonschema_rs import Draft202012Validator, ValidationError

from ..contract import JSON, Contract, Operation
from ..contract.census import Location, escape
from ..contract.wording import explain, spell
from .bodies import Malformed, Part, read_form, read_json
from .records import Request, Violation

ENVELOPE = 1024 * 1024  # bytes beyond the largest file: a form's part headers, or a whole JSON request
MAX_VIOLATIONS = 20  # of one request, so that an array of a million wrong items is answered in one line

# One media type and its parameters (RFC 9110, section 8.3.1); a comma out of quotes joins the values of two headers.
_MEDIA_TYPE = re.compile(r'\s*([^\s;,]+)\s*(?:;(?:[^",]|"(?:[^"\\]|\\.)*")*)?')
_TOKEN = re.compile(r"[\w.~+/-]+=*", re.ASCII)  # RFC 6750, section 2.1
_BEARER = re.compile(rf"bearer +({_TOKEN.pattern})", re.ASCII | re.IGNORECASE)


@frozen(kw_only=True)
class Verdict:
    """What is wrong with a request, the status if HTTP prescribes one for that, its JSON value or a form's files."""

    violations: tuple[Violation, ...] = ()
    status: int | None = None
    value: Any = None
    files: tuple[Part, ...] = ()


class Referee:
    """Judges requests by one contract; a body of more than `max_body` bytes is not looked into."""

    def __init__(self, contract: Contract) -> None:
        self._document: Any = contract.document
        self._files = {(c.operation, c.field): 0 for c in contract.constraints if c.keyword == "format"}
        for constraint in contract.constraints:
            if constraint.keyword == "maxLength" and (constraint.operation, constraint.field) in self._files:
                self._files[constraint.operation, constraint.field] = constraint.value
        self.max_body = max(self._files.values(), default=0) + ENVELOPE
        self._validators = {
            # The whole document, so that every `$ref` resolves and every error is located in it. The mask keeps a large
            # value out of messages that nobody reads.
            pointer: Draft202012Validator({**self._document, "$ref": f"#{quote(pointer, safe='/~')}"}, mask="")
            for pointer in {operation.schema for operation in contract.operations if operation.schema}
        }

    def judge(self, operation: Operation, request: Request, token: str | None) -> Verdict:
        """Judge a request in the order authorization, size, content type, body.

        A path is text, and the document demands no more of one. `token` is the only one accepted, None accepts any.
        """
        authorization = request.header("Authorization")
        if operation.bearer and (message := _unauthorized(authorization, token)):
            return _refusal(401, "security", "security", "Authorization", message)
        if len(request.body) > self.max_body:  # all of which not every server reads
            message = f"The body has more than {self.max_body} bytes; the service accepts no more. Shorten it."
            return _refusal(413, "body", "size", None, message)
        if operation.media_type is None or not (request.body or operation.body_required):
            return Verdict()
        if refusal := _unsupported(request, operation.media_type):
            return refusal
        try:
            return self._judge_body(operation, request.body, request.header("Content-Type") or "")
        except Malformed as error:
            return Verdict(violations=(_violation("content", str(error), error.path),))

    def _judge_body(self, operation: Operation, body: bytes, content_type: str) -> Verdict:
        if not body:
            return Verdict(violations=(_violation("required", explain("The body", "required", {}, None)),))
        if operation.media_type == JSON:
            value = read_json(body)
            return Verdict(violations=self.check(operation.schema, value), value=value)
        form: dict[str, str] = {}
        files: dict[str, Part] = {}
        for part in read_form(content_type, body):
            if (operation.id, (part.name,)) not in self._files:
                form[part.name] = part.content.decode(errors="replace")
                continue
            if part.name in files:
                raise Malformed(f"{part.name} is given twice; the service accepts one. Remove the other.", part.name)
            if part.filename is None:
                raise Malformed(f"{part.name} has no file name; the service accepts a file. Name it.", part.name)
            files[part.name] = part
            # Of a file only the length is constrained, and blanks are the cheapest text of that length.
            form[part.name] = " " * len(part.content)
        found = self.check(operation.schema, form, files=tuple(files))
        large = any(violation.keyword == "maxLength" and violation.field in files for violation in found)
        return Verdict(violations=found, status=413 if large else None, files=tuple(files.values()))

    def check(self, schema: str, value: Any, files: Sequence[str] = ()) -> tuple[Violation, ...]:
        """Return what the schema of an operation refuses; of the properties in `files` only the length is known."""
        validator = self._validators[schema]
        if validator.is_valid(value):  # which is quicker than to look for none
            return ()
        errors = islice(validator.iter_errors(value), MAX_VIOLATIONS)
        return tuple(violation for error in errors for violation in self._explain(error, value, files))

    def _explain(self, error: ValidationError, value: Any, files: Sequence[str]) -> Iterator[Violation]:
        *parents, last = error.schema_path
        schema = reduce(getitem, parents, self._document)
        keyword = str(last)
        match keyword:
            case "required":
                ends = [[error.kind.value]]
            case "additionalProperties":
                # Where none is declared, no name is given: it is each that the object has.
                ends = [[name] for name in error.kind.value or reduce(getitem, error.instance_path, value)]
            case _:
                ends = [[]]  # the value itself is at fault, not one of its properties
        for end in ends:
            path = (*error.instance_path, *end)
            unit = "bytes" if {*path} & {*files} else "characters"
            message = explain(spell(path), keyword, schema, error.instance, unit)
            yield _violation(keyword, message, path)


def astray(method: str, path: str, allow: Collection[str], document: str = "openapi.yaml") -> Verdict:
    """Judge a request that means no operation; `allow` are the methods that its path has, which OPTIONS asks for."""
    if method in allow:
        return Verdict()
    if not allow:
        message = f"{path} is no path of the service. Compare it with {document}."
        return _refusal(404, "path", "paths", None, message)
    message = f"{path} has no such method; the service accepts {', '.join(allow)}."
    return _refusal(405, "path", "paths", None, message)


def check_token(name: str, token: str | None) -> None:
    """Refuse a token that no request can carry; its value is not told."""
    if token is not None and not _TOKEN.fullmatch(token):
        accepted = "letters, digits and -._~+/, with = at the end"
        raise ValueError(f"{name} is no bearer token; the mock accepts {accepted}. Choose another.")


def _violation(keyword: str, message: str, path: Sequence[str | int] = ()) -> Violation:
    return Violation(
        location="body",
        pointer="".join(f"/{escape(str(token))}" for token in path),
        field=path[0] if path and isinstance(path[0], str) else None,
        keyword=keyword,
        message=message,
    )


def _unauthorized(authorization: str | None, token: str | None) -> str | None:
    match = _BEARER.fullmatch(authorization or "")
    if match and token in {None, match[1]}:
        return None
    state = "carries another token" if match else "is missing" if authorization is None else "is not a bearer token"
    return f"Authorization {state}; the service accepts Bearer <token>. Send that."


def _unsupported(request: Request, media_type: str) -> Verdict | None:
    content_type, coding = request.header("Content-Type"), request.header("Content-Encoding") or "identity"
    match = _MEDIA_TYPE.fullmatch(content_type or "")
    if not match or match[1].lower() != media_type:
        state = "is missing" if content_type is None else f"is {content_type[:60]}"
        message = f"Content-Type {state}; the service accepts {media_type}. Send that."
        return _refusal(415, "header", "content", "Content-Type", message)
    if coding.lower() != "identity":
        message = f"Content-Encoding is {coding[:60]}; the service accepts none. Send the body as it is."
        return _refusal(415, "header", "content", "Content-Encoding", message)
    return None


def _refusal(status: int, location: Location, keyword: str, field: str | None, message: str) -> Verdict:
    return Verdict(
        violations=(Violation(location=location, field=field, keyword=keyword, message=message),), status=status
    )
