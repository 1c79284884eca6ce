"""Many threads, tasks and processes submit each key of one ledger once, and every call ends."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
import stamina
from nano_banana_edit import AsyncNanoBananaEdit, LedgerError, NanoBananaEdit
from nano_banana_edit.ledger import Ledger
from nano_banana_edit_mock import MockServer, MockService

from .. import promises
from ..database import Server
from ..wrapper.conftest import URL, Script, accepted
from .conftest import DIGEST, REQUEST, claimed


@pytest.fixture(autouse=True)
def clock() -> None:
    """Time passes here."""


@promises.ONE_PER_KEY
def test_threads(ledger: Ledger) -> None:
    """Twenty threads with one key submit it once, and all get its task."""
    script = Script([accepted()])
    with (
        httpx2.Client(transport=httpx2.MockTransport(script)) as http,
        NanoBananaEdit(token="t", http_client=http, ledger=ledger, poll_interval=0.02) as client,
        ThreadPoolExecutor(20) as threads,
    ):
        tasks = [threads.submit(client.submit, URL, "p", key="k") for _ in range(20)]
        assert {"t-1"} == {task.result().task_id for task in tasks}
    assert 1 == len(script.requests)


@promises.ONE_PER_KEY
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_tasks(ledger: Ledger, backend: str) -> None:
    """Tasks of an event loop with a few keys submit each once."""
    script = Script([accepted(f"t-{number}") for number in range(5)])

    async def run() -> None:
        async with (
            httpx2.AsyncClient(transport=httpx2.MockTransport(script)) as http,
            AsyncNanoBananaEdit(token="t", http_client=http, ledger=ledger, poll_interval=0.02) as client,
            anyio.create_task_group() as group,
        ):
            for number in range(100):
                group.start_soon(lambda key=f"k{number % 5}": client.submit(URL, "p", key=key))

    anyio.run(run, backend=backend)
    assert 5 == len(script.requests)
    assert {"sent": 5} == ledger.counts()


PROCESS = """
import random, sys
from nano_banana_edit import NanoBananaEdit
from nano_banana_edit.ledger import Ledger
keys = [f"k{number}" for number in range(12)]
random.Random(sys.argv[3]).shuffle(keys)
ledger = Ledger(sys.argv[1])
client = NanoBananaEdit(token="t", base_url=sys.argv[2], ledger=ledger, poll_interval=0.02)
for key in keys:
    client.edit("https://images.example.test/in.png", key, key=key)
"""


@pytest.mark.server
@promises.ONE_PER_KEY
def test_processes(database: str) -> None:
    """Processes that do the same edits at the same time, in any order, submit each once."""
    with MockServer(MockService(polls=1)) as server:
        processes = [subprocess.Popen([sys.executable, "-c", PROCESS, database, server.url, str(n)]) for n in range(3)]
        assert [0, 0, 0] == [process.wait(60) for process in processes]
        assert sorted(f"k{number}" for number in range(12)) == sorted(
            edit.body["prompt"] for edit in server.service.edits
        )
    with Ledger(database) as ledger:
        assert {"completed": 12} == ledger.counts()
        assert {1} == {row.attempt for row in ledger.rows()}


FORK = """
import os, sys, threading
from nano_banana_edit.ledger import Ledger

class Slow(dict):
    def items(self):
        inside.set()
        assert sys.argv[2] == "idle" or forked.wait()
        return super().items()

inside, forked = threading.Event(), threading.Event()
ledger = Ledger(sys.argv[1])
writing = threading.Thread(target=ledger.claim, args=("thread", "o", "d", Slow(a=1)))
writing.start(), inside.wait()
assert sys.argv[2] == "writing" or not writing.join()
child = os.fork()
if not child:
    try:
        os._exit(40 + ledger.claim("child", "o", "d", {}).attempt)
    finally:
        os._exit(1)
forked.set(), writing.join()
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), ledger.claim("parent", "o", "d", {}).attempt, ledger.counts())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_fork(database: str) -> None:
    """A process that was forked uses connections and a lock of its own; of SQLite only if nobody wrote just then."""
    moment = "writing" if "://" in database else "idle"
    command = [sys.executable, "-W", "ignore", "-c", FORK, database, moment]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert "41 1 {'sending': 3}\n" == run.stdout


@pytest.mark.parametrize("forks", [True, False])
def test_after_a_fork(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forks: bool) -> None:
    """What runs after a fork leaves the ledger usable, and does not keep it; a system without fork needs nothing."""
    hooks: list[Callable[[], object]] = []
    if forks:
        monkeypatch.setattr(os, "register_at_fork", lambda **when: hooks.extend(when.values()))
    else:
        monkeypatch.delattr(os, "register_at_fork", raising=False)
    ledger = Ledger(tmp_path / "ledger.db")
    claimed(ledger)
    for hook in hooks:
        hook()
    assert ledger.sent("k", "host/7/other", "t-1")
    ledger.close()
    gone = weakref.ref(ledger)
    del ledger
    gc.collect()
    for hook in hooks:
        hook()
    assert (None, forks) == (gone(), bool(hooks))


class Held(dict[str, Any]):
    """JSON that tells when it is being written, waits, and then may raise."""

    def __init__(self, then: Callable[[], object] = lambda: None) -> None:
        super().__init__(a=1)
        self.inside, self.go, self.then = threading.Event(), threading.Event(), then

    def items(self) -> Any:
        self.inside.set()
        self.go.wait()
        self.then()
        return super().items()


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(20) as threads:
        yield threads


def gathered(threads: ThreadPoolExecutor, ledger: Ledger, held: Held, *calls: Callable[[], Any]) -> list[Future[Any]]:
    """Let one thread write for so long that others come and wait; return what becomes of all."""
    first = threads.submit(ledger.claim, "held", "o", DIGEST, held)
    assert held.inside.wait(10)
    others = [threads.submit(call) for call in calls]
    threading.Event().wait(0.2)  # for them to come
    held.go.set()
    return [first, *others]


def claims(ledger: Ledger, number: int = 8) -> list[Callable[[], Any]]:
    return [lambda key=f"k{n}": claimed(ledger, key).state for n in range(number)]


def test_one_that_fails_fails_alone(ledger: Ledger, threads: ThreadPoolExecutor) -> None:
    """A change that cannot be made does not take with it those that wait beside it."""
    bad = [lambda: ledger.remember("d", "https://a.example/\ud800", 1e12)] * 2
    _, *calls = gathered(threads, ledger, Held(), *claims(ledger), *bad)
    assert {"sending"} == {call.result(10) for call in calls[:8]}
    for call in calls[8:]:
        with pytest.raises(LedgerError, match="surrogates not allowed"):
            call.result(10)
    assert {"sending": 9} == ledger.counts()


class Stop(BaseException):
    """Ctrl-C."""


def test_an_interrupt_stops_nobody_else(ledger: Ledger, threads: ThreadPoolExecutor) -> None:
    """If a thread is interrupted while it commits for others, the others are not interrupted."""
    stops = [Stop()]

    def stop() -> None:
        if stops:
            raise stops.pop()

    held = Held(stop)
    held.go.set()
    calls = gathered(threads, ledger, Held(), *claims(ledger), lambda: ledger.claim("stop", "o", DIGEST, held))
    failed = [call.exception(10) for call in calls if call.exception(10)]
    assert [Stop] == [type(error) for error in failed]
    assert {"sending": 9} == ledger.counts()


def test_who_reads_before_it_writes(ledger: Ledger, database: str, threads: ThreadPoolExecutor) -> None:
    """A change that reads first is not refused because somebody else wrote after that."""
    held = Held()
    with Ledger(database) as other:
        adding = threads.submit(ledger.add, "b", {"k": held})
        assert held.inside.wait(10)
        claiming = threads.submit(claimed, other, "x")
        threading.Event().wait(0.2)
        held.go.set()
        assert ([], "sending") == (adding.result(10), claiming.result(10).state)


def test_an_outage_fails_all_that_wait(postgresql: str, postgresql_server: Server, threads: ThreadPoolExecutor) -> None:
    """When the server stays away, all that wait learn of it at once, and not one after the other."""
    tries = []

    def on_retry(details: stamina.instrumentation.RetryDetails) -> None:
        tries.append(details)

    stamina.instrumentation.set_on_retry_hooks([on_retry])
    try:
        with Ledger(postgresql) as ledger, stamina.set_testing(True, attempts=3):
            calls = gathered(threads, ledger, Held(postgresql_server.stop), *claims(ledger, 15))
            for call in calls:
                with pytest.raises(LedgerError):
                    call.result(30)
    finally:
        stamina.instrumentation.set_on_retry_hooks(None)
    assert len(tries) <= 8  # those of the first, and of all that waited
    postgresql_server.start()


def test_claims_of_the_same_key(ledger: Ledger, database: str, threads: ThreadPoolExecutor) -> None:
    """Of many claims in one commit, and in several, one has the key."""
    with Ledger(database) as other:
        owners = [f"o/1/{number}" for number in range(20)]
        calls = [
            threads.submit(each.claim, "k", owner, DIGEST, REQUEST)
            for owner, each in zip(owners, [ledger, other] * 10, strict=True)
        ]
        assert 1 == len({call.result().owner for call in calls})
    assert 1 == ledger.get("k").attempt
