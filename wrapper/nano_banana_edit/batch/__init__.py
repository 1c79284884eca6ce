"""Many edits over a ledger: each is submitted once, however often the batch is run, and on however many machines."""

from ._batch import Batch, Status
from ._run import Limits, Outcome, arun_keys, run_keys, unfinished

__all__ = ["Batch", "Limits", "Outcome", "Status", "arun_keys", "run_keys", "unfinished"]
