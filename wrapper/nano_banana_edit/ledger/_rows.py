"""What a ledger holds: one row a key.

    new ──claim──> sending ──task id──> sent ──poll──> completed ──file──> saved
     ^               │ │ │                └────poll──> failed
     │ nothing left  │ │ └── the service refuses ────> refused
     └───────────────┘ └──── no answer, or lease over, or a crash ──> unknown ──a person──> sent, new, cancelled

A row in `new` or `refused` may be claimed, one in `failed` if the caller asks for it, or has renewed it to `new`. Each
claim is a new attempt with an owner of its own. Only that owner changes a row that is `sending`, and only it may still
turn an `unknown` row into `sent`, when the answer comes late; to one that was `cancelled` meanwhile it adds the task.
From `sent` on anybody may write what a poll of the task says. A person may cancel any row that is not `sending`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from attrs import field, frozen
from nano_banana_edit_client.constraints import shorten

State: TypeAlias = Literal["new", "sending", "sent", "completed", "saved", "failed", "refused", "cancelled", "unknown"]


@frozen
class Row:
    """One key and its edit.

    Attributes:
        key: The caller's key, 1 to 500 characters.
        state: `new` nothing was sent; `sending` a submission is under way; `sent` it was accepted; `completed`; `saved`
            to a file; `failed`; `refused` by the service; `cancelled` by a person; `unknown` it may have been accepted.
        attempt: Number of claims so far; at most one submission for each was accepted.
        digest: SHA-256 of the request's content, in hexadecimal; empty before the first claim.
        request: The request, with the SHA-256 of each local image in place of its URL; None before the first claim.
        job: What a batch keeps of its row; None for a single edit.
        batch: Name of its batch; empty for a single edit.
        task_id: Id of the task, once it is known.
        outcome: What it ended with: `files` with their `url` and `type`, or `error`, `error_code` and `error_msg`.
        output: Path of the saved file, if any.
        updated: When the row changed last, in seconds since 1970, by the database's clock.
        owner: Who claimed it last: host, process and a random part; empty if what it answers is of no use any more.
        billed: How many of its submissions are known to have been accepted.
    """

    key: str
    state: State
    attempt: int
    digest: str
    request: dict[str, Any] | None = field(repr=False)
    job: dict[str, Any] | None = field(repr=False)
    batch: str
    task_id: str | None
    outcome: dict[str, Any] | None
    output: str | None
    updated: float
    owner: str
    billed: int


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Return in which properties two requests of one key differ."""
    names = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
    return "; ".join(f"{name} was {shorten(before.get(name))} and is {shorten(after.get(name))}" for name in names)
