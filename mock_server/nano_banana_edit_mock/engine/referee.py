"""A request judged by the document: first what HTTP says of it, then its body."""

import re
from collections.abc import Collection
from typing import Any

from attrs import frozen

from ..contract import JSON, Contract, Operation
from ..contract.census import Location
from .bodies import Malformed, Part, read
from .records import Request, Violation
from .schemas import Schemas, violation

ENVELOPE = 1024 * 1024  # bytes beyond the largest file: a form's part headers, or a whole JSON request

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
        self.schemas = Schemas(contract)
        binary = {(c.operation, c.field) for c in contract.constraints if c.keyword == "format"}
        limits = [
            c.value for c in contract.constraints if c.keyword == "maxLength" and (c.operation, c.field) in binary
        ]
        self.max_body = max(limits, default=0) + ENVELOPE
        self._files = {
            operation.id: {field[0] for of, field in binary if of == operation.id and len(field) == 1}
            for operation in contract.operations
        }

    def judge(self, operation: Operation, request: Request, token: str | None) -> Verdict:
        """Judge a request in the order authorization, size, content type, body.

        A path is text, and the document demands no more of one. `token` is the only one accepted, None accepts any.
        """
        if operation.bearer and (message := _unauthorized(request.header("Authorization"), token)):
            return _refusal(401, "security", "security", "Authorization", message)
        if len(request.body) > self.max_body:  # all of which not every server reads
            message = f"The body has more than {self.max_body} bytes; the service accepts no more. Shorten it."
            return _refusal(413, "body", "size", None, message)
        if operation.media_type is None or not (request.body or operation.body_required):
            return Verdict()
        content_type = request.header("Content-Type")
        if refusal := _unsupported(content_type, request.header("Content-Encoding"), operation.media_type):
            return refusal
        try:
            value, files = read(operation.media_type, content_type or "", request.body, self._files[operation.id])
        except Malformed as error:
            return Verdict(violations=(violation(error.keyword, str(error), error.path),))
        names = [file.name for file in files]
        found = self.schemas.check(operation.schema, value, names)
        large = any(one.keyword == "maxLength" and one.field in names for one in found)
        kept = value if operation.media_type == JSON else None
        return Verdict(violations=found, status=413 if large else None, value=kept, files=files)


def check_token(name: str, token: str | None) -> None:
    """Refuse a token that no request can carry; its value is not told."""
    if token is not None and not _TOKEN.fullmatch(token):
        accepted = "letters, digits and -._~+/, with = at the end"
        raise ValueError(f"{name} is no bearer token; the mock accepts {accepted}. Choose another.")


def astray(method: str, path: str, allow: Collection[str], document: str = "openapi.yaml") -> Verdict:
    """Judge a request that means no operation; `allow` are the methods that its path has, which OPTIONS asks for."""
    if method in allow:
        return Verdict()
    if not allow:
        message = f"{path} is no path of the service. Compare it with {document}."
        return _refusal(404, "path", "paths", None, message)
    message = f"{path} has no such method; the service accepts {', '.join(allow)}."
    return _refusal(405, "path", "paths", None, message)


def _unauthorized(authorization: str | None, token: str | None) -> str | None:
    match = _BEARER.fullmatch(authorization or "")
    if match and token in {None, match[1]}:
        return None
    state = "carries another token" if match else "is missing" if authorization is None else "is not a bearer token"
    return f"Authorization {state}; the service accepts Bearer <token>. Send that."


def _unsupported(content_type: str | None, coding: str | None, media_type: str) -> Verdict | None:
    match = _MEDIA_TYPE.fullmatch(content_type or "")
    if not match or match[1].lower() != media_type:
        state = "is missing" if content_type is None else f"is {content_type[:60]}"
        message = f"Content-Type {state}; the service accepts {media_type}. Send that."
        return _refusal(415, "header", "content", "Content-Type", message)
    if coding and coding.lower() != "identity":
        message = f"Content-Encoding is {coding[:60]}; the service accepts none. Send the body as it is."
        return _refusal(415, "header", "content", "Content-Encoding", message)
    return None


def _refusal(status: int, location: Location, keyword: str, field: str | None, message: str) -> Verdict:
    return Verdict(
        violations=(Violation(location=location, field=field, keyword=keyword, message=message),), status=status
    )
