"""Each operation once, for both clients."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any, TypeAlias

from attrs import frozen
from nano_banana_edit_client.api.edits import create_edit
from nano_banana_edit_client.api.edits import get_task as poll_task
from nano_banana_edit_client.api.files import upload_file
from nano_banana_edit_client.constraints import shorten
from nano_banana_edit_client.errors import ConstraintViolation
from nano_banana_edit_client.models import EditRequest

from . import _once, _requests, _responses
from ._clock import Deadline
from ._effects import Call, Operation, Send, Sleep, Together, Work
from ._errors import (
    InvalidRequest,
    InvalidResponse,
    NanoBananaEditError,
    NotFound,
    SubmissionUnknown,
    WaitTimeout,
    about,
    note,
)
from ._images import ImageInput, ImagesInput, LocalImage, are_urls, parse, parse_all
from ._log import logger
from ._redaction import brief
from ._retry import LONGEST, may_pass, spread
from ._settings import Settings
from .models import Task, UploadedFile, without

if TYPE_CHECKING:
    from .ledger import Ledger

_NOT_UPLOADED = "https://not-uploaded.invalid/"  # stands for a local image while the rest is checked
_LASTS = 600.0  # seconds that an upload must last to be used again
_SETTLES = 3  # further polls for a new task that is not found, or a completed one without files: some seconds


@frozen
class Progress:
    """The progress of a call, as `on_progress` gets it.

    Attributes:
        stage: `upload`, `submit` or `wait`.
        elapsed: Seconds since the call began.
        task_id: Id of the task, once it is known.
        status: The task's status at the last poll, if there was one.
        polls: Number of polls so far.
    """

    stage: str
    elapsed: float
    task_id: str | None = None
    status: str | None = None
    polls: int = 0


OnProgress: TypeAlias = Callable[[Progress], object]
Options: TypeAlias = Mapping[str, Any]  # those of an edit besides images and prompt, by name
Extra: TypeAlias = Mapping[str, Any] | None


@frozen
class Context:
    """What every operation of one call needs."""

    settings: Settings
    deadline: Deadline
    on_progress: OnProgress | None = None  # called at each stage and each poll
    stop_on: frozenset[str] = frozenset()  # statuses that end the waiting, besides `completed` and `failed`
    ledger: Ledger | None = None  # keeps uploads, and how edits end
    key: _once.Key | None = None

    def report(self, stage: str, **facts: Any) -> Operation[None]:
        """Log the progress, and call `on_progress`."""
        progress = Progress(stage, self.deadline.elapsed(), **facts)
        at = f"task {progress.task_id} is {progress.status}, " if progress.task_id else ""
        logger.info("%s: %safter %.1f s", stage, brief(at), progress.elapsed)
        if self.on_progress:
            yield Call(partial(self.on_progress, progress))


def edit(context: Context, images: ImagesInput, prompt: str, options: Options, extra_body: Extra) -> Operation[Task]:
    """Upload what is local, submit, and return the completed task."""
    task = yield from submit(context, images, prompt, options, extra_body)
    return (yield from wait(context, task))


def submit(context: Context, images: ImagesInput, prompt: str, options: Options, extra_body: Extra) -> Operation[Task]:
    """Upload what is local and submit. Everything is checked before anything is sent."""
    read = partial(parse_all, images)
    parsed: list[str | LocalImage] = read() if are_urls(images) else (yield Work(read, context.deadline))
    names = [image if isinstance(image, str) else _NOT_UPLOADED for image in parsed]
    request = _requests.edit_request(names, prompt, options, extra_body)
    local = [image for image in parsed if isinstance(image, LocalImage)]
    if local:
        yield Work(partial(_check, *local), context.deadline)
    prepare = partial(_prepare, context, request, parsed)
    send = partial(_submit, context, request)
    if context.key is None:
        yield from prepare()
        return (yield from send(context.deadline))
    hashes: list[str] = (yield Work(partial(_hashes, parsed), context.deadline)) if local else names
    identity = {**request.to_dict(), "image_urls": hashes}
    interval = context.settings.poll_interval
    return (yield from _once.submit(context.key, identity, context.deadline, interval, prepare, send))


def _prepare(
    context: Context, request: EditRequest, images: list[str | LocalImage], attempts: int = 0
) -> Operation[None]:
    """Upload what is local, and put its URLs into the request."""
    local = [image for image in images if isinstance(image, LocalImage)]
    if local:
        yield from context.report("upload")
        uploads = [_upload(context, image, again=attempts > 0) for image in local]
        files: list[UploadedFile] = yield Together(uploads)
        urls = iter(file.url for file in files)
        try:
            request.image_urls = [image if isinstance(image, str) else next(urls) for image in images]
        except ConstraintViolation as error:
            raise InvalidResponse(f"The URL of an uploaded file cannot be edited: {error}") from error
    yield from context.report("submit")


def _submit(context: Context, request: EditRequest, deadline: Deadline) -> Operation[Task]:
    try:
        task_id: str = yield Send(
            "createEdit",
            context.settings.edits.request_kwargs(create_edit.request_kwargs(body=request)),
            _responses.accepted,
            deadline,
            billed=True,
        )
    except SubmissionUnknown as error:
        error.request_digest, error.elapsed = _requests.digest(request.to_dict()), context.deadline.elapsed()
        raise
    except BaseException as error:
        if "task_id" not in vars(error):
            note(error, None)
        raise
    return Task(task_id)


def _hashes(images: list[str | LocalImage]) -> list[str]:
    """Return what images are known by: their URL, or the SHA-256 of their content."""
    return [image if isinstance(image, str) else f"sha256:{_requests.sha256(_content(image))}" for image in images]


def upload(context: Context, file: ImageInput) -> Operation[UploadedFile]:
    image: str | LocalImage = yield Work(partial(parse, file, "file"), context.deadline)
    if isinstance(image, str):
        raise InvalidRequest(f"file is the URL {shorten(image)}; pass it to edit.", field="file")
    yield Work(partial(_check, image), context.deadline)
    return (yield from _upload(context, image, again=True))


def _check(*images: LocalImage) -> None:
    for image in images:
        with image.reading() as payload:
            _requests.file_upload(image, payload)


def _upload(context: Context, image: LocalImage, *, again: bool) -> Operation[UploadedFile]:
    """Upload an image, unless the ledger knows an upload of its content, and it need not be made again."""
    content: bytes = yield Work(partial(_content, image), context.deadline)
    ledger = context.ledger
    name = _requests.sha256(context.settings.files_url.encode() + b"\n" + content) if ledger else ""
    if ledger and not again:
        known: str | None = yield Work(partial(ledger.uploaded, name, _LASTS), context.deadline)
        if known:
            return UploadedFile(known)
    body = _requests.file_upload(image, BytesIO(content))
    file: UploadedFile = yield Send(
        "uploadFile",
        context.settings.files.request_kwargs(upload_file.request_kwargs(body=body)),
        _responses.uploaded,
        context.deadline,
    )
    file = without(file, context.settings.token)
    expires = _responses.expiry(file)
    if ledger and expires:
        yield Work(partial(ledger.remember, name, file.url, expires), context.deadline)
    return file


def _content(image: LocalImage) -> bytes:
    with image.reading() as payload:
        return payload.read()


def get_task(context: Context, task_id: str) -> Operation[Task]:
    task_id = _requests.task_id(task_id)
    with about(task_id):
        return (yield from _poll(context, task_id))


def _poll(context: Context, task_id: str, **how: Any) -> Operation[Task]:
    try:
        task: Task = yield Send(
            "getTask",
            context.settings.edits.request_kwargs(poll_task.request_kwargs(task_id)),
            partial(_responses.task, task_id=task_id),
            context.deadline,
            reuse=True,  # its response names its task, so that no other can be taken for it
            **how,
        )
    except NotFound as error:
        vars(error)["_over"] = True
        raise
    return without(task, context.settings.token)  # type: ignore[no-any-return]


def wait(context: Context, task: Task | str) -> Operation[Task]:
    """Poll a task, at growing intervals, until it is completed; an unknown status and an outage are waited through."""
    task_id = _requests.task_id(task.task_id if isinstance(task, Task) else task)
    was_completed = isinstance(task, Task) and task.status == "completed"
    state: Task | None = None
    interval = context.settings.poll_interval
    polls = enumerate(spread(interval / 8, interval, growth=1.5), start=1)
    empty = 0
    with about(task_id), _expired_if(was_completed):
        while True:
            number, delay = next(polls)
            try:
                settles = 0 if state or was_completed else _SETTLES
                state = yield from _poll(context, task_id, patient=True, settles=settles)
            except NanoBananaEditError as error:
                if not may_pass(error, context.settings, patient=True):
                    raise
                raise _wait_timeout(context, task_id, state, f"; the last poll failed: {error.args[0]}") from error
            yield from context.report("wait", task_id=task_id, status=state.status, polls=number)
            if state.status == "failed" or state.status in context.stop_on:
                yield from _once.record(context.ledger, state, context.deadline)
                raise _responses.edit_failed(state)
            if state.status == "completed":
                if state.files:
                    yield from _once.record(context.ledger, state, context.deadline)
                    return state
                empty += 1  # the files may be named a little later
                if empty > _SETTLES:
                    raise InvalidResponse("The task is completed, but names no file.", body=repr(state.raw)[:500])
            delay = max(delay, state.retry_after or 0)
            if delay >= min(context.deadline.remaining(), LONGEST):
                raise _wait_timeout(context, task_id, state, ".")
            yield Sleep(delay)


@contextmanager
def _expired_if(was_completed: bool) -> Iterator[None]:
    """Tell a result that has expired from a task that never was."""
    try:
        yield
    except NotFound as error:
        if was_completed:
            error.args = ("The edit is completed, but the service has deleted its task: results expire.",)
        raise


def _wait_timeout(context: Context, task_id: str, state: Task | None, why: str) -> WaitTimeout:
    status = state.status if state else None
    timeout = context.deadline.elapsed() if context.deadline.timeout is None else context.deadline.timeout
    return WaitTimeout(f"Task {task_id} is still {status or 'unknown'} after {timeout:g} s{why}", status=status)
