"""The referee: judges a request by HTTP first, and then by the document."""

import re
from collections.abc import Collection
from typing import Any

from attrs import frozen

from ..contract import JSON, Contract, Operation
from ..contract.census import Location
from ..contract.reading import Flaw
from ..contract.schemas import Schemas, Violation
from .bodies import Part, read
from .records import Request

ENVELOPE = 1024 * 1024  # bytes beyond the largest file: the part headers of a form, or a whole JSON request

# One media type and its parameters (RFC 9110, section 8.3.1); a comma out of quotes joins the values of two headers.
_MEDIA_TYPE = re.compile(r'\s*([^\s;,]+)\s*(?:;(?:[^",]|"(?:[^"\\]|\\.)*")*)?')
_TOKEN = re.compile(r"[\w.~+/-]+=*", re.ASCII)  # RFC 6750, section 2.1
_BEARER = re.compile(rf"bearer +({_TOKEN.pattern})", re.ASCII | re.IGNORECASE)


@frozen(kw_only=True)
class Verdict:
    """What is wrong with a request, and the status if HTTP prescribes one; its JSON value, or the files of its form."""

    violations: tuple[Violation, ...] = ()
    status: int | None = None
    value: Any = None
    files: tuple[Part, ...] = ()


class Referee:
    """Judges requests by one contract. A body of more than `max_body` bytes is refused unread."""

    def __init__(self, contract: Contract) -> None:
        self._schemas = Schemas(contract)
        self.max_body = (
            max((_files_size(contract, operation) for operation in contract.operations), default=0) + ENVELOPE
        )

    def authorize(self, operation: Operation, request: Request, token: str | None) -> Verdict | None:
        """Return the refusal of a request by its authorization."""
        if operation.bearer and (message := _unauthorized(request.header("Authorization"), token)):
            return _refusal(401, "security", "security", "Authorization", message)
        return None

    def judge(self, operation: Operation, request: Request, token: str | None) -> Verdict:
        """Judge a request by its authorization, size, content type and body, in this order.

        The document demands nothing of a path but text. If `token` is None, any is accepted.
        """
        if refusal := self.authorize(operation, request, token):
            return refusal
        if len(request.body) > self.max_body:  # a server may not have read all of it
            message = f"The body has more than {self.max_body} bytes, which is the limit."
            return _refusal(413, "body", "size", None, message)
        if operation.media_type is None or not (request.body or operation.body_required):
            return Verdict()
        content_type = request.header("Content-Type")
        if refusal := _unsupported(content_type, request.header("Content-Encoding"), operation.media_type):
            return refusal
        try:
            value, files = read(operation, content_type or "", request.body)
        except Flaw as flaw:
            return Verdict(violations=(Violation.of_body(flaw.keyword, flaw.explain(), flaw.path),))
        names = {file.name for file in files}
        found = self._schemas.check(operation.schema, value, names)
        large = any(violation.keyword == "maxLength" and violation.field in names for violation in found)
        kept = value if operation.media_type == JSON else None
        return Verdict(violations=found, status=413 if large else None, value=kept, files=files)


def _files_size(contract: Contract, operation: Operation) -> int:
    """Return the size of the largest files of a form together, in bytes."""
    files = [name for name, field in operation.fields.items() if field.kind == "file"]
    of = {(c.field, c.keyword): c.value for c in contract.constraints if c.operation == operation.id and c.field}
    many = {name: (name, "*") if operation.fields[name].many else (name,) for name in files}
    return sum(of.get((many[name], "maxLength"), 0) * of.get(((name,), "maxItems"), 1) for name in files)


def astray(method: str, path: str, allow: Collection[str], document: str = "openapi.yaml") -> Verdict:
    """Judge a request without an operation; `allow` are the methods of its path, OPTIONS among them."""
    if method in allow:
        return Verdict()
    if not allow:
        return _refusal(404, "path", "paths", None, f"{path} is not a path of {document}.")
    return _refusal(405, "path", "paths", None, f"{path} has no method {method}; use one of {', '.join(allow)}.")


def check_token(name: str, token: str | None) -> None:
    """Check that a request can carry a token; the message does not show it."""
    if token is not None and not (isinstance(token, str) and _TOKEN.fullmatch(token)):
        raise ValueError(f"{name} is not a bearer token; use letters, digits and -._~+/, with = at the end.")


def _unauthorized(authorization: str | None, token: str | None) -> str | None:
    match = _BEARER.fullmatch(authorization or "")
    if match and token in {None, match[1]}:
        return None
    if match:
        return "Authorization has another token than the one accepted."
    return f"Authorization {'is missing' if authorization is None else 'has no bearer token'}; use Bearer <token>."


def _unsupported(content_type: str | None, coding: str | None, media_type: str) -> Verdict | None:
    match = _MEDIA_TYPE.fullmatch(content_type or "")
    if not match or match[1].lower() != media_type:
        state = "is missing" if content_type is None else f"is {content_type[:60]}"
        return _refusal(415, "header", "content", "Content-Type", f"Content-Type {state}; use {media_type}.")
    if coding and coding.lower() != "identity":
        message = f"Content-Encoding is {coding[:60]}; send the body without one."
        return _refusal(415, "header", "content", "Content-Encoding", message)
    return None


def _refusal(status: int, location: Location, keyword: str, field: str | None, message: str) -> Verdict:
    violation = Violation(location=location, field=field, keyword=keyword, message=message)
    return Verdict(violations=(violation,), status=status)
