"""Submissions with a key: the ledger decides who sends one, before it is sent, and keeps what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

from attrs import frozen
from nano_banana_edit_client.constraints import shorten

from . import _requests, _responses
from ._clock import Deadline
from ._effects import Operation, Sleep, Work
from ._errors import (
    APIStatusError,
    InvalidRequest,
    LedgerError,
    NanoBananaEditError,
    RateLimited,
    SubmissionUnknown,
    WaitTimeout,
    about,
)
from ._log import logger
from ._retry import LONGEST, TRANSIENT, spread
from .models import Task

if TYPE_CHECKING:
    from .ledger import Ledger, Row


_SHORTEST = 0.1  # seconds between two looks at the ledger


@frozen
class Key:
    """A key of the caller's own, under which one edit is submitted."""

    name: str
    ledger: Ledger
    retry_failed: bool = False  # whether an edit that failed is submitted again


def submit(
    key: Key,
    request: Mapping[str, Any],
    deadline: Deadline,
    interval: float,
    prepare: Callable[[int], Operation[None]],
    send: Callable[[Deadline], Operation[Task]],
) -> Operation[Task]:
    """Submit the request of a key if nobody has, and return its task.

    Args:
        key: The key.
        request: What identifies the request: its JSON, with a hash in place of each local image.
        deadline: When the call must be over.
        interval: Longest time between two looks at a submission of somebody else, in seconds.
        prepare: Does what comes before the submission, such as uploads; called with the number of earlier attempts.
        send: Submits, until a deadline.
    """
    digest = _requests.digest(request)
    delays = spread(interval / 8, interval, growth=1.5)
    prepared = False
    first: int | None = None
    while True:
        row: Row | None = yield Work(partial(key.ledger.get, key.name), deadline)
        if row and row.digest not in ("", digest):
            raise _other(row, request)
        attempt = row.attempt if row else 0
        first = attempt if first is None else first
        # Of those who would retry a failure, one does. What that failed with is for the others too.
        retries = key.retry_failed and attempt == first
        if row is None or row.state in ("new", "refused") or (row.state == "failed" and retries):
            if not prepared:
                # Refused or failed, maybe for its uploads; a row that was renewed still has the task that failed.
                yield from prepare(attempt if row and (row.state != "new" or row.task_id) else 0)
                prepared = True
            task: Task | None = yield from _claimed(key, attempt, digest, request, deadline, send)
            if task:
                return task
            continue  # somebody else was quicker
        if row.state != "sending":
            return _known(key, row)
        delay = max(next(delays), _SHORTEST)
        if delay >= min(deadline.remaining(), LONGEST):
            raise WaitTimeout(f"The key {shorten(key.name)} is still being submitted by {_holder(row)}.")
        yield Sleep(delay)


def _claimed(
    key: Key,
    attempt: int,
    digest: str,
    request: Mapping[str, Any],
    deadline: Deadline,
    send: Callable[[Deadline], Operation[Task]],
) -> Operation[Task | None]:
    """Claim the key and submit; return None if somebody else was quicker."""
    from .ledger import new_owner  # noqa: PLC0415 - comes with an extra

    owner = new_owner()
    release = partial(key.ledger.released, key.name, owner)
    lease = Deadline(min(deadline.remaining(), key.ledger.lease))
    claim = partial(key.ledger.claim, retry_failed=key.retry_failed, attempt=attempt)
    try:
        row: Row = yield Work(partial(claim, key.name, owner, digest, request), deadline)
    except GeneratorExit:
        raise
    except BaseException as error:
        yield from _written(key, partial(release, "new"), error, lease)  # also a claim whose answer was lost
        raise
    if row.owner != owner or row.state != "sending":
        return None
    try:
        task: Task = yield from send(lease)
    except GeneratorExit:
        raise
    except BaseException as error:
        known = vars(error).get("task_id")
        write = partial(key.ledger.sent, key.name, owner, known) if known else partial(release, *_verdict(error))
        yield from _written(key, write, error, lease)
        raise
    write = partial(key.ledger.sent, key.name, owner, task.task_id)
    try:
        with about(task.task_id):
            owned: bool = yield Work(write, lease, shielded=True)
    except GeneratorExit:
        raise
    except BaseException as error:  # once more, as it may be an interrupt; what is paid for must not be forgotten
        yield from _written(key, write, error, lease)
        raise
    if not owned:
        logger.warning("The key %s was given away; task %s is another edit of it.", shorten(key.name), task.task_id)
    return task


def _written(key: Key, write: Callable[[], object], error: BaseException, deadline: Deadline) -> Operation[None]:
    """Write what a failure means; if that fails too, the row becomes `unknown` by itself when its lease is over."""
    known = vars(error).get("task_id")
    try:
        with about(known) if known else nullcontext():  # a cancellation takes the place of the failure
            yield Work(write, deadline, shielded=True)
    except LedgerError as failure:
        if known:
            lost = "The task %s of the key %s was accepted, and is not in the ledger: %s"
            logger.error(lost, known, shorten(key.name), failure.args[0])
        remedy = (
            f" Once its row is unknown, call ledger.resolve({shorten(key.name)}, task_id={known!r})." if known else ""
        )
        error.add_note(f"The ledger does not know of this: {failure.args[0]}{remedy}")


def _verdict(error: BaseException) -> tuple[Any, ...]:
    """Return the state of a row whose submission failed, and its outcome."""
    if not isinstance(error, NanoBananaEditError):
        return "unknown", {"error": type(error).__name__}  # whose text may have the token
    if isinstance(error, APIStatusError) and not isinstance(error, RateLimited) and error.status_code not in TRANSIENT:
        return "refused", {"error": error.args[0], "error_code": error.error_code}
    if isinstance(error, SubmissionUnknown | APIStatusError) and not isinstance(error, RateLimited):
        return "unknown", {"error": error.args[0]}
    return ("new",)


def _known(key: Key, row: Row) -> Task:
    """Return the task of a row, or raise what its edit ended with."""
    name = shorten(key.name)
    match row.state:
        case "failed":
            with about(str(row.task_id)):
                raise _responses.edit_failed(Task(str(row.task_id), "failed", **(row.outcome or {})))
        case "unknown":
            raise SubmissionUnknown(
                f"The edit with the key {name} may have been accepted and billed; {_holder(row)} submitted it. It is "
                "not sent again. Look at the account, then call ledger.resolve with its task_id, or with resend=True.",
                request_digest=row.digest,
            )
        case "cancelled":
            raise InvalidRequest(
                f"key {name} was cancelled in the ledger; use another key, or call ledger.resolve with resend=True.",
                field="key",
                value=key.name,
            )
    return Task(str(row.task_id), "completed" if row.state in ("completed", "saved") else None)


def _other(row: Row, request: Mapping[str, Any]) -> InvalidRequest:
    from .ledger import difference  # noqa: PLC0415 - comes with an extra

    found = difference(row.request or {}, request)
    return InvalidRequest(
        f"key {shorten(row.key)} belongs to another request: {found}. Use another key.", field="key", value=row.key
    )


def _holder(row: Row) -> str:
    host, pid, *_ = row.owner.split("/")
    return f"process {pid} on {host}"


def record(ledger: Ledger | None, task: Task, deadline: Deadline) -> Operation[None]:
    """Write how an edit ended. A ledger that cannot be written must not keep a result from its caller."""
    if ledger is None:
        return
    write: Callable[[], object]
    if task.status == "completed":
        files = [{"url": file.url, "type": file.type} for file in task.files]
        write = partial(ledger.finished, task.task_id, "completed", {"files": files})
    elif task.status == "failed":
        outcome = {"error_code": task.error_code, "error_msg": task.error_msg}
        write = partial(ledger.finished, task.task_id, "failed", outcome)
    else:  # the caller stops, and the edit may go on
        return
    try:
        yield Work(write, deadline, shielded=True)
    except LedgerError as error:
        logger.warning("task %s is %s, which the ledger does not know: %s", task.task_id, task.status, error)
