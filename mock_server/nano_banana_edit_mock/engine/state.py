"""The state: accepted edits and uploads, bounded, under one lock."""

import random
import re
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from threading import Lock
from typing import Any, Literal
from uuid import UUID

from attrs import define

from .answers import object_in
from .bodies import Part
from .records import Edit, Outcome, Upload
from .timing import Lognormal, Uniform

MAX_TASKS = 10_000  # enough for a batch, and the process stays small
MAX_BYTES = 256_000_000  # of edits, uploads and drawn images together: five of the largest uploads
OVERHEAD = 1_000  # bytes that anything kept takes besides its own
DRAWN = 5_000  # characters of a prompt; no image has room for more

_MEDIA_TYPE = re.compile(r"[\w.+-]{1,100}/[\w.+-]{1,100}", re.ASCII)
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,8}$")
_URL_TAIL = re.compile(r"[?#]")
_Kind = Literal["edit", "upload", "image"]


@define(eq=False)
class Job:
    """The work on an accepted edit.

    `prompt`, `size` and `form` are the settings that it is drawn with, and `source` is the key of the upload that it is
    drawn on. `born` is a time on the clock. It takes `seconds`; if they are None, it takes the `polls` of its outcome.
    `polls` counts those that were made.
    """

    task_id: str
    prompt: str
    size: str
    form: str
    source: str | None
    outcome: Outcome
    born: float
    seconds: float | None
    polls: int = 0

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
    """Jobs by task id; and the bodies of edits, the uploads and the images, of which the oldest goes first."""

    def __init__(self, seed: int) -> None:
        self._lock = Lock()
        self._random = random.Random(seed)  # noqa: S311  ids to be repeated, not secrets
        self._jobs: OrderedDict[str, Job] = OrderedDict()  # which finds its first item at once
        self._kept: OrderedDict[tuple[_Kind, str], tuple[int, Any]] = OrderedDict()  # values with their sizes
        self._bytes = 0  # of all values that are kept
        self.accepted = 0  # edits, also those that are no longer kept

    @property
    def jobs(self) -> tuple[Job, ...]:
        """The jobs, oldest first."""
        with self._lock:
            return tuple(self._jobs.values())

    @property
    def edits(self) -> tuple[Edit, ...]:
        """The edits, oldest first."""
        with self._lock:
            return tuple(Edit(task_id=task_id, content=self._get("edit", task_id)) for task_id in self._jobs)

    @property
    def uploads(self) -> tuple[Upload, ...]:
        """The uploads, oldest first."""
        with self._lock:
            return tuple(value for (kind, _), (_, value) in self._kept.items() if kind == "upload")

    def job(self, task_id: str) -> Job | None:
        """Return a job."""
        return self._jobs.get(task_id)

    def upload(self, key: str | None) -> Upload | None:
        """Return an upload."""
        upload: Upload | None = self._get("upload", key or "")
        return upload

    def image(self, job: Job) -> tuple[str, bytes]:
        """Return the media type and the bytes of a result, drawn or kept, so that a repeated download is fast."""
        image: tuple[str, bytes] | None = self._get("image", job.task_id)
        if image:
            return image

        from .drawing import render  # noqa: PLC0415 - Pillow is slow to load, and few tests fetch an image

        upload = self.upload(job.source)
        source = upload.body if upload else None
        image = render(job.prompt, size=job.size, output_format=job.form, source=source, seed=job.task_id)
        with self._lock:
            self._keep("image", job.task_id, image, len(image[1]))
        return image

    def add_edit(self, content: bytes, settings: Mapping[str, Any], outcome: Outcome, born: float) -> Job:
        """Make a job of an accepted edit."""
        urls, seconds = settings["image_urls"], outcome.seconds
        keys = [_URL_TAIL.split(str(url))[0].rpartition("/")[2] for url in (urls if isinstance(urls, list) else [urls])]
        with self._lock:
            self.accepted += 1
            task_id = self._uuid()
            if isinstance(seconds, Uniform | Lognormal):
                seconds = seconds.draw(self._random)
            job = self._jobs[task_id] = Job(
                task_id,
                prompt=str(settings["prompt"])[:DRAWN],
                size=str(settings["image_size"])[:100],
                form=str(settings["output_format"])[:100],
                source=next((key for key in keys if ("upload", key) in self._kept), None),
                outcome=outcome,
                born=born,
                seconds=seconds,
            )
            self._keep("edit", task_id, content, len(content))
            self._bound()
        return job

    def note_edit(self, task_id: str | None, content: bytes, born: float) -> None:
        """Count an edit that a service elsewhere may have billed, and keep it if its task is known."""
        with self._lock:
            self.accepted += 1
            if task_id:
                self._jobs[task_id] = Job(task_id, "", "", "", None, Outcome(status="submitted"), born, None)
                self._keep("edit", task_id, content, len(content))
                self._bound()

    def note_poll(self, task_id: str, answer: bytes) -> None:
        """Keep what a service elsewhere says of a task."""
        status: Any = object_in(answer).get("status")
        with suppress(ValueError), self._lock:  # of a status that no outcome has
            if job := self._jobs.get(task_id):
                job.outcome, job.polls = Outcome(status=status), job.polls + 1

    def _bound(self) -> None:
        if len(self._jobs) > MAX_TASKS:
            oldest, _ = self._jobs.popitem(last=False)
            self._drop("edit", oldest)
            self._drop("image", oldest)

    def poll(self, job: Job) -> int:
        """Count a poll of a job, and return how many there were before."""
        with self._lock:
            job.polls += 1
            return job.polls - 1

    def add_upload(self, part: Part) -> Upload:
        """Keep an uploaded file."""
        filename, content_type = part.filename or "", part.content_type or ""
        suffix = _SUFFIX.search(filename[-9:])
        with self._lock:
            upload = Upload(
                key=self._uuid() + (suffix[0] if suffix else ""),
                filename=filename,
                content_type=content_type if _MEDIA_TYPE.fullmatch(content_type) else "application/octet-stream",
                body=part.content,
            )
            self._keep("upload", upload.key, upload, upload.size + 4 * len(filename))
        return upload

    def _get(self, kind: _Kind, key: str) -> Any:
        return self._kept.get((kind, key), (0, None))[1]

    def _keep(self, kind: _Kind, key: str, value: Any, size: int) -> None:
        self._drop(kind, key)
        self._kept[kind, key] = size + OVERHEAD, value
        self._bytes += size + OVERHEAD
        while self._bytes > MAX_BYTES:
            self._drop(*next(iter(self._kept)))

    def _drop(self, kind: _Kind, key: str) -> None:
        self._bytes -= self._kept.pop((kind, key), (0, None))[0]

    def _uuid(self) -> str:
        return str(UUID(int=self._random.getrandbits(128), version=4))
