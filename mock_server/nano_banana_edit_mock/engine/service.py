"""The service, without I/O: a request in, a response out."""

import warnings
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from operator import methodcaller
from pathlib import Path
from typing import Any, Self

from attrs import evolve

from ..contract import Contract, load
from ..contract.wording import demand
from . import assertions
from .answers import refuse
from .cassette import read_tape
from .cors import share
from .entries import Times, make_entry
from .front import Answered, Front
from .journal import Journal
from .player import Player
from .preferences import preferred
from .records import Edit, Entry, Fault, Outcome, Request, Response, Upload
from .referee import Referee, Verdict, astray, check_token
from .relay import Relay
from .replay import Replay
from .replies import Reply
from .routes import FILE_NAMES, FILE_ORIGIN, Route, Routes
from .rules import Doing, Rule, make_outage
from .script import Script, Step
from .state import Job, State
from .timing import Clock, Seconds, monotonic
from .upstream import Upstream

__tracebackhide__ = methodcaller("errisinstance", AssertionError)  # pytest then shows the line of the test
_utc = partial(datetime.now, UTC)


class MockService:
    """Plays the service: judges each request by the document, keeps tasks and uploads, and draws the results.

    Script failures first, with `next`, `on`, `script` and `outage`; then assert which requests arrived, with `edits`,
    `uploads`, `calls` and the assertions. A valid request may also ask for an error, 400 to 599, by a header such as
    `Prefer: code=429` (RFC 7240); rules come first.

    A task is finished after a number of polls or seconds. Its progress is the number of earlier polls divided by
    `polls`, or the seconds since the edit divided by `seconds`. It is `pending` below one half and `processing` below
    one; from then on it has its outcome. So with `polls=2` the answers are `pending`, `processing`, and the outcome;
    with 0 the first poll has the outcome.

    Several threads may use one service. It keeps the last 10,000 tasks, and 256 MB of edits, uploads and drawn images;
    the oldest goes first. A task outlives the body of its edit and its upload, and is then drawn without the upload.

    Args:
        seed: The start of task ids, upload keys and backgrounds; default 0. Equal requests have equal answers.
        polls: Polls until a task is finished, at least 0; default 2 without `seconds`.
        seconds: Seconds until a task is finished, 0 to 1,000,000,000, or their distribution, `Uniform` or `Lognormal`,
            from which each task draws; default None counts polls instead.
        clock: Clock in seconds, for `seconds` and outages; default is a monotonic one that a frozen time does not stop.
        now: Wall clock, for the expiry of uploads; default is the current time in UTC.
        token: The only accepted bearer token; default None accepts any.
        invalid_status: Status for an invalid request if HTTP prescribes none, 400 to 599; default 400.
        contract: The contract; default is the one shipped.
        upstream: What answers instead of the mock: a proxy or a tape. The script comes first, but has no outcomes.
            Default None.
        strict: Whether an invalid request is refused instead of passed on to `upstream`, and an answer that the
            document does not allow is replaced by a 502; default False.

    Raises:
        ValueError: An argument is of another type or out of its range, `token` is not a bearer token, both `polls` and
            `seconds` are given, or `strict` without `upstream`, or one of the mock's own tasks beside it: `polls`,
            `seconds` or `seed`.

    Attributes:
        contract: The contract.
        journal: The requests that arrived, as the admin API reads them.
        max_body: Largest body in bytes that is read; a larger one is answered 413.

    Source: `openapi.yaml`
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        polls: int | None = None,
        seconds: Seconds | None = None,
        clock: Callable[[], float] = monotonic,
        now: Callable[[], datetime] = _utc,
        token: str | None = None,
        invalid_status: int = 400,
        contract: Contract | None = None,
        upstream: Upstream | None = None,
        strict: bool = False,
    ) -> None:
        self._usual = Outcome(polls=2 if polls is None and seconds is None else polls, seconds=seconds)
        demand("seed", seed, int, "a whole number")
        for name, function in (("clock", clock), ("now", now)):
            demand(name, function, Callable, "a function without arguments")  # type: ignore[arg-type]  # a class, too
        if type(invalid_status) is not int or not 400 <= invalid_status <= 599:
            raise ValueError(f"invalid_status is {invalid_status!r}; the limit is 400 to 599.")
        check_token("token", token)
        self._seed, self._token, self._invalid_status = seed, token, invalid_status
        self._clock = Clock(clock, now)
        self.contract = load() if contract is None else contract
        demand("contract", self.contract, Contract, "what load() returns")
        if upstream is not None:
            demand("upstream", upstream, Upstream, "a Proxy")
            for name, value in (("polls", polls), ("seconds", seconds), ("seed", seed or None)):
                if value is not None:
                    raise ValueError(f"{name} is for the mock's own tasks. Leave it out.")
        elif strict:
            raise ValueError(f"strict is {strict!r}; it needs upstream.")
        self._routes, self._referee = Routes(self.contract), Referee(self.contract)
        self._upstream, self._strict = upstream, strict
        self.max_body = self._referee.max_body
        self.reset()

    @classmethod
    def replay(cls, tape: Path | str, *, timing: bool = False, **options: Any) -> Self:
        """Return a service that answers as a tape does.

        A request that the tape does not have is answered 404, with the nearest one that it has. Each answer that the
        document of today sees in another way is a warning.

        Args:
            tape: A folder that `--record` has written, or a cassette of vcrpy.
            timing: Whether a task is finished as many seconds after its first poll as it was; default False lets each
                poll have the next answer.
            **options: Further arguments of MockService.

        Raises:
            OSError: The tape cannot be read.
            ValueError: `tape` is not a path, or it is damaged, or not a tape; the message names the file.
        """
        contract = options.setdefault("contract", load())
        found = read_tape(tape, contract)
        for difference in found.differences(contract):
            warnings.warn(f"{tape}: {difference}", stacklevel=2)
        return cls(upstream=Replay(found, contract, timing=timing), **options)

    @property
    def kind(self) -> str:
        """What answers, for a reader."""
        return "mock" if self._upstream is None else "proxy; edits are billed" if self._upstream.waits else "tape"

    @property
    def waits(self) -> bool:
        """Whether an answer may take its time, since it comes from elsewhere."""
        return self._upstream is not None and self._upstream.waits

    def reset(self) -> None:
        """Forget everything, the script included, and start again from the seed; the clock goes on."""
        operations = [operation.id for operation in self.contract.operations]
        self._script = Script([*operations, *FILE_NAMES], outcomes=self._upstream is None)
        self.journal = Journal(operations)
        self._state = State(self._seed)
        self._player = Player(
            self.contract, self._clock, self._state, self._usual, self._invalid_status, plays=self._upstream is None
        )
        self._front = None
        if self._upstream:
            self._upstream.reset()
            self._front = Front(self._upstream, self.contract, self._state, strict=self._strict)

    def handle(self, request: Request) -> Response:
        """Answer a request.

        The verdict depends on route, method, authorization, size, content type and body, in this order. It goes into
        the journal, whatever the answer. If a rule takes the request, its `Reply` is the answer.

        Args:
            request: The request, with an absolute URL.

        Returns:
            The response; an error has the JSON shape of the API.

        Source: `openapi.yaml#/paths`
        """
        now, when = self._clock.seconds(), self._clock.now()
        route = self._routes.find(request.method, request.url)
        operation = route.operation
        if operation:
            verdict = self._referee.judge(operation, request, self._token)
        else:
            verdict = astray(request.method, route.url.path, route.allow)
        own = route.name and not verdict.violations and not self._upstream
        prefers = preferred(request.header("Prefer")) if own else None
        accepted = route.name == "createEdit" and not verdict.violations and not prefers
        taken = self._script.take(operation.id, accepted=accepted, now=now) if operation else None
        answered = self._respond(route, verdict, request, taken or prefers, now)
        response = share(request, answered.response)
        if isinstance(taken, Fault):
            response = evolve(response, fault=taken)
        times = Times(at=now, when=when, seconds=self._clock.seconds() - now)
        self.journal.add(make_entry(request, route, verdict, answered, response, times, scripted=taken is not None))
        return evolve(response, body=b"") if request.method == "HEAD" else response

    def _respond(self, route: Route, verdict: Verdict, request: Request, do: Doing | None, now: float) -> Answered:
        alone = isinstance(do, Reply) or do is Fault.REFUSED or (self._strict and verdict.violations)
        alone = alone or len(request.body) > self.max_body  # a server has not read all of it
        if self._front and route.operation and not alone:
            return self._front.answer(route, route.operation, verdict, request, now)
        response, task_id = self._player.play(route, verdict, request.body, do, now)
        return Answered(response=response, task_id=task_id, body=response.body)

    def wanted(self, request: Request) -> int:
        """Return how many bytes of the body of a request are read, by its head; -1 if that is refused without it."""
        operation = self._routes.find(request.method, request.url).operation
        judged = self._strict or self._upstream is None
        refused = operation is None or (judged and self._referee.authorize(operation, request, self._token))
        return -1 if refused else self.max_body

    def begin_relay(self, request: Request, ready: Callable[[], None]) -> Relay | None:
        """Begin to hand an upload on to `upstream` while its body is coming.

        Return None for any other request, which may be billed, and if `strict` or a rule may answer it. The relay calls
        `ready`, from another thread, when there is room for more of the body.
        """
        route = self._routes.find(request.method, request.url)
        upload = route.operation is not None and route.operation.is_upload
        if self._upstream is None or not upload or self._strict or self.rules:
            return None
        return self._upstream.begin_relay(route, request, ready)

    def get_file(self, path: str) -> Response:
        """Return the file at a path such as `/results/{task_id}/0.png`, without an entry in the journal."""
        if self._upstream:
            return refuse(404, "The files are not the mock's own; ask for them by their links.")
        return self._player.get_file(self._routes.find("GET", FILE_ORIGIN + path))

    def on(self, operation: str | None, do: Doing, *, nth: int = 1, times: int | None = 1) -> None:
        """Script what happens on requests to an operation.

        Each request is shown to the rules, in the order in which they were added, until one takes it. An outcome is
        for accepted edits and counts only those. A reply answers any request, valid or not; violations are in the
        journal all the same. A fault changes nothing but the answer on its way, so that an edit may be accepted; only
        a refused connection has no effect.

        Args:
            operation: An operationId, or `getResult` or `getFile` for the files that the mock serves; None for any
                operation of the API. An outcome needs `createEdit`.
            do: The outcome of the edit, the answer, or the fault.
            nth: The first request to take, from 1, among those that no earlier rule took; default 1.
            times: How many requests to take, from 1; default 1, None for all that follow.

        Raises:
            ValueError: The document has no such operation, an outcome is for another operation than `createEdit`, `nth`
                or `times` is less than 1, or there are more than 10,000 rules.
        """
        self._script.add([self._script.make(operation, do, nth=nth, times=times)])

    def next(self, do: Doing) -> None:
        """Script the next accepted edit, or the next request; several calls queue up.

        Args:
            do: The outcome of the edit, or the answer or fault of a request to any operation. An edit without a
                scripted outcome completes.

        Raises:
            ValueError: It is none of these, or there are more than 10,000 rules.
        """
        self.on("createEdit" if isinstance(do, Outcome) else None, do)

    def script(self, steps: Iterable[Step] | Step | str | Path) -> None:
        """Script several steps, as `next` does; if one is refused, none is added.

        Args:
            steps: Outcomes, replies and faults, or mappings in the words of a script file, for instance
                `{"reply": {"status": 429}, "operation": "getTask", "nth": 2}`; one of these; or the path of a script
                file, in YAML or JSON.

        Raises:
            OSError: The file cannot be read.
            ValueError: A step is none of these, the file is not YAML or has no steps, or there are more than 10,000
                rules. The message names the file.

        Source: `admin.yaml#/components/schemas/Step`
        """
        self._script.steps(steps)

    def outage(self, *, requests: int | None = None, seconds: float | None = None, status: int = 503) -> None:
        """Script that every operation fails for a while, except for requests that an earlier rule takes.

        Args:
            requests: For how many requests, from 1.
            seconds: For how many seconds after the first request, more than 0, on the service's clock. Give either
                this or `requests`.
            status: The status of the answers, 400 to 599; default 503.

        Raises:
            ValueError: Both or neither of `requests` and `seconds` are given, one of them or the status is out of its
                range, or there are more than 10,000 rules.
        """
        self._script.add([make_outage(requests=requests, seconds=seconds, status=status)])

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules of the script that may take another request, in order."""
        return self._script.rules

    @property
    def time(self) -> float:
        """Seconds since the service was made, and those added by `advance`."""
        return self._clock.seconds()

    def advance(self, seconds: float) -> None:
        """Advance the clock: tasks and outages come nearer to their end, and uploads expire later.

        Args:
            seconds: How far, 0 to 1,000,000,000.

        Raises:
            ValueError: It is anything else, or the service is a proxy, whose tape would have wrong times.
        """
        if self.waits:
            raise ValueError("The clock of a proxy is that of its service, and cannot be advanced.")
        self._clock.advance(seconds)

    @property
    def calls(self) -> tuple[Entry, ...]:
        """The last thousand requests, or fewer if they have more than 32 MB; oldest first."""
        return tuple(self.journal.latest()[2])

    @property
    def edits(self) -> tuple[Edit, ...]:
        """The accepted edits, oldest first."""
        return self._state.edits

    @property
    def jobs(self) -> tuple[Job, ...]:
        """The work on the accepted edits, oldest first."""
        return self._state.jobs

    @property
    def uploads(self) -> tuple[Upload, ...]:
        """The accepted uploads, oldest first."""
        return self._state.uploads

    def assert_called_once_with(self, operation: str = "createEdit", /, **properties: Any) -> None:
        """Assert that there was one request to an operation, and that its JSON body has some properties.

        A request counts whatever its answer, so that a request that is sent again counts twice.

        Args:
            operation: The operationId; default `createEdit`.
            **properties: Properties of the body and their values; it may have others.

        Raises:
            AssertionError: There was none, another one, or more; the message shows the nearest.
            ValueError: The document has no such operation.
        """
        assertions.called(self.journal, operation, properties, once=True, known=self._known(operation))

    def assert_called_with(self, operation: str = "createEdit", /, **properties: Any) -> None:
        """Assert that the JSON body of the last request to an operation has some properties.

        Args and errors are those of `assert_called_once_with`.
        """
        assertions.called(self.journal, operation, properties, once=False, known=self._known(operation))

    def _known(self, operation: str) -> list[str]:
        """Return the documented properties of a body."""
        found = (c.field[0] for c in self.contract.constraints if c.operation == operation and c.field)
        return [*dict.fromkeys(found)]

    def assert_not_called(self, operation: str | None = None, /) -> None:
        """Assert that there was no request to an operation.

        Args:
            operation: The operationId; default None for no request at all.

        Raises:
            AssertionError: There was one; the message lists them.
            ValueError: The document has no such operation.
        """
        assertions.not_called(self.journal, operation)

    def assert_billed_at_most(self, most: int, /) -> None:
        """Assert how many edits were accepted, each of which the real service bills.

        An edit counts whatever became of it, also if a fault kept its answer from arriving. In front of a service, any
        edit that was passed on counts unless the answer is 4xx: it may be billed, even if its answer is lost or names
        no task.

        Args:
            most: How many, at least 0.

        Raises:
            AssertionError: There were more; the message lists them.
            ValueError: `most` is not a whole number of at least 0.
        """
        assertions.billed_at_most(most, self._state.accepted, self._state.jobs)

    def assert_no_invalid_requests(self) -> None:
        """Assert that every request was valid, whatever its answer.

        Raises:
            AssertionError: One was not; the message lists the violations.
        """
        assertions.no_invalid_requests(self.journal)

    def assert_all_scripted_used(self) -> None:
        """Assert that every step of the script was used as often as it should be.

        Raises:
            AssertionError: One was not; the message lists the unused steps.
        """
        assertions.all_used(self._script.rules)


def service_of(service: MockService | None) -> MockService:
    """Return the service that a door is given, or a new one.

    Raises:
        ValueError: It is no MockService.
    """
    service = MockService() if service is None else service
    demand("service", service, MockService, "a MockService")
    return service
