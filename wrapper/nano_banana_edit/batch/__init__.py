"""Many edits over a ledger: each is submitted once, however often the batch is run, and on however many machines."""

from typing import TYPE_CHECKING, Any

from ._batch import Batch, Status
from ._run import Limits, Outcome, arun_keys, run_keys, unfinished

if TYPE_CHECKING:
    from ._workers import enqueue, run_worker
else:

    def __getattr__(name: str) -> Any:
        """Load what needs the extra `workers` when it is asked for."""
        if name not in ("enqueue", "run_worker"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        try:
            from . import _workers  # noqa: PLC0415
        except ModuleNotFoundError as missing:
            problem = f"Workers need {missing.name}: pip install 'nano-banana-edit[workers]'"
            raise ModuleNotFoundError(problem) from missing
        return getattr(_workers, name)


__all__ = ["Batch", "Limits", "Outcome", "Status", "arun_keys", "enqueue", "run_keys", "run_worker", "unfinished"]
