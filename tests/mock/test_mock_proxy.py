"""The mock as a proxy: what passes, what is judged, and what must not happen twice."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, datetime
from urllib.parse import quote

import httpx2
import pytest
from nano_banana_edit import NanoBananaEdit, SubmissionUnknown
from nano_banana_edit_mock import Fault, MockServer, MockService, Outcome, Reply, Request, load, mock_transport
from nano_banana_edit_mock.contract import parse
from nano_banana_edit_mock.tools.proxy import Proxy
from nano_banana_edit_mock.tools.recorder import Recorder

from .. import promises

TOKEN = "sekret-token"
API, FILES = "https://api.sinancode.com/v1", "https://files-api.sinancode.com"
EDIT, TASK = f"{API}/generate/k/nano-banana-edit", f"{API}/tasks/t"
BILLED = " The edit may have been accepted and billed. It was passed on once."
GOOD = {"image_urls": ["https://example.com/a.png"], "prompt": "snow"}
HEADERS = [("Authorization", f"Bearer {TOKEN}"), ("Content-Type", "application/json")]


class Service:
    """A service that gives a scripted answer, and keeps its requests."""

    def __init__(self, status=200, **answer):
        self.seen: list[httpx2.Request] = []
        self.status, self.answer = status, answer
        self.transport = httpx2.MockTransport(self._answer)

    def _answer(self, request):
        request.read()
        self.seen.append(request)
        return httpx2.Response(self.status, **self.answer)


def behind(upstream, **options):
    """The mock in front of a service."""
    proxy = Proxy(load(), "https://up.example/v1", "https://files.example", transport=upstream.transport)
    return MockService(upstream=proxy, **options)


def post(service, body=GOOD, headers=HEADERS, url=EDIT):
    return service.handle(Request("POST", url, headers, json.dumps(body).encode()))


def get(service, url=TASK, headers=HEADERS[:1]):
    return service.handle(Request("GET", url, headers))


def test_a_request_passes_unchanged():
    """Method, path, query, headers and body arrive as they were sent, under the service's own URL, and once."""
    upstream = Service(json={"task_id": "t"})
    body = b'{ "prompt":"\xc3\xbc", "image_urls" : ["https://example.com/a.png"], "callBackUrl": "x" }'
    headers = [*HEADERS, ("X-Mine", "1"), ("x-mine", "2"), ("Accept-Encoding", "gzip"), ("Connection", "keep-alive")]
    response = behind(upstream).handle(Request("POST", f"{EDIT}?a=b%20c", headers, body))
    (seen,) = upstream.seen
    assert (200, {"task_id": "t"}) == (response.status, response.json())
    assert ("POST", "https://up.example/v1/generate/k/nano-banana-edit?a=b%20c") == (seen.method, str(seen.url))
    assert body == seen.content
    assert f"Bearer {TOKEN}" == seen.headers["Authorization"]
    assert [("x-mine", "1"), ("x-mine", "2")] == [pair for pair in seen.headers.multi_items() if pair[0] == "x-mine"]
    assert {"x-mine", "accept-encoding", "authorization", "content-type", "content-length", "host"} == {*seen.headers}


def test_what_the_document_does_not_know_is_not_passed_on():
    """A path that is not in the document, and a preflight, are answered here: nobody knows what they cost."""
    upstream = Service()
    service = behind(upstream)
    assert 404 == get(service, f"{API}/credits").status
    assert 405 == get(service, EDIT).status
    assert 204 == service.handle(Request("OPTIONS", EDIT)).status
    assert [] == upstream.seen


def test_both_sides_are_judged():
    """Violations of request and answer, and undeclared properties, are in the journal and in the header."""
    service = behind(Service(json={"task_id": 3, "credits": 1}))
    response = post(service, {"prompt": "", "image_urls": ["x"]})
    (entry,) = service.calls
    assert ["minLength"] == [violation.keyword for violation in entry.violations]
    assert ["task_id is 3; it must be a string."] == [violation.message for violation in entry.answer_violations]
    assert ("credits",) == entry.undeclared
    assert {"task_id": 3, "credits": 1} == response.json()
    assert [("body", "/prompt", "minLength"), ("answer.body", "/task_id", "type")] == [
        (one["location"], one["pointer"], one["keyword"])
        for one in json.loads(response.header("Mock-Violations") or "")
    ]


def test_a_status_that_no_task_can_have():
    """A poll whose status is not a text passes all the same, and its task is as it was."""
    upstream = Service(json={"task_id": "t"})
    service = behind(upstream)
    post(service)
    upstream.answer = {"content": b'{"id": "t", "status": "\\ud800", "result": []}'}
    assert upstream.answer["content"] == get(service).body
    assert ["getTask", "createEdit"] == [call.operation for call in reversed(service.calls)]


def test_a_token_that_is_repeated():
    """A token that the service repeats reaches its owner, and is neither in the journal nor in a message."""
    service = behind(Service(json={"id": "t", "status": f"of {TOKEN}", "result": TOKEN}))
    response = get(service)
    assert f"of {TOKEN}" == response.json()["status"]
    (entry,) = service.calls
    assert {"id": "t", "status": "of [token]", "result": "[token]"} == json.loads(entry.answered)
    assert TOKEN not in repr((entry.answer_violations, service.jobs, response.header("Mock-Violations")))


@pytest.mark.parametrize(
    "echo", [TOKEN.replace("-", "\\u002d"), b64encode(TOKEN.encode()).decode(), quote(TOKEN).replace("-", "%2D")]
)
def test_a_token_that_is_repeated_in_other_ways(echo):
    """In another spelling, in a header or as a name, the journal has no token either."""
    body = b'{"task_id": "project-471100000", "%s": 1}' % echo.encode()
    service = behind(Service(content=body, headers={"Content-Type": "application/json", "X-Echo": f"of {echo}"}))
    response = post(service, headers=[*HEADERS, ("Cookie", "last=project-471100000"), ("X-Auth-Of", "project-4711")])
    assert (body, f"of {echo}") == (response.body, response.header("X-Echo"))
    (entry,) = service.calls
    assert ("project-471100000", ("[token]",)) == (entry.task_id, entry.undeclared)
    assert ["project-471100000"] == [edit.task_id for edit in service.edits]
    assert [("X-Echo", "of [token]")] == [pair for pair in entry.answer_headers if pair[0].lower() == "x-echo"]
    assert echo.encode() not in (entry.answered or b"")


@pytest.mark.parametrize("name", ["Content-Type", "Content-Encoding"])
def test_a_token_in_a_header_that_is_wrong(name):
    """The verdict on a header does not quote the token that stands in it."""
    service = behind(Service(content=b'{"task_id": "t"}', headers={name: f"text/{TOKEN}"}))
    assert TOKEN in (post(service).header(name) or "")
    assert TOKEN not in repr(service.calls)


def test_an_answer_that_a_token_makes_wrong(document):
    """An answer is held to the document as it came, and not as the journal has it."""
    document["components"]["schemas"]["EditAccepted"]["properties"]["task_id"]["maxLength"] = len(TOKEN)
    contract = parse(document)
    for task_id, wrong in ((TOKEN, []), (f"{TOKEN}-1", ["maxLength"])):
        upstream = Service(json={"task_id": task_id})
        proxy = Proxy(contract, API, FILES, transport=upstream.transport)
        service = MockService(upstream=proxy, contract=contract)
        post(service)
        assert wrong == [one.keyword for one in service.calls[0].answer_violations]


def test_when_a_request_arrived():
    """The journal has the time at which a request arrived, and not that of its answer."""
    times = iter([datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)])
    arrived = []
    transport = httpx2.MockTransport(lambda _: arrived.append(next(times)) or httpx2.Response(200, json={}))
    service = MockService(upstream=Proxy(load(), API, transport=transport), now=lambda: next(times))
    get(service)
    assert [(1, 2)] == [(entry.when.day, day.day) for entry, day in zip(service.calls, arrived, strict=True)]


def test_a_submission_is_never_redirected():
    """A redirect is the caller's to follow, whatever the client of httpx2 is told."""
    upstream = Service(status=307, headers={"Location": "https://up.example/elsewhere"})
    proxy = Proxy(load(), "https://up.example/v1", transport=upstream.transport, follow_redirects=True)
    assert 307 == post(MockService(upstream=proxy)).status
    assert 1 == len(upstream.seen)


def test_a_good_exchange_has_no_violations():
    """An exchange as documented has no header, and the edit is counted with the id that the service gave it."""
    service = behind(Service(json={"task_id": "t"}))
    assert post(service).header("Mock-Violations") is None
    assert [("t", GOOD)] == [(edit.task_id, edit.body) for edit in service.edits]
    assert ("t", ()) == (service.calls[0].task_id, service.calls[0].answer_violations)
    service.assert_billed_at_most(1)
    with pytest.raises(AssertionError):
        service.assert_billed_at_most(0)


def test_a_task_is_followed():
    """The page knows of a task what the service said of it last."""
    upstream = Service(json={"task_id": "t"})
    service = behind(upstream)
    post(service)
    upstream.answer = {"json": {"id": "t", "status": "queued"}}
    assert "queued" == get(service).json()["status"]
    assert [("queued", 1)] == [(job.outcome.status, job.polls) for job in service.jobs]
    upstream.answer = {"text": "no JSON"}
    get(service)
    assert [("queued", 1)] == [(job.outcome.status, job.polls) for job in service.jobs]


@pytest.mark.parametrize("answer", [{"json": []}, {"json": {"task_id": ""}}, {"text": "x"}, {"json": {}}])
def test_an_edit_without_a_task(answer):
    """An answer without an id is passed on as it is, and no edit is made up."""
    service = behind(Service(**answer))
    post(service)
    assert () == service.edits


def test_errors_instead():
    """Strictly, an invalid request is refused here, and a wrong answer is an error that names what is wrong."""
    upstream = Service(json={"task_id": 3})
    service = behind(upstream, strict=True)
    assert 400 == post(service, {"prompt": ""}).status
    assert [] == upstream.seen
    response = post(service)
    assert 502 == response.status
    assert "task_id is 3; it must be a string." in response.json()["message"]
    assert "answer.body" in str(response.header("Mock-Violations"))
    upstream.answer = {"json": {"task_id": "t"}}
    assert 200 == post(service).status


def test_an_answer_without_an_end():
    """An answer that is too large is lost, and not kept."""

    class Endless(httpx2.SyncByteStream):
        def __iter__(self):
            while True:
                yield bytes(10_000_000)

    response = post(behind(Service(stream=Endless())))
    assert "it has more than 100000000 bytes" in response.json()["message"]


def test_an_answer_is_not_lost_by_a_failure_here(caplog, document, tmp_path):
    """What fails here while an answer is judged or recorded is logged, and the answer is passed on."""

    class Failing(Recorder):
        record = None

    media_types = document["paths"]["/tasks/{id}"]["get"]["responses"]["200"]["content"]
    media_types["text/plain"] = {"schema": {"type": "string"}}
    upstream = Service(content=b"x", headers={"Content-Type": "text/plain; charset*=utf-8''a%00b"})
    proxy = Proxy(
        load(), "https://up.example/v1", recorder=Failing(tmp_path / "tape", load()), transport=upstream.transport
    )
    service = MockService(upstream=proxy, contract=parse(document))
    assert b"x" == get(service).body
    assert ["An exchange is not on the tape.", "An answer cannot be judged."] == caplog.messages
    assert ["The answer cannot be judged (ValueError)."] == [one.message for one in service.calls[0].answer_violations]


def test_results_come_through_the_proxy():
    """A link to a result leads to the proxy, which fetches it without the token; other links stay."""
    upstream = Service(
        json={
            "id": "t",
            "status": "completed",
            "result": [
                "https://cdn.example/a.png?sig=1",
                {"type": "image", "url": "https://cdn.example/b.jpg"},
                "no link",
                3,
            ],
        }
    )
    service = behind(upstream)
    result = get(service).json()["result"]
    assert ["no link", 3] == result[2:]
    upstream.answer = {"content": b"png", "headers": {"Content-Type": "image/png"}}
    for link, real in ((result[0], "https://cdn.example/a.png?sig=1"), (result[1]["url"], "https://cdn.example/b.jpg")):
        assert link.startswith("https://nano-banana-edit.test/files/")
        assert b"png" == get(service, link).body
        assert real == str(upstream.seen[-1].url)
        assert "authorization" not in upstream.seen[-1].headers
    assert 404 == get(service, "https://nano-banana-edit.test/files/other.png").status
    assert 404 == service.get_file("/files/other.png").status
    service.reset()
    assert 404 == get(service, result[0]).status


def test_links_are_bounded():
    """Of ten thousand and one links the oldest is forgotten; a result that is no list has none."""
    upstream = Service(
        json={"id": "t", "status": "completed", "result": [f"https://cdn.example/{n}" for n in range(10_001)]}
    )
    service = behind(upstream)
    first, second, *_ = get(service).json()["result"]
    assert 404 == get(service, first).status
    assert 200 == get(service, second).status
    upstream.answer = {"json": {"id": "t", "status": "completed", "result": {"https://cdn.example/a": 1}}}
    assert {"https://cdn.example/a": 1} == get(service).json()["result"]


def test_a_result_without_tls_is_not_fetched():
    """A link to a result elsewhere without TLS stays as it is; a redirect to one is not followed."""
    upstream = Service(
        json={"id": "t", "status": "completed", "result": ["http://cdn.example/a", "https://cdn.example"]}
    )
    service = behind(upstream)
    plain, link = get(service).json()["result"]
    assert "http://cdn.example/a" == plain
    upstream.status, upstream.answer = 302, {"headers": {"Location": "http://cdn.example/b"}}
    assert "The result is at cdn.example, without TLS. Nothing was sent." == get(service, link).json()["message"]
    assert 2 == len(upstream.seen)


@pytest.mark.parametrize("where", ["/b.png", "https://other.example/b.png"])
def test_a_result_that_is_elsewhere(where):
    """A redirect of a result is followed, without the token, up to five times."""
    upstream = Service(json={"id": "t", "status": "completed", "result": ["https://cdn.example/a.png"]})
    service = behind(upstream)
    (link,) = get(service).json()["result"]
    upstream.status, upstream.answer = 307, {"headers": {"Location": where}}
    assert 307 == get(service, link).status
    assert str(httpx2.URL("https://cdn.example/").join(where)) == str(upstream.seen[-1].url)
    assert (7, False) == (len(upstream.seen), "authorization" in upstream.seen[-1].headers)
    upstream.answer = {"headers": {"Location": "https://[half"}}
    assert 307 == get(service, link).status


def test_a_script_comes_first():
    """A reply keeps a request from the service, a fault only its answer; an outcome is refused."""
    upstream = Service(json={"task_id": "t"})
    service = behind(upstream)
    service.next(Reply(429))
    assert 429 == post(service).status
    service.next(Fault.REFUSED)
    post(service)
    assert [] == upstream.seen
    service.next(Fault.EMPTY)
    assert Fault.EMPTY == post(service).fault
    assert 1 == len(upstream.seen) == len(service.edits)
    with pytest.raises(ValueError, match="an outcome is for edits of the mock"):
        service.next(Outcome())


def test_prefer_is_for_the_service():
    """A preference is passed on, and not obeyed here."""
    upstream = Service(json={"task_id": "t"})
    assert 200 == post(behind(upstream), headers=[*HEADERS, ("Prefer", "code=429")]).status
    assert "code=429" == upstream.seen[0].headers["Prefer"]


@pytest.mark.server
def test_the_whole_way():
    """An edit through a proxy on a port is an edit of the service: one upload, one submission, the same bytes."""
    with MockServer(MockService(token=TOKEN)) as upstream:
        proxy = Proxy(load(), f"{upstream.url}/v1", upstream.url)
        with MockServer(MockService(upstream=proxy)) as server:
            client = NanoBananaEdit(token=TOKEN, base_url=f"{server.url}/v1", files_url=server.url, poll_interval=0)
            with client:
                edit = client.edit(("a.png", b"\x89PNG\r\n\x1a\n"), "snow", output_format="png")
                through = edit.images[0].bytes()
            assert edit.images[0].url.startswith(f"{server.url}/files/")
            assert [] == [entry for entry in server.service.calls if entry.violations or entry.answer_violations]
        direct = httpx2.get(f"{upstream.url}/results/{edit.task_id}/0.png")
        proxy.close()
    assert direct.content == through
    assert (1, 1) == (len(upstream.service.edits), len(upstream.service.uploads))


@promises.PASSED_ON_ONCE
@pytest.mark.server
def test_a_service_that_is_gone_is_told_once():
    """A service that resets the connection after a submission gets it once, and the caller learns of it."""
    with MockServer() as upstream:
        upstream.service.next(Fault.RESET_BEFORE)
        proxy = Proxy(load(), f"{upstream.url}/v1", upstream.url)
        with MockServer(MockService(upstream=proxy)) as server:
            client = NanoBananaEdit(token=TOKEN, base_url=f"{server.url}/v1", files_url=server.url, poll_interval=0)
            with client, pytest.raises(SubmissionUnknown):
                client.submit("https://example.com/a.png", "snow")
        proxy.close()
    assert 1 == len(upstream.service.edits)


def test_it_is_a_referee_for_the_mock():
    """The mock behind the proxy has nothing that the document does not allow."""
    own = MockService(token=TOKEN, polls=0)
    proxy = Proxy(load(), API, FILES, transport=mock_transport(own))
    service = MockService(upstream=proxy)
    task_id = post(service).json()["task_id"]
    get(service, f"{API}/tasks/{task_id}")
    get(service, f"{API}/tasks/unknown")
    post(service, {"prompt": ""})
    assert [((), ())] * 4 == [(entry.answer_violations, entry.undeclared) for entry in service.calls]
