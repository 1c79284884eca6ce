"""What a flow may ask its driver to do. A flow decides, a driver does.

A flow is a generator: it yields a step, is sent the step's result or thrown its failure, and returns its own result.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Sequence
from typing import Any, TypeAlias, TypeVar

import httpx
from attrs import frozen
from nano_banana_edit_client.types import Response

from ._clock import Deadline

T = TypeVar("T")


@frozen
class Answer:
    """What was read of an answer, its body decoded."""

    status_code: int
    headers: httpx.Headers
    content: bytes
    url: httpx.URL


@frozen
class Call:
    """Ask the API for an operation; its result is what `read` makes of the answer.

    Attributes:
        name: The document's operationId.
        sync: The generated operation for the sync driver, arguments bound, `client` missing.
        async_: Its async twin.
        read: Turns an answer into the result, or raises.
        deadline: When it must be over, retries included.
        base_url: The API host to ask.
        limit: Bytes of the answer's body that are read at most; ours, as the document sets none.
        billed: Whether the service may charge for it, so that it must not be sent twice.
    """

    name: str
    sync: Callable[..., Response[Any]]
    async_: Callable[..., Awaitable[Response[Any]]]
    read: Callable[[Response[Any] | Answer], Any]
    deadline: Deadline
    base_url: str
    limit: int = 10_000_000
    billed: bool = False


@frozen
class Fetch:
    """Get a URL that is no part of the API, without the token; its result is what `read` makes of the answer.

    Attributes:
        url: The absolute URL. Redirects are not followed.
        read: Turns the answer into the result, or raises.
        limit: Bytes of the body that are read at most.
        deadline: When it must be over, retries included.
        name: What it is called where a URL, which may hold a signature, is not to be seen.
        billed: Never.
    """

    url: str
    read: Callable[[Answer], Any]
    limit: int
    deadline: Deadline
    name: str = "result"
    billed: bool = False


@frozen
class Sleep:
    """Wait some seconds."""

    seconds: float


@frozen
class Work:
    """Do something that may block, such as reading a file; its result is the function's.

    Attributes:
        function: What to do.
        deadline: When it must have begun.
    """

    function: Callable[[], Any]
    deadline: Deadline


@frozen
class Together:
    """Run flows side by side; its result is the list of theirs, its failure the first of theirs."""

    flows: Sequence[Flow[Any]]


Step: TypeAlias = Call | Fetch | Sleep | Work | Together
Flow: TypeAlias = Generator[Step, Any, T]
