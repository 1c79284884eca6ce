"""JSON, read strictly: values that all parsers agree on."""

import json
import math
import re
import sys
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from .wording import cut, spell

LARGEST = sys.float_info.max
MAX_DEPTH = 128  # containers within containers; deeper input costs a parser its stack, and no request has more than two

TOO_DEEP = f"is nested too deeply; the limit is {MAX_DEPTH} levels."
TWICE = "is given twice; use each key once."
_SURROGATE = re.compile("[\ud800-\udfff]")


class Flaw(ValueError):
    """What is wrong with a value; `path` leads to it, and grows on the way out, so that a sound value costs nothing."""

    def __init__(self, text: str, *path: str | int, keyword: str = "content") -> None:
        super().__init__(text)
        self.text, self.path, self.keyword = text, path, keyword

    def explain(self, spell: Callable[[Sequence[str | int]], str] = spell) -> str:
        """Return the message; `spell` names a place for a reader."""
        return f"{spell(self.path[:2] if self.text == TOO_DEEP else self.path)} {self.text}"


def read_json(text: bytes) -> Any:
    """Return one JSON value (RFC 8259)."""
    if text.startswith(BOM_UTF8):
        raise Flaw("starts with a byte order mark. Remove it.")
    try:
        value = decode(text.decode())
        inspect(value)
    except UnicodeError as error:
        raise Flaw(f"is not UTF-8 ({error}).") from error
    except json.JSONDecodeError as error:
        raise Flaw(f"is not JSON ({error}).") from error
    except RecursionError as error:
        raise Flaw(TOO_DEEP) from error
    return value


def check_json(value: Any, spell: Callable[[Sequence[str | int]], str] = spell) -> None:
    """Check that a value could be read from JSON; `spell` names a place for a reader."""
    try:
        inspect(value)
    except Flaw as flaw:
        raise ValueError(flaw.explain(spell)) from flaw


class _Repeating(dict[str, Any]):
    """An object in which the key `twice` was written twice."""

    twice = ""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        value = _Repeating(value)
        counts = Counter(key for key, _ in pairs)
        value.twice = next(key for key, count in counts.items() if count > 1)
    return value


def whole(text: str) -> float:
    """Return the value of a whole number in decimal digits."""
    number = float(text)  # infinite beyond the range of a double, as it is to most readers
    return int(text) if math.isfinite(number) else number


decode = json.JSONDecoder(object_pairs_hook=_object, parse_int=whole).decode


def inspect(value: Any, depth: int = 0) -> None:
    """Raise a Flaw if JSON cannot express a value, or if parsers disagree on it (RFC 7493, section 2)."""
    if isinstance(value, str):
        if not value.isascii() and _SURROGATE.search(value):
            raise Flaw("has a lone surrogate; it must be Unicode text.")
    elif isinstance(value, (dict, list, tuple)):
        if depth == MAX_DEPTH:
            raise Flaw(TOO_DEEP)
        _inspect_items(value, depth + 1)
    elif isinstance(value, float | int):
        if not -LARGEST <= value <= LARGEST:
            number = value if isinstance(value, float) else math.copysign(math.inf, value > 0 or -1)
            raise Flaw(f"is {number}; it must be a number that a double can hold.")
    elif value is not None:
        raise Flaw(f"is the {type(value).__name__} {cut(value)}; JSON has no such type. Write it as text.")


def _inspect_items(value: Any, depth: int) -> None:
    if isinstance(value, _Repeating):
        raise Flaw(TWICE, value.twice)
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(value, dict) and not isinstance(key, str):
            raise Flaw(f"has the key {cut(key)}; put it in quotes.")
        try:
            if isinstance(key, str):
                inspect(key)
            inspect(inner, depth)
        except Flaw as flaw:
            flaw.path = (key, *flaw.path)
            raise
