"""The conformance of a server: any server of this API, asked at every boundary of the document."""

import json
import math
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from time import monotonic, sleep
from typing import Any, Literal

import httpx2
from attrs import evolve, frozen

from ..contract import JSON, Contract, load
from .cases import Case, boundary_cases

_STOP = {402: "the account is out of credit", 429: "the server asks for fewer requests"}
_UNPAID = {"accepted": "accepted", "a failure": "answered by a failure"}  # may have been billed
_HERE = ("all://127.0.0.1", "all://[::1]", "all://localhost", "all://*.localhost")  # never through a proxy
_KEPT = 200  # characters of an answer that differs
_MOST = 1_000_000  # bytes of an answer; those of the API have a thousandth of it
_LONGEST = 60.0  # seconds that an answer may take
# Characters that XML cannot hold, not even escaped (XML 1.0, section 2.2); no answer has surrogates.
_NO_XML = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF), "\N{REPLACEMENT CHARACTER}")


@frozen(kw_only=True)
class Check:
    """One boundary case, and what the server did.

    Attributes:
        case: The case.
        status: The status of the answer; None if nothing was sent or answered.
        actual: `accepted`, `refused`, or another result in a few words; None if the case was not checked.
        answer: The beginning of an answer that differs, without the token.
        skipped: Why the case was not checked; empty if it was.
        stops: Whether the run ended with this case.
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
        """Whether the server did something else than the document says."""
        return not self.skipped and self.actual != self.documented


class Conformance:
    """The boundary cases of a document, for a server.

    By default only invalid requests and polls are sent. They cost nothing if the server follows the document, and at
    most one edit if it does not.

    Args:
        contract: The contract; default is the one shipped.
        spend: Whether to send one valid request of each kind too; some are edits, and billed. Default False.

    Attributes:
        requests: The largest number of requests in a run; equal ones are sent once.
        billed: How many of them are valid edits.
        most_billed: The largest number of edits that a server could bill, if it accepted everything.

    Raises:
        ValueError: The document refuses its own examples.

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
        self, *, base_url: str, files_url: str, token: str, rate: float = 5.0, http: httpx2.Client | None = None
    ) -> Iterator[Check]:
        """Send the cases, and yield what the server does.

        Unless `spend` is True, no further edit is sent after an invalid edit that the server accepts, or fails on.
        Nothing more is sent after 402, 429, a refused token, no answer, or an answer without an end.

        Args:
            base_url: URL of the server of edits and tasks, such as `https://api.sinancode.com/v1`.
            files_url: URL of the server of uploads, such as `https://files-api.sinancode.com`.
            token: The API token.
            rate: The largest number of requests a second, more than 0; default 5.
            http: A client of yours; you close it, and it loses its cookies. An answer may take as long as its timeout
                for reading. The default client waits 60 seconds, and uses no proxy for this machine.

        Returns:
            A check of each case, in the order of the census.

        Raises:
            ValueError: The rate is out of its range.
        """
        if not 0 < rate < math.inf:
            raise ValueError(f"rate is {rate}; it must be a number of requests a second, more than 0.")
        client = nullcontext(http) if http else httpx2.Client(timeout=_LONGEST, mounts=dict.fromkeys(_HERE))
        return self._run(client, base_url=base_url, files_url=files_url, token=token, rate=rate)

    def _run(
        self, http: AbstractContextManager[httpx2.Client], *, base_url: str, files_url: str, token: str, rate: float
    ) -> Iterator[Check]:
        main = self._contract.servers[0]
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
                        unpaid = f"an invalid edit was {_UNPAID[check.actual]}, so no other is sent"
                    yield check

    def _left_out(self, case: Case) -> str:
        if case.accepted and not self._spend and case.operation.method != "GET":
            return "it is valid; only `spend` sends it"
        return "it is inside a limit, and a case at the limit proves as much" if case.inside else ""


def _bills(case: Case) -> bool:
    # By its shape, because an edit may have another name; without a token nobody is billed.
    edit = case.operation.method == "POST" and case.operation.media_type == JSON
    return edit and "{token}" in (case.authorization or "")


def _task_id(answer: str) -> str:
    try:
        found = json.loads(answer)["task_id"]
    except (KeyError, TypeError, ValueError):
        return ""
    return found if isinstance(found, str) else ""


def _ask(client: httpx2.Client, case: Case, server: str, token: str, task_id: str) -> tuple[Check, str]:
    """Return the check and the answer. A poll that must succeed is for `task_id`, if one is known."""
    path = dict.fromkeys(case.path, task_id) if case.accepted and task_id else case.path
    request = evolve(case, path=path).request(server, token)
    client.cookies.clear()  # a session would authorize the cases without a token
    longest = client.timeout.read
    ends = monotonic() + (_LONGEST if longest is None else longest)
    content = bytearray()
    try:
        with client.stream(request.method, request.url, headers=request.headers, content=request.body) as response:
            for piece in response.iter_bytes(65_536):
                content += piece
                if len(content) > _MOST or monotonic() >= ends:
                    reason = f"its answer does not end, after {len(content)} bytes"
                    return Check(case=case, status=response.status_code, skipped=reason, stops=True), ""
    except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError) as error:
        cause = f"{type(error).__name__}: {str(error).replace(token, '[token]')}"
        return Check(case=case, skipped=f"there is no answer ({cause})", stops=True), ""
    status, answer = response.status_code, content.decode(errors="replace").replace(token, "[token]")
    if status in _STOP or (status in (401, 403) and case.constraint.location != "security"):
        return Check(case=case, status=status, skipped=_STOP.get(status, "the token is refused"), stops=True), ""
    if status == 404 and case.accepted and case.path and not task_id:
        return Check(case=case, status=status, skipped="no task is known to poll"), ""
    check = Check(case=case, status=status, actual=_verdict(case, status))
    return evolve(check, answer=answer[:_KEPT] if check.differs else ""), answer


def _verdict(case: Case, status: int) -> str:
    if 200 <= status < 300:
        return "accepted"
    if status in (404, 405) and case.constraint.location != "path":
        return "no such operation"
    return "refused" if 400 <= status < 500 and status != 408 else "a failure" if status >= 408 else "neither"


def to_json(checks: Iterable[Check]) -> str:
    """Return checks as a JSON array, with one object a line."""
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
    """Return checks as a JUnit report, in which a difference is a failure."""
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
