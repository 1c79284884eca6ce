"""The document: its operations, the census of its constraints, its schemas, and the words for a broken constraint."""

from .census import Constraint, UnsupportedKeyword
from .document import Contract, load, parse
from .operations import JSON, MULTIPART, Operation

__all__ = ["JSON", "MULTIPART", "Constraint", "Contract", "Operation", "UnsupportedKeyword", "load", "parse"]
