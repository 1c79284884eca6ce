"""The document: its operations, a census of every constraint it sets on a request, and how a broken one is worded."""

from .census import Constraint, UnsupportedKeyword
from .document import JSON, MULTIPART, Contract, Operation, Parameter, load, parse

__all__ = [
    "JSON",
    "MULTIPART",
    "Constraint",
    "Contract",
    "Operation",
    "Parameter",
    "UnsupportedKeyword",
    "load",
    "parse",
]
