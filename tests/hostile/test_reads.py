"""Whatever a server does to a poll, an upload or a download, it is sent again, or ends as documented."""

from __future__ import annotations

import json
import socket
import time
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from nano_banana_edit import (
    APIConnectionError,
    APIStatusError,
    APITimeout,
    AuthenticationError,
    InvalidResponse,
    NanoBananaEditError,
    NotFound,
    PermissionDenied,
    RateLimited,
    ServerError,
    _download,
)

from .. import promises
from . import misdeeds
from .faces import FACES, Face, opened
from .misdeeds import PATIENCE
from .server import Hostile, Misdeed, answer, chunked, says

PNG = b"\x89PNG\r\n\x1a\n" + bytes(32)
UPLOADED = json.dumps({"url": "https://files.example.test/in.png"}).encode()
READS = ["look", "upload", "bytes", "save"]
EVER = 60.0  # seconds; what is slow is slow for longer

# httpx2 and httpcore nest async generators and close the outer one alone; trio says so. The connection is closed.
pytestmark = [pytest.mark.server, pytest.mark.filterwarnings("ignore:Async generator 'http:ResourceWarning")]


@frozen
class Read:
    """Something to ask for that is not billed."""

    face: Face
    server: Hostile
    folder: Path
    body: bytes
    ask: Callable[[Face], Any]
    task_id: str | None
    expected: Any

    def __call__(self, *script: Misdeed, **options: Any) -> Any:
        """Ask, with these misdeeds for an answer, and say what came of it: the result, or the error's kind and task.

        A file that is there afterwards is the whole image.
        """
        self.server.script[:] = script
        self.server.requests.clear()
        try:
            return self.ask(self.face.with_options(**options))
        except NanoBananaEditError as error:
            return type(error), error.task_id
        finally:
            assert not [path for path in self.folder.iterdir() if path.read_bytes() != PNG]

    @property
    def settles(self) -> int:
        """How often it is sent again if it is not found: a result may not be there yet."""
        return 4 if self.body == PNG else 0

    @property
    def again(self) -> int:
        """How often it was sent again."""
        return len(self.server.requests) - 1


@contextmanager
def reading(kind: str, what: str, folder: Path) -> Iterator[Read]:
    """Open a server and a client that is about to read from it."""
    with Hostile([]) as server, opened(kind, base_url=server.url, timeout=EVER, max_retries=1) as face:
        url = f"{server.origin}/out.png"
        task = json.dumps({"id": "t-1", "status": "completed", "result": [url]}).encode()
        server.script[:] = [says(answer(task))]
        image = face(face.client.wait, "t-1").images[0]

        def download(face: Face, method: str, *args: Any) -> Any:
            source = type(image)(image.url, image.task_id, driver=face.client._driver)
            return face(getattr(source, method), *args)

        target = folder / "out.png"
        reads = {
            "look": (task, lambda face: face(face.client.get_task, "t-1").files[0].url, "t-1", url),
            "upload": (UPLOADED, lambda face: face(face.client.upload, PNG).url, None, json.loads(UPLOADED)["url"]),
            "bytes": (PNG, lambda face: download(face, "bytes"), "t-1", PNG),
            "save": (PNG, lambda face: download(face, "save", target), "t-1", target),
        }
        yield Read(face, server, folder, *reads[what])


@pytest.fixture(autouse=True)
def _small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_download, "MAX_BYTES", 1_000_000)


@pytest.fixture(params=[name for name in FACES if name != "aiohttp"])
def kind(request: pytest.FixtureRequest) -> str:
    """A client on httpx2's transport: aiohttp asks once more by itself, and is lenient and strict in other places."""
    return str(request.param)


@pytest.fixture(params=READS)
def read(request: pytest.FixtureRequest, kind: str, tmp_path: Path) -> Iterator[Read]:
    with reading(kind, request.param, tmp_path) as read:
        yield read


def unread(read: Read) -> dict[str, Misdeed]:
    """Answers that are whole, and of no use; of an image nobody can see that it is cut, and it alone may move."""
    if read.body == PNG:
        return misdeeds.unreadable(read.body)
    answers = {**misdeeds.cut(read.body), **misdeeds.unreadable(read.body)}
    return {name: answer for name, answer in answers.items() if not name.startswith("redirect-")}


def broken(read: Read) -> dict[str, Misdeed]:
    """What leaves no answer to read."""
    return {"switching-protocols": misdeeds.SWITCHING, **misdeeds.broken(read.body), **misdeeds.damaged(read.body)}


@promises.READ_AGAIN
def test_asked_again(read: Read) -> None:
    """What breaks once is asked once more, and the good answer is taken."""
    good = says(answer(read.body))
    faults = {**broken(read), **misdeeds.NO, **misdeeds.LATER}
    outcomes = {name: (read(misdeed, good), read.again) for name, misdeed in faults.items()}
    assert dict.fromkeys(faults, (read.expected, 1)) == outcomes


@promises.READ_AGAIN
def test_given_up_when_it_stays_broken(read: Read) -> None:
    """A request that always breaks is sent max_retries more times, and ends as APIConnectionError."""
    faults = broken(read)
    outcomes = {name: (read(misdeed), read.again) for name, misdeed in faults.items()}
    assert dict.fromkeys(faults, ((APIConnectionError, read.task_id), 1)) == outcomes


@promises.READ_AGAIN
def test_given_up_when_refused(read: Read) -> None:
    """A status that stays is the error, after asking again where that could have helped."""
    assert dict.fromkeys(misdeeds.NO, ((ServerError, read.task_id), 1)) == {
        name: (read(misdeed), read.again) for name, misdeed in misdeeds.NO.items()
    }
    assert {"status-408": APIStatusError, "status-425": APIStatusError, "status-429": RateLimited} == {
        name: read(misdeed)[0] for name, misdeed in misdeeds.LATER.items()
    }
    for status, kind in [(401, AuthenticationError), (403, PermissionDenied), (404, NotFound), (410, APIStatusError)]:
        again = read.settles if status == 404 else 0
        assert ((kind, read.task_id), again) == (read(says(answer(b"", status=f"{status} No"))), read.again)


@promises.UNPACKED
def test_not_taken_when_it_is_something_else(read: Read) -> None:
    """A whole answer that is not what was asked for is an error at once, as is one that is too large."""
    outcomes = {name: (read(misdeed), read.again) for name, misdeed in unread(read).items()}
    assert dict.fromkeys(unread(read), ((InvalidResponse, read.task_id), 0)) == outcomes


def test_understood(read: Read) -> None:
    """What HTTP allows is understood, however it comes."""
    faults = {**misdeeds.fine(read.body), **misdeeds.packed(read.body)}
    outcomes = {name: (read(misdeed), read.again) for name, misdeed in faults.items()}
    assert dict.fromkeys(outcomes, (read.expected, 0)) == outcomes


@promises.DEADLINE
@pytest.mark.parametrize("what", READS)
def test_given_up_within_the_deadline(kind: str, what: str, tmp_path: Path) -> None:
    """What takes for ever is given up when the time is over, and leaves nothing behind."""

    def outcome(name: str) -> Any:
        (folder := tmp_path / name).mkdir()
        with reading(kind, what, folder) as read:
            began = time.monotonic()
            result = read(misdeeds.slow(read.body)[name], timeout=2 * PATIENCE)
            assert time.monotonic() - began < 25 * PATIENCE  # for ever is at least fifty
            return result, read.again, [*folder.iterdir()]

    names = misdeeds.slow(PNG)
    with ThreadPoolExecutor(len(names)) as threads:
        outcomes = dict(zip(names, threads.map(outcome, names), strict=True))
    task_id = None if what == "upload" else "t-1"
    assert dict.fromkeys(names, ((APITimeout, task_id), 0, [])) == outcomes


@promises.WHOLE_FILES
@pytest.mark.parametrize("end", ["length", "chunks", "close"])
def test_not_read_to_its_end(read: Read, end: str) -> None:
    """An answer that is too large is left when it has become so."""
    poured = []

    def pour(connection: socket.socket, _server: Hostile) -> None:
        piece = b"\x89PNG\r\n\x1a\n" + bytes(2**20)
        framed = b"%x\r\n%s\r\n" % (len(piece), piece) if end == "chunks" else piece
        for _ in range(400):
            connection.sendall(framed)
            poured.append(len(piece))

    head = {
        "length": answer(b"", length=2**40),
        "chunks": chunked(end=b""),
        "close": b"HTTP/1.0 200 OK\r\n\r\n",
    }[end]
    assert ((InvalidResponse, read.task_id), 0) == (read(says(head, then=pour)), read.again)
    assert sum(poured) < 60 * 2**20  # the limit of an answer, and what lies in the buffers of two sockets


@promises.UNPACKED
@pytest.mark.parametrize("name", ["gzip-bomb", "gzip-of-a-bomb"])
def test_a_bomb_is_not_unpacked(read: Read, name: str) -> None:
    """What a small answer would become takes no more memory than an answer may."""
    misdeed = misdeeds.unreadable(read.body)[name]
    tracemalloc.start()
    try:
        assert (InvalidResponse, read.task_id) == read(misdeed)
        assert tracemalloc.get_traced_memory()[1] < 30_000_000
    finally:
        tracemalloc.stop()


@promises.UNPACKED
def test_a_refusal_stays_one_however_it_is_coded(read: Read) -> None:
    """A status that says no counts also where its body cannot be read."""
    coded = {"no-known-coding": says(answer(b"?", "Content-Encoding: x", status="404 No"))}
    faults = {**misdeeds.packed(b"{}", "404 No"), **misdeeds.damaged(b"{}", "404 No"), **coded}
    outcomes = {name: (read(misdeed), read.again) for name, misdeed in faults.items()}
    assert dict.fromkeys(faults, ((NotFound, read.task_id), read.settles)) == outcomes


@promises.TOKEN_FOR_API
@pytest.mark.parametrize("what", ["bytes", "save"])
def test_results_are_asked_for_without_the_token(kind: str, what: str, tmp_path: Path) -> None:
    """Each request for a result, the one after a failure and a redirect too, carries neither token nor cookie."""
    moved = says(answer(b"", "Location: /moved.png", "Set-Cookie: a=b", status="302 Found"))
    with reading(kind, what, tmp_path) as read:
        oops = says(answer(b"", "Set-Cookie: a=b", status="500 Oops"))
        assert read.expected == read(oops, moved, oops, says(answer(PNG)))
        heads = [request.lower() for request in read.server.requests]
    assert [b"/out.png", b"/out.png", b"/moved.png", b"/moved.png"] == [head.split()[1] for head in heads]
    assert not any(word in head for head in heads for word in (b"authorization", b"cookie", misdeeds.TOKEN.encode()))
