"""A run of conformance looks at answers, and follows one edit to its end."""

import copy
import json
import struct
import xml.etree.ElementTree as ET
import zlib
from base64 import b64encode
from functools import partial

import httpx2
import pytest
from nano_banana_edit_mock import MockService, Outcome, load, mock_transport
from nano_banana_edit_mock.contract import parse
from nano_banana_edit_mock.tools.conformance import Conformance, to_html, to_json, to_junit

from . import test_mock_conformance
from .test_mock_conformance import TOKEN

pytestmark = pytest.mark.usefixtures("waited")


def small():
    """The document with few constraints and small files, so that a run is short."""
    document = copy.deepcopy(dict(load().document))
    post = document["paths"]["/api/upload/file"]["post"]
    post["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]["file"]["maxLength"] = 10_000
    for constrained in document["components"]["schemas"]["EditRequest"]["properties"].values():
        for keyword in ("maxLength", "maxItems", "minLength", "minItems"):
            constrained.pop(keyword, None)
    return parse(document)


SMALL = small()


ask = partial(test_mock_conformance.ask, contract=SMALL)


def journey(server):
    """The steps of the edit that is followed, by the ids of their constraints."""
    return {check.case.constraint.id: check for check in ask(server, spend=True)[-4:]}


def between(service, change):
    """The service, with answers that are changed on their way."""

    def answer(request):
        response = mock_transport(service).handle_request(request)
        response.read()
        return change(request, response)

    return httpx2.MockTransport(answer)


def test_every_answer_is_held_to_the_document():
    """A refusal that is HTML, and a property that nobody documented, are found at each case that shows them."""
    html = ask(httpx2.MockTransport(lambda request: httpx2.Response(400, html="<p>no")))
    refused = [check for check in html if not check.skipped and not check.differs]
    assert refused
    for check in refused:
        assert ["Content-Type is text/html; charset=utf-8; documented: application/json."] == [
            violation.message for violation in check.violations
        ]
        assert "Content-Type is text/html" in check.wrong
        assert "<p>no" == check.answer
    more = ask(httpx2.MockTransport(lambda request: httpx2.Response(400, json={"detail": "no"})))
    assert {("detail",)} == {check.undeclared for check in more if not check.skipped}
    assert {""} == {check.wrong for check in more if not check.differs}


def test_reports_hold_the_answers():
    """A wrong answer is a failure in JUnit, and stands in the JSON and on the page, without the token."""
    wrong = httpx2.MockTransport(lambda request: httpx2.Response(400, json={"message": 3, TOKEN: "<b>"}))
    checks = ask(wrong)
    rows, suite, page = json.loads(to_json(checks)), ET.fromstring(to_junit(checks)), to_html(checks, server="here")
    assert ["message is 3; it must be a string."] in [row["violations"] for row in rows]
    assert "message is 3; it must be a string" in str(ET.tostring(suite))
    assert "message is 3; it must be a string" in page
    assert "here" in page
    assert "<b>" not in page.split("</p>", 2)[2]
    assert "Not in the document: [token]" in page
    for report in (to_json(checks), ET.tostring(suite).decode(), page):
        assert TOKEN not in report


def test_one_edit_is_followed(waited):
    """An upload, an edit, polls until it is finished and its file: each is as documented, and polls keep their time."""
    service = MockService(contract=SMALL, token=TOKEN, polls=3)
    steps = journey(mock_transport(service))
    assert ["uploadFile.responses", "createEdit.responses", "getTask.responses", "result.responses"] == [*steps]
    assert [""] * 4 == [check.wrong or check.skipped for check in steps.values()]
    assert 3 == waited.count(2.0)
    edit = service.edits[-1].body
    assert edit["image_urls"][0].endswith(".png")
    assert len(service.uploads[-1].body) > 500  # an image, and not only the beginning of one


def test_without_spending_nothing_is_followed():
    """Unless spending is allowed, no edit is followed."""
    assert "uploadFile.responses" not in {
        check.case.constraint.id for check in ask(mock_transport(MockService(contract=SMALL)))
    }


def test_one_edit_may_be_followed_alone():
    """To follow an edit bills one."""
    run, service = Conformance(SMALL, follow=True), MockService(contract=SMALL, token=TOKEN)
    checks = ask(mock_transport(service), follow=True)
    assert (1, 1, 1) == (run.billed, run.most_billed, len(service.edits))
    assert ["uploadFile", "createEdit", "getTask", "result"] == [
        check.case.constraint.id.partition(".")[0] for check in checks[-4:] if not check.wrong
    ]


def test_the_token_is_not_for_results():
    """The host of a result does not see the token."""
    seen = {}
    service = MockService(contract=SMALL, token=TOKEN)
    journey(between(service, lambda request, response: seen.setdefault(request.url.host, request) and response))
    assert "authorization" not in seen["nano-banana-edit.test"].headers
    assert "authorization" in seen["api.sinancode.com"].headers


@pytest.mark.parametrize(
    ("path", "answer", "reasons"),
    [
        ("/upload/file", {"json": {"key": "no url"}}, [None, *["the upload has no URL"] * 3]),
        ("/nano-banana-edit", {"json": {}}, [None, None, *["the edit has no task"] * 2]),
        ("/tasks/", {"json": []}, [None, None, None, "the task has no result; its status is ''"]),
        (
            "/tasks/",
            {"json": {"status": "failed"}},
            [None, None, None, "the task has no result; its status is 'failed'"],
        ),
        ("/results/", {"status_code": 404}, [None] * 4),
        ("/results/", {"text": "gone", "status_code": 200}, [None] * 4),
    ],
)
def test_where_a_journey_ends(path, answer, reasons):
    """What goes wrong is named at its step, and the steps behind it are skipped, with the reason."""

    def change(request, response):
        return httpx2.Response(**({"status_code": 200} | answer)) if path in request.url.path else response

    steps = [*journey(between(MockService(contract=SMALL, token=TOKEN), change)).values()]
    assert reasons == [check.skipped or None for check in steps]
    last = [check for check in steps if not check.skipped][-1]
    assert last.wrong


def test_a_failed_task_is_told():
    """A task that fails has no result; the polls themselves are as documented."""
    service = MockService(contract=SMALL, token=TOKEN)
    run = Conformance(SMALL, spend=True)
    service.on("createEdit", Outcome(status="failed", error_code="4"), nth=run.billed)
    steps = journey(mock_transport(service))
    assert "" == steps["getTask.responses"].wrong
    assert "the task has no result; its status is 'failed'" == steps["result.responses"].skipped


def test_a_task_without_an_end(waited):
    """Polls end after ten minutes, and what was wrong with any of them is kept."""
    count = 0

    def change(request, response):
        nonlocal count
        if "/tasks/" not in request.url.path:
            return response
        count += 1
        return httpx2.Response(200, json={"id": 3 if count == 9 else "t", "status": "processing"})

    steps = journey(between(MockService(contract=SMALL, token=TOKEN), change))
    assert ["id is 3; it must be a string."] == [one.message for one in steps["getTask.responses"].violations]
    assert 600 == sum(second for second in waited if second == 2.0)


@pytest.mark.parametrize(
    ("content_type", "content", "wrong"),
    [
        (
            "image/jpeg",
            b"\xff\xd8",
            ["The file is no image; image/png was asked for.", "Content-Type is image/jpeg; the file is no image."],
        ),
        ("image/jpeg", None, ["Content-Type is image/jpeg; the file is image/png."]),
    ],
)
def test_a_result_is_looked_at(content_type, content, wrong):
    """A result must be an image of the format that was asked for, and its header must say so."""

    def change(request, response):
        if "/results/" not in request.url.path:
            return response
        return httpx2.Response(200, content=content or response.content, headers={"Content-Type": content_type})

    steps = journey(between(MockService(contract=SMALL, token=TOKEN), change))
    assert wrong == [violation.message for violation in steps["result.responses"].violations]


def test_a_result_that_cannot_be_had():
    """A host of results that does not answer is a difference, since the result is paid for."""

    def change(request, response):
        if "/results/" in request.url.path:
            raise httpx2.ConnectError("nobody there")
        return response

    steps = journey(between(MockService(contract=SMALL, token=TOKEN), change))
    wrong = "The result cannot be fetched: there is no answer (ConnectError: nobody there)"
    assert wrong == steps["result.responses"].wrong


def test_a_document_without_uploads():
    """A document that lacks one of the operations has no edit to follow: the run counts none, and says so."""
    document = copy.deepcopy(dict(SMALL.document))
    del document["paths"]["/api/upload/file"]
    contract = parse(document)
    service, run = MockService(contract=contract), Conformance(contract, spend=True)
    checks = ask(mock_transport(service), contract=contract, spend=True)
    assert "createEdit.responses" not in {check.case.constraint.id for check in checks}
    assert "no edit is followed: the document has no uploadFile" == checks[-1].skipped
    assert run.billed == len(service.edits)


def followed(failure):
    """A run in which each second poll of the edit that is followed fails, the checks, and the polls."""
    service, polls = MockService(contract=SMALL, token=TOKEN), []
    billed = Conformance(SMALL, spend=True).billed

    def change(request, response):
        if "/tasks/" not in request.url.path or len(service.edits) < billed:
            return response
        polls.append(request)
        if len(polls) % 2:
            return response
        if isinstance(failure, Exception):
            raise failure
        return httpx2.Response(failure)

    return service, ask(between(service, change), spend=True), polls


@pytest.mark.parametrize("failure", [429, 500, httpx2.ReadError("reset")])
def test_a_paid_task_is_polled_through_failures(failure):
    """A poll that fails is no end: the edit is paid for. Each report names its task."""
    service, checks, polls = followed(failure)
    *_, poll, result = checks
    assert 3 == len(polls)
    assert ("a failure" if failure == 500 else "accepted") == poll.actual
    assert (200, "") == (result.status, result.skipped)
    for report in (to_json(checks), to_junit(checks), to_html(checks)):
        assert f"task {service.edits[-1].task_id}" in report
    rows = json.loads(to_json(checks))
    assert {edit.task_id for edit in service.edits} == {row["task_id"] for row in rows} - {""}


def test_a_damaged_answer_is_followed():
    """An edit is followed if its answers are damaged, but can be read: it is paid for."""

    def change(request, response):
        kind, content = response.headers["Content-Type"], response.content
        if request.url.path.endswith("edit"):
            content += b"<"
        elif "json" in kind:
            content = content.replace(b"{", b'{"status": "", "url": "", ', 1)
        return httpx2.Response(response.status_code, content=content, headers={"Content-Type": kind})

    steps = journey(between(MockService(contract=SMALL, token=TOKEN), change))
    assert "is not JSON" in steps["createEdit.responses"].wrong
    assert "url is given twice" in steps["uploadFile.responses"].wrong
    assert 200 == steps["result.responses"].status


@pytest.mark.parametrize("status", [401, 410])
def test_a_poll_that_is_refused_is_the_last(status):
    """A task that is gone, or a token that is refused, is not polled for ten minutes."""
    _, checks, polls = followed(status)
    assert 2 == len(polls)
    assert status == checks[-2].status


HEAD = b"IHDR" + struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
HUGE = b"\x89PNG\r\n\x1a\n\0\0\0\r" + HEAD + struct.pack(">I", zlib.crc32(HEAD)) + b"\0\0\0\0IDAT"


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/results/", HUGE),
        ("edit", b'{"task_id": "t", "d": ' + b"[" * 20_000 + b"]" * 20_000 + b"}"),
        ("/tasks/", b'{"id": "t", "status": "completed", "\\ud800": 1}'),
        ("edit", b'{"task_id": "\\ud800"}'),
    ],
)
def test_what_an_answer_holds_ends_no_run(path, content):
    """Whatever an answer holds, each check of a run that was paid for can be reported, in UTF-8."""

    def change(request, response):
        if path not in request.url.path:
            return response
        return httpx2.Response(200, content=content, headers={"Content-Type": response.headers["Content-Type"]})

    checks = ask(between(MockService(contract=SMALL, token=TOKEN), change), spend=True)
    assert "result.responses" == checks[-1].case.constraint.id
    for report in (to_json(checks), to_junit(checks), to_html(checks)):
        assert report.encode()


def test_reports_hold_no_signed_url():
    """A report shows neither what signs a URL, nor the token in another spelling, nor characters that are none."""
    url = "https://cdn.example/a.png?X-Signature=S3CRET"
    spelled = b64encode(TOKEN.encode()).decode()
    wrong = httpx2.MockTransport(lambda request: httpx2.Response(500, text=f"{url} \x07\x1b[31m {spelled}"))
    checks = ask(wrong)
    assert "https://cdn.example/a.png" in to_html(checks)
    for report in (to_json(checks), to_junit(checks), to_html(checks)):
        assert "S3CRET" not in report
        assert spelled not in report
        assert not {"\x07", "\x1b"} & {*report}
