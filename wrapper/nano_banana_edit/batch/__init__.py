"""Many edits over a ledger: each is submitted once, however often the batch is run, and on however many machines."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._batch import Batch, Status
from ._keys import arun_keys, run_keys, unfinished
from ._limits import Limits
from ._report import report
from ._run import Outcome

if TYPE_CHECKING:
    from ._workers import enqueue, run_worker
else:

    def __getattr__(name: str) -> Any:
        """Load what needs the extra `workers` when it is asked for."""
        if name not in ("enqueue", "run_worker"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module("._workers", __name__), name)


__all__ = [
    "Batch",
    "Limits",
    "Outcome",
    "Status",
    "arun_keys",
    "enqueue",
    "report",
    "run_keys",
    "run_worker",
    "unfinished",
]
