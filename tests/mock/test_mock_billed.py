"""What a run of conformance costs at a service that answers oddly, and that it names whatever may be billed."""

import copy

import httpx2
import pytest
from nano_banana_edit_mock import MockService
from nano_banana_edit_mock.contract import parse
from nano_banana_edit_mock.tools.conformance import Conformance, to_html, to_json

from .test_mock_conformance import API, FILES, TOKEN, answering
from .test_mock_journey import SMALL, ask, between

pytestmark = pytest.mark.usefixtures("waited")


def edits_of(requests):
    """The edits among requests that have the token."""
    return [one for one in requests if one.url.path.endswith("edit") and TOKEN in one.headers.get("authorization", "")]


def beside(change, **options):
    """The checks of a run beside the mock, and its requests; `change` answers an edit with the token in its place."""
    seen = []

    def answer(request, response):
        seen.append(request)
        return (change(request, response) if edits_of([request]) else None) or response

    return ask(between(MockService(contract=SMALL, token=TOKEN), answer), **options), seen


@pytest.mark.parametrize("follow", [False, True])
@pytest.mark.parametrize(
    ("status", "answer", "why", "actual"),
    [
        (303, {}, "neither accepted nor refused", "neither"),
        (400, {"task_id": "t"}, "given a task", "refused, but with a task"),
        (404, {"task_id": "t"}, "given a task", "no such operation"),
    ],
)
def test_an_edit_that_may_be_billed_is_the_last(follow, status, answer, why, actual):
    """After a redirect, and after any answer that names a task, no further edit is sent."""
    checks, seen = beside(lambda request, response: httpx2.Response(status, json=answer), follow=follow)
    assert 1 == len(edits_of(seen))
    assert f"an invalid edit was {why}, so no other is sent" in {check.skipped for check in checks}
    last = next(check for check in reversed(checks) if check.case.operation.id == "createEdit" and check.actual)
    assert (actual, True) == (last.actual, last.differs)
    assert follow == (checks[-1].skipped == f"no edit is followed: an invalid edit was {why}, so no other is sent")


def test_an_edit_is_never_sent_on():
    """A client of the caller's that follows redirects does not send an edit again."""
    seen = []

    def answer(request):
        seen.append(request)
        return httpx2.Response(307, headers={"Location": str(request.url)})

    with httpx2.Client(transport=httpx2.MockTransport(answer), follow_redirects=True) as http:
        assert [*Conformance(SMALL).run(base_url=API, files_url=FILES, token=TOKEN, http=http)]
    assert 1 == len(edits_of(seen))


def test_a_refused_upload_leads_to_no_edit():
    """An error that has a URL is no upload, and the edit that would be billed is not sent."""
    service = MockService(contract=SMALL, token=TOKEN)

    def change(request, response):
        refused = httpx2.Response(415, json={"message": "no", "url": "https://docs.example/415"})
        return refused if "/upload/" in request.url.path else response

    *_, upload, edit, poll, result = ask(between(service, change), follow=True)
    assert ("refused", ["the upload was not accepted"] * 3) == (
        upload.actual,
        [check.skipped for check in (edit, poll, result)],
    )
    assert () == service.edits


class Cut(httpx2.SyncByteStream):
    """A body that breaks off."""

    def __init__(self, body):
        self.body = body

    def __iter__(self):
        yield self.body
        raise httpx2.ReadError("reset")


@pytest.mark.parametrize(("valid", "options"), [(True, {"follow": True}), (True, {"spend": True}), (False, {})])
def test_an_answer_that_is_cut_names_its_edit(valid, options):
    """An edit whose answer is cut behind its task is accepted, stands in each report, and is followed or the last."""

    def change(request, response):
        body = response.content if valid else b'{"task_id": "t-9", "d'
        return httpx2.Response(200, stream=Cut(body)) if response.is_success == valid else None

    checks, seen = beside(change, **options)
    (task_id,) = {check.task_id for check in checks} - {""}
    cut = next(check for check in checks if check.task_id)
    assert "accepted" == cut.actual
    assert "A task is named, but its answer is cut (ReadError: reset)" in cut.wrong
    for report in (to_json(checks), to_html(checks)):
        assert task_id in report
    if "follow" in options:
        assert (200, "accepted") == (checks[-1].status, checks[-1].actual)
    else:
        assert 1 == len(edits_of(seen))


def test_a_limit_that_names_a_task():
    """An edit that is told to wait, and is given a task all the same, is followed to its result."""
    checks, _ = beside(
        lambda request, response: httpx2.Response(429, content=response.content) if response.is_success else None,
        follow=True,
    )
    assert ("the server asks for fewer requests; use a lower `rate`", True) == (
        checks[-3].skipped,
        bool(checks[-3].task_id),
    )
    assert "accepted" == checks[-1].actual


def test_the_edit_that_is_followed_has_no_answer():
    """If the answer to the edit that is followed is lost, it is said that the edit may be billed."""

    def lose(request, response):
        if response.is_success and request.method == "POST" and "upload" not in request.url.path:
            raise httpx2.ReadError("reset")

    checks, _ = beside(lose, follow=True)
    assert "there is no answer (ReadError: reset); the edit may have been accepted and billed" == checks[-3].skipped


@pytest.mark.parametrize(
    ("to", "count", "found"),
    [
        ("/results/again.png", 5, (200, "accepted", "")),
        ("https://cdn.example/a.png", 1, (200, "accepted", "")),
        ("/results/again.png", 6, (302, "refused", "documented accepted, actual refused (302)")),
        ("http://cdn.example/a.png", 1, (302, "neither", "The result redirects to a URL without TLS")),
    ],
)
def test_a_result_that_redirects(to, count, found):
    """Redirects of a result are followed without the token, a number of them, and never to where TLS ends."""
    service, seen = MockService(contract=SMALL, token=TOKEN), []

    def change(request, response):
        if request.method == "POST" or "/tasks/" in request.url.path:
            return response
        seen.append(request)
        if len(seen) <= count:
            return httpx2.Response(302, headers={"Location": to})
        return httpx2.Response(200, content=b"\x89PNG\r\n\x1a\n", headers={"Content-Type": "image/png"})

    result = ask(between(service, change), follow=True)[-1]
    assert found == (result.status, result.actual, result.wrong.rpartition("; ")[2])
    assert not any("authorization" in request.headers for request in seen)


def test_a_document_with_its_servers_at_the_paths():
    """Only forms go to the host of uploads, also if the document has no servers at its root."""
    document = copy.deepcopy(dict(SMALL.document))
    servers = document.pop("servers")
    for path in document["paths"].values():
        path.setdefault("servers", servers)
    server, seen = answering(400)
    ask(server, contract=parse(document))
    assert {("api.sinancode.com", True), ("files-api.sinancode.com", False)} == {
        (request.url.host, not request.headers.get("content-type", "").startswith("multipart/")) for request in seen
    }
