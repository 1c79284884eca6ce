"""The limits of a run hold, what the service asks for is done, and nobody pays twice."""

from __future__ import annotations

import asyncio
import tracemalloc
from typing import Any

import httpx2
import pytest
from nano_banana_edit import (
    APIConnectionError,
    AsyncNanoBananaEdit,
    AuthenticationError,
    LedgerError,
    NanoBananaEdit,
    PermissionDenied,
    SubmissionUnknown,
)
from nano_banana_edit.batch import Limits, run_keys, unfinished
from nano_banana_edit_mock import Fault, MockService, Outcome, Reply, mock_transport

from ..wrapper.conftest import JPEG, PNG, Clock
from .conftest import URL, Desk, answer, execute, rows


def test_the_limits_hold_at_each_moment(desk: Desk) -> None:
    """The service never has more submissions, tasks and downloads than are allowed, and they are used up."""
    desk.shop.service = MockService(polls=3)
    running: set[str] = set()
    most = 0

    async def count(request: httpx2.Request) -> None:
        nonlocal most
        if "/generate/" in request.url.path:
            running.add(request.read().decode())
        await asyncio.sleep(0.02)  # so that the others come
        most = max(most, len(running) - sum(1 for row in desk.ledger.rows("saved")))

    desk.shop.hook = count
    desk.run(rows(40), limits=Limits(in_flight=3, open_tasks=7, downloads=2))
    assert (desk.shop.most["submit"], desk.shop.most["fetch"]) == (3, 2)
    assert 5 <= most <= 7


@pytest.mark.parametrize("limit", ["in_flight", "open_tasks", "downloads", "max_edits"])
@pytest.mark.parametrize("value", [0, -1, True, 1.0, "1"])
def test_limits_are_whole_numbers(limit: str, value: Any) -> None:
    """A limit that is none is refused by name."""
    with pytest.raises(ValueError, match=f"{limit} .* a whole number, at least 1"):
        Limits(**{limit: value})


def test_a_photo_in_many_rows_is_uploaded_once(any_desk: Desk) -> None:
    """Also if submissions are answered 429, as a new attempt needs no new upload."""
    any_desk.service.on("createEdit", Reply.rate_limited(), nth=2, times=3)
    source = [{"key": f"k{index}", "image": any_desk.photo(), "prompt": f"p{index}"} for index in range(20)]
    assert any_desk.run(source).states == {"saved": 20}
    assert any_desk.shop.count("upload") == 1


def test_an_upload_that_fails_for_a_while_is_waited_for(desk: Desk, clock: Clock) -> None:
    """A file host that answers 503 fails no row: nothing was submitted."""
    desk.service.on("uploadFile", Reply.unavailable(), times=12)
    assert desk.run([{"key": "k", "image": desk.photo(), "prompt": "p"}]).states == {"saved": 1}


def test_an_outage_is_waited_through(desk: Desk, clock: Clock) -> None:
    """Once the service has answered, minutes without a connection only delay the rest."""
    desk.service.on("createEdit", Fault.REFUSED, nth=3, times=30)
    assert desk.run(rows(8), limits=Limits(in_flight=1)).states == {"saved": 8}
    assert clock.time > 1120


def test_an_outage_is_timed_from_its_first_failure(desk: Desk, clock: Clock) -> None:
    """A run that had nothing to submit for long does not take one failed connection for a long outage."""
    gate: list[float] = [2000.0]
    desk.service.on("createEdit", Fault.REFUSED, nth=2, times=9)

    async def slow(request: httpx2.Request) -> None:
        if "/tasks/" in request.url.path and gate:
            clock.time += gate.pop()

    desk.shop.hook = slow
    assert desk.run(rows(2), limits=Limits(open_tasks=1), client=desk.client(timeout=9000)).states == {"saved": 2}


def test_a_host_that_never_answers_ends_the_run(desk: Desk) -> None:
    """The wrong host is named soon, and every row can be submitted later."""
    desk.service.on(None, Fault.REFUSED, times=None)
    with pytest.raises(APIConnectionError):
        desk.run(rows(30), limits=Limits(in_flight=2))
    assert desk.states() == {f"k{index}": "new" for index in range(30)}


def test_lost_answers_stop_the_batch_before_all_is_unknown(desk: Desk) -> None:
    """As many answers in a row may be lost as submissions are in flight, and those that are in flight then."""
    desk.service.on("createEdit", Fault.RESET_BEFORE, times=None)
    with pytest.raises(SubmissionUnknown):
        desk.run(rows(60), limits=Limits(in_flight=4))
    status = desk.batch(None).status()
    assert 5 <= status.unknown <= 8
    assert status.to_submit == 60 - status.unknown
    assert status.unknown == desk.shop.count("submit")


def test_an_answer_between_lost_ones_lets_the_batch_go_on(desk: Desk) -> None:
    """A refusal is an answer: the service is there."""
    for _ in range(6):
        desk.service.script([Fault.RESET_BEFORE])
        desk.service.on("createEdit", Reply.error(422, "no"))
    found = desk.outcomes(rows(14), limits=Limits(in_flight=1, open_tasks=1), client=desk.client())
    assert len(found) == 14


@pytest.mark.parametrize("status", [401, 402, 403])
def test_a_refused_token_or_account_stops_the_batch(desk: Desk, status: int) -> None:
    """The error names it, and no more is sent than was in flight."""
    desk.service.on("createEdit", Reply.error(status, "no"), times=None)
    with pytest.raises(Exception, match=str(status)) as caught:
        desk.run(rows(50), limits=Limits(in_flight=3))
    assert isinstance(caught.value, {401: AuthenticationError, 403: PermissionDenied}.get(status, Exception))
    assert desk.shop.count("submit") <= 6
    assert desk.batch(None).status().to_submit == 50


def test_a_result_that_its_host_refuses_is_of_one_row(desk: Desk) -> None:
    """A download that is answered 403, as of an expired link, stops nothing."""
    desk.service.on("getResult", Reply.error(403, "expired"))
    found = desk.outcomes(rows(5), limits=Limits(open_tasks=1))
    assert [found[f"k{index}"].state for index in range(5)] == ["completed", *["saved"] * 4]
    assert desk.run(None).states == {"saved": 5}
    assert desk.shop.count("submit") == 5


def test_keys_that_are_delivered_twice_are_submitted_once(any_desk: Desk) -> None:
    """`run_keys` passes over keys that are not there, and does nothing twice."""
    any_desk.batch(rows(3)).load()
    keys = ["k0", "k1", "k0", "none", "k2", "k1"]
    for _ in range(2):
        assert {each.key for each in any_desk.keys(keys)} == {"k0", "k1", "k2"}
    assert len(any_desk.service.edits) == 3
    assert not list(unfinished(any_desk.ledger))


def test_run_keys_runs_a_loop_of_its_own(desk: Desk) -> None:
    """The sync form gives the same outcomes."""
    desk.batch(rows(2)).load()
    assert [each.state for each in run_keys(desk.ledger, desk.client(), ["k1"], desk.out)] == ["saved"]
    assert [row.key for row in unfinished(desk.ledger, batch="b")] == ["k0"]


def test_two_runs_share_the_work(any_desk: Desk) -> None:
    """Two runs over one ledger submit each row once, and each of them submits some."""
    first, second = (any_desk.batch(rows(40), limits=Limits(in_flight=4)) for _ in range(2))

    async def both() -> None:
        await asyncio.gather(first.arun(), second.arun())

    asyncio.run(both())
    assert len(any_desk.service.edits) == 40
    assert first.submitted + second.submitted == 40
    assert min(first.submitted, second.submitted) >= 5
    assert any_desk.batch(None).status().states == {"saved": 40}


def test_a_row_that_another_process_has_sent_is_waited_for(desk: Desk) -> None:
    """At the end a run takes over what others have sent meanwhile, as they may be gone."""

    async def other(request: httpx2.Request) -> None:
        if "/generate/" in request.url.path and desk.shop.count("submit") == 1:
            with (
                httpx2.Client(transport=mock_transport(desk.service)) as http,
                NanoBananaEdit(token="t", http_client=http, ledger=desk.ledger) as client,
            ):
                client.submit(URL, "p1", key="k1")

    desk.shop.hook = other
    batch = desk.batch(rows(2), limits=Limits(open_tasks=1))
    assert batch.run().states == {"saved": 2}
    assert (batch.submitted, len(desk.service.edits)) == (1, 2)


def test_a_lost_submission_of_another_process_is_unknown(desk: Desk, clock: Clock) -> None:
    """A row whose owner died is waited for until its lease is over, and listed; it counts as no lost answer."""
    batch = desk.batch(rows(2))
    batch.load()
    digest = "UPDATE nano_banana_edit_edits SET state = 'sending', owner = 'h/1/x', lease = {} WHERE key = 'k0'"
    execute(str(desk.folder / "ledger.db"), digest.format("(julianday('now') - 2440587.5) * 86400.0 + 0.5"))
    found = desk.outcomes(None, limits=Limits(in_flight=1))
    assert isinstance(found["k0"].error, SubmissionUnknown)
    assert (found["k0"].state, found["k1"].state) == ("unknown", "saved")


def test_a_ledger_that_fails_in_the_middle_ends_the_run(desk: Desk) -> None:
    """The error is the ledger's, and nothing is submitted twice afterwards."""
    database = str(desk.folder / "ledger.db")
    batch = desk.batch(rows(20), limits=Limits(in_flight=2))
    batch.load()

    async def breaks(request: httpx2.Request) -> None:
        if desk.shop.count("submit") >= 5 and "broken" not in desk.shop.active:
            desk.shop.active["broken"] = 1
            execute(database, "ALTER TABLE nano_banana_edit_edits RENAME TO gone")

    desk.shop.hook = breaks
    with pytest.raises(LedgerError):
        batch.run()
    desk.shop.hook = None
    execute(database, "ALTER TABLE gone RENAME TO nano_banana_edit_edits")
    execute(database, "UPDATE nano_banana_edit_edits SET lease = 1 WHERE state = 'sending'")
    status = desk.run(None, limits=Limits(in_flight=1))
    assert len(desk.service.edits) == len({edit.body["prompt"] for edit in desk.service.edits})
    assert status.billed + status.unknown + status.states.get("sending", 0) == 20


def many(*contents: bytes) -> Any:
    """A hook that gives every task these results."""

    async def answer_(request: httpx2.Request) -> httpx2.Response | None:
        path = request.url.path
        if "/tasks/" in path:
            urls = [f"https://cdn.example.test/{number}" for number in range(len(contents))]
            return httpx2.Response(200, json={"id": path.rpartition("/")[2], "status": "completed", "result": urls})
        return httpx2.Response(200, content=contents[int(path[1:])]) if path[1:].isdigit() else None

    return answer_


def test_every_result_is_saved_under_the_ending_of_its_format(desk: Desk) -> None:
    """A row with several results has several files; one that is JPEG is no .png; names may have folders."""
    desk.shop.hook = many(PNG, JPEG, PNG + b"2")
    source = [{"key": key, "image": URL, "prompt": "p"} for key in ("a.png", "b/v1.2", "c/d.jpeg")]
    found = desk.outcomes(source)
    assert desk.files() == [
        *("a-2.jpg", "a-3.png", "a.png", "b/v1.2-2.jpg", "b/v1.2-3.png", "b/v1.2.png"),
        *("c/d-2.jpeg", "c/d-3.png", "c/d.png"),
    ]
    assert found["c/d.jpeg"].output == "c/d.png"
    assert {each.state for each in desk.outcomes(None).values()} == {"saved"}


def test_no_row_overwrites_what_another_has_paid_for(desk: Desk) -> None:
    """Names that meet only with their endings and numbers, or but for upper case, get numbers."""
    contents = [PNG + bytes([number]) for number in range(9)]
    asked = iter(contents)
    desk.shop.hook = many(PNG, PNG)

    async def different(request: httpx2.Request) -> httpx2.Response | None:
        if request.url.host == "cdn.example.test":
            return httpx2.Response(200, content=next(asked))
        return await many(PNG, PNG)(request)

    desk.shop.hook = different
    found = desk.outcomes([{"key": key, "image": URL, "prompt": "p"} for key in ("a", "a-2", "A.jpg", "a.png")])
    assert {each.state for each in found.values()} == {"saved"}
    saved = [(desk.out / name).read_bytes() for name in desk.files()]
    assert sorted(saved) == contents[:8]


def test_a_file_of_the_users_own_is_kept(desk: Desk) -> None:
    """The output folder may be that of the photos: none of them is overwritten."""
    desk.out.mkdir()
    (desk.out / "k0.png").write_bytes(b"the original")
    found = desk.outcomes(rows(1))
    assert (found["k0"].output, (desk.out / "k0.png").read_bytes()) == ("k0-2.png", b"the original")
    (desk.out / "k0-2.png").write_bytes(b"cut")
    assert desk.outcomes(rows(1))["k0"].output == "k0-3.png"
    assert desk.files() == ["k0-2.png", "k0-3.png", "k0.png"]


def test_a_crash_between_file_and_ledger_leaves_one_file(desk: Desk) -> None:
    """The same result is written under the same name again."""
    desk.run(rows(1))
    execute(str(desk.folder / "ledger.db"), "UPDATE nano_banana_edit_edits SET state = 'completed', outcome = '{}'")
    assert desk.run(None).states == {"saved": 1}
    assert desk.files() == ["k0.png"]


def test_an_expired_result_is_told(desk: Desk) -> None:
    """A finished edit whose result is gone stays what it is, and is not paid for again."""
    desk.service.on("createEdit", Outcome(expired=True))
    found = desk.outcomes(rows(2), limits=Limits(open_tasks=1))
    assert (found["k0"].state, found["k1"].state) == ("completed", "saved")
    assert "results expire" in str(found["k0"].error)
    assert desk.run(None).billed == 2
    assert desk.shop.count("submit") == 2


def test_memory_does_not_grow_with_the_rows(desk: Desk) -> None:
    """A batch of 6,000 rows is read in pages, and what has ended is forgotten."""
    desk.out.mkdir()
    (desk.out / "a.png").write_bytes(PNG)
    desk.batch({"key": f"k{index:05}", "image": URL, "prompt": "p"} for index in range(6_000)).load()
    outcome = f"""'{{"sizes": {{"a.png": {len(PNG)}}}}}'"""
    execute(
        str(desk.folder / "ledger.db"),
        f"UPDATE nano_banana_edit_edits SET state = 'saved', output = 'a.png', outcome = {outcome}",
    )
    tracemalloc.start()
    try:
        assert desk.run(None).states == {"saved": 6_000}
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 6_000_000  # all rows together take 10,000,000, pages 4,000,000
    assert not desk.shop.names


def test_an_answer_that_is_scripted_is_what_a_hook_gives(desk: Desk) -> None:
    """A refusal by the shop itself is an outcome as one by the service."""

    async def refuse(request: httpx2.Request) -> httpx2.Response:
        return answer(422)

    desk.shop.hook = refuse
    assert desk.outcomes(rows(1))["k0"].state == "refused"


def test_a_client_of_another_kind_is_refused(desk: Desk) -> None:
    """A class in place of a client is named."""
    desk.batch(rows(1)).load()
    with pytest.raises(ValueError, match="client"):
        run_keys(desk.ledger, AsyncNanoBananaEdit, ["k0"], desk.out)  # type: ignore[arg-type]


def test_a_row_that_another_process_finishes_meanwhile_is_left_to_it(desk: Desk) -> None:
    """A row that was sent, and has changed before its turn came, is not fetched twice."""
    desk.service.on("createEdit", Outcome(status="slow"), times=2)
    desk.run(rows(2), client=desk.client(timeout=5, poll_interval=1))
    desk.service.reset()
    batch = desk.batch(None, limits=Limits(open_tasks=1), client=desk.client(timeout=5, poll_interval=1))
    flights: list[int] = []

    async def other(request: httpx2.Request) -> None:
        flights.append(batch.in_flight)
        execute(str(desk.folder / "ledger.db"), "UPDATE nano_banana_edit_edits SET state = 'saved' WHERE key = 'k1'")

    desk.shop.hook = other

    async def collected() -> list[str]:
        return [outcome.key async for outcome in batch]

    assert asyncio.run(collected()) == ["k0"]
    assert set(flights) == {0}


def test_the_submissions_in_flight_are_counted(desk: Desk) -> None:
    """A batch says how many answers to submissions it waits for."""
    batch = desk.batch(rows(9), limits=Limits(in_flight=2))
    counts: list[int] = []

    async def count(request: httpx2.Request) -> None:
        if "/generate/" in request.url.path:
            counts.append(batch.in_flight)
            await asyncio.sleep(0.01)

    desk.shop.hook = count
    batch.run()
    assert max(counts) == 2
    assert batch.in_flight == 0


def test_a_row_that_another_process_is_submitting_is_waited_for(desk: Desk) -> None:
    """A row that is `sending` is saved when its owner has submitted it, and not submitted again."""
    desk.batch(rows(2)).load()
    database, change = str(desk.folder / "ledger.db"), "UPDATE nano_banana_edit_edits SET {} WHERE key = 'k0'"
    execute(database, change.format("state = 'sending', owner = 'h/1/x', lease = 1e12"))

    async def other(request: httpx2.Request) -> None:
        if "/generate/" in request.url.path:
            with (
                httpx2.Client(transport=mock_transport(desk.service)) as http,
                NanoBananaEdit(token="t", http_client=http) as client,
            ):
                task = client.submit(URL, "p0")
            execute(database, change.format(f"state = 'sent', task_id = '{task.task_id}'"))

    desk.shop.hook = other
    batch = desk.batch(None)
    assert batch.run().states == {"saved": 2}
    assert (batch.submitted, len(desk.service.edits)) == (1, 2)
