"""What goes wrong in a round, and when. The seed of the round decides all of it."""

from __future__ import annotations

import random

from attrs import field, frozen

IN_FLIGHT = 6  # submissions that one process may have under way
EVENTS = (
    "kill",  # a worker, with SIGKILL; it is started again
    "stop",  # a worker, with SIGSTOP, and its leases run out; then SIGCONT
    "long stop",  # the same for as long as a lease really lasts
    "refuse",  # the service closes its port and resets every connection
    "503",  # the service answers every request so
    "429",  # the same, with Retry-After
    "database",  # PostgreSQL crashes and comes back; another process holds the lock of an SQLite file
    "full disk",  # under the results, and under an SQLite file
)
_RARE = {"long stop": 0.15}  # what takes long
ANSWERS = {  # to one submission: whether it counts, and the answer
    "reset before it counts": (False, "reset"),
    "503 before it counts": (False, "503"),
    "429 before it counts": (False, "429"),
    "reset after it counts": (True, "reset"),
    "504 after it counts": (True, "504"),
    "no answer": (True, "nothing"),
    "half an answer": (True, "half"),
    "no last byte": (True, "no last byte"),
}
KNOWN = {"429 before it counts", "no last byte"}  # after the others nobody but the service knows
READS = ("reset", "503", "half")  # in answer to one poll or download
_COMBINATIONS = (("sqlite", 1), ("postgresql", 3), ("sqlite", 3), ("postgresql", 1))


@frozen
class Event:
    """A fault of a process, the service, the database or the disk.

    Attributes:
        kind: One of EVENTS.
        at: Number of requests to the service before it.
        seconds: How long it lasts.
        worker: Number of the process, from 0.
    """

    kind: str
    at: int
    seconds: float
    worker: int


@frozen
class Plan:
    """One round."""

    seed: int
    database: str
    processes: int
    edits: int
    failing: frozenset[int]  # edits that fail at the service
    events: list[Event] = field(repr=False)
    answers: float  # share of submissions that get no usual answer
    reads: float  # share of the polls and downloads

    @classmethod
    def of(cls, seed: int, most: int = 80) -> Plan:
        """Return the plan of a seed, with at most so many edits."""
        rng = random.Random(seed)
        database, processes = _COMBINATIONS[seed % len(_COMBINATIONS)]
        edits = rng.randint(most // 2, most)
        kinds = rng.sample([kind for kind in EVENTS if rng.random() < _RARE.get(kind, 1.0)], rng.randint(1, 3))
        events = [
            Event(kind, rng.randint(5, 3 * edits), rng.uniform(0.2, 1.2), rng.randrange(processes))
            for kind in kinds
            for _ in range(1 if kind in _RARE else rng.randint(1, 3))
        ]
        return cls(
            seed,
            database,
            processes,
            edits,
            failing=frozenset(rng.sample(range(edits), rng.randint(0, 2))),
            events=sorted(events, key=lambda event: event.at),
            answers=rng.choice([0.0, 0.05, 0.15]),
            reads=rng.choice([0.0, 0.05, 0.15]),
        )

    @property
    def keys(self) -> list[str]:
        """The key of each edit, which ends with its number."""
        return [f"edit-{number}" for number in range(self.edits)]

    def fails(self, key: str) -> bool:
        """Return whether the edit of a key fails at the service."""
        return int(key.removeprefix("edit-")) in self.failing

    def answer(self, number: int) -> tuple[str, float, float]:
        """Return how a submission is answered, and the seconds before it counts and before its answer."""
        rng = random.Random(f"{self.seed} submission {number}")
        kind = rng.choice([*ANSWERS]) if rng.random() < self.answers else ""
        return kind, rng.uniform(0, 0.1), rng.uniform(0, 0.2)

    def read(self, number: int) -> str:
        """Return how a poll or download is answered."""
        rng = random.Random(f"{self.seed} read {number}")
        return rng.choice(READS) if rng.random() < self.reads else ""
