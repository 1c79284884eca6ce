"""The log of a server: one line a request. It is read from the journal, so that a slow reader delays no request."""

from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache

from ..contract.wording import undeclared
from ..engine.journal import Reader
from ..engine.records import Entry
from ..engine.service import MockService

MAX_PATH, MAX_MESSAGE = 200, 300  # characters in a line


class Log:
    """The lines of the requests to a service since the last read."""

    def __init__(self) -> None:
        self._reader = Reader()

    def read(self, service: MockService) -> str:
        """Return the new lines; empty if there are none."""
        before = self._reader.after
        reset, entries = self._reader.read(service.journal)
        missed = self._reader.after - (0 if reset else before) - len(entries)
        lines = [f"{missed:,} requests came too fast to be listed"] if missed else []
        return "".join(f"{line}\n" for line in [*lines, *map(_line, entries)])


def _line(entry: Entry) -> str:
    text = " ".join(_parts(entry))
    return text if text.isprintable() else "".join(map(_visible, text))


def _parts(entry: Entry) -> Iterator[str]:
    yield f"{_time(entry.when.replace(microsecond=0))} {entry.method} {entry.path[:MAX_PATH]}"
    yield f"{entry.fault or entry.status}{' scripted' if entry.scripted else ''} {1_000 * entry.seconds:.1f} ms"
    if entry.task_id and entry.task_id not in entry.path:
        yield f"task {entry.task_id[:MAX_PATH]}"
    if entry.state:
        yield entry.state[:MAX_PATH]
    wrong = [violation.message for violation in entry.answer_violations]
    of_answer = [*wrong, *map(undeclared, entry.undeclared)]
    told = [text if text.startswith("The answer") else f"The answer: {text}" for text in of_answer]
    if found := [*(violation.message for violation in entry.violations), *told]:
        yield found[0][:MAX_MESSAGE] + (f" And {len(found) - 1} more." if found[1:] else "")


@lru_cache(1)
def _time(when: datetime) -> str:
    return f"{when.astimezone():%H:%M:%S}"


def _visible(char: str) -> str:
    return char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
