"""The mock beside a tape, and cassettes as tapes."""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from attrs import evolve
from nano_banana_edit_mock import MockService, Outcome, Reply, Request, load
from nano_banana_edit_mock.engine.tape import Exchange, Tape
from nano_banana_edit_mock.tools.compare import compare, repeatable

from .test_mock_tape import API, EDIT, FILES, HEADERS, TASK, TOKEN, edit, recorded

DISPOSITION = b'Content-Disposition: form-data; name="file"; filename="a"'
ONE = """
interactions:
- request: {{method: GET, uri: {uri}, headers: {{}}}}
  response: {{status: {{code: {code}}}, headers: {{}}, body: {{string: x}}}}
"""
BODY = {"prompt": "p", "image_urls": ["https://a.example/b"]}
POST = Request("POST", EDIT, HEADERS, json.dumps(BODY).encode())


def taped(folder, *script, requests=(POST,), polls=3):
    """A tape of the mock on script, with an edit and its polls."""
    service = MockService(token=TOKEN, polls=2)
    service.script(script)
    recording = recorded(folder, service)
    for request in requests:
        answer = recording.handle(request)
        for _ in range(polls if answer.status == 200 and request is POST else 0):
            recording.handle(Request("GET", f"{API}/tasks/{answer.json()['task_id']}", HEADERS[:1]))
    return Tape.load(folder)


def with_answer(tape: Tape, number: int, **changes) -> list[str]:
    """The differences of a tape on which an exchange has another answer."""
    exchanges = [*tape.exchanges]
    exchanges[number - 1] = evolve(exchanges[number - 1], **changes)
    return [*compare(evolve(tape, exchanges=tuple(exchanges)), load())]


def test_the_mock_is_like_itself(tmp_path):
    """A tape of the mock has nothing that the mock does in another way, errors and failures included."""
    upload = Request("POST", f"{FILES}/api/upload/file", HEADERS[:1], b"x")
    unknown = Request("GET", TASK, HEADERS[:1])
    wrong = Request("POST", EDIT, HEADERS, b"{}")
    edit(recorded(tmp_path / "whole"))
    assert [] == [*compare(Tape.load(tmp_path / "whole"), load())]
    tapes = {
        "errors": taped(tmp_path / "errors", requests=(POST, upload, unknown, wrong)),
        "failed": taped(tmp_path / "failed", Outcome(status="failed", error_code="4", error_msg="no")),
        "files": taped(tmp_path / "files", Outcome(result_form="file")),
        "limited": taped(tmp_path / "limited", Reply(429, body={"message": "slow", "error_code": "4"}), polls=0),
    }
    assert {name: [] for name in tapes} == {name: [*compare(tape, load())] for name, tape in tapes.items()}


def test_the_example():
    """The tape that is shipped is held to the document of today, is like the mock, and can be played."""
    tape = Tape.load(Path(__file__).parents[2] / "examples" / "tape")
    assert [] == [*tape.differences(load()), *compare(tape, load())]
    assert {"uploadFile", "createEdit", "getTask", "getFile"} == {exchange.operation for exchange in tape.exchanges}
    assert ["pending", "processing", "completed"] == [
        *dict.fromkeys(e.answer["json"]["status"] for e in tape.exchanges if e.operation == "getTask")
    ]


@pytest.mark.parametrize(
    ("number", "answer", "difference"),
    [
        (1, {"json": {"task_id": "t", "eta": 3}}, "Exchange 1, createEdit: /eta is only in the service's answer."),
        (2, {"json": {"id": 3, "status": "pending"}}, "Exchange 2, getTask: /id is a number, the mock's a string."),
        (2, {"json": {"status": "pending"}}, "Exchange 2, getTask: /id is only in the mock's answer."),
        (2, {"json": {"status": "queued"}}, "Exchange 2, getTask: the mock has no such task with the status 'queued'."),
        (
            4,
            {"json": {"id": "t", "status": "completed", "result": []}},
            "Exchange 4, getTask: /result has 0 items, the mock's 1.",
        ),
        (
            4,
            {"json": {"id": "t", "status": "completed", "result": [None]}},
            "Exchange 4, getTask: /result/0 is null, the mock's a string.",
        ),
        (2, {"text": "gone"}, "Exchange 2, getTask: the mock has no such task with the status 'None'."),
    ],
)
def test_other_shapes(tmp_path, number, answer, difference):
    """A property, a type or a status of a task that only one of them has is listed."""
    tape = taped(tmp_path / "tape")
    task_id = tape.exchanges[0].answer["json"]["task_id"]
    if "json" in answer and "task_id" in answer["json"]:
        answer = {"json": answer["json"] | {"task_id": task_id}}
    assert [difference] == with_answer(tape, number, answer=answer)


def test_other_statuses_and_headers(tmp_path):
    """A status and a header that clients read are compared, and each difference is listed once."""
    wrong = Request("POST", EDIT, HEADERS, b"{}")
    tape = taped(tmp_path / "tape", requests=(wrong, wrong))
    assert ["Exchange 1, createEdit: the status is 422, the mock's 400."] == with_answer(tape, 1, status=422)
    html = {"headers": [["Content-Type", "text/html"], ["Retry-After", "3"]], "answer": {"text": "<p>"}}
    assert [
        "Exchange 1, createEdit: Content-Type is text/html, the mock's application/json.",
        "Exchange 1, createEdit: retry-after is 3, the mock's not sent.",
        "Exchange 1, createEdit: The body is not JSON, the mock's an object.",
    ] == with_answer(tape, 1, **html)
    twice = [evolve(exchange, status=422) for exchange in tape.exchanges]
    assert 1 == len([*compare(evolve(tape, exchanges=tuple(twice)), load())])


def test_errors_of_the_request_are_evidence(tmp_path):
    """A valid request that only the service refuses is a difference; an error of circumstances is not."""
    tape = taped(tmp_path / "tape", polls=0)
    for status in (400, 409, 418, 422, 302):
        differences = with_answer(tape, 1, status=status, answer={"json": {"message": "no"}})
        assert [f"Exchange 1, createEdit: the status is {status}, the mock's 200."] == differences
    for status in (401, 402, 403, 404, 408, 429, 503):
        assert not [text for text in with_answer(tape, 1, status=status) if "status" in text]


@pytest.mark.parametrize(
    ("operation", "path", "body"),
    [
        ("gone", {}, None),
        ("uploadFile", {}, None),
        ("uploadFile", {}, {"file": "text"}),
        ("uploadFile", {}, {"file": {"file": "sha256:00"}}),
        ("createEdit", {}, "sha256:00"),
        ("createEdit", {}, {"prompt": "sha256:00", "image_urls": ["https://a.example/b"]}),  # it was too long
        ("getTask", {"task": "t"}, None),
    ],
)
def test_what_cannot_be_repeated(tmp_path, operation, path, body):
    """A request that is not whole on the tape, or whose operation is gone, is not compared."""
    tape = taped(tmp_path / "tape", polls=0)
    odd: Exchange = evolve(tape.exchanges[0], operation=operation, path=path, body=body, request_violations=["p"])
    tape = evolve(tape, exchanges=(odd, *tape.exchanges))
    assert [] == [*compare(tape, load())]
    assert [*tape.exchanges[1:]] == [exchange for exchange, _, _ in repeatable(tape, load())]


def test_a_request_without_a_body(tmp_path):
    """A request without a body or a token, and an upload of any size, are what the mock refuses, too."""
    requests = [Request("POST", EDIT, HEADERS), Request("POST", EDIT, HEADERS[1:], POST.body)]
    tape = taped(tmp_path / "tape", requests=requests)
    assert [] == [*compare(tape, load())]
    assert [400, 401] == [exchange.status for exchange, _, _ in repeatable(tape, load())]
    untyped = taped(tmp_path / "untyped", requests=[Request("POST", EDIT, HEADERS[:1], POST.body)])
    assert ([415], []) == ([one.status for one in untyped.exchanges], [*repeatable(untyped, load())])
    body = {"file": {"file": "sha256:00", "bytes": 10**15}}
    assert [] == with_answer(tape, 1, operation="uploadFile", body=body, status=413)


def test_an_edit_that_only_the_service_accepts(tmp_path):
    """The outcome of an edit that the mock refuses is not that of the next one."""
    failed = Outcome(status="failed", error_code="4", error_msg="no")
    tape = taped(tmp_path / "tape", failed, requests=(POST, POST))
    status, *polls = with_answer(tape, 1, body={"prompt": ""})
    assert "Exchange 1, createEdit: the status is 200, the mock's 400." == status
    assert [2, 3, 4] == [int(text.split()[1].strip(",")) for text in polls]


def interactions(*requests):
    """What vcrpy writes of requests to the mock."""
    own = MockService(token=TOKEN, polls=0)
    for request in requests:
        response = own.handle(request)
        yield {
            "request": {
                "method": request.method,
                "uri": request.url,
                "body": request.body.decode("latin-1") or None,
                "headers": {name: [value] for name, value in request.headers},
            },
            "response": {
                "status": {"code": response.status, "message": ""},
                "headers": dict(response.headers),
                "body": {"string": response.body},
            },
        }


def test_a_cassette_is_a_tape(tmp_path: Path):
    """A cassette of vcrpy is played as a tape, with its results; requests to other services are left out."""
    task_id = MockService().handle(POST).json()["task_id"]
    result = f"https://nano-banana-edit.test/results/{task_id}/0.png"
    poll = Request("GET", f"{API}/tasks/{task_id}", HEADERS[:1])
    other = Request("GET", "https://other.example/v1/tasks/x")
    written = {"interactions": [*interactions(POST, poll, other, Request("GET", result))], "version": 1}
    (tmp_path / "cassette.yaml").write_text(yaml.dump(written))
    service = MockService.replay(tmp_path / "cassette.yaml")
    again = Request("POST", EDIT, HEADERS, json.dumps(dict(reversed(BODY.items()))).encode())
    assert task_id == service.handle(again).json()["task_id"]
    (link,) = service.handle(poll).json()["result"]
    assert written["interactions"][3]["response"]["body"]["string"] == service.handle(Request("GET", link)).body
    assert 404 == service.handle(Request("GET", f"{API}/tasks/x", HEADERS[:1])).status


def test_cassettes_as_applications_have_them(tmp_path):
    """A cassette is played whose answers are packed, that has no tokens, or that was made against another server."""
    first, again = (
        Request(
            "POST",
            f"{FILES}/api/upload/file",
            [HEADERS[0], ("Content-Type", f"multipart/form-data; boundary={boundary.decode()}")],
            b"\r\n".join([b"--%b" % boundary, DISPOSITION, b"", b"x", b"--%b--" % boundary, b""]),
        )
        for boundary in (b"B", b"C")
    )
    for coding, pack in (("gzip", bytes), ("GZIP", gzip.compress), ("deflate", zlib.compress), ("identity", bytes)):
        written = [*interactions(POST, first)]
        for one in written:
            path = urlsplit(one["request"]["uri"]).path
            one["request"] |= {"uri": f"http://localhost:4010{path}", "headers": {"Content-Type": ["application/json"]}}
            one["response"]["headers"]["content-encoding"] = coding
            one["response"]["body"]["string"] = pack(one["response"]["body"]["string"])
        written[1]["request"]["headers"]["Content-Type"] = [first.header("Content-Type")]
        (tmp_path / "cassette.yaml").write_text(yaml.dump({"interactions": written}))
        service = MockService.replay(tmp_path / "cassette.yaml")
        assert [200, 200] == [service.handle(request).status for request in (POST, again)]
        assert {"task_id"} == {*service.handle(POST).json()}


@pytest.mark.parametrize("asked", ["https://cdn.example/%C3%BC.png", "https://CDN.example:443/%C3%BC.png?of=1"])
def test_results_on_a_cassette(tmp_path, asked):
    """A result is found whose URL was written in another way or without its query, or which was elsewhere."""
    poll = Request("GET", f"{API}/tasks/t", HEADERS[:1])
    written = [*interactions(poll, *[Request("GET", "https://nano-banana-edit.test/files/x")] * 2)]
    task = {"id": "t", "status": "completed", "result": ["https://cdn.example/ü.png?of=1&sig=2", "https://a/\n"]}
    written[0]["response"] = written[1]["response"] | {"body": {"string": json.dumps(task)}}
    elsewhere = {"headers": {"Location": "/there.png"}, "status": {"code": 302, "message": ""}}
    for one, url in zip(written[1:], (asked, "https://cdn.example/there.png"), strict=True):
        one["request"]["uri"] = url
        one["response"] = {"status": {"code": 200, "message": ""}, "headers": {}, "body": {"string": b"IMAGE"}}
    written[0]["response"]["status"]["code"] = 200
    for moved, kept in ((False, written[:2]), (True, written)):
        written[1]["response"] |= elsewhere if moved else {}
        (tmp_path / "cassette.yaml").write_text(yaml.dump({"interactions": kept}))
        service = MockService.replay(tmp_path / "cassette.yaml")
        link, _ = service.handle(poll).json()["result"]
        assert b"IMAGE" == service.handle(Request("GET", link)).body


def test_a_cassette_in_a_coding(tmp_path):
    """An answer in a coding that cannot be read is refused by its name."""
    (one,) = interactions(POST)
    one["response"]["headers"]["Content-Encoding"] = "br"
    (tmp_path / "cassette.yaml").write_text(yaml.dump({"interactions": [one]}))
    with pytest.raises(ValueError, match=r"cassette\.yaml has an answer in the coding br\. Use decode_compressed"):
        MockService.replay(tmp_path / "cassette.yaml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("interactions: []", "has no exchange of this API"),
        ("version: 1", "is not a cassette of vcrpy"),
        ("{", "is not a cassette of vcrpy"),
        ("interactions: [{request: 3}]", "is not a cassette of vcrpy"),
        (ONE.format(uri="'http://[bad/x'", code=200), "is not a cassette of vcrpy"),
        (ONE.format(uri="https://a.example/v1/tasks/x", code="abc"), "is not a cassette of vcrpy"),
        (ONE.format(uri="https://a.example/v1/tasks/x", code=0), "is not a cassette of vcrpy"),
        (ONE.format(uri="[[https://a.example]]", code=200), "is not a cassette of vcrpy"),
        (ONE.format(uri="https://a.example/x", code=200), "has no exchange of this API"),
        ("\x89PNG", "is not a cassette of vcrpy. If you have a tape, name its folder."),
        ("[" * 5_000, "is not a cassette of vcrpy"),
    ],
)
def test_not_a_cassette(tmp_path, text, message):
    """A file that is not a cassette of this API is refused by name."""
    (tmp_path / "file.yaml").write_text(text)
    with pytest.raises(ValueError, match=f"file.yaml {message}"):
        MockService.replay(tmp_path / "file.yaml")


def test_a_cassette_that_is_too_large(tmp_path):
    """A file that cannot be a cassette is refused by its size, and one that cannot be read by name."""
    with (tmp_path / "large.yaml").open("wb") as file:
        file.truncate(64_000_001)
    with pytest.raises(ValueError, match="has more than 64000000 bytes"):
        MockService.replay(tmp_path / "large.yaml")
