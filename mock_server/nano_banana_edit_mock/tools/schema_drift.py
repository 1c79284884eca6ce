"""The drift between two schemas: which values the new one refuses, or admits, that the old one did not.

Schemas are compared by what they mean, not by how they are written: type by type, each alternative with the nearest one
of the other side, keyword by keyword. A value in an `enum` or `const` is judged by all that the other side says.

Not decided: whether one pattern implies another, and whether the alternatives of a `oneOf` exclude each other.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from attrs import frozen

from ..contract.wording import show
from .schema_view import NUMBERS, TYPES, View, type_of

# What a difference does to the set of values. `gone`, `new` and `demanded` are about properties and defaults: strictly,
# an object that admits any property admits less once it declares one.
Kind = Literal["narrows", "widens", "differs", "gone", "new", "demanded"]

# Keywords whose absence is not the same as a schema that admits everything, and what a difference inside does outside.
_TURNED: dict[str, dict[Kind, Kind]] = {
    "not": {"narrows": "widens", "widens": "narrows", "new": "widens", "demanded": "widens"},
    "if": {"narrows": "differs", "widens": "differs", "new": "differs", "demanded": "differs"},
    "contains": {},
}
_FINITE: dict[str, list[Any]] = {"boolean": [False, True], "null": [None]}

# Each limit: 1 for an upper one and -1 for a lower one, the keyword, and the keyword that excludes the limit itself.
_LIMITS = {
    "array": ((1, "maxItems", ""), (-1, "minItems", "")),
    "number": ((1, "maximum", "exclusiveMaximum"), (-1, "minimum", "exclusiveMinimum")),
    "object": ((1, "maxProperties", ""), (-1, "minProperties", "")),
    "string": ((1, "maxLength", ""), (-1, "minLength", "")),
}
# The types that another keyword concerns, if not all.
_CONCERNED = {
    **dict.fromkeys(("items", "contains", "minContains", "maxContains", "unevaluatedItems", "uniqueItems"), "array"),
    **dict.fromkeys(("additionalProperties", "patternProperties", "propertyNames", "dependentSchemas"), "object"),
    **dict.fromkeys(("unevaluatedProperties", "dependentRequired"), "object"),
    **dict.fromkeys(("pattern", "contentEncoding", "contentMediaType", "contentSchema"), "string"),
    "format": "number, string",
}
_HOLDS_SCHEMA = {"items", "unevaluatedItems", "additionalProperties", "unevaluatedProperties"}
_HOLDS_SCHEMA |= {"propertyNames", "contentSchema", *_TURNED, "then", "else"}
_HOLDS_SCHEMAS = {"patternProperties": "additionalProperties", "dependentSchemas": ""}  # and the keyword for the rest
_APART = NUMBERS | {"type", "enum", "const", "required", "properties", "prefixItems"}  # from the keywords without rules


@frozen
class Difference:
    """One difference between two schemas; its text begins with the place inside them."""

    kind: Kind
    text: str


class Comparison:
    """The differences between the schemas of two documents; each pair is compared once."""

    def __init__(self) -> None:
        self._known: dict[tuple[tuple[str, ...], tuple[str, ...]], list[Difference]] = {}

    def schemas(self, old: View, new: View) -> list[Difference]:
        """Return the differences between two schemas; a schema inside itself adds none."""
        pair = old.pointers, new.pointers
        if pair not in self._known:
            self._known[pair] = []
            self._known[pair] = list(dict.fromkeys(self._schemas(old, new)))
        return self._known[pair]

    def _schemas(self, old: View, new: View) -> Iterator[Difference]:
        before, after = old.open(), new.open()
        if not (before and after):
            if before or after:
                yield Difference("narrows", " is false") if before else Difference("widens", " is no longer false")
            return
        yield from _defaults(old.default(), new.default())
        if lost := _unlisted(before, after):
            yield Difference("narrows", f".type has no {lost} any more")
        if added := _unlisted(after, before):
            yield Difference("widens", f".type has {added}, too")
        for kind in TYPES:
            sides = before.get(kind, []), after.get(kind, [])
            finite = any(view.lists() for side in sides for view in side)
            (values, views), (new_values, new_views) = (_listed(kind, side, finite) for side in sides)
            if values or new_values:
                yield from _enums(old, new, values, new_values)
            if views and new_views:
                yield from self._alternatives(kind, views, new_views)
            elif views and new_values:
                yield Difference("narrows", _words("enum", [], new_values))
            elif values and new_views:
                yield Difference("widens", _words("enum", values, []))

    def _alternatives(self, kind: str, old: list[View], new: list[View]) -> Iterator[Difference]:
        """Compare each alternative that has no equal with the one that differs least."""
        found = {(one, two): [*self._keywords(kind, one, two)] for one in old for two in new}
        left = [two for two in new if all(found[one, two] for one in old)]
        for one in old:
            if left and all(found[one, two] for two in new):
                nearest = min(left, key=lambda two: len(found[one, two]))
                left.remove(nearest)
                yield from found[one, nearest]
            elif not any({each.kind for each in found[one, two]} <= {"widens", "new"} for two in new):
                yield Difference("narrows", f" has no alternative {one.pointers[-1]} any more")
        for two in left:
            if not any({each.kind for each in found[one, two]} <= {"narrows", "new"} for one in old):
                yield Difference("widens", f" has the alternative {two.pointers[-1]}, too")

    def _keywords(self, kind: str, old: View, new: View) -> Iterator[Difference]:
        """Compare what two alternatives say about a value of a type."""
        yield from _limits(kind, old, new)
        for keyword in sorted((old.keywords() | new.keywords()) - _APART):
            if kind not in _CONCERNED.get(keyword, kind):
                continue
            if keyword in _HOLDS_SCHEMAS:
                for name in sorted(old.names(keyword) | new.names(keyword)):
                    pair = (view.inside(keyword, name, _HOLDS_SCHEMAS[keyword]) for view in (old, new))
                    yield from _under(f".{keyword}.{name}", self.schemas(*pair))
            elif keyword in _HOLDS_SCHEMA and (keyword not in _TURNED or keyword in old.keywords() & new.keywords()):
                found = self.schemas(old.inside(keyword), new.inside(keyword))
                yield from _under(f".{keyword}", found, _TURNED.get(keyword, {}))
            else:
                yield from _opaque(keyword, old.stated(keyword), new.stated(keyword))
        if kind == "array":
            for index in sorted(old.names("prefixItems") | new.names("prefixItems"), key=int):
                pair = (view.inside("prefixItems", index, "items") for view in (old, new))
                yield from _under(f".prefixItems.{index}", self.schemas(*pair))
        if kind == "object":
            yield from self._properties(old, new)

    def _properties(self, old: View, new: View) -> Iterator[Difference]:
        known, kept = old.names("properties"), new.names("properties")
        demanded, still = old.required(), new.required()
        for name in sorted(known | kept):
            before = old.inside("properties", name, "additionalProperties") if name in known else old.rest()
            after = new.inside("properties", name, "additionalProperties") if name in kept else new.rest()
            if name not in kept and (after.free() or not after.open()):
                demanded, still = demanded - {name}, still - {name}
                yield Difference("gone", f".{name} is no longer documented")
            elif name not in known and before.free():
                text = f".{name} is new, {'' if name in still else 'not '}required"
                yield Difference("demanded" if name in still else "new", text)
                still = still - {name}
            elif name not in known and not before.open():
                yield Difference("widens", f".{name} is new")
            else:
                yield from _under(f".{name}", self.schemas(before, after))
        yield from (Difference("widens", f".{name} is no longer required") for name in sorted(demanded - still))
        yield from (Difference("narrows", f".{name} is required now") for name in sorted(still - demanded))


def _listed(kind: str, views: Iterable[View], finite: bool) -> tuple[list[Any], list[View]]:
    """Return the values that alternatives list, and the alternatives that list none."""
    values, rest = [], []
    for view in views:
        lists = [[value] for value in view.stated("const")] + view.stated("enum")
        lists += [_FINITE[kind]] if finite and kind in _FINITE else []
        values += [value for value in lists[0] if type_of(value) == kind] if lists else []
        rest += [] if lists else [view]
    return values, rest


def _under(place: str, found: Iterable[Difference], turned: Mapping[Kind, Kind] = {}) -> Iterator[Difference]:
    return (Difference(turned.get(each.kind, each.kind), f"{place}{each.text}") for each in found)


def _unlisted(one: Mapping[str, list[View]], other: Mapping[str, list[View]]) -> str:
    """Return the types that only one side admits; a type of which it lists the values is told by them."""
    kinds = [kind for kind in one if kind not in other and not all(view.lists() for view in one[kind])]
    return ", ".join("integer" if kind == "number" and one[kind][0].integer() else kind for kind in kinds)


def _enums(old: View, new: View, values: list[Any], new_values: list[Any]) -> Iterator[Difference]:
    if gone := new.sift(old.sift(values, valid=True), valid=False):
        yield Difference("narrows", f".enum has no {', '.join(map(show, gone))} any more")
    if added := old.sift(new.sift(new_values, valid=True), valid=False):
        yield Difference("widens", f".enum has {', '.join(map(show, added))}, too")


def _defaults(old: list[Any], new: list[Any]) -> Iterator[Difference]:
    if _same(old) != _same(new):
        yield Difference("differs" if old and new else "gone" if old else "new", _words("default", old, new))


def _limits(kind: str, old: View, new: View) -> Iterator[Difference]:
    for limit in _LIMITS.get(kind, ()):
        (size, word, value), (new_size, new_word, new_value) = old.limit(*limit), new.limit(*limit)
        if size != new_size:
            text = _words(new_word or word, value, new_value)
            if value and new_value and word != new_word:
                text = f".{new_word} is {new_value[0]}, not {word} {value[0]}"
            yield Difference("narrows" if new_size < size else "widens", text)
    step, new_step = old.step(), new.step()
    if kind == "number" and step != new_step:
        finer = new_step is None or (step is not None and step % new_step == 0)
        coarser = step is None or (new_step is not None and new_step % step == 0)
        stated, new_stated = old.stated("multipleOf"), new.stated("multipleOf")
        text = f".type has {'no number any more' if new.integer() else 'number, too'}"
        text = _words("multipleOf", stated, new_stated) if stated != new_stated else text
        yield Difference("widens" if finer else "narrows" if coarser else "differs", text)


def _opaque(keyword: str, old: list[Any], new: list[Any]) -> Iterator[Difference]:
    """Compare what a keyword says of which nothing is known but that it narrows."""
    before, after = ({_same(value) for value in values} for values in (old, new))
    if before != after:
        file = '"binary"' in before ^ after  # neither is a file a text, nor a text a file
        kind: Kind = "differs" if file else "narrows" if before < after else "widens" if after < before else "differs"
        yield Difference(kind, _words(keyword, old, new))


def _same(value: Any) -> str:
    """Return a text that is equal for equal JSON."""
    return json.dumps(value, sort_keys=True)


def _words(keyword: str, old: list[Any], new: list[Any]) -> str:
    before, after = (" and ".join(map(show, values)) for values in (old, new))
    if not (old and new):
        return f".{keyword} is new: {after}" if new else f".{keyword} is gone: it was {before}"
    return f".{keyword} is {after}, not {before}"
