"""The ledger as one run sees it: each row is submitted as it was read, and by one process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .._errors import NanoBananaEditError
from ..ledger import Ledger, Row

HAS_TASK = ("sent", "completed", "saved")  # the states of a row whose task is known


class Taken(NanoBananaEditError):
    """Another process has the row; nothing was sent."""

    def __init__(self) -> None:
        super().__init__("Another process submits this row.")


class Claims(Ledger):
    """A ledger of one run: it submits rows as they were read, and leaves one that another process has taken since.

    Args:
        ledger: The ledger.
        claimed: Called with each key that is claimed.
        rows: The rows that are being submitted, as they were read, by their keys.
    """

    def __init__(self, ledger: Ledger, claimed: Callable[[str], None], rows: Mapping[str, Row]) -> None:
        vars(self).update(vars(ledger))
        self._ledger, self._claimed, self._rows = ledger, claimed, rows

    def get(self, key: str) -> Row | None:
        row = self._ledger.get(key)
        if row and row.state in ("sending", *HAS_TASK) and self._rows[key].state != "sending":
            raise Taken
        return row

    def claim(self, key: str, owner: str, *args: Any, **how: Any) -> Row:
        row = self._ledger.claim(key, owner, *args, **how)
        if row.owner == owner and row.job != self._rows[key].job:  # another process has changed it since
            self.released(key, owner, "new")
        elif row.owner == owner:
            self._claimed(key)
            return row
        raise Taken
