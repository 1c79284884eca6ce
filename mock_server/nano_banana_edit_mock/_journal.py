"""The part of the service that is asked afterwards what came."""

from ._records import Entry
from ._store import Store


class Journal:
    """What came, of which the last thousand requests are kept."""

    _store: Store

    @property
    def calls(self) -> tuple[Entry, ...]:
        """The last thousand requests, oldest first."""
        with self._store.lock:
            return tuple(self._store.journal)
