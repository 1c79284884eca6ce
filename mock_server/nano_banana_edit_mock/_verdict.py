"""A request judged by the document: the transport first, then every schema, by jsonschema-rs."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from attrs import field, frozen
from jsonschema_rs import Draft202012Validator, ValidationError

from ._body import Malformed, Part, read_form, read_json
from ._census import Location, escape, resolve
from ._http import Request
from ._messages import explain, spell
from .contract import JSON, Contract, Operation

ENVELOPE = 1024 * 1024
"""Bytes a body may have beyond the largest file: a form's part headers, or a whole JSON request."""

MAX_VIOLATIONS = 20
"""Violations reported of one request, so that an array of a million wrong items is answered in one line."""

_BEARER = re.compile(r"bearer +([\w.~+/-]+=*)", re.ASCII | re.IGNORECASE)  # RFC 6750, section 2.1


@frozen(kw_only=True)
class Violation:
    """One thing a request does wrong.

    Attributes:
        location: Where in the request.
        pointer: JSON pointer into the body; empty for the whole body and outside it.
        field: Top-level property, parameter or header at fault; None for the whole body.
        keyword: The violated keyword of the document; `security`, `content` or `size` outside the schemas.
        message: The field, what was received, what is accepted, the remedy.
    """

    location: Location
    pointer: str = ""
    field: str | None = None
    keyword: str
    message: str


@frozen(kw_only=True)
class Verdict:
    """What the document says to a request.

    Attributes:
        violations: What is wrong; empty when the request is accepted.
        status: The status HTTP prescribes for the first violation; None when it leaves that to the service.
        value: The JSON body, as far as it could be read.
        parts: The parts of a form by name.
    """

    violations: tuple[Violation, ...] = ()
    status: int | None = None
    value: Any = None
    parts: Mapping[str, Part] = field(factory=dict)


@frozen
class _Target:
    location: Location
    name: str | None = None
    files: Sequence[str] = ()


_BODY = _Target("body")


class Referee:
    """Judges requests by one contract.

    Attributes:
        files: The properties of each operation's body that are files.
        max_body: Largest body in bytes that is looked into.
    """

    def __init__(self, contract: Contract) -> None:
        self._document = contract.document
        binary = {(c.operation, c.field) for c in contract.constraints if c.keyword == "format"}
        self.files = {op.id: [path[-1] for name, path in binary if name == op.id] for op in contract.operations}
        schemas = {p.schema for op in contract.operations for p in op.parameters}
        schemas |= {op.schema for op in contract.operations if op.schema}
        self._validators = {
            # The whole document, so that every `$ref` resolves and every error is located in it. The mask keeps a large
            # value out of messages that nobody reads.
            pointer: Draft202012Validator({**self._document, "$ref": f"#{quote(pointer, safe='/~')}"}, mask="")
            for pointer in schemas
        }
        sizes = (c.value for c in contract.constraints if c.keyword == "maxLength" and (c.operation, c.field) in binary)
        self.max_body = max(sizes, default=0) + ENVELOPE

    def judge(
        self, operation: Operation, request: Request, *, path: Mapping[str, str], token: str | None = None
    ) -> Verdict:
        """Judge a request in the order authorization, size, parameters, content type, body.

        `path` are the decoded path parameters; `token` is the only one accepted, None accepts any.
        """
        authorization = request.header("Authorization")
        if operation.bearer and (message := _unauthorized(authorization, token)):
            return _refusal(401, "security", "security", "Authorization", message)
        if (size := len(request.body)) > self.max_body:
            message = f"The body has {size} bytes; the service accepts at most {self.max_body}. Shorten it."
            return _refusal(413, "body", "size", None, message)
        found = tuple(self._judge_parameters(operation, request, path))
        if operation.media_type is None or not (request.body or operation.body_required):
            return Verdict(violations=found)
        content_type = request.header("Content-Type")
        if (content_type or "").partition(";")[0].strip().lower() != operation.media_type:
            state = "is missing" if content_type is None else f"is {content_type[:60]}"
            message = f"Content-Type {state}; the service accepts {operation.media_type}. Send that."
            return _refusal(415, "header", "content", "Content-Type", message)
        try:
            return self._judge_body(operation, request, found)
        except Malformed as error:
            return Verdict(violations=(*found, _violation(_BODY, error.path, "content", str(error))))

    def _judge_body(self, operation: Operation, request: Request, found: tuple[Violation, ...]) -> Verdict:
        if not request.body:
            message = explain("The body", "required", {}, None)
            return Verdict(violations=(*found, _violation(_BODY, (), "required", message)))
        if operation.media_type == JSON:
            value = read_json(request.body)
            return Verdict(violations=(*found, *self._check(operation.schema, value, _BODY)), value=value)
        files = self.files[operation.id]
        parts: dict[str, Part] = {}
        for part in read_form(request.header("Content-Type") or "", request.body):
            if part.name in files and part.name in parts:
                raise Malformed(f"{part.name} is given twice; the service accepts one. Remove the other.", part.name)
            if part.name in files and part.filename is None:
                raise Malformed(f"{part.name} has no file name; the service accepts a file. Name it.", part.name)
            parts[part.name] = part
        form = {
            # Of a file only the length is constrained, and blanks are the cheapest text of that length.
            name: " " * len(part.content) if name in files else part.content.decode(errors="replace")
            for name, part in parts.items()
        }
        found += self._check(operation.schema, form, _Target("body", files=files))
        large = any(violation.keyword == "maxLength" and violation.field in files for violation in found)
        return Verdict(violations=found, status=413 if large else None, parts=parts)

    def _judge_parameters(self, operation: Operation, request: Request, path: Mapping[str, str]) -> Iterator[Violation]:
        query = dict(parse_qsl(urlsplit(request.url).query, keep_blank_values=True))
        for parameter in operation.parameters:
            target = _Target(parameter.location, parameter.name)
            sources: dict[str, Callable[[str], str | None]]
            sources = {"path": path.get, "query": query.get, "header": request.header}
            text = sources[parameter.location](parameter.name)
            if text is not None:
                yield from self._check_text(parameter.schema, text, target)
            elif parameter.required:
                message = explain(parameter.name, "required", {}, None)
                yield _violation(target, (), "required", message)

    def _check_text(self, schema: str, text: str, target: _Target) -> tuple[Violation, ...]:
        found = self._check(schema, text, target)
        if any(violation.keyword == "type" for violation in found):
            with suppress(Malformed):  # a number or a boolean, which a parameter carries as text
                return self._check(schema, read_json(text.encode()), target)
        return found

    def _check(self, schema: str, instance: Any, target: _Target) -> tuple[Violation, ...]:
        validator = self._validators[schema]
        if validator.is_valid(instance):
            return ()
        errors = islice(validator.iter_errors(instance), MAX_VIOLATIONS)
        return tuple(violation for error in errors for violation in self._explain(error, target))

    def _explain(self, error: ValidationError, target: _Target) -> Iterator[Violation]:
        *parents, keyword = map(str, error.schema_path)
        schema = resolve(self._document, "".join(f"/{escape(token)}" for token in parents))
        match keyword:
            case "required":
                ends = [[error.kind.value]]
            case "additionalProperties":
                ends = [[name] for name in error.kind.value]
            case _:
                ends = [[]]  # the value itself is at fault, not one of its properties
        for end in ends:
            path = [*error.instance_path, *end]
            unit = "bytes" if set(path) & set(target.files) else "characters"
            message = explain(target.name or spell(path), keyword, schema, error.instance, unit)
            yield _violation(target, path, keyword, message)


def _violation(target: _Target, path: Sequence[str | int], keyword: str, message: str) -> Violation:
    return Violation(
        location=target.location,
        pointer="".join(f"/{escape(str(token))}" for token in path),
        field=target.name or (str(path[0]) if path else None),
        keyword=keyword,
        message=message,
    )


def _unauthorized(authorization: str | None, token: str | None) -> str | None:
    match = _BEARER.fullmatch(authorization or "")
    if match and token in {None, match[1]}:
        return None
    state = "carries another token" if match else "is missing" if authorization is None else "is not a bearer token"
    return f"Authorization {state}; the service accepts Bearer <token>. Send that."


def _refusal(status: int, location: Location, keyword: str, field: str | None, message: str) -> Verdict:
    violation = Violation(location=location, field=field, keyword=keyword, message=message)
    return Verdict(violations=(violation,), status=status)
