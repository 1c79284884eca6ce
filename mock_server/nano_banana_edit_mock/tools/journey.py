"""One edit, followed to its end on a server: an upload, an edit, polls, and the files of the result."""

import time
from collections.abc import Iterator
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

from attrs import evolve
from PIL import Image

from ..contract import Constraint, Contract, Operation
from ..contract.census import escape
from ..contract.schemas import Violation
from ..engine.links import MAX_REDIRECTS, links_in, redirected
from ..engine.records import Request
from .cases import Case, make_request
from .checks import Check, NoAnswer, Server, text_in

_LONGEST = 600.0  # seconds until the edit must be finished
_POLL_EVERY = 2.0  # seconds, as a public client of the API does
_POLLS = int(_LONGEST / _POLL_EVERY) + 1
_STEPS = ("uploadFile", "createEdit", "getTask")
_MOST = 100_000_000  # bytes of a result
_ENDS = ("completed", "failed")
_PASSING = (404, 408, 429)  # statuses of a poll that the next one need not have
_SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"RIFF": "image/webp",
    b"GIF8": "image/gif",
}
_PROMPT = "Make the sky a clear evening blue."
_FILE = Operation(id="result", method="GET", path="/", servers=())


def missing(contract: Contract) -> str:
    """Return the operations of an edit that a document lacks; empty if it has them all."""
    known = {operation.id for operation in contract.operations}
    return ", ".join(step for step in _STEPS if step not in known)


def travel(contract: Contract, server: Server, over: str) -> Iterator[Check]:
    """Yield the checks of one edit; what follows a failure is skipped, and all of it if the run is over."""
    if over:
        yield from _skipped(f"no edit is followed: {over}", _file())
        return
    operations = {operation.id: operation for operation in contract.operations}
    upload, edit, polls = (case_of(operations[step], step) for step in _STEPS)
    field = next(name for name, field in upload.operation.fields.items() if field.kind == "file")
    check, body = server.ask(upload, _made(upload.operation, server, {field: _image()}))
    yield check
    url = text_in(body, "url")
    if check.actual != "accepted" or not url:
        why = "the upload has no URL" if check.actual == "accepted" else "the upload was not accepted"
        yield from _skipped(why, edit, polls, _file())
        return
    value = {"image_urls": [url], "prompt": _PROMPT, "output_format": "png"}
    check, body = server.ask(edit, _made(edit.operation, server, value))
    if check.skipped and not check.task_id:
        check = evolve(check, skipped=f"{check.skipped}; the edit may have been accepted and billed")
    yield check
    if not check.task_id:
        yield from _skipped("the edit has no task", polls, _file())
        return
    path = dict.fromkeys(polls.operation.parameters, check.task_id)
    check, body = _wait(server, evolve(polls, name=f"task {check.task_id}", path=path))
    yield check
    urls = links_in(body)
    if not urls:
        yield from _skipped(f"the task has no result; its status is {text_in(body, 'status')!r}", _file())
    for number, url in enumerate(urls, start=1):
        yield _fetch(server, evolve(_file(), name=f"file {number}"), url)


def _wait(server: Server, case: Case) -> tuple[Check, bytes]:
    """Return the check of all polls until the task is finished, and the last answer; the edit is paid for."""
    found: dict[Violation, None] = {}
    undeclared: dict[str, None] = {}
    different: Check | None = None
    ends = time.monotonic() + _LONGEST
    for poll in range(_POLLS):
        time.sleep(_POLL_EVERY if poll else 0)
        check, body = server.ask(case, case.request(server.of(case.operation), server.token))
        found |= dict.fromkeys(check.violations)
        undeclared |= dict.fromkeys(check.undeclared)
        different = different or (check if check.differs else None)
        refused = 400 <= (check.status or 0) < 500 and check.status not in _PASSING
        if refused or text_in(body, "status") in _ENDS or time.monotonic() > ends:
            break
    return evolve(different or check, violations=tuple(found), undeclared=tuple(undeclared)), body


def _fetch(server: Server, case: Case, url: str) -> Check:
    """Return the check of a result, wherever it redirects to; the token is not for its hosts."""
    try:
        response = server.get(Request("GET", url), _MOST)
        for _ in range(MAX_REDIRECTS):
            if not (to := redirected(response, url)):
                break
            if urlsplit(url).scheme == "https" != urlsplit(to).scheme:
                wrong = Violation.of_body("content", "The result redirects to a URL without TLS.")
                return Check(case=case, status=response.status, actual="neither", violations=(wrong,))
            response, url = server.get(Request("GET", to), _MOST), to
    except NoAnswer as failure:
        wrong = Violation.of_body("content", f"The result cannot be fetched: {failure.reason}.")
        return Check(case=case, status=failure.part.status or None, violations=(wrong,))
    if response.status != 200:
        return Check(case=case, status=response.status, actual="refused")
    kind = next((kind for start, kind in _SIGNATURES.items() if response.body.startswith(start)), "")
    given, flaws = (response.header("Content-Type") or "none").partition(";")[0].strip().lower(), []
    if kind != "image/png":
        flaws.append(f"The file is {kind or 'no image'}; image/png was asked for.")
    if given != kind:
        flaws.append(f"Content-Type is {given}; the file is {kind or 'no image'}.")
    violations = tuple(Violation.of_body("content", message) for message in flaws)
    return Check(case=case, status=200, actual="accepted", violations=violations)


def case_of(operation: Operation, step: str, name: str = "one edit to its end") -> Case:
    """Return the case of an answer, whose constraint is that it is documented."""
    pointer = f"/paths/{escape(operation.path)}/{operation.method.lower()}/responses" if operation.servers else ""
    constraint = Constraint(
        id=f"{step}.responses",
        operation=operation.id,
        location="body",
        owner=operation.id,
        field=(),
        keyword="responses",
        value=None,
        pointer=pointer,
    )
    return Case(constraint=constraint, name=name, operation=operation, path={})


def _file() -> Case:
    return case_of(_FILE, "result")


def _skipped(why: str, *cases: Case) -> Iterator[Check]:
    yield from (Check(case=case, skipped=why) for case in cases)


def _made(operation: Operation, server: Server, value: dict[str, Any]) -> Request:
    headers = {"Authorization": f"Bearer {server.token}"}
    return make_request(operation, server.of(operation), {}, value, headers)


def _image() -> bytes:
    """Return an image, which a strict service may look at."""
    file = BytesIO()
    Image.linear_gradient("L").convert("RGB").save(file, "PNG")
    return file.getvalue()
