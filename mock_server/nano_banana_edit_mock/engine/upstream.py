"""What answers instead of the player: a service behind a proxy, or a tape."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from .records import Request, Response
from .referee import Verdict
from .relay import Relay
from .routes import Route


class Lost(Exception):
    """An answer did not arrive, or not whole: the message says why.

    `part` is the answer as far as it came, if it is of use. `sent` says whether the request had left.
    """

    def __init__(self, message: str, *, sent: bool = False, part: Response | None = None) -> None:
        super().__init__(message)
        self.sent, self.part = sent, part


@runtime_checkable
class Upstream(Protocol):
    """Answers the requests to the operations of the document, and those to the files of results.

    `waits` says whether an answer may take its time, so that a thread must wait for it.
    """

    waits: bool

    def answer(self, route: Route, request: Request, verdict: Verdict, now: float) -> Response:
        """Return the answer to a request, which was judged, at a time on the service's clock; raise Lost without it."""
        ...

    def begin_relay(self, route: Route, request: Request, ready: Callable[[], None]) -> Relay | None:
        """Begin to hand on an upload whose body is still coming, or return None to wait for it."""
        ...

    def reset(self) -> None:
        """Begin again."""
        ...
