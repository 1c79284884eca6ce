"""What is under `/__mock__/`: the mock told and asked over HTTP."""

import json
import re
from datetime import datetime

import httpx
import pytest
from nano_banana_edit_mock import Fault, MockServer, MockService
from nano_banana_edit_mock.admin.api import Feed

from .conftest import ADMIN


def test_calls(service, ask, send, edit_body):
    """The journal shows each request, its violations and its answer, and no token."""
    send("createEdit", Authorization="Bearer not-to-be-seen")
    send("createEdit", {"prompt": ""})
    send("uploadFile", b"x" * 70_000)
    response = ask("GET", "/calls")
    first, second, third = response.json()["calls"]
    assert 3 == response.json()["count"]
    assert (1, "createEdit", 200, [], edit_body, {"task_id": service.edits[0].task_id}) == tuple(
        first[name] for name in ("number", "operation", "status", "violations", "body", "answer")
    )
    assert ["/image_urls", "/prompt"] == sorted(violation["pointer"] for violation in second["violations"])
    assert (70_000, None) == (third["size"], third["body"])
    assert b"not-to-be-seen" not in response.body


def test_the_number_of_a_call_outlives_the_ring(service, ask, send):
    """Numbers go on when the oldest requests are no longer kept."""
    for _ in range(1_001):
        send("getTask")
    calls = ask("GET", "/calls").json()
    assert (1_001, 1_000, 2, 1_001) == (
        calls["count"],
        len(calls["calls"]),
        calls["calls"][0]["number"],
        calls["calls"][-1]["number"],
    )


def test_what_is_too_long_for_a_header(service, send):
    """A pointer that no client would take in a header is left out there, and the journal has it."""
    key = "k" * 5_000
    response = send("createEdit", f'{{"{key}": 1, "{key}": 2}}'.encode())
    assert ("[]", f"/{key}") == (response.header("Mock-Violations"), service.calls[0].violations[0].pointer)


def test_an_answer_that_is_no_json(service, ask, send):
    """An answer is told where it is JSON of a size that is kept, and only there."""
    service.script([{"reply": {"status": 502, "body": "<h1>"}}, {"reply": {"status": 502, "body": ["x" * 70_000]}}])
    send("getTask")
    send("getTask")
    assert [None, None] == [call["answer"] for call in ask("GET", "/calls").json()["calls"]]


def test_tasks(service, ask, send):
    """The list of tasks shows their progress, and does not count as a poll."""
    send("createEdit")
    service.script([{"outcome": {"status": "failed", "seconds": 10}}])
    send("createEdit")
    service.advance(5)
    send("getTask", task_id=service.edits[0].task_id)
    assert 200 == ask("GET", "/tasks").status
    first, second = ask("GET", "/tasks").json()["tasks"]
    facts = ("polls", "seconds", "progress", "status")
    assert (1, None, 0.5, "processing") == tuple(first[name] for name in facts)
    assert (0, 10, "processing") == (second["polls"], second["seconds"], second["status"])
    assert 0.5 <= second["progress"] < 0.6
    service.advance(100)
    assert (1, "failed") == tuple(ask("GET", "/tasks").json()["tasks"][1][name] for name in ("progress", "status"))


STEPS = [
    {"fault": "truncated", "operation": "getTask", "nth": 2, "times": None},
    {"outcome": {"status": "failed", "error_code": "nsfw", "error_msg": "No.", "result_form": "file", "polls": 3}},
    {"outcome": {"seconds": 2.5, "expired": True}},
    {"outcome": {"uniform": {"low": 1, "high": 2}}},
    {"outcome": {"lognormal": {"median": 1, "sigma": 0.5}}, "times": 2},
    {"reply": {"status": 418, "body": {"a": [1]}, "headers": {"X-Tea": "green"}, "retry_after": 3}, "nth": 4},
    {"outage": {"requests": 2, "status": 502}},
    {"outage": {"seconds": 5}},
]
SAID = [
    "getTask, request 2 and on: truncated, used 0 of any number of times",
    "createEdit, request 1 and on: Outcome(status='failed', error_code='nsfw', error_msg='No.', result_form='file', "
    "polls=3), used 0 of 1 times",
    "createEdit, request 1 and on: Outcome(seconds=2.5, expired=True), used 0 of 1 times",
    "createEdit, request 1 and on: Outcome(seconds=Uniform(low=1, high=2)), used 0 of 1 times",
    "createEdit, request 1 and on: Outcome(seconds=Lognormal(median=1, sigma=0.5)), used 0 of 2 times",
    "any operation, request 4 and on: Reply(418), used 0 of 1 times",
    "any operation, request 1 and on: Reply(502), used 0 of 2 times",
    "any operation, request 1 and on: Reply(503) for 5 s, used 0 of any number of times",
]


def test_script(service, ask, send):
    """Each kind of step becomes its rule, and used steps are no longer listed."""
    answer = ask("POST", "/script", {"steps": STEPS})
    assert (200, SAID) == (answer.status, [rule["text"] for rule in answer.json()["rules"]])
    service.reset()
    ask("POST", "/script", {"steps": STEPS[5:6]})
    for status in (404, 404, 404, 418):
        assert status == send("getTask").status
    assert [] == ask("GET", "/script").json()["rules"]


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([], "steps has 0 items; the limit is 1 to 10000."),
        ([{}], "steps[0]: the step has nothing to do; use one of outcome, reply, fault, outage."),
        (
            [STEPS[0], {"fault": "empty", "reply": {"status": 200}}],
            "steps[1]: the step has reply and fault; use one of outcome, reply",
        ),
        ([{"fault": "x"}], 'steps[0].fault is "x"; it must be one of "refused", '),
        ([{"fault": "empty", "at": 1}], "steps[0].at is unknown; the allowed properties are: outcome, reply, fault, "),
        ([{"outage": {"requests": 1}, "nth": 2}], "steps[0]: an outage has no operation, nth or times."),
        ([{"outage": {"requests": 1}, "operation": "getTask"}], "steps[0]: an outage has no operation, nth or times."),
        ([{"outage": {}}], "steps[0]: requests is None and seconds is None; use one of them."),
        ([{"outcome": {}, "operation": "getTask"}], "steps[0]: operation is 'getTask'; an Outcome is for createEdit "),
        ([{"fault": "empty", "operation": "x"}], "steps[0]: operation is 'x'; it must be one of createEdit, getTask, "),
        (
            [{"outcome": {"seconds": 1, "uniform": {"low": 1, "high": 2}}}],
            "steps[0]: outcome has seconds and uniform; use one of them.",
        ),
        (
            [{"outcome": {"uniform": {"low": 2, "high": 1}}}],
            "steps[0]: high is 1; the minimum is low, 2.",
        ),
        ([{"reply": {"status": 200, "headers": {"a b": "c"}}}], 'steps[0]: headers has "a b": "c"; '),
    ],
)
def test_wrong_scripts(service, ask, steps, message):
    """An invalid step is named with its reason, and no step of the script is added."""
    answer = ask("POST", "/script", {"steps": steps})
    assert (400, True) == (answer.status, message in answer.json()["message"])
    assert [] == ask("GET", "/script").json()["rules"]


def test_the_document_lists_the_faults():
    """The document of the mock knows every fault, and no other."""
    listed = ADMIN.document["components"]["schemas"]["Step"]["properties"]["fault"]["enum"]
    assert [*Fault] == listed


def test_clock(service, ask):
    """Time that is let pass has passed."""
    before = ask("GET", "/clock").json()["seconds"]
    after = ask("POST", "/clock", {"seconds": 60}).json()["seconds"]
    assert 60 <= after - before < 61
    assert 400 == ask("POST", "/clock", {"seconds": -1}).status


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), 1e10, "1"])
def test_time_goes_on(service, seconds):
    """Time does not go back, nor to its end."""
    with pytest.raises(ValueError, match=r"seconds is .+; (the limit is 0 to 1000000000|it must be a number.*)\."):
        service.advance(seconds)


def test_the_time_of_the_day_goes_along(service, send):
    """An upload made after time was let pass expires later by as much."""
    first, _, second = send("uploadFile"), service.advance(86_400), send("uploadFile")
    days = [datetime.fromisoformat(response.json()["expires_at"]) for response in (first, second)]
    assert 0.99 < (days[1] - days[0]).total_seconds() / 86_400 < 1.01


def test_the_calendar_has_an_end(service, send):
    """However much time is let pass, an upload says when it expires."""
    for _ in range(300):
        service.advance(1_000_000_000)
    assert "9999-" in send("uploadFile").json()["expires_at"]


def test_reset(service, ask, send):
    """A reset forgets requests, tasks and rules."""
    service.script(STEPS[:1])
    send("createEdit")
    assert 204 == ask("POST", "/reset").status
    assert (0, [], []) == (
        ask("GET", "/calls").json()["count"],
        ask("GET", "/tasks").json()["tasks"],
        ask("GET", "/script").json()["rules"],
    )


@pytest.mark.parametrize(
    ("expectation", "message"),
    [
        ({"assertion": "called_once_with", "properties": {"prompt": "Make it snow."}}, None),
        ({"assertion": "called_with", "operation": "createEdit"}, None),
        ({"assertion": "not_called", "operation": "getTask"}, None),
        ({"assertion": "no_invalid_requests"}, None),
        ({"assertion": "all_scripted_used"}, None),
        ({"assertion": "billed_at_most", "most": 1}, None),
        ({"assertion": "billed_at_most", "most": 0}, "1 edit accepted, each of which is billed; expected at most 0."),
        (
            {"assertion": "called_once_with", "properties": {"prompt": "x"}},
            "prompt: expected 'x', actual 'Make it snow.'",
        ),
        (
            {"assertion": "called_with", "properties": {"operation": "x", "self": 1}},
            "operation: expected 'x', but it is missing",
        ),
        ({"assertion": "not_called"}, "The service was called once, expected not to be."),
    ],
)
def test_verify(ask, send, expectation, message):
    """An assertion holds, or the answer shows how the requests differ."""
    send("createEdit")
    answer = ask("POST", "/verify", expectation)
    found = answer.json()
    assert 200 == answer.status
    assert (message is None, True) == (found["holds"], (message or "") in found.get("message", ""))


@pytest.mark.parametrize(
    ("expectation", "message"),
    [
        (
            {"assertion": "not_called", "properties": {"operation": 1}},
            "not_called has other arguments; see admin.yaml.",
        ),
        ({"assertion": "no_invalid_requests", "operation": "getTask"}, "no_invalid_requests has other arguments; "),
        ({"assertion": "billed_at_most"}, "billed_at_most has other arguments; "),
        ({"assertion": "billed_at_most", "most": -1}, "most is -1; the minimum is 0."),
        ({"assertion": "called_with", "operation": "x"}, "operation is 'x'; it must be one of createEdit, "),
        ({"assertion": "x"}, 'assertion is "x"; it must be one of "called_once_with", '),
    ],
)
def test_what_cannot_be_expected(ask, expectation, message):
    """An expectation that is none is refused, with the reason."""
    answer = ask("POST", "/verify", expectation)
    assert (400, True) == (answer.status, message in answer.json()["message"])


def events(text):
    """The names, numbers and operations of events."""
    blocks = [dict(line.split(": ", 1) for line in block.split("\n")) for block in text.decode().split("\n\n") if block]
    return [(e["event"], int(e["id"].split("-")[1]), json.loads(e["data"]).get("operation")) for e in blocks]


def last_id(text):
    """The id of the last event."""
    return re.findall(rb"(?m)^id: (.*)$", text)[-1].decode()


STEPS_AT_2 = ("script", 2, None)


def test_feed(service, send):
    """A feed tells each request once, from the event that it is told, and a reset."""
    feed = Feed()
    send("createEdit")
    late = Feed(last_id(Feed().read(service)))
    send("getTask")
    assert [("call", 1, "createEdit"), ("call", 2, "getTask"), STEPS_AT_2] == events(feed.read(service))
    assert [("call", 2, "getTask"), STEPS_AT_2] == events(late.read(service))
    assert b"" == feed.read(service)
    send("uploadFile")
    assert [("call", 3, "uploadFile")] == events(feed.read(service))
    service.reset()
    send("getTask")
    assert [("reset", 0, None), ("call", 1, "getTask")] == events(feed.read(service))


def test_a_feed_of_the_script(service, send):
    """A feed says that steps changed: at first, and when one was added, used, or its time is over, after the calls."""
    feed = Feed()
    assert [("script", 0, None)] == events(feed.read(service))
    service.outage(seconds=5)
    assert [("script", 0, None)] == events(feed.read(service))
    for _ in range(21):
        send("getTask")
    assert [*[("call", number, "getTask") for number in range(1, 21)], ("script", 20, None)] == events(
        feed.read(service)
    )
    assert [("call", 21, "getTask")] == events(feed.read(service))
    service.advance(5)
    send("getTask")
    assert [("call", 22, "getTask"), ("script", 22, None)] == events(feed.read(service))
    service.next(Fault.EMPTY)
    last = last_id(feed.read(service))
    service.reset()
    assert [("reset", 0, None), ("script", 0, None)] == events(feed.read(service))
    assert [("reset", 0, None), ("script", 0, None)] == events(Feed(last).read(service))
    assert b"" == feed.read(service)


def test_a_feed_of_before(service, send):
    """After a reset that nobody was told of, all of before is forgotten, however many requests came since."""
    send("getTask")
    last = last_id(Feed().read(service))
    service.reset()
    assert ("reset", 0, None) == events(Feed(last).read(service))[0]
    send("uploadFile")
    send("createEdit")
    told = Feed(last).read(service)
    assert [("reset", 0, None), ("call", 1, "uploadFile"), ("call", 2, "createEdit"), STEPS_AT_2] == events(told)
    assert [STEPS_AT_2] == events(Feed(last_id(told)).read(service))


@pytest.mark.parametrize("last", ["0", "7", "1-1", "00000000-1", "9" * 5_000, "00000000-" + "9" * 5_000])
def test_a_feed_of_nowhere(service, send, last):
    """An id that no event had is of before as well."""
    send("getTask")
    assert [("reset", 0, None), ("call", 1, "getTask")] == events(Feed(last).read(service))[:2]


def test_a_feed_of_later(service, send):
    """A number that no request has reached yet brings those that come."""
    send("getTask")
    era = last_id(Feed().read(service)).split("-")[0]
    feed = Feed(f"{era}-7")
    assert [("script", 1, None)] == events(feed.read(service))
    send("createEdit")
    assert [("call", 2, "createEdit")] == events(feed.read(service))


def test_a_feed_of_another_service(service, send):
    """Where another service takes the place, all of before is forgotten."""
    feed = Feed()
    feed.read(service)
    assert [("reset", 0, None)] == events(feed.read(MockService()))


@pytest.mark.server
def test_on_a_port(edit_body):
    """On a port the mock is told, asked and followed, and ends although somebody still follows."""
    with MockServer() as server, httpx.Client(base_url=server.url, trust_env=False) as client:
        assert 200 == client.post("/__mock__/script", json={"steps": [{"reply": {"status": 429}}]}).status_code
        limited = client.post("/v1/generate/k/nano-banana-edit", json=edit_body, headers={"Authorization": "Bearer t"})
        assert 429 == limited.status_code
        with client.stream("GET", "/__mock__/events", headers={"Last-Event-ID": ""}) as stream:
            lines = stream.iter_lines()
            assert next(line for line in lines if line.startswith("id")).endswith("-1")
            assert '"status": 429' in next(lines)
        assert 401 == client.get("/__mock__/calls", headers={"Host": "elsewhere.example"}).status_code
        assert "text/event-stream" == client.head("/__mock__/events").headers["Content-Type"]
        following = client.stream("GET", "/__mock__/events")
        following.__enter__()


@pytest.mark.server
def test_silence_is_broken(monkeypatch):
    """A stream without news says so now and then, so that nobody takes it for dead."""
    monkeypatch.setattr("nano_banana_edit_mock.doors.port.LOOK_EVERY", 0.001)
    monkeypatch.setattr("nano_banana_edit_mock.doors.port.SILENCE", 2)
    with MockServer() as server, httpx.stream("GET", f"{server.url}/__mock__/events", trust_env=False) as stream:
        lines = stream.iter_lines()
        said = [next(lines) for _ in range(9)]
        assert [": the requests as they come", "", "event: script", *said[3:5], "", ":", "", ":"] == said


def test_time_adds_up(service):
    """Time that is let pass is added to what was, and none may be let pass."""
    before = service.time
    for seconds in (10, 0, 0.5, 20):
        service.advance(seconds)
    assert 30.5 <= service.time - before < 31


@pytest.mark.parametrize(
    ("outage", "accepted"),
    [
        ({"requests": 1, "status": 599}, True),
        ({"requests": 1, "status": 600}, False),
        ({"seconds": 0.5}, True),
        ({"seconds": 0}, False),
        ({"requests": 0}, False),
    ],
)
def test_limits_of_an_outage(service, ask, outage, accepted):
    """An outage lasts a request or a moment at least, and fails with an error."""
    if accepted:
        service.outage(**outage)
    else:
        with pytest.raises(ValueError, match=next(iter(outage)) if 0 in outage.values() else "status"):
            service.outage(**outage)
    assert (200 if accepted else 400) == ask("POST", "/script", {"steps": [{"outage": outage}]}).status


def test_an_outcome_of_a_later_edit(service, send):
    """A written outcome waits for the edit that it names."""
    service.script([{"outcome": {"status": "failed", "polls": 0}, "nth": 2}])
    ids = [send("createEdit").json()["task_id"] for _ in range(3)]
    service.advance(1)
    for _ in range(2):
        looks = [send("getTask", task_id=task_id).json()["status"] for task_id in ids]
    assert ["processing", "failed", "processing"] == looks
