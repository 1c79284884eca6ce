"""What answers instead of the player: a service behind a proxy, or a tape."""

from typing import Protocol

from .records import Request, Response
from .referee import Verdict
from .routes import Route


class Upstream(Protocol):
    """Answers the requests to the operations of the document, and those to the files of results.

    `waits` says whether an answer may take its time, so that a thread must wait for it.
    """

    waits: bool

    def answer(self, route: Route, request: Request, verdict: Verdict, now: float) -> Response:
        """Return the answer to a request, which was judged, at a time on the service's clock."""
        ...

    def reset(self) -> None:
        """Begin again."""
        ...
