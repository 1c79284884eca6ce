"""Contains all the data models used in inputs/outputs"""

from .line import Line
from .print_ import Print
from .print_color import PrintColor
from .print_frame import PrintFrame
from .print_free import PrintFree
from .size import Size

__all__ = (
    "Line",
    "Print",
    "PrintColor",
    "PrintFrame",
    "PrintFree",
    "Size",
)
