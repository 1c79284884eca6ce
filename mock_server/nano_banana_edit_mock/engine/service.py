"""The service itself, without I/O: a request in, a response out."""

import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from operator import methodcaller
from pathlib import Path
from typing import Any

from attrs import evolve

from ..contract import Contract, load
from . import assertions, ranges
from .cors import share
from .journal import Journal
from .operations import Operations
from .preferences import preferred
from .records import Edit, Entry, Fault, Outcome, Request, Response, Upload
from .referee import Referee, astray, check_token
from .routes import FILE_NAMES, FILE_ORIGIN, Routes
from .rules import Doing, Rule
from .script import Script
from .script_files import Step
from .state import Job, State
from .timing import Clock, Seconds, check_life

__tracebackhide__ = methodcaller("errisinstance", AssertionError)  # of pytest: a failure points at the test


class MockService:
    """Plays the service: judges every request by the document, keeps tasks and uploads, draws the results.

    What is to go otherwise is said beforehand: `next`, `on`, `script` and `outage`. What came is read afterwards:
    `edits`, `uploads`, `calls` and the assertions. A request that is valid and prefers an error, 400 to 599 as in
    `Prefer: code=429` (RFC 7240), is answered with that, unless a rule takes it.

    A task lives by looks or by time. Its progress is the number of earlier looks over `polls`, or the seconds since the
    edit over `seconds`: below a half it is `pending`, below one `processing`, from then on it has its outcome. So
    `polls=2` answers `pending`, `processing`, and then the outcome; 0 is finished at the first look.

    It may be used from several threads. What it keeps is bounded, and the oldest goes first.

    Args:
        seed: Where task ids, upload keys and backgrounds start; default 0. Equal requests get equal answers.
        polls: Looks until a task is finished, at least 0; default 2.
        seconds: Seconds until a task is finished, at least 0, or their distribution, `Uniform` or `Lognormal`, drawn
            for each task from the seed; default None counts looks instead.
        clock: Clock in seconds that `seconds` and outages are measured by; default `time.monotonic`.
        now: Wall clock from which uploads expire; default is the current time in UTC.
        token: The only bearer token accepted; default None accepts any.
        invalid_status: Status of a request that the document refuses, where HTTP prescribes none, 400 to 599; default
            400.
        contract: The contract; default is the one shipped.

    Raises:
        ValueError: `polls`, `seconds` or `invalid_status` is out of its range, or `token` is none that can be sent.

    Attributes:
        contract: The contract.
        max_body: Largest body in bytes that is looked into; a larger one is answered 413.

    Source: `openapi.yaml`
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        polls: int = 2,
        seconds: Seconds | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        token: str | None = None,
        invalid_status: int = 400,
        contract: Contract | None = None,
    ) -> None:
        check_life(polls, seconds)
        ranges.whole("invalid_status", invalid_status, 400, 599)
        check_token("token", token)
        self.contract = contract or load()
        self._token = token
        operations = [operation.id for operation in self.contract.operations]
        self._clock = Clock(clock, now)
        self._routes, self._referee = Routes(self.contract), Referee(self.contract)
        self.max_body = self._referee.max_body
        self._script, self.journal = Script([*operations, *FILE_NAMES]), Journal(operations)
        self._state = State(seed)
        usual = Outcome(polls=polls) if seconds is None else Outcome(seconds=seconds)
        self._operations = Operations(self.contract, self._clock, self._state, usual, invalid_status)

    def handle(self, request: Request) -> Response:
        """Answer a request, looking at route, method, authorization, size, content type and body in this order.

        The verdict is passed on every request and kept in the journal. Where a rule takes the request, its `Reply` is
        the answer, whatever the verdict.

        Args:
            request: The request, with an absolute URL.

        Returns:
            The response; an error has the JSON shape of the API.

        Source: `openapi.yaml#/paths`
        """
        now = self._clock.seconds()
        route = self._routes.find(request.method, request.url)
        operation = route.operation
        if operation:
            verdict = self._referee.judge(operation, request, self._token)
        else:
            verdict = astray(request.method, route.url.path, route.allow)
        prefers = preferred(request.header("Prefer")) if route.name and not verdict.violations else None
        accepted = route.name == "createEdit" and not verdict.violations and not prefers
        taken = self._script.take(operation.id, accepted=accepted, now=now) if operation else None
        response, task_id = self._operations.answer(route, verdict, taken or prefers, now)
        scripted = taken is not None
        self.journal.add(request, route, verdict, response, scripted=scripted, task_id=task_id, at=now)
        response = share(request, response)
        if isinstance(taken, Fault):
            response = evolve(response, fault=taken)
        return evolve(response, body=b"") if request.method == "HEAD" else response

    def get_file(self, path: str) -> Response:
        """Return a file as it is served, and keep the look at it out of the journal.

        Args:
            path: Its path, such as `/results/01234567-89ab-cdef-0123-456789abcdef/0.png`.

        Returns:
            The response, 404 where there is none.
        """
        return self._operations.get_file(self._routes.find("GET", FILE_ORIGIN + path))

    def on(self, operation: str | None, do: Doing, *, nth: int = 1, times: int | None = 1) -> None:
        """Say what happens on requests to an operation.

        An outcome is for edits that are accepted, and counts those alone. A reply is for any request, whether or not it
        is otherwise valid; what is wrong with it stands in the journal all the same. So is a fault: the request is met
        as usual, an edit may be accepted, and the answer goes wrong on its way; only a connection that is refused
        brings nothing.

        Args:
            operation: An operationId, `createEdit` for an outcome, `getResult` or `getFile`; None for any operation of
                the API.
            do: What becomes of the edit, the answer, or what goes wrong with it.
            nth: The first request that it happens on, from 1; default 1. It counts those that no earlier rule took.
            times: How many requests it happens on, from 1; default 1, None for all that follow.

        Raises:
            ValueError: The document has no such operation, an outcome is meant for another one than `createEdit`, `nth`
                or `times` is less than 1, or there are more than 10,000 rules.
        """
        self._script.on(operation, do, nth=nth, times=times)

    def next(self, do: Doing) -> None:
        """Say what becomes of the next accepted edit, or how the next request is answered; several calls queue up.

        Args:
            do: The outcome of the edit, or the answer to the request or its fault, whatever its operation. An edit that
                finds no outcome is completed.

        Raises:
            ValueError: It is none of these, or there are more than 10,000 rules.
        """
        self._script.steps([do])

    def script(self, steps: Iterable[Step] | Path) -> None:
        """Say what happens step by step: as `next` for each, or for none of them where one is refused.

        Args:
            steps: Outcomes, replies and faults, or mappings that say so in the words of a script file, for instance
                `{"reply": {"status": 429}, "operation": "getTask", "nth": 2}`; or the path of a script file, in YAML or
                JSON.

        Raises:
            OSError: The file cannot be read.
            ValueError: A step is none of these, the file is not YAML or has no steps, or there are more than 10,000
                rules. The message names the file.

        Source: `admin.yaml#/components/schemas/Step`
        """
        self._script.steps(steps)

    def outage(self, *, requests: int | None = None, seconds: float | None = None, status: int = 503) -> None:
        """Say that every operation fails for a while; one that an earlier rule takes does not.

        Args:
            requests: For how many requests, from 1.
            seconds: For how many seconds from the first request that finds it, by the service's clock, more than 0. One
                of both is given.
            status: The status answered, 400 to 599; default 503.

        Raises:
            ValueError: Both or neither of `requests` and `seconds` are given, one of them or the status is out of its
                range, or there are more than 10,000 rules.
        """
        self._script.outage(requests=requests, seconds=seconds, status=status)

    @property
    def time(self) -> float:
        """Seconds since the service was made, with those that `advance` let pass."""
        return self._clock.seconds()

    def advance(self, seconds: float) -> None:
        """Let time pass at once: tasks and outages come nearer to their end, and uploads expire later.

        Args:
            seconds: How much, 0 to 1,000,000,000.

        Raises:
            ValueError: It is out of that range.
        """
        self._clock.advance(seconds)

    @property
    def calls(self) -> tuple[Entry, ...]:
        """The last thousand requests, oldest first."""
        return tuple(self.journal.latest()[2])

    @property
    def edits(self) -> tuple[Edit, ...]:
        """The accepted edits, oldest first."""
        return tuple(job.edit for job in self._state.jobs)

    @property
    def uploads(self) -> tuple[Upload, ...]:
        """The accepted uploads, oldest first."""
        return self._state.uploads

    @property
    def jobs(self) -> tuple[Job, ...]:
        """What becomes of the accepted edits, oldest first."""
        return self._state.jobs

    @property
    def rules(self) -> tuple[Rule, ...]:
        """What was said and has not happened yet, in the order in which it is asked."""
        return self._script.rules

    def assert_called_once_with(self, operation: str = "createEdit", /, **properties: Any) -> None:
        """Assert that there was one request to an operation, and that its JSON body has some properties.

        A request counts whatever it was answered, so that one which is sent again counts twice.

        Args:
            operation: The operationId; default `createEdit`.
            **properties: Properties of the body and their values; others may be there too.

        Raises:
            AssertionError: There was none or another one, or more; the message shows the nearest.
            ValueError: The document has no such operation.
        """
        assertions.called_once_with(self.journal, operation, properties)

    def assert_called_with(self, operation: str = "createEdit", /, **properties: Any) -> None:
        """Assert that the JSON body of the last request to an operation has some properties.

        Args:
            operation: The operationId; default `createEdit`.
            **properties: Properties of the body and their values; others may be there too.

        Raises:
            AssertionError: There was none, or the last was another one; the message shows it.
            ValueError: The document has no such operation.
        """
        assertions.called_with(self.journal, operation, properties)

    def assert_not_called(self, operation: str | None = None, /) -> None:
        """Assert that there was no request to an operation.

        Args:
            operation: The operationId; default None for no request at all.

        Raises:
            AssertionError: There was one; the message lists them.
            ValueError: The document has no such operation.
        """
        assertions.not_called(self.journal, operation)

    def assert_no_invalid_requests(self) -> None:
        """Assert that the document allows every request, whatever it was answered.

        Raises:
            AssertionError: It does not; the message lists what is wrong with which request.
        """
        assertions.no_invalid_requests(self.journal)

    def assert_all_scripted_used(self) -> None:
        """Assert that everything which was said beforehand has happened.

        Raises:
            AssertionError: It has not; the message lists the rules left over.
        """
        assertions.all_used(self._script.rules)

    def reset(self) -> None:
        """Forget everything, rules included, and start again from the seed; the time goes on."""
        for part in (self._script, self.journal, self._state):
            part.reset()
