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
    """Send a request; the result is what `read` makes of the response, or the error that it raises.

    Attributes:
        name: The document's operationId, or `result` for a file, whose URL may hold a signature and is not logged.
        request: The request, as arguments of `httpx2.Client.build_request`.
        read: Turns the response, and its body, which was read to its end and decoded, into the result.
        deadline: When it must be over, retries included.
        limit: Most bytes of the response's body that are read; ours, as the document sets none.
        billed: Whether the service may charge for it, so that it must not be sent twice.
        reuse: Whether it may use a connection that another request has used: true for polls alone.
        patient: Whether it is sent again until the deadline, whatever `max_retries`: true for the polls of a wait.
        settles: How often a 404 is asked again, as what is new may not be visible everywhere at once.
        anonymous: Whether it goes to a host outside the API: without the token, and without what an http_client adds.
    """

    name: str
    request: Mapping[str, Any] = field(repr=False)
    read: Callable[[httpx2.Response, bytes], Any]
    deadline: Deadline
    limit: int = 10_000_000
    billed: bool = False
    reuse: bool = False
    patient: bool = False
    settles: int = 0
    anonymous: bool = False


@frozen
class Sleep:
    """Wait some seconds."""

    seconds: float


@frozen
class Work:
    """Call a function that may block, such as one that reads a file; its result is the function's.

    Attributes:
        function: What to call.
        deadline: When it must have begun.
    """

    function: Callable[[], Any]
    deadline: Deadline


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
