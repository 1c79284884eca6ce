"""YAML and JSON, read strictly: values that JSON can express and all parsers agree on."""

import json
import math
import re
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml

from .wording import cut, spell

MAX_DEPTH = 128  # containers within containers; deeper input costs a parser its stack, and no request has more than two

_TOO_DEEP = f"is nested too deeply; the limit is {MAX_DEPTH} levels."
_SURROGATE = re.compile("[\ud800-\udfff]")


class Flaw(ValueError):
    """What is wrong with a value; `path` leads to it, and grows on the way out, so that a sound value costs nothing."""

    def __init__(self, text: str, *path: str | int, keyword: str = "content") -> None:
        super().__init__(text)
        self.text, self.path, self.keyword = text, path, keyword

    def explain(self, spell: Callable[[Sequence[str | int]], str] = spell) -> str:
        """Return the message; `spell` names a place for a reader."""
        return f"{spell(self.path[:2] if self.text == _TOO_DEEP else self.path)} {self.text}"


def read_yaml(file: Path, loader: Any = yaml.SafeLoader) -> Any:
    """Return the value in a file; `loader` must be a safe one.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is not YAML; the message names the file.
    """
    try:
        return yaml.load(file.read_text("utf-8"), loader)  # noqa: S506
    except (RecursionError, ValueError, yaml.YAMLError) as error:  # ValueError for a 13th month, among others
        raise ValueError(f"{file} is not YAML ({' '.join(str(error).split())}).") from error


def read_json(text: bytes) -> Any:
    """Return one JSON value (RFC 8259).

    Raises:
        Flaw: The text is not JSON, or parsers disagree on it.
    """
    if text.startswith(BOM_UTF8):
        raise Flaw("starts with a byte order mark. Remove it.")
    try:
        value = _DECODER.decode(text.decode())
        _inspect(value)
    except UnicodeError as error:
        raise Flaw(f"is not UTF-8 ({error}).") from error
    except json.JSONDecodeError as error:
        raise Flaw(f"is not JSON ({error}).") from error
    except RecursionError as error:
        raise Flaw(_TOO_DEEP) from error
    return value


def check_json(value: Any, spell: Callable[[Sequence[str | int]], str] = spell) -> None:
    """Check that a value could be read from JSON; `spell` names a place for a reader.

    Raises:
        ValueError: It could not; the message names the place.
    """
    try:
        _inspect(value)
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


def _whole(text: str) -> float:
    number = float(text)  # infinite beyond the range of a double, as it is to most readers
    return int(text) if math.isfinite(number) else number


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=_whole)


def _inspect(value: Any, depth: int = 0) -> None:
    """Raise a Flaw if JSON cannot express a value, or if parsers disagree on it (RFC 7493, section 2)."""
    if isinstance(value, str):
        if not value.isascii() and _SURROGATE.search(value):
            raise Flaw("has a lone surrogate; it must be Unicode text.")
    elif isinstance(value, (dict, list, tuple)):
        if depth == MAX_DEPTH:
            raise Flaw(_TOO_DEEP)
        _inspect_items(value, depth + 1)
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise Flaw(f"is {value}; it must be a number that a double can hold.")
    elif value is not None and not isinstance(value, int):
        raise Flaw(f"is the {type(value).__name__} {cut(value)}; JSON has no such type. Write it as text.")


def _inspect_items(value: Any, depth: int) -> None:
    if isinstance(value, _Repeating):
        raise Flaw("is given twice; use each key once.", value.twice)
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(value, dict) and not isinstance(key, str):
            raise Flaw(f"has the key {cut(key)}; put it in quotes.")
        try:
            if isinstance(key, str):
                _inspect(key)
            _inspect(inner, depth)
        except Flaw as flaw:
            flaw.path = (key, *flaw.path)
            raise
