"""Contains all the data models used in inputs/outputs"""

from .line import Line
from .print_ import Print
from .print_back_frame_type_0 import PrintBackFrameType0
from .print_color import PrintColor
from .print_frame import PrintFrame
from .print_free import PrintFree
from .print_maybe_type_1 import PrintMaybeType1
from .print_maybe_type_2_type_1 import PrintMaybeType2Type1
from .print_maybe_type_3_type_1 import PrintMaybeType3Type1
from .print_shares import PrintShares
from .size import Size

__all__ = (
    "Line",
    "Print",
    "PrintBackFrameType0",
    "PrintColor",
    "PrintFrame",
    "PrintFree",
    "PrintMaybeType1",
    "PrintMaybeType2Type1",
    "PrintMaybeType3Type1",
    "PrintShares",
    "Size",
)
