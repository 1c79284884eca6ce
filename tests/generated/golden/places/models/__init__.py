"""Contains all the data models used in inputs/outputs"""

from .links import Links
from .pictures import Pictures
from .receipt import Receipt
from .receipt_prices import ReceiptPrices
from .refusal import Refusal
from .size import Size

__all__ = (
    "Links",
    "Pictures",
    "Receipt",
    "ReceiptPrices",
    "Refusal",
    "Size",
)
