"""The drift between two versions of the document: what a new one changes for callers and readers."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, Literal
from urllib.parse import SplitResult, urlsplit

from attrs import frozen

from ..contract import Contract, Operation
from ..contract.census import escape, follow, resolve
from ..contract.wording import show
from ..engine.routes import normal
from .schema_drift import Comparison, Difference, Kind
from .schema_view import View

Effect = Literal["breaks", "tightens", "loosens", "adds"]

# What a difference between schemas does to those who send requests, and to those who read responses.
_TO_CALLERS: dict[Kind, Effect] = {"narrows": "tightens", "widens": "loosens", "new": "adds"}
_TO_READERS: dict[Kind, Effect] = {"narrows": "adds", "new": "adds", "demanded": "adds"}
_PORTS = {"http": ":80", "https": ":443"}  # that a URL need not name
_BUMPS = ("major", "minor", "patch", "none")


@frozen
class Change:
    """One difference between two versions of a document.

    Attributes:
        effect: `breaks` callers or readers, `tightens` what is accepted (and so breaks callers), `loosens` it, or
            `adds` something that nobody has to use.
        text: The difference, in words.
    """

    effect: Effect
    text: str

    def __str__(self) -> str:
        return f"{self.effect:8} {self.text}"


def changes(old: Contract, new: Contract) -> list[Change]:
    """Return the differences for callers and readers, sorted by text; one with an unknown effect `breaks`."""
    return sorted(set(_changes(old, new)), key=lambda change: change.text)


def bump(old: Contract, new: Contract) -> str:
    """Return the version bump that the changes need: `major`, `minor`, `patch` or `none`."""
    effects = {change.effect for change in changes(old, new)}
    if effects & {"breaks", "tightens"}:
        return "major"
    return "minor" if effects else "none" if _unversioned(old) == _unversioned(new) else "patch"


def raised(old: Contract, new: Contract) -> str:
    """Return the bump between the two versions: `major`, `minor`, `patch` or `none`."""
    before, after = ([*_version(contract), 0, 0] for contract in (old, new))
    return next(part for index, part in enumerate(_BUMPS) if after[: index + 1] > before[: index + 1] or part == "none")


def suffices(raised: str, needed: str) -> bool:
    """Return whether a bump is large enough."""
    return _BUMPS.index(raised) <= _BUMPS.index(needed)


def inspect(contract: Contract) -> None:
    """Check that a document can be compared."""
    _version(contract)
    changes(contract, contract)


def _version(contract: Contract) -> list[int]:
    version = contract.document.get("info", {}).get("version")
    try:
        return [*map(int, version.split("."))]
    except (AttributeError, ValueError) as error:
        raise ValueError(f"/info/version is {show(version)}; use numbers with dots, such as 1.0.0.") from error


def _unversioned(contract: Contract) -> str:
    info = {name: value for name, value in contract.document["info"].items() if name != "version"}
    return json.dumps({**contract.document, "info": info}, sort_keys=True)


def _changes(old: Contract, new: Contract) -> Iterator[Change]:
    # What never travels is no change: the names of operations, path parameters, schemas and security schemes.
    moved = {address: operation for operation in new.operations for address in _addresses(operation)}
    named = {operation.id: operation for operation in new.operations}
    requests, responses, kept = Comparison(), Comparison(), set()
    for before in old.operations:
        after = next((moved[one] for one in sorted(_addresses(before)) if one in moved), named.get(before.id))
        if after is None:
            yield Change("breaks", f"{before.id} is gone")
            continue
        kept.add(after.id)
        gone, added = _addresses(before) - _addresses(after), _addresses(after) - _addresses(before)
        yield from (Change("breaks", f"{before.id} is no longer at {address}") for address in gone)
        yield from (Change("adds", f"{before.id} is at {address} now") for address in added)
        nodes = _Node.of(old, before), _Node.of(new, after)
        yield from _calls(f"{before.id}.callbacks", *(node.get("callbacks") for node in nodes))
        yield from _security(before.id, *nodes)
        yield from _body(requests, old, before, new, after)
        yield from _responses(responses, before.id, *nodes)
    yield from (Change("adds", f"{operation.id} is new") for operation in new.operations if operation.id not in kept)
    yield from _calls("webhooks", old.document.get("webhooks"), new.document.get("webhooks"))


def _calls(place: str, old: Any, new: Any) -> Iterator[Change]:
    """Compare webhooks and callbacks, the requests that the service makes: they are the same, or they break."""
    for name in {**(old or {}), **(new or {})}:
        before, after = (calls.get(name) for calls in (old or {}, new or {}))
        if before is None:
            yield Change("adds", f"{place}.{name} is new")
        elif before != after:
            yield Change("breaks", f"{place}.{name} is {'gone' if after is None else 'another one'}")


def _addresses(operation: Operation) -> frozenset[str]:
    """Return the method with each URL; a path parameter has no name in it."""
    path = normal(re.sub("{[^}]*}", "{}", operation.path)).replace("%7B%7D", "{}")
    return frozenset(f"{operation.method} {_base(urlsplit(server))}{path}" for server in operation.servers)


def _base(url: SplitResult) -> str:
    host = url.netloc.lower().removesuffix(_PORTS.get(url.scheme.lower(), ""))
    return url._replace(netloc=host, path=normal(url.path.rstrip("/"))).geturl()


@frozen
class _Node:
    """A place in a document."""

    document: Mapping[str, Any]
    pointer: str

    @classmethod
    def of(cls, contract: Contract, operation: Operation) -> "_Node":
        return cls(contract.document, f"/paths/{escape(operation.path)}/{operation.method.lower()}")

    def get(self, keyword: str) -> Any:
        return resolve(self.document, self.pointer).get(keyword)

    def held(self, keyword: str) -> dict[str, tuple[str, "_Node"]]:
        """Return the names under a keyword and their places, by what the names mean on the wire."""
        found = {}
        for name in self.get(keyword) or ():
            pointer = follow(self.document, f"{self.pointer}/{keyword}/{escape(name)}")
            meaning = name.lower().replace(" ", "").removesuffix(";charset=utf-8")
            found[meaning] = name, _Node(self.document, pointer)
        return found

    def schema(self) -> View:
        """Return the schema of a response or header."""
        return View(self.document, "writeOnly", (f"{self.pointer}/schema",) if self.get("schema") is not None else ())


def _security(name: str, old: _Node, new: _Node) -> Iterator[Change]:
    """Compare the ways to authorize. A way is still there if one is that demands no more."""
    before, after = _ways(old, new), _ways(new, old)
    for way, text in before.items():
        if not any(other <= way for other in after):
            yield Change("tightens", f"{name}.security no longer accepts {text}")
    for way, text in after.items():
        if not any(other <= way for other in before):
            yield Change("loosens", f"{name}.security accepts {text}, too")


def _ways(node: _Node, other: _Node) -> dict[frozenset[tuple[str, str]], str]:
    """Return the words for each way. A name that only one document knows is a new name: every scheme is a bearer."""
    known = other.document.get("components", {}).get("securitySchemes", {})
    own = node.get("security")
    return {
        frozenset((name if name in known else "", scope) for name in way for scope in ("", *way[name])): (
            " and ".join(way) or "a request without a token"
        )
        for way in (node.document.get("security") if own is None else own) or [{}]
    }


def _body(
    comparison: Comparison, old: Contract, before: Operation, new: Contract, after: Operation
) -> Iterator[Change]:
    name, required = before.id, after.body_required
    if not (before.media_type and after.media_type):
        if after.media_type:
            yield Change("breaks" if required else "adds", f"{name}.requestBody is new{', required' * required}")
        elif before.media_type:
            yield Change("breaks", f"{name}.requestBody is no longer documented")
    elif before.media_type != after.media_type:
        yield Change("breaks", f"{name} has another media type: {after.media_type}, not {before.media_type}")
    else:
        if required != before.body_required:
            text = f"{name}.requestBody is {'required now' if required else 'no longer required'}"
            yield Change("tightens" if required else "loosens", text)
        schema = resolve(old.document, before.schema)
        owner = schema["$ref"].rpartition("/")[2] if "$ref" in schema else schema.get("title", name)
        views = (
            View(side.document, "readOnly", (operation.schema,)) for side, operation in ((old, before), (new, after))
        )
        yield from _effects(owner, comparison.schemas(*views), _TO_CALLERS)


def _responses(comparison: Comparison, name: str, old: _Node, new: _Node) -> Iterator[Change]:
    before, after = (
        {status: held for status, held in node.held("responses").items() if not status.startswith("x-")}
        for node in (old, new)
    )
    for status, (stated, node) in before.items():
        parts = ["4xx", "5xx"] if status == "default" else [one for one in after if status == f"{one[0]}xx"]
        heirs = _heirs(status, after) or [after[one][1] for one in parts if {*parts} <= after.keys()]
        if not heirs:
            yield Change("breaks", f"{name} {stated} is no longer documented")
        for heir in heirs:
            yield from _content(comparison, f"{name} {stated}", node, heir)
            yield from _headers(comparison, f"{name} {stated} header", node, heir)
    for status in after.keys() - before.keys():
        stated, node = after[status]
        yield Change("adds", f"{name} {stated} is new")
        for heir in _heirs(status, before):
            yield from _content(comparison, f"{name} {stated}", heir, node, shared=True)


def _heirs(status: str, responses: Mapping[str, tuple[str, _Node]]) -> list[_Node]:
    """Return the response that a status has: its own, that of its range, or the `default`, which is for failures."""
    keys = (status, f"{status[0]}xx", *["default"] * (status[0] != "2"))
    return [responses[key][1] for key in keys if key in responses][:1]


def _content(comparison: Comparison, place: str, old: _Node, new: _Node, *, shared: bool = False) -> Iterator[Change]:
    """Compare the media types, or only the schemas of those that are shared."""
    before, after = old.held("content"), new.held("content")
    for media_type, (name, node) in before.items():
        found = [other for key, (_, other) in after.items() if fnmatchcase(key, media_type)]
        if not (found or shared):
            yield Change("breaks", f"{place} {name} is no longer documented")
        for other in found:
            yield from _effects(f"{place} {name}", comparison.schemas(node.schema(), other.schema()), _TO_READERS)
    for media_type in after.keys() - before.keys():
        yield Change("adds", f"{place} {after[media_type][0]} is new")


def _headers(comparison: Comparison, place: str, old: _Node, new: _Node) -> Iterator[Change]:
    before, after = old.held("headers"), new.held("headers")
    for key, (name, node) in before.items():
        if key not in after:
            yield Change("breaks", f"{place} {name} is no longer documented")
            continue
        other = after[key][1]
        if node.get("required") and not other.get("required"):
            yield Change("breaks", f"{place} {name} is no longer required")
        if other.get("required") and not node.get("required"):
            yield Change("adds", f"{place} {name} is required now")
        yield from _effects(f"{place} {name}", comparison.schemas(node.schema(), other.schema()), _TO_READERS)
        yield from _content(comparison, f"{place} {name}", node, other)
    yield from (Change("adds", f"{place} {after[key][0]} is new") for key in after.keys() - before.keys())


def _effects(place: str, differences: Iterable[Difference], effects: Mapping[Kind, Effect]) -> Iterator[Change]:
    return (Change(effects.get(each.kind, "breaks"), f"{place}{each.text}") for each in differences)
