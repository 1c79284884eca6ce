"""What an operation may ask its driver for. An operation decides; a driver does.

An operation is a generator: it yields an effect, is sent the effect's result or thrown its error, and returns its own
result.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

import httpx2
from attrs import field, frozen

from ._clock import Deadline

T = TypeVar("T")


@frozen
class Send:
    """Send a request; the result is what `read` makes of the response, or the error that it raises."""

    name: str  # the document's operationId, or `result` for a file, whose URL may hold a signature and is not logged
    request: Mapping[str, Any] = field(repr=False)  # as arguments of `httpx2.Client.build_request`
    read: Callable[[httpx2.Response, bytes], Any]  # takes the body as well, read to its end and decoded
    deadline: Deadline  # when it must be over, retries included
    limit: int = 10_000_000  # most bytes of the response's body that are read; ours, as the document sets none
    billed: bool = False  # whether the service may charge for it, so that it must not be sent twice
    reuse: bool = False  # whether it may use a connection that another request has used: true for polls alone
    patient: bool = (
        False  # whether it is sent again until the deadline, whatever `max_retries`: for the polls of a wait
    )
    settles: int = 0  # how often a 404 is asked again, as what is new may not be visible everywhere at once
    anonymous: bool = False  # goes to a host outside the API: without the token, and what an http_client adds


@frozen
class Sleep:
    """Wait some seconds."""

    seconds: float


@frozen
class Work:
    """Call a function that may block, such as one that reads a file; its result is the function's."""

    function: Callable[[], Any]
    deadline: Deadline  # when it must have begun
    shielded: bool = False  # whether it is done at any time, also in a call that is cancelled


@frozen
class Call:
    """Call a function of the caller's. An async client awaits what it returns, if that can be awaited."""

    function: Callable[[], Any]


@frozen
class Together:
    """Run operations side by side; its result is the list of theirs, its error the first of theirs."""

    operations: Sequence[Operation[Any]]


Effect: TypeAlias = Send | Sleep | Work | Call | Together
Operation: TypeAlias = Generator[Effect, Any, T]
