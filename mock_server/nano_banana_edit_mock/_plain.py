"""What JSON can say, told apart from all else that YAML and Python have."""

import math
from collections.abc import Callable
from typing import Any

from ._body import MAX_DEPTH

_SHOWN = 60  # characters of a value or key; enough to recognise it

Place = tuple[str | int, ...]  # the keys and indices that lead to it


def check(value: Any, name: Callable[[Place], str], path: Place = ()) -> None:
    """Refuse what JSON has no words for, and what is nested without an end; `name` spells a place for a reader.

    Raises:
        ValueError: It holds something of the kind; the message names the place.
    """
    if isinstance(value, dict | list | tuple):
        if len(path) >= MAX_DEPTH:
            raise ValueError(f"{name(path[:2])} is nested too deep; the mock accepts {MAX_DEPTH} levels. Flatten it.")
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(value, dict) and not isinstance(key, str):
                raise ValueError(  # noqa: TRY004
                    f"{name(path)} has the key {cut(key)}; the mock accepts text. Put it in quotes."
                )
            check(inner, name, (*path, key))
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{name(path)} is {value}; the mock accepts finite numbers. Choose one.")
    elif not isinstance(value, str | int | float | None):
        state = f"is the {type(value).__name__} {cut(value)}"
        raise ValueError(f"{name(path)} {state}; the mock accepts what JSON has. Write it as text, in quotes.")


def cut(value: Any) -> str:
    """Return a value as text, shortened."""
    text = str(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
