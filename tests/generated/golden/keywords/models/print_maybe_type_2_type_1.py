from typing import Literal

PrintMaybeType2Type1 = Literal["some"]

PRINT_MAYBE_TYPE_2_TYPE_1_VALUES: set[PrintMaybeType2Type1] = {
    "some",
}


def check_print_maybe_type_2_type_1(value: str) -> PrintMaybeType2Type1:
    if value in PRINT_MAYBE_TYPE_2_TYPE_1_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {PRINT_MAYBE_TYPE_2_TYPE_1_VALUES!r}")
