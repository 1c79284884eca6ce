"""Edits that are submitted once per key, whatever crashes, restarts or races, on one machine or many."""

try:
    import sqlalchemy  # noqa: F401 - the ledger's SQL
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(f"The ledger needs {missing.name}: pip install 'nano-banana-edit[ledger]'") from missing

from ._ledger import LONGEST_BATCH, Ledger, check_key, new_owner
from ._rows import Row, State, difference

__all__ = ["LONGEST_BATCH", "Ledger", "Row", "State", "check_key", "difference", "new_owner"]
