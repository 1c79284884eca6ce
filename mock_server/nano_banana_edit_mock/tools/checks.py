"""Cases sent to a server, and what it did."""

import time
from typing import Literal

import httpx2
from attrs import define, evolve, frozen

from ..contract import JSON, Operation
from ..contract.schemas import Violation
from ..engine.answer_referee import AnswerReferee
from ..engine.answers import object_in, task_in
from ..engine.hiding import Hiding
from ..engine.records import Request, Response
from .cases import Case

LONGEST = 60.0  # seconds that an answer may take
_STOP = {402: "the account is out of credit", 429: "the server asks for fewer requests; use a lower `rate`"}
KEPT = 200  # characters of an answer that differs
_MOST = 1_000_000  # bytes of an answer; those of the API have a thousandth of it


@frozen(kw_only=True)
class Check:
    """One boundary case, and what the server did.

    Attributes:
        case: The case.
        status: The status of the answer; None if nothing was sent or answered.
        actual: `accepted`, `refused`, or another result in a few words; None if the request was not checked.
        answer: The beginning of an answer that differs, without the token and queries of URLs.
        task_id: The task that the answer names; empty if it names none.
        skipped: Why the case was not checked; empty if it was.
        stops: Whether the run ended with this case.
        violations: What the document does not allow in the answer, whatever its status.
        undeclared: Properties of the answer that the document does not name, as paths such as `result[0].width`.
    """

    case: Case
    status: int | None = None
    actual: str | None = None
    answer: str = ""
    task_id: str = ""
    skipped: str = ""
    stops: bool = False
    violations: tuple[Violation, ...] = ()
    undeclared: tuple[str, ...] = ()

    @property
    def documented(self) -> Literal["accepted", "refused"]:
        """What the document says."""
        return "accepted" if self.case.accepted else "refused"

    @property
    def differs(self) -> bool:
        """Whether the server did something else than the document says."""
        return self.actual is not None and self.actual != self.documented

    @property
    def verdicts(self) -> tuple[str, str]:
        """What is documented and what the server did, for a table; only the latter if a tape has but the answer."""
        wrong = "wrong answer" if self.violations else ""
        if self.actual is None and not self.skipped:
            return "", wrong or "right answer"
        return self.documented, ", ".join(filter(None, (self.actual, wrong)))

    @property
    def wrong(self) -> str:
        """What is wrong with the case, for a reader; empty if nothing is."""
        verdict = [f"documented {self.documented}, actual {self.actual} ({self.status})"] if self.differs else []
        return "; ".join([*verdict, *(violation.message.rstrip(".") for violation in self.violations)])


class NoAnswer(Exception):
    """A request has no answer, or one that is not whole: a part, whose status is 0 if nothing came."""

    def __init__(self, reason: str, part: Response) -> None:
        super().__init__(reason)
        self.reason, self.part = reason, part


@define
class Server:
    """A server of the API, as a run knows it."""

    client: httpx2.Client
    referee: AnswerReferee
    hiding: Hiding
    base_url: str
    files_url: str
    token: str
    pause: float  # seconds between two requests
    task_id: str = ""  # of the first accepted edit
    _asked: bool = False

    def of(self, operation: Operation) -> str:
        """Return the URL that serves an operation, whatever the document calls its servers."""
        return self.files_url if operation.is_upload else self.base_url

    def get(self, request: Request, most: int = _MOST) -> Response:
        """Return the answer to a request, of at most so many bytes.

        Raises:
            NoAnswer: There is none, or it is not whole.
        """
        time.sleep(self.pause if self._asked else 0)
        self._asked = True
        self.client.cookies.clear()  # a session would authorize the cases without a token
        longest = self.client.timeout.read
        ends = time.monotonic() + (LONGEST if longest is None else longest)
        answer, content = Response(0, (), b""), bytearray()
        try:
            with self.client.stream(
                request.method, request.url, headers=request.headers, content=request.body, follow_redirects=False
            ) as response:
                answer = Response(response.status_code, response.headers.multi_items(), b"")
                for piece in response.iter_bytes():  # as they come, since a chunk may never be whole
                    content += piece
                    if len(content) > most or time.monotonic() >= ends:
                        reason = f"its answer does not end, after {len(content)} bytes"
                        raise NoAnswer(reason, evolve(answer, body=bytes(content)))
        except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError) as error:
            reason = "its answer is cut" if answer.status else "there is no answer"
            reason += f" ({type(error).__name__}: {self.hide(str(error))})"
            raise NoAnswer(reason, evolve(answer, body=bytes(content))) from error
        return evolve(answer, body=bytes(content))

    def ask(self, case: Case, request: Request) -> tuple[Check, bytes]:
        """Return the check of a case that is sent as a request, and the body of the answer."""
        try:
            response, broken = self.get(request), ""
        except NoAnswer as failure:
            response, broken = failure.part, failure.reason
        status = response.status
        task_id = self.hide(task_in(response.body) or "") if case.operation.media_type == JSON else ""
        stop = broken or _STOP.get(status, "")
        if status in (401, 403) and case.constraint.location != "security":
            stop = "the token is refused"
        if stop and not (broken and task_id):  # an edit whose answer names its task is paid for
            return Check(case=case, status=status or None, task_id=task_id, skipped=stop, stops=True), b""
        if status == 404 and case.accepted and case.path and not self.task_id:
            return Check(case=case, status=status, skipped="no task is known to poll"), b""
        found = self.referee.judge(case.operation, response)
        cut = [Violation.of_body("content", f"A task is named, but {broken}.")] if broken else []
        check = Check(
            case=case,
            status=status,
            actual=_verdict(case, status, task_id),
            violations=tuple(evolve(one, message=self.hide(one.message)) for one in (*cut, *found.violations)),
            undeclared=tuple(map(self.hide, found.undeclared)),
            task_id=task_id,
            stops=bool(broken),
        )
        answer = self.hide(response.body.decode(errors="replace"))[:KEPT] if check.wrong else ""
        return evolve(check, answer=answer), response.body

    def hide(self, text: str) -> str:
        """Return a text without the token and what signs a URL, as UTF-8 can hold it."""
        return self.hiding.text(text).encode("utf-8", "backslashreplace").decode()


def _verdict(case: Case, status: int, task_id: str) -> str:
    if 200 <= status < 300:
        return "accepted"
    if status in (404, 405) and case.constraint.location != "path":
        return "no such operation"
    if 400 <= status < 500 and status != 408:
        return "refused, but with a task" if task_id else "refused"
    return "a failure" if status >= 408 else "neither"


def text_in(body: bytes, name: str) -> str:
    """Return the text of a property of an answer; empty if there is none."""
    found = object_in(body).get(name)
    return found if isinstance(found, str) else ""
