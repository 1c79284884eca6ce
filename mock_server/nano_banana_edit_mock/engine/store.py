"""What the service keeps: tasks, uploads, rules and a journal, all bounded, under one lock."""

import random
import re
from collections import Counter, OrderedDict, deque
from collections.abc import Iterable, Mapping, Sequence
from secrets import token_hex
from threading import Lock
from typing import Any

from attrs import define

from .bodies import Part
from .latency import Lognormal, Uniform
from .records import Edit, Entry, Outcome, Upload
from .rules import Doing, Rule

MAX_REQUESTS = 1_000  # more than a test reads, and a long load test does not fill the memory
MAX_KEPT = 65_536  # bytes of a body in the journal; the longest prompt fits, whichever way JSON escapes it
MAX_RULES = 10_000  # a batch's outcomes can be said one by one
MAX_TASKS = 10_000  # a batch of this size can be polled to its end, and the process stays small
MAX_UPLOADS = 1_000  # however small they are
MAX_UPLOAD_BYTES = 256_000_000  # of all uploads together: a handful of large ones

_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,8}$")
_UUID4_MASK = ~(0xF000 << 64 | 0xC000 << 48)
_UUID4 = 0x4000 << 64 | 0x8000 << 48  # version and variant (RFC 9562, section 5.4)
_URL_TAIL = re.compile(r"[?#]")


@define(eq=False)
class Task:
    """An accepted edit on its way; `defaults` are for what its body leaves out, `born` is on the clock.

    It lives for `seconds`, or where they are None for the `polls` of its outcome.
    """

    edit: Edit
    defaults: Mapping[str, Any]
    outcome: Outcome
    born: float
    seconds: float | None
    looks: int = 0

    @property
    def settings(self) -> Mapping[str, Any]:
        """Its body with defaults, also where it has null."""
        return {**self.defaults, **{name: value for name, value in self.edit.body.items() if value is not None}}

    @property
    def form(self) -> str:
        """The format of its result."""
        return str(self.settings["output_format"])

    def progress(self, looks: int, now: float) -> float:
        """Return how far it is after some looks, at a time: 1 or more is finished."""
        done: float = looks
        whole: float | None = self.outcome.polls
        if self.seconds is not None:
            done, whole = now - self.born, self.seconds
        return done / whole if whole else 1

    def status(self, progress: float) -> str:
        """Return the status that goes with a progress."""
        return self.outcome.status if progress >= 1 else "pending" if progress < 1 / 2 else "processing"


class Store:
    """What the service remembers; the oldest goes first. `lock` is held while anything is changed or listed."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.lock = Lock()
        self.reset()

    def reset(self) -> None:
        """Forget everything and start again from the seed."""
        with self.lock:
            self.era = token_hex(4)  # two runs number their requests alike
            self._random = random.Random(self._seed)  # noqa: S311  ids to be repeated, not secrets
            self.tasks: OrderedDict[str, Task] = OrderedDict()  # whose first is found at once
            self.uploads: dict[str, Upload] = {}
            self.journal: deque[Entry] = deque(maxlen=MAX_REQUESTS)
            self.received: Counter[str | None] = Counter()  # requests of each operation, those forgotten included
            self.invalid = 0  # requests with violations, those forgotten included
            self.rules: list[Rule] = []

    def add_rules(self, rules: Sequence[Rule]) -> None:
        """Queue all of some rules, or none where they are too many."""
        with self.lock:
            if len(self.rules) + len(rules) > MAX_RULES:
                message = f"the script has {len(self.rules) + len(rules)} rules; the mock accepts {MAX_RULES} at once."
                raise ValueError(f"{message} Say `times`, or reset() the mock.")
            self.rules += rules

    def take(self, operation: str, *, accepted: bool, now: float) -> Doing | None:
        """Show a request to the rules in order, and return what the one does that takes it."""
        if not self.rules:
            return None
        with self.lock:
            for rule in tuple(self.rules):
                taken = rule.takes(operation, accepted=accepted, now=now)
                if rule.spent(now):
                    self.rules.remove(rule)
                if taken:
                    return rule.do
        return None

    def latest(self) -> tuple[str, int, list[Entry]]:
        """Return which era it is, how many requests came in it, and those of them that are still kept."""
        with self.lock:
            return self.era, self.received.total(), [*self.journal]

    def add_entry(self, entry: Entry) -> None:
        """Keep a request in the journal, and count it."""
        with self.lock:
            self.journal.append(entry)
            self.received[entry.operation] += 1
            self.invalid += bool(entry.violations)

    def add_edit(self, body: dict[str, Any], defaults: Mapping[str, Any], outcome: Outcome, born: float) -> Edit:
        """Make an accepted body a task."""
        with self.lock:
            edit = Edit(task_id=self._uuid(), body=body)
            seconds = outcome.seconds
            if isinstance(seconds, Uniform | Lognormal):
                seconds = seconds.draw(self._random)
            self.tasks[edit.task_id] = Task(edit, defaults, outcome, born, seconds)
            if len(self.tasks) > MAX_TASKS:
                self.tasks.popitem(last=False)
        return edit

    def look(self, task: Task) -> int:
        """Count a look at a task, and return how many there were before."""
        with self.lock:
            task.looks += 1
            return task.looks - 1

    def add_upload(self, part: Part) -> Upload:
        """Keep an accepted file."""
        filename, content_type = part.filename or "", part.content_type or ""
        suffix = _SUFFIX.search(filename)
        with self.lock:
            upload = Upload(
                key=self._uuid() + (suffix[0] if suffix else ""),
                filename=filename,
                content_type=content_type if _MEDIA_TYPE.fullmatch(content_type) else "application/octet-stream",
                body=part.content,
            )
            self.uploads[upload.key] = upload
            while len(self.uploads) > MAX_UPLOADS or sum(u.size for u in self.uploads.values()) > MAX_UPLOAD_BYTES:
                del self.uploads[next(iter(self.uploads))]
        return upload

    def source(self, urls: Iterable[str]) -> bytes | None:
        """Return the first upload among URLs of any origin, by its key; None when there is none."""
        uploads = (self.uploads.get(_URL_TAIL.split(str(url))[0].rpartition("/")[2]) for url in urls)
        return next((upload.body for upload in uploads if upload), None)

    def _uuid(self) -> str:
        # What `uuid.UUID(int=..., version=4)` makes of it, in a third of the time.
        digits = f"{self._random.getrandbits(128) & _UUID4_MASK | _UUID4:032x}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
