"""The drift between two versions of the document: what a new one changes for callers and readers."""

from collections.abc import Iterator, Mapping
from itertools import takewhile
from typing import Any, Literal

from attrs import frozen

from ..contract import Constraint, Contract, Operation
from ..contract.census import ANNOTATIONS, escape, refer, resolve
from ..contract.wording import show

Effect = Literal["breaks", "tightens", "loosens", "adds"]

# The effect of a greater value.
_GREATER: dict[str, Effect] = {
    **dict.fromkeys(("maxLength", "maxItems", "maximum", "exclusiveMaximum"), "loosens"),
    **dict.fromkeys(("minLength", "minItems", "minimum", "exclusiveMinimum"), "tightens"),
}
_OPPOSITE: dict[Effect, Effect] = {"loosens": "tightens", "tightens": "loosens"}
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
    before, after = ({operation.id: operation for operation in contract.operations} for contract in (old, new))
    found = [Change("breaks", f"{name} is gone") for name in before if name not in after]
    found += [Change("adds", f"{name} is new") for name in after if name not in before]
    for name in before.keys() & after.keys():
        found += _moved(before[name], after[name])
        found += _requests(name, _constraints(old, before[name]), _constraints(new, after[name]))
        found += _answers(_promises(old, before[name]), _promises(new, after[name]))
    return sorted(set(found), key=lambda change: change.text)


def bump(old: Contract, new: Contract) -> str:
    """Return the version bump that the changes need: `major`, `minor`, `patch` or `none`."""
    effects = {change.effect for change in changes(old, new)}
    if effects & {"breaks", "tightens"}:
        return "major"
    return "minor" if effects else "none" if _untitled(old) == _untitled(new) else "patch"


def raised(old: Contract, new: Contract) -> str:
    """Return the bump between the two versions: `major`, `minor`, `patch` or `none`."""
    before, after = ([*_version(contract), 0, 0] for contract in (old, new))
    return next(part for index, part in enumerate(_BUMPS) if after[: index + 1] > before[: index + 1] or part == "none")


def suffices(raised: str, needed: str) -> bool:
    """Return whether a bump is large enough."""
    return _BUMPS.index(raised) <= _BUMPS.index(needed)


def inspect(contract: Contract) -> None:
    """Check that a document can be compared.

    Raises:
        ValueError: Its version is not numeric, or a `$ref` in a response leads nowhere.
    """
    _version(contract)
    for operation in contract.operations:
        _promises(contract, operation)


def _version(contract: Contract) -> list[int]:
    version = contract.document.get("info", {}).get("version")
    try:
        return [*map(int, version.split("."))]
    except (AttributeError, ValueError) as error:
        raise ValueError(f"/info/version is {show(version)}; use numbers with dots, such as 1.0.0.") from error


def _untitled(contract: Contract) -> dict[str, Any]:
    info = {name: value for name, value in contract.document["info"].items() if name != "version"}
    return {**contract.document, "info": info}


def _moved(old: Operation, new: Operation) -> Iterator[Change]:
    for what in ("method", "path", "servers", "media_type"):
        before, after = getattr(old, what), getattr(new, what)
        if before != after:
            yield Change("breaks", f"{old.id} has another {what.replace('_', ' ')}: {after}, not {before}")


def _constraints(contract: Contract, operation: Operation) -> dict[str, Constraint]:
    # These have no effect, nor has an optional token.
    idle = (("uniqueItems", False), ("additionalProperties", True))
    own = (constraint for constraint in contract.constraints if constraint.operation == operation.id)
    stated = {constraint.id: constraint for constraint in own if (constraint.keyword, constraint.value) not in idle}
    return {name: stated[name] for name in stated if operation.bearer or stated[name].location != "security"}


def _requests(name: str, old: Mapping[str, Constraint], new: Mapping[str, Constraint]) -> Iterator[Change]:
    known, kept = ({name, *map(_place, constraints.values())} for constraints in (old, new))
    yield from (Change("breaks", f"{place} is no longer documented") for place in known - kept)
    for constraint in new.values():
        place = _place(constraint)
        if place in known and constraint.id not in old:
            effect: Effect = "adds" if constraint.keyword == "default" else "tightens"
            yield Change(effect, f"{constraint.id} is new: {constraint.value}")
        elif place not in known:
            required = any(c.keyword == "required" and _place(c) == place for c in new.values())
            yield Change("breaks" if required else "adds", f"{place} is new, {'' if required else 'not '}required")
    for constraint in old.values():
        if constraint.id in new and new[constraint.id].value != constraint.value:
            yield from _changed(constraint, new[constraint.id].value)
        elif constraint.id not in new and _place(constraint) in kept:
            effect = "breaks" if constraint.keyword == "default" else "loosens"
            yield Change(effect, f"{constraint.id} is gone: it was {constraint.value}")


def _place(constraint: Constraint) -> str:
    """Return the property that a constraint, or one on its items or values, belongs to."""
    return ".".join((constraint.owner, *takewhile("*".__ne__, constraint.field)))


def _changed(old: Constraint, value: Any) -> Iterator[Change]:
    text = f"{old.id} is {value}, not {old.value}"
    if old.keyword in _GREATER:
        effect = _GREATER[old.keyword]
        yield Change(effect if value > old.value else _OPPOSITE[effect], text)
    elif old.keyword in ("enum", "type"):
        before, after = (set(map(str, x)) if isinstance(x, list) else {x} for x in (old.value, value))
        if old.keyword == "type":
            before, after = (values | {"integer"} if "number" in values else values for values in (before, after))
        yield from (Change("tightens", f"{old.id} has no {gone} any more") for gone in sorted(before - after))
        yield from (Change("loosens", f"{old.id} has {added}, too") for added in sorted(after - before))
    elif old.keyword == "multipleOf" and old.value % value == 0:
        yield Change("loosens", text)
    else:
        yield Change("breaks", text)


def _promises(contract: Contract, operation: Operation) -> dict[str, Any]:
    """Return what the document says about the responses of an operation, by place."""
    node = contract.document["paths"][operation.path][operation.method.lower()]
    found: dict[str, Any] = {}
    for status in node.get("responses", ()):
        at = f"/paths/{escape(operation.path)}/{operation.method.lower()}/responses/{status}"
        found[f"{operation.id} {status}"] = True
        response = resolve(contract.document, at)
        at = refer(contract.document, f"{at}/$ref") if "$ref" in response else at
        response = resolve(contract.document, at)
        found |= {f"{operation.id} {status} header {name}": True for name in response.get("headers", ())}
        for media_type, content in response.get("content", {}).items():
            found[f"{operation.id} {status} {media_type}"] = True
            if "schema" in content:
                pointer = f"{at}/content/{escape(media_type)}/schema"
                found |= _inside(contract.document, f"{operation.id} {status} {media_type}", pointer)
    return found


def _inside(
    document: Mapping[str, Any], place: str, pointer: str, seen: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """Return what a schema says, by place; `seen` are the schemas around it."""
    schema = {} if pointer in seen else resolve(document, pointer)
    seen |= {pointer}
    found: dict[str, Any] = {}
    for keyword, value in schema.items():
        match keyword:
            case "$ref":
                found |= _inside(document, place, refer(document, f"{pointer}/$ref"), seen)
            case "properties":
                for name in value:
                    found[f"{place}.{name}"] = True
                    found |= _inside(document, f"{place}.{name}", f"{pointer}/properties/{escape(name)}", seen)
            case "required":
                found |= {f"{place}.{name} (required)": True for name in value}
            case "items":
                found |= _inside(document, f"{place}[]", f"{pointer}/items", seen)
            case "anyOf" | "oneOf" | "allOf":
                for index in range(len(value)):
                    found |= _inside(document, f"{place} {keyword} {index}", f"{pointer}/{keyword}/{index}", seen)
            case _ if keyword not in ANNOTATIONS and not keyword.startswith("x-"):
                found[f"{place}.{keyword}"] = value
    return found


def _answers(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    for place, value in old.items():
        if place not in new:
            yield Change("breaks", f"{place} is no longer promised in the answer")
        elif new[place] != value:
            yield Change("breaks", f"{place} is {new[place]} in the answer, not {value}")
    for place in new.keys() - old.keys():
        yield Change("adds", f"{place} is promised in the answer")
