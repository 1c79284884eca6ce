"""What a file of YAML says, and what of it JSON can say, told apart from all else that YAML and Python have."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from .wording import cut

MAX_DEPTH = 128  # containers within containers; deeper input costs a parser its stack, and no request has more than two

Place = tuple[str | int, ...]  # the keys and indices that lead to it


def read_yaml(file: Path, loader: Any = yaml.SafeLoader) -> Any:
    """Return what is in a file, by a loader that is a safe one.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is not YAML, of which JSON is a part; the message names the file.
    """
    try:
        return yaml.load(file.read_text("utf-8"), loader)  # noqa: S506
    except (RecursionError, ValueError, yaml.YAMLError) as error:  # a ValueError is that of a 13th month, for one
        raise ValueError(f"{file} is not YAML ({' '.join(str(error).split())}). Mend it.") from error


def check_json(value: Any, name: Callable[[Place], str], path: Place = ()) -> None:
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
            check_json(inner, name, (*path, key))
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{name(path)} is {value}; the mock accepts finite numbers. Choose one.")
    elif not isinstance(value, str | int | float | None):
        state = f"is the {type(value).__name__} {cut(value)}"
        raise ValueError(f"{name(path)} {state}; the mock accepts what JSON has. Write it as text, in quotes.")
