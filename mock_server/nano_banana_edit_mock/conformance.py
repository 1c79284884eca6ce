"""Any server that claims this API, asked at every boundary of the document."""

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from time import sleep
from typing import Any, Literal

import httpx
from attrs import evolve, frozen

from ._cases import Case, boundary_cases
from .contract import Contract, load

Verdict = Literal["accepted", "refused"]

_STOP = {402: "the account is out of credit", 429: "the server asks for fewer requests"}
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
    def documented(self) -> Verdict:
        """What the document says."""
        return "accepted" if self.case.accepted else "refused"

    @property
    def differs(self) -> bool:
        """Whether the server does something else than the document says."""
        return not self.skipped and self.actual != self.documented


class Conformance:
    """The boundary cases of a document, to be put to a server.

    By default only requests that must be refused are sent, which costs nothing.

    Args:
        contract: The contract; default is the one shipped.
        spend: Whether to send one accepted request of each kind too. Some of them are edits, and billed.

    Attributes:
        requests: How many requests a run sends at most; equal ones are sent once.
        billed: How many of them are edits that the document accepts.

    Raises:
        ValueError: The document's own examples are not accepted by it.

    Source: `openapi.yaml#/paths`
    """

    def __init__(self, contract: Contract | None = None, *, spend: bool = False) -> None:
        self._contract, self._spend = contract or load(), spend
        self._cases = boundary_cases(self._contract)
        sent = {_key(case): case for case in self._cases if not self._left_out(case)}
        self.requests = len(sent)
        self.billed = sum(case.accepted and _bills(case) for case in sent.values())

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

        The first edit that is accepted though it must be refused is the last one sent, unless spending is allowed. On
        402, 429, a token that is refused or no answer at all, nothing more is sent.

        Args:
            base_url: URL of the server of edits and tasks, such as `https://api.sinancode.com/v1`.
            files_url: URL of the server of uploads, such as `https://files-api.sinancode.com`.
            token: The API token.
            rate: Requests a second at most; default 5.
            http: An httpx client to send with, which stays open; default is one that waits 60 seconds.

        Yields:
            A check of each case, in the order of the census; one that is not sent comes with the reason.
        """
        main = self._contract.document["servers"][0]["url"]
        asked: dict[str, Check] = {}
        over = unpaid = ""
        with nullcontext(http) if http else httpx.Client(timeout=60) as client:
            for case in self._cases:
                known = asked.get(_key(case))
                reason = self._left_out(case) or over or (unpaid if _bills(case) else "")
                if known and not self._left_out(case):
                    yield evolve(known, case=case)
                elif reason:
                    yield Check(case=case, skipped=reason)
                else:
                    sleep(1 / rate if asked else 0)
                    server = base_url if main in case.operation.servers else files_url
                    check = asked[_key(case)] = _ask(client, case, server, token)
                    over = check.skipped
                    if check.differs and check.actual == "accepted" and _bills(case) and not self._spend:
                        unpaid = "the server accepts, and may bill, an edit that the document refuses"
                    yield check

    def _left_out(self, case: Case) -> str:
        if case.accepted and not self._spend:
            return "it is accepted, so it is sent on demand only"
        limit = case.constraint.keyword.startswith(("min", "max"))
        if case.accepted and limit and case.name.split()[0] not in (str(case.constraint.value), "as"):
            return "it is inside a limit, and one at the limit says as much"
        return ""


def _key(case: Case) -> str:
    return json.dumps((case.operation.id, case.path, case.authorization, case.value, case.empty))


def _bills(case: Case) -> bool:
    return case.operation.id == "createEdit" and "{token}" in (case.authorization or "")


def _ask(client: httpx.Client, case: Case, server: str, token: str) -> Check:
    request = case.request(server, token)
    try:
        response = client.request(request.method, request.url, headers=request.headers, content=request.body)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        cause = f"{type(error).__name__}: {str(error).replace(token, '[token]')}"
        return Check(case=case, skipped=f"there is no answer ({cause})", stops=True)
    status = response.status_code
    if status in _STOP or (status in (401, 403) and case.constraint.location != "security"):
        return Check(case=case, status=status, skipped=_STOP.get(status, "the token is refused"), stops=True)
    actual = _verdict(case, status)
    answer = "" if actual == ("accepted" if case.accepted else "refused") else response.text.replace(token, "[token]")
    return Check(case=case, status=status, actual=actual, answer=answer[:_KEPT])


def _verdict(case: Case, status: int) -> str:
    about_path = case.constraint.location == "path"
    if 200 <= status < 300 or (status == 404 and case.accepted and case.path):  # no task has the example's id
        return "accepted"
    if status in (404, 405) and not about_path:
        return "no such operation"
    return "refused" if 400 <= status < 500 else "a failure" if status >= 500 else "neither"


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
