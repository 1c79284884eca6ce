"""What the service keeps: tasks, uploads, outcomes and a journal, all bounded, under one lock."""

import random
import re
import uuid
from collections import deque
from collections.abc import Iterable, Mapping
from threading import Lock
from typing import Any

from attrs import define

from ._body import Part
from ._records import Edit, Entry, Outcome, Upload

MAX_REQUESTS = 1_000
"""Requests in the journal: more than a test reads, and a long load test does not fill the memory."""

MAX_TASKS = 20_000
"""Tasks: a batch of this size can be polled to its end."""

MAX_UPLOADS = 1_000
"""Uploads, however small they are."""

MAX_UPLOAD_BYTES = 256_000_000
"""Bytes of all uploads: a handful of large ones."""

_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,8}$")
_URL_TAIL = re.compile(r"[?#]")


@define(eq=False)
class Task:
    """An accepted edit on its way; `settings` are its body with the document's defaults, `born` is on the clock."""

    edit: Edit
    settings: Mapping[str, Any]
    outcome: Outcome
    born: float
    looks: int = 0

    @property
    def output_format(self) -> str:
        """The file format to draw; the document has no default for it."""
        return str(self.settings.get("output_format", "png"))

    @property
    def image_name(self) -> str:
        """The file name of the one result."""
        return f"0.{self.output_format}"


class Store:
    """Everything the service remembers; each method is one atomic step, and the oldest thing goes first."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._lock = Lock()
        self.reset()

    def reset(self) -> None:
        """Forget everything and start again from the seed."""
        with self._lock:
            self._random = random.Random(self._seed)  # noqa: S311  ids to be repeated, not secrets
            self._tasks: dict[str, Task] = {}
            self._uploads: dict[str, Upload] = {}
            self._journal: deque[Entry] = deque(maxlen=MAX_REQUESTS)
            self._outcomes: deque[Outcome] = deque()

    def edits(self) -> tuple[Edit, ...]:
        """Return the accepted edits."""
        with self._lock:
            return tuple(task.edit for task in self._tasks.values())

    def uploads(self) -> tuple[Upload, ...]:
        """Return the accepted uploads."""
        with self._lock:
            return tuple(self._uploads.values())

    def journal(self) -> tuple[Entry, ...]:
        """Return the journal."""
        with self._lock:
            return tuple(self._journal)

    def note(self, entry: Entry) -> None:
        """Add to the journal."""
        with self._lock:
            self._journal.append(entry)

    def queue(self, outcome: Outcome) -> None:
        """Keep an outcome for the next edit that has none."""
        with self._lock:
            self._outcomes.append(outcome)

    def add_edit(self, body: dict[str, Any], defaults: Mapping[str, Any], born: float) -> Edit:
        """Make an accepted body a task."""
        with self._lock:
            edit = Edit(task_id=self._uuid(), body=body)
            outcome = self._outcomes.popleft() if self._outcomes else Outcome()
            self._tasks[edit.task_id] = Task(edit, {**defaults, **body}, outcome, born)
            if len(self._tasks) > MAX_TASKS:
                del self._tasks[next(iter(self._tasks))]
        return edit

    def task(self, task_id: str) -> Task | None:
        """Return a task; None when it is not known."""
        with self._lock:
            return self._tasks.get(task_id)

    def look(self, task: Task) -> int:
        """Count a look at a task, and return how many there were before."""
        with self._lock:
            task.looks += 1
            return task.looks - 1

    def add_upload(self, part: Part) -> Upload:
        """Keep an accepted file."""
        filename, content_type = part.filename or "", part.content_type or ""
        suffix = _SUFFIX.search(filename)
        with self._lock:
            upload = Upload(
                key=self._uuid() + (suffix[0] if suffix else ""),
                filename=filename,
                content_type=content_type if _MEDIA_TYPE.fullmatch(content_type) else "application/octet-stream",
                body=part.content,
            )
            self._uploads[upload.key] = upload
            while len(self._uploads) > MAX_UPLOADS or sum(u.size for u in self._uploads.values()) > MAX_UPLOAD_BYTES:
                del self._uploads[next(iter(self._uploads))]
        return upload

    def upload(self, key: str) -> Upload | None:
        """Return an upload; None when it is not known."""
        with self._lock:
            return self._uploads.get(key)

    def source(self, urls: Iterable[str]) -> bytes | None:
        """Return the first upload among URLs of any origin, by its key; None when there is none."""
        uploads = (self.upload(_URL_TAIL.split(url)[0].rpartition("/")[2]) for url in urls)
        return next((upload.body for upload in uploads if upload), None)

    def _uuid(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))
