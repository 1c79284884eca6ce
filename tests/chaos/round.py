"""One round: workers on a batch, faults among them, the end without faults, and the verdict."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import sys
import time
from collections import Counter, defaultdict
from contextlib import suppress
from pathlib import Path
from typing import Any

from attrs import define, field, frozen
from sqlalchemy.exc import DBAPIError

from ..database import Server
from .disk import fill, small_disk
from .judge import Verdict, judge, resolve
from .leases import expire, hold
from .plan import IN_FLIGHT, Event, Plan
from .service import Service

_LEASE = 4.0  # seconds that a submission may take: longer than a locked database, which uses it up before it is sent
_REAL = 14.5  # seconds after which such a lease is over in the ledger too
_PATIENCE = 2.0  # seconds without progress, after which the next fault comes all the same
_LONGEST = 180.0  # seconds of a round, and of what a person does after it
_ROOT = Path(__file__).parents[2]


@frozen
class Result:
    """A round that is over.

    Attributes:
        plan: What was to go wrong.
        happened: The number of faults of each kind.
        verdict: What was found.
        seconds: How long it took.
    """

    plan: Plan
    happened: Counter[str]
    verdict: Verdict
    seconds: float


def play(plan: Plan, folder: Path, server: Server | None) -> Result:
    """Play a round in a new folder, on a PostgreSQL server if the plan is for one.

    The logs of the workers are beside the folder. After a good round nothing is left.
    """
    started = time.monotonic()
    with small_disk(folder):
        this = Round(plan, folder, server if plan.database == "postgresql" else None)
        verdict = asyncio.run(this.run())
    if verdict.is_good:
        shutil.rmtree(folder)
        for log in folder.parent.glob(f"{folder.name}-worker-*.log"):
            log.unlink()
    return Result(plan, this.happened, verdict, time.monotonic() - started)


@define(eq=False)
class Round:
    """One round.

    Attributes:
        plan: What goes wrong.
        folder: For the results and an SQLite file.
        server: PostgreSQL, if the plan is for it.
        happened: The number of faults of each kind so far.
    """

    plan: Plan
    folder: Path
    server: Server | None
    happened: Counter[str] = field(factory=Counter)
    _location: str = ""
    _service: Service = field(init=False)
    _workers: dict[int, asyncio.subprocess.Process] = field(factory=dict)
    _locks: defaultdict[str, asyncio.Lock] = field(factory=lambda: defaultdict(asyncio.Lock))

    async def run(self) -> Verdict:
        """Run it, let a person resolve what is unknown, and return the verdict."""
        self._service = Service(self.plan)
        self._location = str(self.folder / "ledger.db")
        if self.server:
            self._location = await asyncio.to_thread(self.server.create)
        await self._service.listen()
        try:
            return await self._verdict()
        except (AssertionError, TimeoutError) as error:
            return Verdict(wrong=[f"{type(error).__name__}: {error}"])
        finally:
            for process in self._workers.values():
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
            self._service.refuse()
            if self.server:
                await asyncio.to_thread(self.server.drop, self._location)

    async def _verdict(self) -> Verdict:
        async with asyncio.timeout(_LONGEST):
            await self._faults()
            await self._finish(1)
        self.happened += self._service.happened
        expire(self._location)
        verdict = judge(self.plan, self._service, self._location, self.folder / "out", self._allowed())
        if not (verdict.is_good and verdict.unknown):
            return verdict
        resolve(self._service, self._location)
        async with asyncio.timeout(_LONGEST):
            await self._finish(self.plan.processes)
        resolved = judge(self.plan, self._service, self._location, self.folder / "out", allowed=0)
        return verdict if resolved.is_good else resolved

    def _allowed(self) -> int:
        """Return how many rows may be unknown: those whose submission was in flight when something broke."""
        processes = sum(self.happened[kind] for kind in ("kill", "stop", "long stop"))
        processes += self.plan.processes * sum(self.happened[kind] for kind in ("refuse", "full disk"))
        return IN_FLIGHT * processes + len(self._service.unanswered)

    async def _faults(self) -> None:
        """Keep the workers running until they are done, while the faults of the plan happen."""
        working = asyncio.gather(*(self._keep(number) for number in range(self.plan.processes)))
        happening = []
        for event in self.plan.events:
            reached = asyncio.ensure_future(self._service.reached(event.at, _PATIENCE))
            await asyncio.wait([reached, working], return_when=asyncio.FIRST_COMPLETED)
            reached.cancel()
            if working.done():
                break
            happening.append(asyncio.ensure_future(self._happen(event)))
        await asyncio.gather(*happening)
        self._service.calm = True
        await working

    async def _keep(self, number: int) -> None:
        """Start a worker again whenever it dies or fails, as systemd does."""
        while await self._work(number):
            await asyncio.sleep(0.1)

    async def _finish(self, processes: int) -> None:
        """Start workers once more, when nothing goes wrong; all of them must end well."""
        codes = await asyncio.gather(*(self._work(number) for number in range(processes)))
        assert not any(codes), f"A worker failed where nothing went wrong; see {self.folder}-worker-*.log"

    async def _work(self, number: int) -> int:
        settings: dict[str, Any] = {
            "url": f"http://127.0.0.1:{self._service.port}",
            "location": self._location,
            "keys": self.plan.keys,
            "output": str(self.folder / "out"),
            "lease": _LEASE,
        }
        command = [sys.executable, "-m", "tests.chaos.worker", json.dumps(settings)]
        with Path(f"{self.folder}-worker-{number}.log").open("a") as log:
            process = await asyncio.create_subprocess_exec(*command, cwd=_ROOT, stdout=log, stderr=log)
        self._workers[number] = process
        code = await process.wait()
        if code == -signal.SIGKILL:  # it does not come back, so nobody need wait for its leases
            await asyncio.to_thread(expire, self._location, process.pid, patience=60)
        return code

    async def _happen(self, event: Event) -> None:
        async with self._locks[event.kind]:
            if await self._happened(event):
                self.happened[event.kind] += 1

    async def _happened(self, event: Event) -> bool:
        """Let a fault happen; return whether it could."""
        process = self._workers.get(event.worker)
        match event.kind:
            case "kill" | "stop" | "long stop" if process is None or process.returncode is not None:
                return False
            case "kill":
                process.kill()
            case "stop" | "long stop":
                await self._stop(process, event)
            case "refuse":
                self._service.refuse()
                await asyncio.sleep(event.seconds)
                await self._service.listen()
            case "503" | "429":
                self._service.state = event.kind
                await asyncio.sleep(event.seconds)
                self._service.state = ""
            case "database" if self.server:
                await self._crash(event)
            case "database":
                await asyncio.to_thread(hold, self._location, event.seconds)
            case "full disk" if not self.folder.is_mount():
                return False
            case "full disk":
                with fill(self.folder):
                    await asyncio.sleep(event.seconds)
        return True

    async def _stop(self, process: asyncio.subprocess.Process, event: Event) -> None:
        process.send_signal(signal.SIGSTOP)
        try:
            if event.kind == "stop":
                with suppress(DBAPIError):  # who is stopped may hold the lock of an SQLite file
                    await asyncio.to_thread(expire, self._location, process.pid, patience=0.5)
            await asyncio.sleep(event.seconds if event.kind == "stop" else _REAL)
        finally:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)

    async def _crash(self, event: Event) -> None:
        await asyncio.to_thread(self.server.stop, "immediate")
        await asyncio.sleep(event.seconds)
        await asyncio.to_thread(self.server.start)
