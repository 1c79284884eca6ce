"""The journal of what came, and the assertions on it, whose messages say what came instead."""

import json
from typing import Any

import pytest
from nano_banana_edit_mock import MockService, Outcome, Reply, Request, Uniform
from nano_banana_edit_mock.engine import journal

PATH = "POST /v1/generate/k/nano-banana-edit"


@pytest.fixture
def says():
    """What an assertion says when it fails."""

    def fail(check: Any, *arguments: Any, **properties: Any) -> list[str]:
        with pytest.raises(AssertionError) as failure:
            check(*arguments, **properties)
        return str(failure.value).split("\n")

    return fail


def test_calls_tell_who_answered_and_which_task(service, send):
    """An entry says whether a rule took the request, and which task it made, looked at or fetched."""
    service.script([Outcome(polls=0), Reply(500)])
    task_id = send("createEdit").json()["task_id"]
    send("getTask", task_id=task_id)
    (link,) = send("getTask", task_id=task_id).json()["result"]
    service.handle(Request("GET", link))
    service.handle(Request("GET", send("uploadFile").json()["url"]))
    send("getTask", task_id="other")
    send("createEdit", {})
    assert [
        ("createEdit", 200, True, task_id),
        ("getTask", 500, True, task_id),
        ("getTask", 200, False, task_id),
        (None, 200, False, task_id),
        ("uploadFile", 200, False, None),
        (None, 200, False, None),
        ("getTask", 404, False, "other"),
        ("createEdit", 400, False, None),
    ] == [(entry.operation, entry.status, entry.scripted, entry.task_id) for entry in service.calls]


def test_bodies_are_kept_up_to_a_bound(service, send, edit_body):
    """A body of 64 KiB is kept, one of a byte more is not; its size is."""
    room = journal.MAX_KEPT - len(json.dumps({**edit_body, "x": ""}))
    bodies = [{**edit_body, "x": "x" * length} for length in (room, room + 1)]
    for body in bodies:
        send("createEdit", body)
    assert 65_536 == journal.MAX_KEPT
    assert [(65_536, bodies[0]), (65_537, None)] == [(entry.size, entry.body) for entry in service.calls]
    assert bodies == [edit.body for edit in service.edits]


def test_the_token_is_nowhere(service, send):
    """No token is kept, whether it is right, wrong or sent to a file."""
    service = MockService(token="top-secret")
    send("createEdit", to=service, Authorization="Bearer top-secret")
    send("createEdit", to=service, Authorization="Bearer other-secret")
    service.handle(Request("GET", "https://nano-banana-edit.test/files/x", {"Authorization": "Bearer top-secret"}))
    assert [200, 401, 404] == [entry.status for entry in service.calls]
    assert "secret" not in repr(service.calls)


def test_called_once_with(service, send, edit_body):
    """One request whose body has the properties passes, whatever else it has and was answered."""
    service.next(Reply(500))
    send("createEdit", {**edit_body, "image_size": "16:9"})
    service.assert_called_once_with(prompt="Make it snow.", image_urls=edit_body["image_urls"])
    service.assert_called_once_with()
    service.assert_called_with(image_size="16:9")
    send("getTask")
    service.assert_called_once_with("getTask")
    send("uploadFile")
    service.assert_called_once_with("uploadFile")
    send("createEdit", {**edit_body, "operation": "x", "self": 1})
    service.assert_called_with(operation="x", self=1)


def test_called_with_is_about_the_last(service, send, edit_body, says):
    """Of several requests the last is compared."""
    for prompt in ("one", "two"):
        send("createEdit", {**edit_body, "prompt": prompt})
    service.assert_called_with(prompt="two")
    assert [
        "createEdit was called 2 times, expected the last time with prompt.",
        f"Call 2, {PATH}, answered 200:",
        "  prompt: expected 'one', actual 'two'",
    ] == says(service.assert_called_with, prompt="one")


@pytest.mark.parametrize("check", ["assert_called_once_with", "assert_called_with"])
def test_never_called(service, send, says, check):
    """What was called instead is said."""
    assert "Calls: none." == says(getattr(service, check), prompt="x")[1]
    send("getTask")
    service.handle(Request("GET", "https://nano-banana-edit.test/files/x"))
    send("getTask")
    head, instead = says(getattr(service, check), prompt="x")
    assert head.startswith("createEdit was called 0 times, expected ")
    assert "Calls: getTask 2 times, files and unknown paths once." == instead


def test_called_too_often(service, send, says):
    """A request that was sent again counts twice, and the message says so."""
    service.next(Reply.rate_limited())
    for _ in range(2):
        send("createEdit")
    assert [
        "createEdit was called 2 times, expected once with prompt.",
        f"Call 2, {PATH}, answered 200:",
        "  has all expected properties",
    ] == says(service.assert_called_once_with, prompt="Make it snow.")
    assert "expected once with any body." in says(service.assert_called_once_with)[0]


def test_the_nearest_call_is_shown(service, send, edit_body, says):
    """Of several calls the one with the fewest differences is shown, then the one that reads most alike."""
    service.next(Reply(402))
    send("createEdit", {**edit_body, "prompt": "Make it rain.", "image_size": "16:9"})
    send("createEdit", {**edit_body, "prompt": "Turn night to day.", "image_size": "16:9"})
    send("createEdit", {**edit_body, "prompt": "Make it rain!", "image_size": "1:1"})
    assert [
        "createEdit was called 3 times, expected once with prompt, image_size, output_format.",
        f"Call 1, {PATH}, answered 402 from the script:",
        "  prompt: expected 'Make it snow.', actual 'Make it rain.'",
        "  output_format: expected 'png', but it is missing",
    ] == says(service.assert_called_once_with, prompt="Make it snow.", image_size="16:9", output_format="png")


def test_long_values_are_shown_where_they_differ(service, send, edit_body, says):
    """Of a long value so much is shown that the difference can be seen."""
    send("createEdit", {**edit_body, "prompt": "x" * 100 + "snow" + "y" * 100})
    (*_, line) = says(service.assert_called_once_with, prompt="x" * 100 + "rain" + "y" * 100)
    shown = "…" + "x" * 20 + "{}" + "y" * 36 + "…"
    assert f"  prompt: expected {shown.format('rain')}, actual {shown.format('snow')}" == line
    (*_, line) = says(service.assert_called_once_with, prompt="z" * 100, style="s" * 100)
    assert f"  style: expected '{'s' * 59}…, but it is missing" == line
    (*_, line) = says(service.assert_called_once_with, prompt="x" * 58)
    assert f"  prompt: expected '{'x' * 58}', actual …{'x' * 20}" in line


def test_a_body_that_is_none(service, send, edit_body, says):
    """Of a body that is no object every property is missing; one that is not kept cannot be compared."""
    send("createEdit", [1])
    assert "  prompt: expected 'x', but it is missing" == says(service.assert_called_with, prompt="x")[-1]
    send("createEdit", {**edit_body, "x": "x" * 70_000})
    size = service.calls[-1].size
    assert (
        f"  the body has {size} bytes; the journal keeps bodies of at most 65536"
        == says(service.assert_called_with, prompt="Make it snow.")[-1]
    )
    service.assert_called_with()


def test_not_called(service, send, says):
    """Nothing, or nothing of an operation, passes; otherwise the requests are listed."""
    service.assert_not_called()
    send("getTask")
    service.assert_not_called("createEdit")
    assert ["getTask was called once, expected not to be.", "  GET /v1/tasks/x, answered 404"] == says(
        service.assert_not_called, "getTask"
    )
    for _ in range(11):
        send("uploadFile")
    head, first, *_, last, more = says(service.assert_not_called)
    assert ("The service was called 12 times, expected not to be.", "  and 2 more") == (head, more)
    assert ("  GET /v1/tasks/x, answered 404", "  POST /api/upload/file, answered 200") == (first, last)


def test_no_invalid_requests(service, send, edit_body, says):
    """Each request that the document does not allow is listed with all that is wrong, whatever it was answered."""
    send("createEdit")
    send("getTask", task_id="unknown")
    send("getTask", Prefer="code=500")
    service.assert_no_invalid_requests()
    service.next(Reply(200))
    send("createEdit", {"prompt": ""})
    send("getTask", Authorization=None)
    service.handle(Request("GET", "https://api.sinancode.com/v1/task/x"))
    service.handle(Request("PUT", "https://api.sinancode.com/v1/tasks/x"))
    assert [
        "Invalid requests: 4.",
        f"  {PATH}, answered 200 from the script: image_urls is missing; it is required. "
        "prompt has 0 characters; the limit is 1 to 5000.",
        "  GET /v1/tasks/x, answered 401: Authorization is missing; use Bearer <token>.",
        "  GET /v1/task/x, answered 404: /v1/task/x is not a path of openapi.yaml.",
        "  PUT /v1/tasks/x, answered 405: /v1/tasks/x has no method PUT; use one of GET, HEAD, OPTIONS.",
    ] == says(service.assert_no_invalid_requests)


def test_what_is_forgotten_still_counts(send, says, monkeypatch):
    """A request that the journal no longer has is counted all the same, until the mock is reset."""
    monkeypatch.setattr(journal, "MAX_REQUESTS", 2)
    service = MockService()
    send("createEdit", {}, to=service)
    for _ in range(2):
        send("getTask", to=service)
    assert 2 == len(service.calls)
    assert [
        "createEdit was called once, expected once with prompt.",
        "Only the last 2 requests are kept, and none of them is such a call.",
    ] == says(service.assert_called_once_with, prompt="x")
    assert ["Invalid requests: 1.", "  and 1 more"] == says(service.assert_no_invalid_requests)
    assert ["createEdit was called once, expected not to be.", "  and 1 more"] == says(
        service.assert_not_called, "createEdit"
    )
    send("createEdit", to=service)
    assert f"Call 2, {PATH}, answered 200:" == says(service.assert_called_once_with)[1]
    service.reset()
    service.assert_not_called()
    service.assert_no_invalid_requests()
    send("createEdit", to=service)
    service.assert_called_once_with()


def test_all_scripted_used(send, says):
    """Every rule that still waits is listed with how much of it happened; one without an end waits for one request."""
    now = [0.0]
    service = MockService(clock=lambda: now[0])
    service.assert_all_scripted_used()
    service.on("getTask", Reply(500), nth=2, times=3)
    service.next(Outcome(status="failed", error_code="nsfw"))
    service.outage(seconds=5)
    service.on("uploadFile", Reply(502), times=None)
    service.next(Outcome(seconds=Uniform(1, 2)))
    assert [
        "Unused script steps:",
        "  getTask, request 2 and on: Reply(500), used 0 of 3 times",
        "  createEdit, request 1 and on: Outcome(status='failed', error_code='nsfw'), used 0 of 1 times",
        "  any operation, request 1 and on: Reply(503) for 5 s, used 0 of any number of times",
        "  uploadFile, request 1 and on: Reply(502), used 0 of any number of times",
        "  createEdit, request 1 and on: Outcome(seconds=Uniform(low=1, high=2)), used 0 of 1 times",
    ] == says(service.assert_all_scripted_used)
    for operation in ("createEdit", "getTask", "getTask", "getTask", "uploadFile"):
        send(operation, to=service)
    assert ["getTask", "uploadFile", "createEdit"] == [
        line.strip().partition(",")[0] for line in says(service.assert_all_scripted_used)[1:]
    ]
    assert "used 2 of 3 times" in says(service.assert_all_scripted_used)[1]
    now[0] = 5.0
    for operation in ("uploadFile", "getTask", "createEdit"):
        send(operation, to=service)
    service.assert_all_scripted_used()


@pytest.mark.parametrize("check", ["assert_called_once_with", "assert_called_with", "assert_not_called"])
def test_unknown_operations_are_refused(service, check):
    """An assertion on what the document has not would always pass or always fail."""
    with pytest.raises(ValueError, match="operation is 'edit'; it must be one of createEdit, getTask, uploadFile"):
        getattr(service, check)("edit")


@pytest.mark.parametrize("assertion", ["assert_called_once_with", "assert_called_with"])
def test_a_property_that_the_document_does_not_have(service, send, assertion):
    """The nearest property of the document is named, whether a request has it or not."""
    send("createEdit")
    for name, near in (("promt", "prompt"), ("image_sise", "image_size")):
        with pytest.raises(AssertionError, match=rf"\nThe document has no {name}\. Did you mean {near}\?$"):
            getattr(service, assertion)(**{name: "x"})
    with pytest.raises(AssertionError, match=r"\n  zzz: expected 'x', but it is missing$"):
        getattr(service, assertion)(zzz="x")
