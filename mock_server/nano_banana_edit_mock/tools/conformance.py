"""The conformance of a server: any server of this API, asked at every boundary of the document."""

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import httpx2
from attrs import evolve

from ..contract import JSON, Contract, load
from ..contract.schemas import Violation
from ..engine.answer_referee import AnswerReferee, AnswerVerdict
from ..engine.cassette import read_tape
from ..engine.hiding import MIN_SECRET, Hiding
from ..engine.routes import FILE
from .cases import Case, boundary_cases
from .checks import KEPT, LONGEST, Check, Server
from .journey import case_of, missing, travel
from .reports import to_html, to_json, to_junit

__all__ = ["Check", "Conformance", "check_tape", "to_html", "to_json", "to_junit"]

# What may be billed, beside an edit whose answer names a task.
_BILLED = {"accepted": "accepted", "a failure": "answered by a failure", "neither": "neither accepted nor refused"}
_GONE = AnswerVerdict(violations=(Violation.of_body("responses", "The document has no such operation."),))
_HERE = ("all://127.0.0.1", "all://[::1]", "all://localhost", "all://*.localhost")  # never through a proxy


class Conformance:
    """The boundary cases of a document, for a server.

    By default only invalid requests and polls are sent. They cost nothing if the server follows the document, and at
    most one edit if it does not.

    Args:
        contract: The contract; default is the one shipped.
        spend: Whether to send one valid request of each kind, too. Some are edits, and billed. Default False.
        follow: Whether to send one valid edit in the end, which is billed, and to follow it from its upload to its
            result; default is `spend`.

    Attributes:
        requests: The largest number of requests in a run, without polls until an edit is finished; equal ones are sent
            once.
        billed: How many of them are valid edits.
        most_billed: The largest number of edits that a server could bill, if it accepted everything.

    Raises:
        ValueError: The document refuses its own examples, or lacks an operation of the edit to `follow`.

    Source: `openapi.yaml#/paths`
    """

    def __init__(self, contract: Contract | None = None, *, spend: bool = False, follow: bool | None = None) -> None:
        self._contract, self._spend = contract or load(), spend
        lacks = missing(self._contract)
        if follow and lacks:
            raise ValueError(f"follow needs an upload, an edit and polls; the document has no {lacks}.")
        wanted = spend if follow is None else follow
        self._impossible = f"the document has no {lacks}" if wanted and lacks else ""
        self._follow = wanted and not lacks
        self._referee = AnswerReferee(self._contract)
        self._cases = boundary_cases(self._contract)
        sent = {case.key: case for case in self._cases if not self._left_out(case)}
        edits = [case for case in sent.values() if _bills(case)]
        self.requests = len(sent) + 4 * self._follow
        self.billed = sum(case.accepted for case in edits) + self._follow
        self.most_billed = len(edits) + self._follow if spend else 1

    def run(
        self, *, base_url: str, files_url: str, token: str, rate: float = 5.0, http: httpx2.Client | None = None
    ) -> Iterator[Check]:
        """Send the cases, and yield what the server does.

        Unless `spend` is True, no further edit is sent after an invalid edit that the server accepts, redirects, fails
        on, or gives a task. Nothing more is sent after 402, 429, a refused token, no answer, or an answer without an
        end.

        Args:
            base_url: URL of the server of edits and tasks, such as `https://api.sinancode.com/v1`.
            files_url: URL of the server of uploads, such as `https://files-api.sinancode.com`.
            token: The API token.
            rate: The largest number of requests a second, more than 0; default 5.
            http: A client of yours; you close it, and it loses its cookies. An answer may take as long as its timeout
                for reading. The default client waits 60 seconds, and uses no proxy for this machine.

        Returns:
            A check of each case, in the order of the census, and then of each step of the edit that is followed.

        Raises:
            ValueError: The rate is out of its range.
        """
        if not 0 < rate < math.inf:
            raise ValueError(f"rate is {rate}; it must be a number of requests a second, more than 0.")
        client = nullcontext(http) if http else httpx2.Client(timeout=LONGEST, mounts=dict.fromkeys(_HERE))
        return self._run(client, base_url=base_url, files_url=files_url, token=token, rate=rate)

    def _run(
        self, http: AbstractContextManager[httpx2.Client], *, base_url: str, files_url: str, token: str, rate: float
    ) -> Iterator[Check]:
        asked: dict[str, Check] = {}
        over = unpaid = ""
        secrets = [token] if len(token) >= MIN_SECRET else []
        hiding = Hiding(self._contract.document, content=True, secrets=secrets)
        with http as client:
            server = Server(client, self._referee, hiding, base_url, files_url, token, 1 / rate)
            for case in self._cases:
                left_out = self._left_out(case)
                reason = left_out or over or (unpaid if _bills(case) else "")
                if case.key in asked and not left_out:
                    yield evolve(asked[case.key], case=case)
                elif reason:
                    yield Check(case=case, skipped=reason)
                else:
                    # A poll that must succeed is for a task that is known.
                    known = server.task_id if case.accepted else ""
                    sent = evolve(case, path=dict.fromkeys(case.path, known)) if known else case
                    check, _ = server.ask(case, sent.request(server.of(case.operation), token))
                    asked[case.key] = check
                    over = (check.skipped or "an answer was not whole") if check.stops else ""
                    server.task_id = server.task_id or check.task_id
                    if _bills(case) and not self._spend and (check.task_id or check.actual in _BILLED):
                        how = _BILLED.get(str(check.actual), "given a task")
                        unpaid = f"an invalid edit was {how}, so no other is sent"
                    yield check
            if self._follow or self._impossible:
                yield from travel(self._contract, server, self._impossible or over or unpaid)

    def _left_out(self, case: Case) -> str:
        if case.accepted and not self._spend and case.operation.method != "GET":
            return "it is valid; only `spend` sends it"
        return "it is inside a limit, and a case at the limit proves as much" if case.inside else ""


def check_tape(path: Path, contract: Contract | None = None) -> Iterator[Check]:
    """Yield a check of each answer on a tape, by the document of today; nothing is sent.

    Args:
        path: A tape, which is a folder, or a cassette, which is a file.
        contract: The contract; default is the one shipped.

    Raises:
        OSError: It cannot be read.
        ValueError: It is neither, or damaged.
    """
    contract = contract or load()
    tape, referee = read_tape(path, contract), AnswerReferee(contract)
    operations = {operation.id: operation for operation in contract.operations}
    for exchange in tape.exchanges:
        operation = operations.get(exchange.operation, evolve(FILE, id=exchange.operation, servers=()))
        case = case_of(operation, operation.id, f"exchange {exchange.number}")
        if exchange.operation == FILE.id:
            yield Check(case=case, skipped="the document describes no files of results")
            continue
        response = tape.response(exchange)
        verdict = referee.judge(operation, response) if exchange.operation in operations else _GONE
        yield Check(
            case=case,
            status=response.status,
            violations=verdict.violations,
            undeclared=verdict.undeclared,
            answer=response.body.decode(errors="replace")[:KEPT] if verdict.violations else "",
        )


def _bills(case: Case) -> bool:
    # By its shape, because an edit may have another name; without a token nobody is billed.
    edit = case.operation.method == "POST" and case.operation.media_type == JSON
    return edit and "{token}" in (case.authorization or "")
