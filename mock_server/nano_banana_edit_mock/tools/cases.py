"""Boundary cases: requests on both sides of every constraint, made from the document alone."""

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from attrs import evolve, frozen

from ..contract import JSON, MULTIPART, Constraint, Contract, Operation, expressible
from ..contract.census import escape, facets, has, resolve, unescape
from ..contract.operations import PARAMETER, Field
from ..contract.samples import given, sample, samples
from ..contract.schemas import Violation
from ..contract.wording import show, spell
from ..engine.records import Request
from ..engine.referee import Referee
from ..engine.service import MockService

_AUTHORIZED = "Bearer {token}"
_AUTHORIZATIONS = (_AUTHORIZED, "bearer {token}", None, "", "Bearer", "Basic {token}", "{token}")
_EACH_TYPE: tuple[Any, ...] = (None, True, 1, 1.5, "text", [], {})
_WIDTHS = ("a", "🍌")  # one character each; UTF-8 and UTF-16 need several units for the second
_TEXTS = ("", "a", "A", "0", "a b", " a", "<a>", "a\n", "é", "🍌", "a-b_c.d", "2026-11-22", "10:10")
_PNG = b"\x89PNG\r\n\x1a\n"
# The keywords that a value may break as well: a number is not in an enum of strings, an empty text matches no pattern.
_IMPLIED_BY = {"type": {"enum", "const"}, "minLength": {"pattern"}, "maxLength": {"pattern"}}
_BOUNDARY = "nano-banana-edit-case"
_TEXT = Field("string")
_ALWAYS = (None, "string", "file")  # kinds of fields that can be nothing else: any part is text, and may be a file
_NOTHING = object()


@frozen(kw_only=True)
class Case:
    """One request at a boundary.

    Attributes:
        constraint: The constraint that sets the boundary.
        name: What is special about the request, such as `5001 x "a"`.
        accepted: Whether the document allows it. If not, it breaks this constraint, and no other but an implied one.
        operation: The operation.
        path: Value of each path parameter.
        authorization: The Authorization header, with `{token}` in place of the token; None leaves it out.
        value: The value of the body; in a form, a file is its size in bytes.
        empty: Whether there is no body.
        inside: Whether it is a step inside a limit; a case at the limit then proves as much.
    """

    constraint: Constraint
    name: str = "as documented"
    accepted: bool = True
    operation: Operation
    path: Mapping[str, str]
    authorization: str | None = _AUTHORIZED
    value: Any = None
    empty: bool = False
    inside: bool = False

    @property
    def key(self) -> str:
        """A key that equal requests share."""
        return json.dumps((self.operation.id, self.path, self.authorization, self.value, self.empty))

    @property
    def id(self) -> str:
        """The id of the constraint, and the name."""
        return f"{self.constraint.id}: {self.name}"

    def request(self, server: str, token: str) -> Request:
        """Return the HTTP request.

        Args:
            server: URL of the server, with its base path.
            token: The API token, for the Authorization header.
        """
        value = self.authorization
        headers = {} if value is None else {"Authorization": value.format(token=token)}
        request = make_request(self.operation, server, self.path, self.value, headers)
        return evolve(request, body=b"") if self.empty else request


def make_request(
    operation: Operation, server: str, path: Mapping[str, str], value: Any, headers: Mapping[str, str]
) -> Request:
    """Return the request of an operation to a server; in a form, the size of a file stands for it."""
    address = server.rstrip("/") + PARAMETER.sub(lambda found: quote(path[found[1]], safe=""), operation.path)
    if operation.media_type == JSON:
        body = json.dumps(value, ensure_ascii=False).encode()
        return Request(operation.method, address, {**headers, "Content-Type": JSON}, body)
    if operation.media_type is None:
        return Request(operation.method, address, dict(headers))
    body = b"".join(_parts(operation, name, one) for name, one in value.items()) + f"--{_BOUNDARY}--\r\n".encode()
    kind = f"{MULTIPART}; boundary={_BOUNDARY}"
    return Request(operation.method, address, {**headers, "Content-Type": kind}, body)


@lru_cache(maxsize=1)  # a form at its limit takes a second to judge
def boundary_cases(contract: Contract) -> tuple[Case, ...]:
    """Return the requests at the boundary of every constraint, in the order of the census."""
    found, referee = [], Referee(contract)
    for plain in _plain_ones(contract, referee):
        constraint = plain.constraint
        allowed = {constraint.keyword} | _IMPLIED_BY.get(constraint.keyword, set())
        seen = set()
        for case in _around(contract.document, plain):
            if case.key in seen:
                continue
            seen.add(case.key)
            keywords = {violation.keyword for violation in _violations(referee, case)}
            alone = constraint.keyword in keywords and keywords <= allowed
            if alone or not keywords:
                accepted = case.accepted and not keywords
                found.append(evolve(case, accepted=accepted, inside=accepted and _is_inside(case)))
    return tuple(found)


def inspect(contract: Contract) -> None:
    """Check that client and mock can express a document, and that the document allows its own examples."""
    expressible.check(contract.document)
    MockService(contract=contract)
    for _ in _plain_ones(contract, Referee(contract)):
        pass


def _plain_ones(contract: Contract, referee: Referee) -> Iterator[Case]:
    """Yield the simplest request for each constraint, which must be valid."""
    operations = {operation.id: operation for operation in contract.operations}
    for constraint in contract.constraints:
        plain = _plain(contract.document, constraint, operations[constraint.operation])
        for violation in _violations(referee, plain):
            raise ValueError(_blame(contract.document, plain, violation))
        yield plain


def _violations(referee: Referee, case: Case) -> tuple[Violation, ...]:
    request = case.request(case.operation.servers[0], "token")
    return referee.judge(case.operation, request, None).violations


def _blame(document: Mapping[str, Any], plain: Case, violation: Violation) -> str:
    """Say what is wrong with the simplest request, by the place of its value in the document."""
    pointer, place, value = plain.operation.schema, "", plain.value
    path: list[str | int] = []
    for token in (*map(unescape, violation.pointer.split("/")[1:]), None):
        places = facets(document, pointer)
        if not place and not isinstance(value, dict):
            place = given(document, places)
        if token is not None:
            key: Any = int(token) if isinstance(value, list) else token
            path.append(key)
            value = value[key] if isinstance(value, list) else value.get(key)
            place += f"/{escape(token)}" if place else ""
            inside = [places.get("items", ""), f"{places.get('properties')}/{escape(token)}"]
            inside = [one for one in (*inside, places.get("additionalProperties", "")) if one[:1] == "/"]
            pointer = next((one for one in inside if has(document, one) and resolve(document, one)), pointer)
    low, high = (places.get(f"{end}{violation.keyword[3:]}", "") for end in ("min", "max"))
    if low and high and resolve(document, low) > resolve(document, high):
        what = f"{low} is {resolve(document, low)}, and {high} is {resolve(document, high)}"
        return f"{what}; no value is within both. Correct one."
    text = violation.message.removeprefix(spell(path))
    return f"{place}{text}" if place else f"{pointer}{text} The mock made this value. Add an example."


def _plain(document: Mapping[str, Any], constraint: Constraint, operation: Operation) -> Case:
    """Return the simplest request that has the constrained value."""
    path = {}
    for name, pointer in operation.parameters.items():
        holder = resolve(document, pointer.rpartition("/")[0])
        path[name] = str(holder.get("example") or sample(document, pointer))
    wanted = constraint.field if constraint.location == "body" else ()
    value: Any = sample(document, operation.schema, wanted) if operation.schema else None
    for name, field in operation.fields.items():
        if field.kind == "file" and name in value:
            value[name] = [*map(len, value[name])] if field.many else len(value[name])
    return Case(constraint=constraint, operation=operation, path=path, value=value, empty=not operation.schema)


def _around(document: Mapping[str, Any], plain: Case) -> Iterator[Case]:
    """Yield requests around the constraint of a plain one, and that one."""
    constraint, field = plain.constraint, plain.constraint.field
    kind = plain.operation.fields[field[0]].kind if field and plain.operation.fields else None
    if constraint.location == "security":
        for text in _AUTHORIZATIONS:
            yield evolve(plain, name="no header" if text is None else f'"{text}"', authorization=text)
        return
    if constraint.location == "path":
        if constraint.keyword == "required":  # without its value the path has no route
            yield evolve(plain, name="left out", path={**plain.path, field[0]: ""}, accepted=False)
    elif constraint.keyword in ("required", "default"):
        yield evolve(plain, name="left out", **({"value": _put(plain.value, field)} if field else {"empty": True}))
    elif kind == "file" and constraint.keyword.endswith("Length"):
        for size in _sizes(constraint.value):
            yield evolve(plain, name=f"{size} bytes", value=_put(plain.value, field, size))
    elif not (
        plain.operation.media_type == MULTIPART and kind in _ALWAYS and constraint.keyword in ("type", "format")
    ):  # all that such a part can be
        old = _get(plain.value, field)
        for name, value in _values(document, constraint, old):
            yield evolve(plain, name=name, value=_put(plain.value, field, value))
    yield plain


def _is_inside(case: Case) -> bool:
    keyword, limit = case.constraint.keyword, case.constraint.value
    if not keyword.startswith(("min", "max")):  # the edge of an exclusive limit is a step away
        return False
    value = _get(case.value, case.constraint.field)
    size = value if isinstance(value, int | float) else len(value)
    return bool(size != limit)


def _values(document: Mapping[str, Any], constraint: Constraint, old: Any) -> list[tuple[str, Any]]:
    """Return values on both sides of a keyword in a JSON body, with their names; `old` is one that it allows."""
    limit, schema = constraint.value, constraint.pointer.rpartition("/")[0]
    match constraint.keyword:
        case "minLength" | "maxLength":
            return [(f'{size} x "{width}"', width * size) for width in _WIDTHS for size in _sizes(limit)]
        case "minItems" | "maxItems":
            return [(f"{size} item{'s' * (size != 1)}", samples(document, schema, size)) for size in _sizes(limit)]
        case "uniqueItems":
            return [("the first item twice", [*old[:1], *old])]
        case "additionalProperties":
            return [("an undeclared property", old | {"no": 1})]
        case "enum" | "const":
            options = limit if constraint.keyword == "enum" else [limit]
            near = (f"{options[0]} ", str(options[-1]).upper(), "", None)
            values = (*options, *(value for value in near if value not in options))
        case "type" | "pattern":
            values = _EACH_TYPE if constraint.keyword == "type" else _TEXTS
        case "multipleOf":
            values = (limit * 2, limit * 2 + 1)
        case _:  # a minimum or maximum
            step = resolve(document, schema).get("multipleOf", 1)
            values = (limit - step, limit, limit + step)
    return [(show(value), value) for value in values]


def _sizes(limit: int) -> list[int]:
    return [size for size in (limit - 1, limit, limit + 1) if size >= 0]


def _get(value: Any, field: tuple[str, ...]) -> Any:
    for name in field:
        value = value[_key(value, name)]
    return value


def _put(value: Any, field: tuple[str, ...], new: Any = _NOTHING) -> Any:
    """Return the value with a new value at a field, or without the field."""
    if not field:
        return new
    copy, key = value.copy(), _key(value, field[0])
    copy[key] = _put(value.get(key) if isinstance(value, dict) else value[key], field[1:], new)
    if copy[key] is _NOTHING:
        del copy[key]
    return copy


def _key(value: Any, name: str) -> Any:
    return 0 if isinstance(value, list) else name  # `*` serves as the name of an undeclared property


def _parts(operation: Operation, name: str, value: Any) -> bytes:
    """Return the parts of a field; a number or text in place of a file is its size."""
    field = operation.fields.get(name, _TEXT)
    found = b""
    for one in value if field.many and isinstance(value, list) else [value]:
        head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"'
        text = one if isinstance(one, bytes | str) else json.dumps(one)
        content = text.encode() if isinstance(text, str) else text
        if field.kind == "file":
            head += '; filename="case.png"\r\nContent-Type: image/png'
            size = one if isinstance(one, int) else len(content)
            content = content if isinstance(one, bytes) else _PNG.ljust(size, b"\0")[:size]
        elif field.kind == "object":
            head += f"\r\nContent-Type: {JSON}"
        found += f"{head}\r\n\r\n".encode() + content + b"\r\n"
    return found
