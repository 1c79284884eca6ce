from typing import Literal

PrintColor = Literal["blue", "red"]

PRINT_COLOR_VALUES: set[PrintColor] = {
    "blue",
    "red",
}


def check_print_color(value: str) -> PrintColor:
    if value in PRINT_COLOR_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {PRINT_COLOR_VALUES!r}")
