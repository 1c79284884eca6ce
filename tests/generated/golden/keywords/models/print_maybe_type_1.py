from typing import Literal

PrintMaybeType1 = Literal["some"]

PRINT_MAYBE_TYPE_1_VALUES: set[PrintMaybeType1] = {
    "some",
}


def check_print_maybe_type_1(value: str) -> PrintMaybeType1:
    if value in PRINT_MAYBE_TYPE_1_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {PRINT_MAYBE_TYPE_1_VALUES!r}")
