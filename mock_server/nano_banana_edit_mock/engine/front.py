"""What stands in front of a service or a tape: it holds their answers to the document, and loses none of them."""

import logging

from attrs import evolve, field, frozen

from ..contract import Contract, Operation
from ..contract.schemas import Violation
from ..contract.wording import cut
from .answer_referee import AnswerReferee, AnswerVerdict
from .answers import DIAGNOSTICS, diagnose, refuse, reply, task_in, wording
from .hiding import secrets_of, without
from .journal import MAX_KEPT
from .records import Request, Response
from .referee import Verdict
from .routes import FILES, Route
from .state import State
from .upstream import Lost, Upstream

_LOG = logging.getLogger("nano_banana_edit_mock")


@frozen(kw_only=True)
class Answered:
    """An answer, and what is known of it.

    Attributes:
        response: The answer that the client gets.
        task_id: The task that it is about; None if it is about none.
        body: The body of the answer as it came, without the token.
        secrets: What the journal must not show of its headers.
        verdict: What the document says to it, if it came from elsewhere.
    """

    response: Response
    task_id: str | None
    body: bytes
    secrets: list[str] = field(factory=list)
    verdict: AnswerVerdict = field(factory=AnswerVerdict)


class Front:
    """Judges the answers of an upstream; if `strict`, it replaces a wrong one by 502.

    An answer to a poll is never replaced: its result is paid for.
    """

    def __init__(self, upstream: Upstream, contract: Contract, state: State, *, strict: bool) -> None:
        self._upstream, self._referee, self._state, self._strict = upstream, AnswerReferee(contract), state, strict

    def answer(self, route: Route, operation: Operation, verdict: Verdict, request: Request, now: float) -> Answered:
        """Return the upstream's answer to a request, or 502 if it is lost."""
        lost = None
        try:
            response = self._upstream.answer(route, request, verdict, now)
        except Lost as error:
            lost, response = error, error.part or refuse(502, str(error))
        here = lost is not None and lost.part is None  # the answer is made here
        secrets = [] if operation in FILES else secrets_of(request)
        kept = _kept(response, secrets)
        judged = AnswerVerdict() if operation in FILES or here else self._judge(operation, response, request.method)
        if kept is not response and not here:  # messages and names would show what the service repeats
            shown = self._judge(operation, kept, request.method)
            judged = evolve(shown, violations=judged.violations and (shown.violations or judged.violations))
        if lost:
            judged = evolve(judged, violations=(Violation.of_body("content", str(lost)), *judged.violations))
        task_id, body = self._note(route, request, response, kept, lost, now), kept.body
        paid = route.name == "getTask" and response.status < 300
        if self._strict and judged.violations and not (paid or here):
            told = " ".join(violation.message for violation in judged.violations)
            told += f" The task is {task_id}." if task_id else ""
            told += " It is in the journal." if len(body) <= MAX_KEPT else ""
            instead = wording(502, f"The answer of the service is not as documented: {told}")
            response = reply(502, instead | ({"task_id": task_id} if task_id else {}))  # which clients look for
        if verdict.violations or judged.violations:
            others = (pair for pair in response.headers if pair[0].lower() != DIAGNOSTICS.lower())
            response = evolve(response, headers=(*others, diagnose(verdict.violations, judged.violations)))
        return Answered(response=response, task_id=task_id, body=body, secrets=secrets, verdict=judged)

    def _judge(self, operation: Operation, response: Response, method: str) -> AnswerVerdict:
        coding = response.header("Content-Encoding") or "identity"
        if response.body and coding.lower() != "identity":
            message = f"Content-Encoding is {cut(coding)}, in which the body cannot be read."
            found = Violation(location="header", field="Content-Encoding", keyword="content", message=message)
            return AnswerVerdict(violations=(found,))
        try:
            return self._referee.judge(operation, response, method=method)
        except Exception as error:  # noqa: BLE001 - whatever it is, the answer is not lost
            _LOG.exception("An answer cannot be judged.")
            found = Violation.of_body("content", f"The answer cannot be judged ({type(error).__name__}).")
            return AnswerVerdict(violations=(found,))

    def _note(
        self, route: Route, request: Request, response: Response, kept: Response, lost: Lost | None, now: float
    ) -> str | None:
        """Keep what an answer says of a task, and return its id, whatever that has in common with a secret."""
        if route.name != "createEdit":
            if route.task_id and 200 <= response.status < 300:
                self._state.note_poll(route.task_id, kept.body)
            return route.task_id
        if 400 <= response.status < 500 or (lost and not lost.sent):
            return None
        task_id = task_in(response.body)
        self._state.note_edit(task_id, request.body, now)
        return task_id


def _kept(response: Response, secrets: list[str]) -> Response:
    """Return what may be kept of an answer: the token that a service repeats is not the journal's to show."""
    if not secrets:  # as of a result, which is large
        return response
    text = response.body.decode(errors="surrogateescape")
    body = without(secrets, text)
    headers = tuple((name, without(secrets, value)) for name, value in response.headers)
    if (body, headers) == (text, response.headers):
        return response
    return evolve(response, headers=headers, body=body.encode(errors="surrogateescape"))
