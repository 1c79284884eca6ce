"""Any server that claims this API, asked at every boundary of the document."""

import json
import math
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from time import sleep
from typing import Any, Literal

import httpx
from attrs import evolve, frozen

from ..contract import JSON, Contract, load
from .cases import Case, boundary_cases

_STOP = {402: "the account is out of credit", 429: "the server asks for fewer requests"}
_UNPAID = {"accepted": "accepted", "a failure": "answered by a failure"}  # what may have been billed
_HERE = ("all://127.0.0.1", "all://[::1]", "all://localhost", "all://*.localhost")  # is asked past any proxy
_KEPT = 200  # characters of an answer that is not as documented
# Characters that XML cannot hold, not even escaped (XML 1.0, section 2.2); surrogates are in no answer.
_NO_XML = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF), "\N{REPLACEMENT CHARACTER}")


@frozen(kw_only=True)
class Check:
    """One boundary case, and what the server made of it.

    Attributes:
        case: The case.
        status: The status answered; None where nothing was sent or answered.
        actual: `accepted`, `refused`, or in a few words what else the server did; None where that says nothing about
            the case.
        answer: The beginning of an answer that is not as documented, without the token.
        skipped: Why the case was not checked; empty where it was.
        stops: Whether nothing more was sent after it, so that the run is not whole.
    """

    case: Case
    status: int | None = None
    actual: str | None = None
    answer: str = ""
    skipped: str = ""
    stops: bool = False

    @property
    def documented(self) -> Literal["accepted", "refused"]:
        """What the document says."""
        return "accepted" if self.case.accepted else "refused"

    @property
    def differs(self) -> bool:
        """Whether the server does something else than the document says."""
        return not self.skipped and self.actual != self.documented


class Conformance:
    """The boundary cases of a document, to be put to a server.

    By default only requests that must be refused, and looks at tasks, are sent. They cost nothing on a server that does
    what the document says, and one edit at most on any other.

    Args:
        contract: The contract; default is the one shipped.
        spend: Whether to send one accepted request of each kind too. Some of them are edits, and billed.

    Attributes:
        requests: How many requests a run sends at most; equal ones are sent once.
        billed: How many of them are edits that the document accepts.
        most_billed: How many edits a server could bill that accepts everything.

    Raises:
        ValueError: The document's own examples are not accepted by it.

    Source: `openapi.yaml#/paths`
    """

    def __init__(self, contract: Contract | None = None, *, spend: bool = False) -> None:
        self._contract, self._spend = contract or load(), spend
        self._cases = boundary_cases(self._contract)
        sent = {case.key: case for case in self._cases if not self._left_out(case)}
        edits = [case for case in sent.values() if _bills(case)]
        self.requests = len(sent)
        self.billed = sum(case.accepted for case in edits)
        self.most_billed = len(edits) if spend else 1

    def run(
        self,
        *,
        base_url: str,
        files_url: str,
        token: str,
        rate: float = 5.0,
        http: httpx.Client | None = None,
    ) -> Iterator[Check]:
        """Ask a server, and yield what it does.

        Unless spending is allowed, the first edit that is accepted though it must be refused, or that the server fails
        on, is the last one sent. On 402, 429, a token that is refused or no answer at all, nothing more is sent.

        Args:
            base_url: URL of the server of edits and tasks, such as `https://api.sinancode.com/v1`.
            files_url: URL of the server of uploads, such as `https://files-api.sinancode.com`.
            token: The API token.
            rate: Requests a second at most, more than 0; default 5.
            http: An httpx client to send with, which stays open and loses its cookies; default is one that waits 60
                seconds, and asks this machine past any proxy.

        Returns:
            A check of each case, in the order of the census; one that is not sent comes with the reason.

        Raises:
            ValueError: The rate is none.
        """
        if not 0 < rate < math.inf:
            raise ValueError(f"rate is {rate}; it must be a number of requests a second, more than 0.")
        client = nullcontext(http) if http else httpx.Client(timeout=60, mounts=dict.fromkeys(_HERE))
        return self._run(client, base_url=base_url, files_url=files_url, token=token, rate=rate)

    def _run(
        self, http: AbstractContextManager[httpx.Client], *, base_url: str, files_url: str, token: str, rate: float
    ) -> Iterator[Check]:
        main = self._contract.document["servers"][0]["url"]
        asked: dict[str, Check] = {}
        over = unpaid = task_id = ""
        with http as client:
            for case in self._cases:
                left_out = self._left_out(case)
                reason = left_out or over or (unpaid if _bills(case) else "")
                if case.key in asked and not left_out:
                    yield evolve(asked[case.key], case=case)
                elif reason:
                    yield Check(case=case, skipped=reason)
                else:
                    sleep(1 / rate if asked else 0)
                    server = base_url if main in case.operation.servers else files_url
                    check, answer = _ask(client, case, server, token, task_id)
                    asked[case.key] = check
                    over = check.skipped if check.stops else ""
                    task_id = task_id or _task_id(answer)
                    if check.differs and _bills(case) and not self._spend and check.actual in _UNPAID:
                        unpaid = f"an edit that must be refused was {_UNPAID[check.actual]}, so no other is sent"
                    yield check

    def _left_out(self, case: Case) -> str:
        if case.accepted and not self._spend and case.operation.method != "GET":
            return "it is accepted, so it is sent on demand only"
        return "it is inside a limit, and one at the limit says as much" if case.inside else ""


def _bills(case: Case) -> bool:
    # By its shape, so that an edit by another name is one as well; without a token nobody can be billed.
    edit = case.operation.method == "POST" and case.operation.media_type == JSON
    return edit and "{token}" in (case.authorization or "")


def _task_id(answer: str) -> str:
    try:
        found = json.loads(answer)["task_id"]
    except (KeyError, TypeError, ValueError):
        return ""
    return found if isinstance(found, str) else ""


def _ask(client: httpx.Client, case: Case, server: str, token: str, task_id: str) -> tuple[Check, str]:
    """Return the check, and the answer; of a task that must be found it is `task_id` that is looked at, if known."""
    path = dict.fromkeys(case.path, task_id) if case.accepted and task_id else case.path
    request = evolve(case, path=path).request(server, token)
    client.cookies.clear()  # a session would carry the token into the cases without one
    try:
        response = client.request(request.method, request.url, headers=request.headers, content=request.body)
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        cause = f"{type(error).__name__}: {str(error).replace(token, '[token]')}"
        return Check(case=case, skipped=f"there is no answer ({cause})", stops=True), ""
    status, answer = response.status_code, response.content.decode(errors="replace").replace(token, "[token]")
    if status in _STOP or (status in (401, 403) and case.constraint.location != "security"):
        return Check(case=case, status=status, skipped=_STOP.get(status, "the token is refused"), stops=True), ""
    if status == 404 and case.accepted and case.path and not task_id:
        return Check(case=case, status=status, skipped="no task is known that it could find"), ""
    check = Check(case=case, status=status, actual=_verdict(case, status))
    return evolve(check, answer=answer[:_KEPT] if check.differs else ""), answer


def _verdict(case: Case, status: int) -> str:
    if 200 <= status < 300:
        return "accepted"
    if status in (404, 405) and case.constraint.location != "path":
        return "no such operation"
    return "refused" if 400 <= status < 500 and status != 408 else "a failure" if status >= 408 else "neither"


def to_json(checks: Iterable[Check]) -> str:
    """Return checks as a JSON array of objects, one a line."""
    rows = [
        {
            "constraint": check.case.constraint.id,
            "pointer": check.case.constraint.pointer,
            "case": check.case.name,
            "documented": check.documented,
            "actual": check.actual,
            "status": check.status,
            "differs": check.differs,
            "answer": check.answer,
            "skipped": check.skipped,
        }
        for check in checks
    ]
    return "[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]"


def to_junit(checks: Iterable[Check]) -> str:
    """Return checks as a JUnit report: a difference is a failure, what was not checked is skipped."""
    checks = list(checks)
    counts: dict[str, Any] = {
        "tests": len(checks),
        "failures": sum(check.differs for check in checks),
        "skipped": sum(bool(check.skipped) for check in checks),
    }
    suite = ET.Element("testsuite", {"name": "conformance", **{name: str(count) for name, count in counts.items()}})
    for check in checks:
        row = ET.SubElement(suite, "testcase", classname=check.case.constraint.id, name=check.case.name)
        if check.differs:
            message = f"documented {check.documented}, actual {check.actual} ({check.status})"
            ET.SubElement(row, "failure", message=message).text = check.answer
        elif check.skipped:
            ET.SubElement(row, "skipped", message=check.skipped)
    return ET.tostring(suite, encoding="unicode").translate(_NO_XML)
