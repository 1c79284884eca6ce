"""A service that lets uploads wait."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

from attrs import define, field

from ..hostile.server import Hostile, Misdeed, answer, says

AT_ONCE = 4  # uploads that run side by side
STALLED = 60.0  # seconds that an upload takes unless the service is told to answer
SOON = 30.0  # seconds in which a call must end, on a machine that has other things to do
UPLOADED = answer(b'{"url": "https://files.example.test/in.png"}')
BUSY = answer(b"{}", "Retry-After: 0.2", status="503 Busy")


@define
class Stalling:
    """A service that answers no upload until it is told to.

    Attributes:
        expected: How many uploads come.
        then: What happens once they have all come.
        answer: What it answers then.
        goes_on: Set when it is told to.
    """

    expected: int
    then: Callable[[], object]
    answer: bytes = UPLOADED
    goes_on: threading.Event = field(factory=threading.Event)
    _came: list[bytes] = field(factory=list)

    def __call__(self, request: bytes) -> Misdeed:
        self._came.append(request)
        return self._stall

    def _stall(self, connection: socket.socket, server: Hostile) -> None:
        if len(self._came) == self.expected:
            self.then()
        self.goes_on.wait(STALLED)
        says(self.answer)(connection, server)
