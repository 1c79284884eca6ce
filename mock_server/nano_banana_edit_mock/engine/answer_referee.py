"""The referee of answers: holds what a server answered to the document."""

import re
from collections.abc import Iterable, Iterator
from email.message import Message
from functools import cache, partial
from itertools import islice
from typing import Any

from attrs import frozen

from ..contract import JSON, Contract, Operation
from ..contract.census import escape, follow, has, resolve
from ..contract.reading import Flaw, read_json
from ..contract.schemas import MAX_VIOLATIONS, Schemas, Violation
from ..contract.wording import cut, spell
from .records import Response

_BODILESS = (204, 205, 304)  # RFC 9110, section 6.4.1
# One media type and its parameters (RFC 9110, section 8.3.1).
_ONE = re.compile(r"\s*[\w!#$&^.+-]+/[\w!#$&^.+-]+\s*(;.*)?", re.ASCII | re.DOTALL)
_INSIDE = ("allOf", "anyOf", "oneOf", "if", "then", "else")


@frozen(kw_only=True)
class AnswerVerdict:
    """What the document says to an answer.

    Attributes:
        violations: What it does not allow.
        undeclared: Properties that it allows without naming them, as paths such as `result[0].width`.
    """

    violations: tuple[Violation, ...] = ()
    undeclared: tuple[str, ...] = ()


class _Wrong(Exception):
    """An answer is wrong in a way that leaves nothing to look at behind it."""

    def __init__(self, message: str, field: str | None = None, keyword: str = "content") -> None:
        super().__init__(message)
        self.violation = Violation(
            location="header" if field else "body", field=field, keyword=keyword, message=message
        )


class AnswerReferee:
    """Judges answers by one contract: status, media type, charset and body, in this order."""

    def __init__(self, contract: Contract) -> None:
        self._document: Any = contract.document
        self._schemas = Schemas(contract, formats=True)
        self._named = cache(partial(named, contract.document))

    def judge(self, operation: Operation, response: Response, *, method: str = "") -> AnswerVerdict:
        """Judge the whole answer to a request of an operation; `method` is the request's, if it is another one.

        A response that the document describes without content has no body. Headers other than Content-Type are not
        held to anything. A body is held to its schema if it is JSON or text.
        """
        try:
            at = self._response(operation, response.status)
            media_types: dict[str, Any] = resolve(self._document, at) if has(self._document, at) else {}
            if (method or operation.method) == "HEAD":
                return AnswerVerdict()
            if not media_types or response.status in _BODILESS:
                return _bodiless(response.body)
            kind, key, charset = _media_type(response.header("Content-Type"), media_types)
            schema = f"{at}/{escape(key)}/schema"
            if not has(self._document, schema) or not (is_json(kind) or kind.startswith("text/")):
                return AnswerVerdict()
            value = _json(response.body) if is_json(kind) else _text(response.body, charset)
        except _Wrong as wrong:
            return AnswerVerdict(violations=(wrong.violation,))
        except Flaw as flaw:
            return AnswerVerdict(violations=(Violation.of_body(flaw.keyword, flaw.explain(), flaw.path),))
        found = self._schemas.check(schema, value)
        undeclared = self._undeclared((schema,), value, ())
        return AnswerVerdict(violations=found, undeclared=tuple(islice(undeclared, MAX_VIOLATIONS)))

    def _undeclared(self, schemas: tuple[str, ...], value: Any, path: tuple[str | int, ...]) -> Iterator[str]:
        """Yield the places of the properties within a value that none of its schemas names."""
        items, properties, closed, _ = self._named(schemas)
        if isinstance(value, list):
            for index, inner in enumerate(value):
                yield from self._undeclared(items, inner, (*path, index))
        elif isinstance(value, dict):
            for name, inner in value.items():
                if known := properties.get(name):
                    yield from self._undeclared(known, inner, (*path, name))
                elif closed:
                    yield spell((*path, name))

    def _response(self, operation: Operation, status: int) -> str:
        """Return the pointer to the content that the document describes for a status."""
        holder = f"/paths/{escape(operation.path)}/{operation.method.lower()}/responses"
        declared = resolve(self._document, holder) if has(self._document, holder) else {}
        for name in (str(status), f"{status // 100}XX", "default"):
            if name in declared:
                return f"{follow(self._document, f'{holder}/{name}')}/content"
        known = ", ".join(name for name in declared if name[:2] != "x-") or "none"
        raise _Wrong(f"The status is {status}; documented are: {known}.", keyword="responses")


def is_json(kind: str) -> bool:
    """Return whether a media type is JSON (RFC 6839, section 3.1)."""
    return kind == JSON or kind.endswith("+json")


def _media_type(given: str | None, media_types: dict[str, Any]) -> tuple[str, str, str]:
    """Return the media type of an answer, the key in the document that covers it, and the charset.

    The narrowest key wins (OpenAPI 3.1, Response Object).
    """
    message = Message()
    message["Content-Type"] = given or ""
    kind = message.get_content_type() if _ONE.fullmatch(given or "") else ""  # a message without any is text/plain
    plain = {name.partition(";")[0].strip().lower(): name for name in reversed(media_types)}
    key = next((plain[name] for name in (kind, f"{kind.partition('/')[0]}/*", "*/*") if kind and name in plain), None)
    if key is None:
        state = "is missing" if given is None else f"is {cut(given)}"
        raise _Wrong(f"Content-Type {state}; documented: {', '.join(media_types)}.", "Content-Type")
    charset = str(message.get_content_charset("utf-8"))
    if is_json(kind) and charset not in {"utf-8", "utf8", "us-ascii"}:
        raise _Wrong(f"charset is {cut(charset)}; JSON is UTF-8 (RFC 8259).", "Content-Type")
    return kind, key, charset


def _bodiless(body: bytes) -> AnswerVerdict:
    if body:
        raise _Wrong(f"The body has {len(body)} bytes; the document describes none.")
    return AnswerVerdict()


def _json(body: bytes) -> Any:
    if not body:
        raise _Wrong("The body is empty; JSON is documented.")
    return read_json(body)


def _text(body: bytes, charset: str) -> str:
    try:
        return body.decode(charset)
    except (LookupError, UnicodeError) as error:
        raise _Wrong(f"The body is not {cut(charset)} ({error}).") from error


def named(
    document: Any, pointers: tuple[str, ...]
) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]], bool, tuple[Any, ...]]:
    """Return what the schemas at `pointers` say of a value.

    That is the schemas of its items and of its properties, whether any other property is undeclared, and the values
    that they list.
    """
    schemas = list(_all(document, pointers))
    properties: dict[str, tuple[str, ...]] = {}
    naming = [at for at in schemas if has(document, f"{at}/properties")]
    for at in naming:
        for name in resolve(document, f"{at}/properties"):
            properties[name] = (*properties.get(name, ()), f"{at}/properties/{escape(name)}")
    further = ("additionalProperties", "patternProperties")
    opened = any(has(document, f"{at}/{keyword}") for at in schemas for keyword in further)
    items = tuple(f"{at}/items" for at in schemas if has(document, f"{at}/items"))
    values = tuple(value for at in schemas if has(document, f"{at}/enum") for value in resolve(document, f"{at}/enum"))
    return items, properties, bool(naming) and not opened, values


def _all(document: Any, pointers: Iterable[str]) -> Iterator[str]:
    """Yield schemas with those that they refer to, combine or choose from, each once."""
    waiting = dict.fromkeys(pointers)
    seen: set[str] = set()
    while waiting:
        pointer = waiting.popitem()[0]
        if pointer in seen:
            continue
        seen.add(pointer)
        yield pointer
        if has(document, f"{pointer}/$ref"):
            waiting[follow(document, pointer)] = None
        for keyword in _INSIDE:
            if has(document, f"{pointer}/{keyword}"):
                inner = resolve(document, f"{pointer}/{keyword}")
                ends = [f"/{index}" for index in range(len(inner))] if isinstance(inner, list) else [""]
                waiting |= dict.fromkeys(f"{pointer}/{keyword}{end}" for end in ends)
