"""The journal: the last requests, and how many there were of each kind."""

from collections import Counter, deque
from collections.abc import Collection
from secrets import token_hex
from threading import Lock

from .records import Entry

MAX_REQUESTS = 1_000  # more than a test reads; a long load test does not fill the memory
MAX_BYTES = 32_000_000  # of all requests that are kept
MAX_KEPT = 65_536  # bytes of a body; the longest prompt fits, however JSON escapes it


class Journal:
    """The last requests, oldest first, within two limits. Counts include those that are no longer kept."""

    def __init__(self, operations: Collection[str]) -> None:
        self._operations = operations
        self._lock = Lock()
        self._era = token_hex(4)  # two runs give their requests the same numbers
        self._entries: deque[Entry] = deque()
        self._weights: deque[int] = deque()  # of the entries
        self._bytes = 0  # of them all
        self._counts: Counter[str | None] = Counter()
        self._invalid = 0

    def add(self, entry: Entry) -> None:
        """Keep a request, and count it."""
        weight = entry.weight
        with self._lock:
            self._entries.append(entry)
            self._weights.append(weight)
            self._bytes += weight
            while len(self._entries) > MAX_REQUESTS or self._bytes > MAX_BYTES:
                self._entries.popleft()
                self._bytes -= self._weights.popleft()
            self._counts[entry.operation] += 1
            self._invalid += bool(entry.violations)

    def latest(self) -> tuple[str, int, list[Entry]]:
        """Return the era, the number of requests in it, and those that are kept."""
        with self._lock:
            return self._era, self._counts.total(), [*self._entries]

    def of(self, operation: str | None) -> tuple[int, list[Entry]]:
        """Return the number of requests to an operation, or to any, and those that are kept."""
        if operation not in {None, *self._operations}:
            raise ValueError(f"operation is {operation!r}; it must be one of {', '.join(self._operations)}.")
        with self._lock:
            count = self._counts.total() if operation is None else self._counts[operation]
            return count, [entry for entry in self._entries if operation in {None, entry.operation}]

    def invalid(self) -> tuple[int, list[Entry]]:
        """Return the number of invalid requests, and those that are kept."""
        with self._lock:
            return self._invalid, [entry for entry in self._entries if entry.violations]

    def counts(self) -> dict[str | None, int]:
        """Return the number of requests to each operation; None stands for files and unknown paths."""
        with self._lock:
            return dict(self._counts)


class Reader:
    """Reads what is new in the journal of a service: the requests after one that is known, and then at each read.

    A reset of the service begins another era, in which nothing is known. `after` is the number of the last known one.
    """

    def __init__(self, era: str | None = None, after: int = 0) -> None:
        self.era, self.after = era, after

    def read(self, journal: Journal, most: int = MAX_REQUESTS) -> tuple[bool, list[Entry]]:
        """Return whether another era has begun, and the next requests that the journal still has."""
        era, count, entries = journal.latest()
        reset = self.era not in {None, era}
        known = 0 if reset else self.after
        new = entries[len(entries) - max(0, min(count - known, len(entries))) :]
        self.era, self.after = era, count - len(new[most:])
        return reset, new[:most]
