"""The document: its operations, the census of its constraints, its schemas, and the words for a broken constraint."""

from .census import Constraint, UnsupportedKeyword
from .document import JSON, MULTIPART, Contract, Operation, load, parse

__all__ = ["JSON", "MULTIPART", "Constraint", "Contract", "Operation", "UnsupportedKeyword", "load", "parse"]
