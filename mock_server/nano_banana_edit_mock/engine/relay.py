"""The relay: hands the body of a request on while it arrives."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Thread
from typing import Any

from attrs import field, frozen

from .records import Request

MOST = 1_000_000  # bytes on their way; a client that is faster than the service waits as well


class Dropped(Exception):
    """The rest of the body will not come."""


class Relay:
    """Sends the pieces of a body as they come, so that a service takes it as slowly as it would from the client.

    A body that breaks off never arrives whole.

    Args:
        send: Sends these pieces in a thread of its own, and returns the answer.
        ready: Called, by that thread, each time when there may be room for more.
    """

    def __init__(self, send: Callable[[Iterable[bytes]], Any], ready: Callable[[], None]) -> None:
        self._send, self._ready = send, ready
        self._pieces: SimpleQueue[bytes | None] = SimpleQueue()
        self._given, self._taken = 0, 0  # bytes; each is written by one thread
        self._whole = False
        self._answer: Future[Any] = Future()
        Thread(target=self._work, daemon=True).start()

    @property
    def full(self) -> bool:
        """Whether the service has to take more before more is given."""
        return self._given - self._taken > MOST and not self._answer.done()

    def give(self, piece: bytes) -> None:
        """Hand on a piece, unless the service has answered already, or is gone."""
        if not self._answer.done():
            self._given += len(piece)
            self._pieces.put(piece)

    def finish(self) -> Any:
        """End the body, and return the answer, or raise what sending has raised."""
        self._whole = True
        self._pieces.put(None)
        return self._answer.result()

    def drop(self) -> None:
        """Break off the request, unless it is finished."""
        self._pieces.put(None)

    def _work(self) -> None:
        try:
            self._answer.set_result(self._send(self._body()))
        except BaseException as error:  # noqa: BLE001 - it is for `finish` to raise
            self._answer.set_exception(error)
        self._ready()

    def _body(self) -> Iterator[bytes]:
        while (piece := self._pieces.get()) is not None:
            yield piece
            self._taken += len(piece)
            self._ready()
        if not self._whole:
            raise Dropped


@frozen(kw_only=True)
class Relayed(Request):
    """A request whose body was handed on while it came."""

    relay: Relay = field(eq=False, repr=False)
