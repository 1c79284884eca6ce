"""The state: accepted edits and uploads, bounded, under one lock."""

import random
import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from threading import Lock
from typing import Any

from attrs import define

from .bodies import Part
from .records import Edit, Outcome, Upload
from .timing import Lognormal, Uniform

MAX_TASKS = 10_000  # enough for a batch, and the process stays small
MAX_UPLOADS = 1_000  # of any size
MAX_UPLOAD_BYTES = 256_000_000  # of all uploads together: five of the largest

_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,8}$")
_UUID4_MASK = ~(0xF000 << 64 | 0xC000 << 48)
_UUID4 = 0x4000 << 64 | 0x8000 << 48  # version and variant (RFC 9562, section 5.4)
_URL_TAIL = re.compile(r"[?#]")


@define(eq=False)
class Job:
    """The work on an accepted edit.

    `defaults` are for the properties that its body leaves out, and `born` is a time on the clock. It takes `seconds`;
    if they are None, it takes the `polls` of its outcome. `polls` counts those that were made.
    """

    edit: Edit
    defaults: Mapping[str, Any]
    outcome: Outcome
    born: float
    seconds: float | None
    polls: int = 0

    @property
    def settings(self) -> Mapping[str, Any]:
        """The body with defaults, also in place of null."""
        return {**self.defaults, **{name: value for name, value in self.edit.body.items() if value is not None}}

    @property
    def form(self) -> str:
        """The format of the result."""
        return str(self.settings["output_format"])

    def progress(self, polls: int, now: float) -> float:
        """Return the progress after a number of polls, at a time; 1 or more is finished."""
        done: float = polls
        whole: float | None = self.outcome.polls
        if self.seconds is not None:
            done, whole = now - self.born, self.seconds
        return done / whole if whole else 1

    def status(self, progress: float) -> str:
        """Return the status at a progress."""
        return self.outcome.status if progress >= 1 else "pending" if progress < 1 / 2 else "processing"


class State:
    """Jobs by task id and uploads by key; when there are too many, the oldest goes."""

    def __init__(self, seed: int) -> None:
        self._lock = Lock()
        self._random = random.Random(seed)  # noqa: S311  ids to be repeated, not secrets
        self._jobs: OrderedDict[str, Job] = OrderedDict()  # which finds its first item at once
        self._uploads: dict[str, Upload] = {}

    @property
    def jobs(self) -> tuple[Job, ...]:
        """The jobs, oldest first."""
        with self._lock:
            return tuple(self._jobs.values())

    @property
    def uploads(self) -> tuple[Upload, ...]:
        """The uploads, oldest first."""
        with self._lock:
            return tuple(self._uploads.values())

    def job(self, task_id: str) -> Job | None:
        """Return a job."""
        return self._jobs.get(task_id)

    def upload(self, key: str) -> Upload | None:
        """Return an upload."""
        return self._uploads.get(key)

    def add_edit(self, body: dict[str, Any], defaults: Mapping[str, Any], outcome: Outcome, born: float) -> Job:
        """Make a job of an accepted edit."""
        with self._lock:
            seconds = outcome.seconds
            edit = Edit(task_id=self._uuid(), body=body)
            if isinstance(seconds, Uniform | Lognormal):
                seconds = seconds.draw(self._random)
            job = self._jobs[edit.task_id] = Job(edit, defaults, outcome, born, seconds)
            if len(self._jobs) > MAX_TASKS:
                self._jobs.popitem(last=False)
        return job

    def poll(self, job: Job) -> int:
        """Count a poll of a job, and return how many there were before."""
        with self._lock:
            job.polls += 1
            return job.polls - 1

    def add_upload(self, part: Part) -> Upload:
        """Keep an uploaded file."""
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

    def source(self, urls: Iterable[str]) -> bytes | None:
        """Return the body of the first upload that a URL links to, whatever its origin; None if there is none."""
        uploads = (self._uploads.get(_URL_TAIL.split(str(url))[0].rpartition("/")[2]) for url in urls)
        return next((upload.body for upload in uploads if upload), None)

    def _uuid(self) -> str:
        # The same as `uuid.UUID(int=..., version=4)`, in a third of the time.
        digits = f"{self._random.getrandbits(128) & _UUID4_MASK | _UUID4:032x}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
