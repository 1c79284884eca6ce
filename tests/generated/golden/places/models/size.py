from typing import Literal

Size = Literal["large", "small"]

SIZE_VALUES: set[Size] = {
    "large",
    "small",
}


def check_size(value: str) -> Size:
    if value in SIZE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {SIZE_VALUES!r}")
