"""Calls and faults in any order, on every kind of client: what holds whatever happens."""

from __future__ import annotations

import itertools
import tempfile
import threading
import time
import traceback
from collections import ChainMap, deque
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import attrs
import pytest
from attrs import define, field, frozen
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from nano_banana_edit import NanoBananaEditError, SubmissionUnknown

from .. import promises
from . import misdeeds
from .conftest import Certificates
from .faces import FACES, opened
from .misdeeds import JSON, TOKEN, URL
from .server import Hostile, Misdeed, answer, says

# httpx2 and httpcore nest async generators and close the outer one alone; trio says so. The connection is closed.
pytestmark = [pytest.mark.server, pytest.mark.filterwarnings("ignore:Async generator 'http:ResourceWarning")]

PNG = b"\x89PNG\r\n\x1a\n" + bytes(32)
SHORT = 0.3  # seconds that a call may take while something slow is to come, which then lasts for thirty or more
LONG = 30.0
SLACK = 10.0  # seconds, for a machine that has other things to do
SLOW = set(misdeeds.slow(JSON))
SUBMITTED, LOOKED, UPLOADED, RESULT = b"POST /v1/generate/", b"GET /v1/tasks/", b"POST /api/upload/", b"GET /out.png"
KINDS = (SUBMITTED, LOOKED, UPLOADED, RESULT)
ASKS = {
    "submit": [UPLOADED, SUBMITTED],
    "edit": [UPLOADED, SUBMITTED, LOOKED],
    "wait": [LOOKED],
    "get_task": [LOOKED],
    "upload": [UPLOADED],
    "bytes": [RESULT],
    "save": [RESULT],
}
IMAGES: dict[str, Any] = {"url": URL, "urls": [URL, URL], "bytes": PNG, "both": [PNG, URL], "two": [PNG, PNG[:9]]}


def groups(body: bytes, elsewhere: str) -> list[dict[str, Misdeed]]:
    """Whatever may come instead of an answer with this body, in groups that are met equally often."""
    bodies = misdeeds.cut(b"" if body == PNG else body) | misdeeds.unreadable(body)  # a cut image looks like one
    bodies |= misdeeds.damaged(body) | (misdeeds.packed(body) if body == PNG else {})
    del bodies["gzip-bomb"]  # is in the locals of a traceback, whose text is looked at here
    moved = {
        f"status-{status}": says(answer(b"", f"Location: {elsewhere}/out.png", status=f"{status} Moved"))
        for status in (301, 307)
    }
    refused = {f"status-{status}": says(answer(b"", status=f"{status} No")) for status in (400, 401, 404)}
    return [
        misdeeds.broken(body) | misdeeds.slow(body) | {"switching-protocols": misdeeds.SWITCHING},
        misdeeds.fine(body) | ({} if body == PNG else misdeeds.packed(body)),
        bodies,
        misdeeds.NO | moved,
        misdeeds.LATER | refused,
    ]


@define
class Service:
    """A service behind a server: it answers as it should, but for the faults to come.

    Attributes:
        to_come: Names of the faults that the next requests of each kind meet.
        seen: Each request, and the name of the fault that it met, if any.
        results: Where results are.
        elsewhere: Where redirects lead.
    """

    results: str = ""
    elsewhere: str = ""
    to_come: dict[bytes, deque[str]] = field(factory=lambda: {kind: deque() for kind in KINDS})
    seen: list[tuple[bytes, str | None]] = field(factory=list)
    _lock: threading.Lock = field(factory=threading.Lock)

    def __call__(self, request: bytes) -> Misdeed:
        with self._lock:
            to_come = next(names for kind, names in self.to_come.items() if request.startswith(kind))
            fault = to_come.popleft() if to_come else None
            self.seen.append((request, fault))
            body = self._body(request, len(self.seen))
        return ChainMap(*groups(body, self.elsewhere))[fault] if fault else says(answer(body))

    def _body(self, request: bytes, number: int) -> bytes:
        if request.startswith(SUBMITTED):
            return b'{"task_id": "t-%d"}' % number
        if request.startswith(UPLOADED):
            return b'{"url": "https://files.example.test/in-%d.png"}' % number
        if request.startswith(LOOKED):
            done = b'"completed", "result": ["%s/out.png"]' % self.results.encode()
            task_id = request.split()[1].rpartition(b"/")[2]
            return b'{"id": "%s", "status": %s}' % (task_id, done if number % 3 else b'"processing"')
        return PNG


@frozen
class Script:
    """What meets a call: faults after those that are still to come, and how often the client may ask again."""

    faults: dict[bytes, list[str]]
    again: int


FAULTS = st.lists(st.one_of([st.sampled_from(sorted(group)) for group in groups(JSON, "")]), max_size=2)
SCRIPT = st.builds(Script, faults=st.fixed_dictionaries(dict.fromkeys(KINDS, FAULTS)), again=st.integers(0, 2))
NUMBER = st.integers(0, 9)


def one(known: list[Any], number: int) -> Any:
    """One of what is known, the latest first."""
    return known[-1 - number % len(known)]


class Machine(RuleBasedStateMachine):
    """A client, its API and another host, where results are and redirects lead."""

    def __init__(self, certificates: Certificates) -> None:
        super().__init__()
        self.certificates = certificates
        self.edits: dict[bytes, NanoBananaEditError | None] = {}
        self.to_close = ExitStack()
        self.folder = Path(self.to_close.enter_context(tempfile.TemporaryDirectory()))

    @initialize(kind=st.sampled_from(sorted(FACES)), here=st.booleans())
    def begin(self, kind: str, here: bool) -> None:
        self.api, self.other = Service(), Service()
        self.server = self.to_close.enter_context(Hostile([], usual=self.api))
        self.elsewhere = self.to_close.enter_context(Hostile([], usual=self.other, tls=self.certificates.of("good")))
        self.api.elsewhere = self.other.elsewhere = self.elsewhere.origin
        self.api.results = (self.server if here else self.elsewhere).origin
        self.results = self.api if here else self.other
        self.opened = ExitStack()
        self.face = self.opened.enter_context(opened(kind, base_url=self.server.url, poll_interval=0.01))
        # Which rules there are to choose from must not depend on what came of earlier ones, as time may decide on it.
        self.tasks = ["t-0"]
        self.images = [self.face(self.face.client.wait, "t-0").images[0]]

    @rule(images=st.sampled_from(sorted(IMAGES)), script=SCRIPT)
    def submit(self, images: str, script: Script) -> None:
        if task := self.ask(script, "submit", IMAGES[images], self.prompt()):
            self.tasks.append(task.task_id)

    @rule(images=st.sampled_from(sorted(IMAGES)), script=SCRIPT)
    def edit(self, images: str, script: Script) -> None:
        if edit := self.ask(script, "edit", IMAGES[images], self.prompt()):
            self.images.extend(edit.images)

    @rule(number=NUMBER, method=st.sampled_from(["wait", "get_task"]), script=SCRIPT)
    def look(self, number: int, method: str, script: Script) -> None:
        if (edit := self.ask(script, method, one(self.tasks, number))) and method == "wait":
            self.images.extend(edit.images)

    @rule(script=SCRIPT)
    def upload(self, script: Script) -> None:
        self.ask(script, "upload", PNG)

    @rule(number=NUMBER, script=SCRIPT, saved=st.booleans())
    def download(self, number: int, saved: bool, script: Script) -> None:
        arguments = ("save", self.folder / "out.png") if saved else ("bytes",)
        self.ask(script, *arguments, of=one(self.images, number))

    def prompt(self) -> str:
        """A prompt by which the posts of one edit can be told from those of another."""
        return f"edit-{len(self.edits)}"

    def ask(self, script: Script, method: str, *args: Any, of: Any = None) -> Any:
        """Call a method of the client, or of an image; return the result, or None where an error came instead."""
        met = [(self.results if kind == RESULT else self.api).to_come[kind] for kind in ASKS[method]]
        for kind, names in zip(ASKS[method], met, strict=True):
            names.extend(script.faults[kind])
        timeout = SHORT if SLOW.intersection(itertools.chain(*met)) else LONG
        face = self.face.with_options(timeout=timeout, max_retries=script.again)
        function = getattr(attrs.evolve(of, driver=face.client._driver) if of else face.client, method)
        began, result, failure = time.monotonic(), None, None
        try:
            result = face(function, *args)
        except NanoBananaEditError as error:
            failure = error
        assert time.monotonic() - began < timeout + SLACK
        if method in ("submit", "edit"):
            self.edits[f'"{args[-1]}"'.encode()] = failure
        if failure:
            assert TOKEN not in "".join(texts(failure))
        return result

    @invariant()
    def edits_are_posted_once(self) -> None:
        """An edit is posted once more after 429 alone, and where it may have been accepted the error says so."""
        for prompt, failure in self.edits.items():
            met = [fault for request, fault in self.api.seen if request.startswith(SUBMITTED) and prompt in request]
            assert ["status-429"] * len(met[:-1]) == met[:-1]
            if failure and not failure.task_id and not isinstance(failure, SubmissionUnknown):
                assert not met or (met[-1] or "").startswith("status-4")

    @invariant()
    def the_token_is_for_the_api(self) -> None:
        """The token is in each request of the API, and in none for a result."""
        for service in (self.api, self.other) if self.edits else ():
            for request, _ in service.seen:
                own = service is self.api and request.startswith((SUBMITTED, LOOKED, UPLOADED))
                assert own == (TOKEN.encode() in request)

    @invariant()
    def files_are_whole(self) -> None:
        """What was saved is whole, and nothing else is left."""
        assert {("out.png", PNG)}.issuperset((path.name, path.read_bytes()) for path in self.folder.iterdir())

    def teardown(self) -> None:
        """Whatever happened the client can be used on, and then leaves no connection open."""
        with self.to_close:
            self.api.to_come[LOOKED].clear()
            assert "t-0" == self.face(self.face.client.get_task, "t-0").task_id
            self.opened.close()
            for server in (self.server, self.elsewhere):
                server.done.set()
                assert server.open_at_most(0)


def texts(error: BaseException | None) -> Iterator[str]:
    """Whatever a log or a report may show of an error, the variables of its traceback included."""
    while error:
        yield f"{error} {error!r} {vars(error)}"
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if "/tests/" not in frame.f_code.co_filename:
                yield from map(shown, frame.f_locals.values())
        error = error.__cause__ or error.__context__


def shown(value: object) -> str:
    """The value's repr, if it has one: those of h11, while they are made, have none."""
    try:
        return repr(value)
    except AttributeError:
        return ""


@promises.ALWAYS
def test_whatever_happens(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    """Edits are posted once, errors are documented, time is kept and the token stays, whatever a server does."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority))
    examples = 30 + settings.default.max_examples // 10
    # A failure is not made smaller: that takes minutes, and its steps are few. They are printed as they were.
    phases = [Phase.explicit, Phase.reuse, Phase.generate]
    run_state_machine_as_test(
        lambda: Machine(certificates),
        settings=settings(max_examples=examples, stateful_step_count=15, phases=phases),
    )
