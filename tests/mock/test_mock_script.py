"""The script of a test: rules, replies, outages, durations of tasks, and what a request prefers."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from random import Random
from statistics import median
from typing import Any, cast

import httpx2
import pytest
from nano_banana_edit import APIStatusError, AsyncNanoBananaEdit, EditFailed, NanoBananaEdit, NotFound, RateLimited
from nano_banana_edit_mock import (
    Lognormal,
    MockServer,
    MockService,
    Outcome,
    Reply,
    Request,
    Uniform,
    mock_router,
    mock_transport,
)
from nano_banana_edit_mock.engine import script

IMAGE = "https://images.test/a.png"
FAILED = Outcome(status="failed", error_code="nsfw", error_msg="Not that.")
LIMITED = Reply.rate_limited(retry_after=0)


@pytest.fixture
def now() -> list[float]:
    """The time on the clock of `timed`, in seconds."""
    return [100.0]


@pytest.fixture
def timed(now):
    """A service on a clock that stands still unless it is moved."""
    return lambda **options: MockService(clock=lambda: now[0], **options)


@pytest.fixture
def statuses(send):
    """The status codes of some requests that are right."""
    return lambda service, *operations: [send(operation, to=service).status for operation in operations]


def test_a_reply_takes_the_nth_requests_of_an_operation(service, statuses):
    """A rule leaves alone what comes before its nth request, other operations, and what comes after its last."""
    service.on("getTask", Reply(418), nth=2, times=2)
    operations = ("getTask", "createEdit", "getTask", "uploadFile", "getTask", "getTask")
    assert [404, 200, 418, 200, 418, 404] == statuses(service, *operations)
    service.on(None, Reply(503), nth=2)
    assert [404, 503, 200] == statuses(service, "getTask", "uploadFile", "uploadFile")


def test_a_reply_for_good(service, statuses):
    """A rule without a number of times takes all that follow, until the mock is reset."""
    service.on("getTask", Reply(503), nth=2, times=None)
    assert [404, 503, 503, 503, 503] == statuses(service, *["getTask"] * 5)
    service.reset()
    assert [404] == statuses(service, "getTask")


def test_rules_are_asked_in_order_and_count_what_is_left_to_them(service, statuses):
    """A request that one rule takes is none to those after it; one that it counts only, is."""
    service.on("getTask", Reply(501), nth=2)
    service.on(None, Reply(502), times=2)
    service.on("getTask", Reply(503), nth=2)
    assert [502, 501, 502, 404, 503, 404] == statuses(service, *["getTask"] * 6)


def test_steps_queue_up(service, send):
    """Each step is for the next accepted edit or the next request, whichever it is about, and then all is as ever."""
    service.script([Reply(429), FAILED, Reply(500)])
    service.next(Outcome(polls=0))
    refused, *accepted = [send("createEdit") for _ in range(2)]
    assert (429, 200) == (refused.status, accepted[0].status)
    assert 500 == send("createEdit").status
    ids = [accepted[0].json()["task_id"]] + [send("createEdit").json()["task_id"] for _ in range(2)]
    looks = [[send("getTask", task_id=i).json()["status"] for _ in range(3)] for i in ids]
    assert [["pending", "processing", "failed"], ["completed"] * 3, ["pending", "processing", "completed"]] == looks


def test_an_outcome_is_for_accepted_edits(service, send, edit_body):
    """An outcome waits for an edit that is accepted, and counts no other."""
    service.on("createEdit", FAILED, nth=2)
    send("createEdit", {**edit_body, "prompt": ""})
    send("createEdit", Prefer="code=503")
    send("createEdit", Authorization=None)
    ids = [send("createEdit").json()["task_id"] for _ in range(3)]
    assert ["completed", "failed", "completed"] == [
        [send("getTask", task_id=i).json()["status"] for _ in range(3)][-1] for i in ids
    ]


def test_a_reply_wins_over_the_verdict(service, send, edit_body):
    """A reply answers what is wrong too; that stands in the journal, and nothing is done."""
    service.on(None, Reply(200, body={"task_id": "t"}), times=3)
    assert {"task_id": "t"} == send("createEdit").json() == send("createEdit", {**edit_body, "prompt": ""}).json()
    assert 200 == send("uploadFile", Authorization=None).status
    assert ((), ()) == (service.edits, service.uploads)
    send("createEdit", {**edit_body, "image_urls": []})
    assert [(True, 200, []), (True, 200, ["minLength"]), (True, 200, ["security"]), (False, 400, ["minItems"])] == [
        (entry.scripted, entry.status, [violation.keyword for violation in entry.violations]) for entry in service.calls
    ]


def test_a_scripted_look_is_not_counted(service, send):
    """A poll that a reply answers does not change the progress of the task."""
    task_id = send("createEdit").json()["task_id"]
    service.on("getTask", Reply(500), times=5)
    answers = [send("getTask", task_id=task_id) for _ in range(6)]
    assert (500, "pending") == (answers[4].status, answers[5].json()["status"])


def test_files_and_unknown_paths_are_no_operations(service, send):
    """A rule for any operation does not take a file or a path that the document has not."""
    link = send("uploadFile").json()["url"]
    service.next(Reply(500))
    assert 200 == service.handle(Request("GET", link)).status
    assert 404 == service.handle(Request("GET", "https://api.sinancode.com/nowhere")).status
    assert [500, 404] == [send("getTask").status for _ in range(2)]


@pytest.mark.parametrize(
    ("say", "message"),
    [
        (
            lambda service: service.on("createedit", LIMITED),
            "operation is 'createedit'; it must be one of createEdit, getTask, uploadFile, getFile, getResult, or None",
        ),
        (lambda service: service.on("GET file", LIMITED), "operation is 'GET file'; "),
        (
            lambda service: service.on("getTask", FAILED),
            "operation is 'getTask'; an Outcome is for createEdit",
        ),
        (lambda service: service.on(None, FAILED), "operation is None; an Outcome is for createEdit"),
        (lambda service: service.on("createEdit", 429), "do is 429; use an Outcome, a Reply or a Fault"),
        (lambda service: service.next("failed"), "do is 'failed'; "),
        (lambda service: service.script([FAILED, 429]), r"steps\[1\] is 429; it must be an object\."),
        (
            lambda service: service.on("createEdit", FAILED, nth=0),
            "nth is 0; the minimum is 1",
        ),
        (
            lambda service: service.on("createEdit", FAILED, times=0),
            "times is 0; the minimum is 1",
        ),
        (lambda service: service.on("createEdit", FAILED, times=1.5), "times is 1.5; "),
        (lambda service: service.outage(), "requests is None and seconds is None; use one of them"),
        (lambda service: service.outage(requests=1, seconds=1), "requests is 1 and seconds is 1; "),
        (lambda service: service.outage(requests=0), "requests is 0; the minimum is 1"),
        (
            lambda service: service.outage(seconds=0),
            "seconds is 0; it must be more than 0.",
        ),
        (lambda service: service.outage(seconds=float("nan")), "seconds is nan; "),
        (lambda service: service.outage(seconds=float("inf")), "seconds is inf; "),
        (lambda service: service.outage(seconds="3"), 'seconds is "3"; it must be a number.'),
        (
            lambda service: service.outage(requests=1, status=399),
            "status is 399; the limit is 400 to 599.",
        ),
        (lambda service: service.outage(requests=1, status=600), "status is 600; "),
    ],
)
def test_nonsense_is_refused(service, say, message):
    """An invalid step is refused when it is scripted, and adds no rule."""
    with pytest.raises(ValueError, match=message):
        say(service)
    assert () == service.rules


def test_rules_are_bounded(service, monkeypatch):
    """A script that is too long is refused as a whole."""
    monkeypatch.setattr(script, "MAX_RULES", 3)
    service.script([FAILED, LIMITED])
    with pytest.raises(ValueError, match="the script has 4 rules; the limit is 3"):
        service.script([FAILED, LIMITED])
    service.next(FAILED)
    assert 3 == len(service.rules)


def test_an_outage_of_some_requests(service, statuses):
    """Every operation fails for the scripted number of requests, with the scripted status."""
    service.outage(requests=2)
    service.outage(requests=1, status=520)
    assert [503, 503, 520, 200] == statuses(service, "getTask", "createEdit", "uploadFile", "createEdit")


def test_an_outage_of_some_seconds(timed, now, statuses):
    """Every operation fails for the scripted seconds after the first failure; then the rule is gone."""
    service = timed()
    service.outage(seconds=5, status=502)
    now[0] = 200
    assert [502] == statuses(service, "getTask")
    now[0] = 204.9
    assert [502, 502] == statuses(service, "getTask", "createEdit")
    service.assert_all_scripted_used()
    now[0] = 205
    assert [404, 200] == statuses(service, "getTask", "createEdit")
    assert () == service.rules


def test_threads_share_a_script(service, send):
    """A rule takes exactly its number of requests, whatever the number of threads."""
    service.on("createEdit", LIMITED, nth=21, times=50)
    with ThreadPoolExecutor(8) as pool:
        answers = [future.result() for future in [pool.submit(send, "createEdit") for _ in range(200)]]
    assert {429: 50, 200: 150} == Counter(answer.status for answer in answers)
    assert 150 == len(service.edits)


@pytest.mark.parametrize(
    ("outcome", "lived"),
    [
        (Outcome(polls=1), ["pending", "completed", "completed"]),
        (Outcome(polls=0), ["completed"] * 3),
        (Outcome(seconds=10), ["pending", "processing", "completed"]),
        (Outcome(seconds=Uniform(10, 10)), ["pending", "processing", "completed"]),
        (Outcome(seconds=Lognormal(10, 0)), ["pending", "processing", "completed"]),
        (Outcome(seconds=1_000_000_000), ["pending"] * 3),
        (Outcome(), ["pending", "pending", "processing"]),
    ],
)
@pytest.mark.parametrize("options", [{"polls": 3}, {"seconds": 18}])
def test_an_edit_has_its_own_life(timed, now, send, outcome, lived, options):
    """An outcome sets the polls or seconds of its task, whatever the default of the service."""
    service = timed(**options)
    service.next(outcome)
    ids = [send("createEdit", to=service).json()["task_id"] for _ in range(2)]
    for task_id, expected in zip(ids, (lived, ["pending", "pending", "processing"]), strict=True):
        seen = []
        for now[0] in (100, 105, 110):
            seen.append(send("getTask", to=service, task_id=task_id).json()["status"])
        assert expected == seen


def test_times_are_drawn_from_the_seed(timed, now, send):
    """Equal seeds give equal durations, another seed gives others, and tasks may differ."""

    def statuses_of(seed: int) -> list[str]:
        now[0] = 0
        service = timed(seed=seed, seconds=Uniform(10, 20))
        ids = [send("createEdit", to=service).json()["task_id"] for _ in range(40)]
        now[0] = 15
        return [send("getTask", to=service, task_id=task_id).json()["status"] for task_id in ids]

    assert statuses_of(1) == statuses_of(1) != statuses_of(2)
    assert {"processing", "completed"} == set(statuses_of(1))


def test_distributions():
    """Uniform times lie between their bounds, lognormal ones around their median, as wide as sigma says."""
    random = Random(1)
    drawn = [Uniform(2, 4).draw(random) for _ in range(2_000)]
    assert 2 <= min(drawn) < 2.1 < 3.9 < max(drawn) <= 4
    drawn = sorted(Lognormal(8, 0.5).draw(random) for _ in range(2_000))
    assert 8 == pytest.approx(median(drawn), rel=0.1)
    assert 8 * 2.718281828 ** (0.5 * 1.96) == pytest.approx(drawn[1_950], rel=0.1)
    assert drawn[0] > 0
    assert 1_000_000_000 == max(Lognormal(1_000_000_000, 10).draw(random) for _ in range(20))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Uniform(-1, 2), "low is -1; the limit is 0 to 1000000000"),
        (lambda: Uniform(float("nan"), 2), "low is nan; "),
        (lambda: Uniform(3, 2), "high is 2; the minimum is low, 3."),
        (lambda: Uniform(1, float("inf")), "high is inf; "),
        (lambda: Lognormal(0, 1), "median is 0; it must be more than 0"),
        (lambda: Lognormal(float("inf"), 1), "median is inf; "),
        (lambda: Lognormal(1, -0.1), "sigma is -0.1; the limit is 0 to 10"),
        (lambda: Lognormal(1, 10.1), "sigma is 10.1; "),
        (lambda: Lognormal(1, cast("Any", "1")), 'sigma is "1"; it must be a number.'),
        (lambda: Outcome(polls=-1), "polls is -1; the minimum is 0"),
        (lambda: Outcome(polls=cast("Any", 1.5)), "polls is 1.5; "),
        (lambda: Outcome(seconds=float("inf")), "seconds is inf; "),
        (lambda: Outcome(seconds=True), "seconds is true; it must be a number."),
        (lambda: Outcome(status=cast("Any", 5)), "status is 5; it must be a string"),
        (lambda: Outcome(error_code=cast("Any", 5)), "error_code is 5; it must be a string"),
        (lambda: Outcome(error_msg=cast("Any", b"x")), "error_msg is the bytes b'x'; JSON has no such type"),
        (lambda: Outcome(result_form=cast("Any", "urls")), 'result_form is "urls"; it must be one of "url", "file"'),
        (lambda: Outcome(expired=cast("Any", "no")), 'expired is "no"; it must be a boolean'),
        (lambda: Outcome(seconds=-0.1), "seconds is -0.1; "),
        (lambda: Outcome(polls=1, seconds=1), "polls is 1 and seconds is 1; use one of them"),
        (lambda: MockService(seconds=float("nan")), "seconds is nan; "),
        (lambda: MockService(seconds=cast("Any", "5")), 'seconds is "5"; it must be a number.'),
    ],
)
def test_lives_that_cannot_be_lived_are_refused(make, message):
    """An invalid duration is refused when it is scripted."""
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("bound", [lambda: Uniform(0, 0), lambda: Lognormal(0.001, 10), lambda: Outcome(seconds=0)])
def test_bounds_of_lives_are_accepted(bound):
    """The bounds themselves are accepted."""
    assert bound()


def test_an_expired_result_is_not_found(send, service):
    """The task names the file, and the file is gone."""
    service.next(Outcome(expired=True, polls=0))
    task_id = send("createEdit").json()["task_id"]
    (link,) = send("getTask", task_id=task_id).json()["result"]
    response = service.handle(Request("GET", link))
    assert (404, "not_found") == (response.status, response.json()["error_code"])
    assert "has expired" in response.json()["message"]


@contextmanager
def through_router(service: MockService) -> Iterator[NanoBananaEdit]:
    with mock_router(service), NanoBananaEdit(token="secret", poll_interval=0) as client:
        yield client


@contextmanager
def through_transport(service: MockService) -> Iterator[NanoBananaEdit]:
    with (
        httpx2.Client(transport=mock_transport(service)) as http,
        NanoBananaEdit(token="secret", poll_interval=0, http_client=http) as client,
    ):
        yield client


@contextmanager
def through_port(service: MockService) -> Iterator[NanoBananaEdit]:
    with (
        MockServer(service) as server,
        NanoBananaEdit(token="secret", poll_interval=0, base_url=server.url) as client,
    ):
        yield client


@pytest.mark.parametrize(
    "door", [through_router, through_transport, pytest.param(through_port, marks=pytest.mark.server)]
)
def test_one_script_through_every_door(door, service, tmp_path: Path):
    """The real client meets a whole script: a rate limit, an outage, a failure, no credit, an expired result."""
    with door(service) as client:
        service.next(LIMITED)
        task = client.submit(IMAGE, "Make it snow.")
        service.outage(requests=2)
        client.wait(task).images[0].save(tmp_path / "snow.png")
        service.on(None, Reply(502, body="<p>Bad gateway", headers=[("X-A", "1"), ("X-A", "2")]), nth=2)
        service.next(FAILED)
        with pytest.raises(EditFailed, match="Not that") as failed:
            client.edit(IMAGE, "Make it rain.")
        service.next(Reply.out_of_credit())
        with pytest.raises(APIStatusError, match="out of credit") as broke:
            client.edit(IMAGE, "Make it shine.")
        service.next(Outcome(expired=True, result_form="file"))
        gone = client.edit(IMAGE, "Make it hail.")
        with pytest.raises(NotFound, match="has expired"):
            gone.images[0].bytes()
        service.on("createEdit", LIMITED, times=None)
        with pytest.raises(RateLimited), client.with_options(retry_rate_limited=False) as impatient:
            impatient.edit(IMAGE, "Make it storm.")
    assert ("nsfw", "Not that.", service.edits[1].task_id) == (
        failed.value.error_code,
        failed.value.error_msg,
        failed.value.task_id,
    )
    assert (402, "insufficient_credit") == (broke.value.status_code, broke.value.error_code)
    edits = [entry.status for entry in service.calls if entry.operation == "createEdit"]
    looks = [entry.status for entry in service.calls if entry.operation == "getTask"]
    assert [429, 200, 200, 402, 200, 429] == edits
    assert [503, 503, 200, 200, 200, 502, 200, 200, 200, 200, 200, 200] == looks
    assert (tmp_path / "snow.png").is_file()


def test_the_async_client_lives_through_it_too(service):
    """The async client survives an outage of two polls."""

    async def run() -> bytes:
        async with (
            httpx2.AsyncClient(transport=mock_transport(service)) as http,
            AsyncNanoBananaEdit(token="secret", poll_interval=0, http_client=http) as client,
        ):
            edit = await client.edit(IMAGE, "Make it snow.")
            return await edit.images[0].bytes()

    service.on("getTask", Reply.unavailable(), nth=2, times=2)
    assert asyncio.run(run()).startswith(b"\x89PNG")
    assert [200, 200, 503, 503, 200, 200, 200] == [entry.status for entry in service.calls]
