"""YAML files, held to what JSON can express."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from .wording import cut

MAX_DEPTH = 128  # containers within containers; deeper input costs a parser its stack, and no request has more than two

Place = tuple[str | int, ...]  # the keys and indices that lead to a value


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


def check_json(value: Any, spell: Callable[[Place], str], place: Place = ()) -> None:
    """Check that JSON can express a value; `spell` names a place for a reader.

    Raises:
        ValueError: It cannot, or the value is nested too deep; the message names the place.
    """
    if isinstance(value, dict | list | tuple):
        if len(place) >= MAX_DEPTH:
            raise ValueError(f"{spell(place[:2])} is nested too deep; the limit is {MAX_DEPTH} levels.")
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(value, dict) and not isinstance(key, str):
                raise ValueError(f"{spell(place)} has the key {cut(key)}; put it in quotes.")  # noqa: TRY004
            check_json(inner, spell, (*place, key))
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{spell(place)} is {value}; use a finite number.")
    elif not isinstance(value, str | int | float | None):
        raise ValueError(
            f"{spell(place)} is the {type(value).__name__} {cut(value)}; JSON has no such type. Write it as text."
        )
