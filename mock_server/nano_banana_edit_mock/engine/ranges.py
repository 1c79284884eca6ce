"""Numbers that somebody gave, refused where they make no sense."""

from typing import Any

MAX_SECONDS = 1_000_000_000  # thirty years


def whole(name: str, value: Any, low: int, high: int | None = None) -> None:
    """Refuse what is no whole number in a range."""
    if type(value) is not int or value < low or (high is not None and value > high):
        accepted = f"{low} or more" if high is None else f"{low} to {high}"
        raise ValueError(f"{name} is {value!r}; the mock accepts whole numbers, {accepted}. Change it.")


def seconds(name: str, value: Any, low: float = 0, *, above: bool = False) -> None:
    """Refuse what is no length of time from, or `above`, the shortest one."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not low <= value <= MAX_SECONDS or (above and value == low):  # as NaN is not
        accepted = f"seconds, {'more than ' if above else ''}{low} to {MAX_SECONDS}"
        raise ValueError(f"{name} is {value!r}; the mock accepts {accepted}. Change it.")
