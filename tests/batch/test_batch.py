"""A batch submits each row once, and run again it goes on where it ended."""

from __future__ import annotations

import asyncio
import itertools
import threading
from contextlib import aclosing
from typing import Any

import httpx2
import pytest
from nano_banana_edit import EditFailed, InvalidRequest, NanoBananaEdit, SubmissionUnknown
from nano_banana_edit.batch import Batch, Limits
from nano_banana_edit_mock import Fault, Outcome, Reply, mock_transport

from ..wrapper.conftest import JPEG, PNG
from .conftest import URL, Desk, rows


def test_loading_says_what_would_be_billed_and_sends_nothing(any_desk: Desk) -> None:
    """`load` adds the rows to the ledger and counts them."""
    batch = any_desk.batch(rows(3))
    assert (batch.load().to_submit, batch.submitted, batch.in_flight) == (3, 0, 0)
    assert not any_desk.shop.names
    assert batch.status().states == {"new": 3}


def test_each_row_is_submitted_once_however_often_it_is_run(any_desk: Desk) -> None:
    """The second run sends no submission, polls nothing and fetches nothing."""
    done = any_desk.run(rows(5))
    assert (done.states, done.billed, done.to_submit, done.unknown) == ({"saved": 5}, 5, 0, 0)
    assert any_desk.files() == [f"k{index}.png" for index in range(5)]
    before = list(any_desk.shop.names)
    again = any_desk.outcomes(rows(5))
    assert {key: (each.state, each.output) for key, each in again.items()} == {
        f"k{index}": ("saved", f"k{index}.png") for index in range(5)
    }
    assert any_desk.shop.names == before


def test_one_batch_can_be_run_twice(desk: Desk) -> None:
    """The second run of an object goes by the ledger, as its source may be read only once."""
    batch = desk.batch(iter(rows(2)))
    assert batch.run() == batch.run()
    assert desk.shop.count("submit") == 2


@pytest.mark.parametrize("harm", [lambda file: file.unlink(), lambda file: file.write_bytes(b"cut")])
def test_a_damaged_file_is_fetched_again_and_not_paid_for(desk: Desk, harm: Any) -> None:
    """A file that is missing or of another size comes again from the finished task; what has its name now is kept."""
    desk.run(rows(2))
    content = (desk.out / "k1.png").read_bytes()
    harm(desk.out / "k1.png")
    name = "k1-2.png" if (desk.out / "k1.png").exists() else "k1.png"
    assert desk.run(None).states == {"saved": 2}
    assert (desk.out / name).read_bytes() == content
    assert (desk.shop.count("submit"), desk.shop.count("fetch")) == (2, 3)
    assert desk.files() == sorted({"k0.png", "k1.png", name})


def test_what_is_paid_for_goes_first(desk: Desk) -> None:
    """Rows that were sent are waited for before another edit is submitted."""
    desk.service.on("createEdit", Outcome(status="slow"), times=1)
    desk.run(rows(1), client=desk.client(timeout=5, poll_interval=1))
    assert desk.states() == {"k0": "sent"}
    desk.service.reset()
    task_id = desk.row("k0").task_id

    async def finished(request: Any) -> Any:
        if request.url.path.endswith(str(task_id)):
            return httpx2.Response(
                200, json={"id": task_id, "status": "completed", "result": ["https://cdn.example.test/1.png"]}
            )
        return httpx2.Response(200, content=PNG) if request.url.host == "cdn.example.test" else None

    desk.shop.hook, desk.shop.names[:] = finished, []
    desk.run([{"key": "a-first", "image": URL, "prompt": "p"}, *rows(1)], limits=Limits(open_tasks=1))
    assert desk.shop.names[:3] == ["poll", "fetch", "submit"]


def test_no_more_is_submitted_than_max_edits(desk: Desk) -> None:
    """The limit counts edits: an answer 429 and a refusal use none of it up, and no further photo is uploaded."""
    desk.service.on("createEdit", Reply.rate_limited(retry_after=1), times=2)
    desk.service.on("createEdit", Reply.error(422, "no"), times=1)
    source = [
        {"key": f"k{index}", "image": desk.photo(f"{index}.png", PNG + bytes([index])), "prompt": "p"}
        for index in range(9)
    ]
    batch = desk.batch(source, limits=Limits(max_edits=3))
    assert batch.run().billed == batch.submitted == 3
    assert len(desk.service.edits) == 3
    assert desk.shop.count("upload") <= 4
    assert desk.run(None).states == {"saved": 9}


def test_a_stream_without_end_ends_with_max_edits(desk: Desk) -> None:
    """No row is read any more when all edits are submitted."""
    endless = ({"key": f"k{index}", "image": URL, "prompt": "p"} for index in itertools.count())
    assert desk.run(endless, precheck=False, limits=Limits(max_edits=4)).billed == 4


def test_failed_and_refused_rows_are_outcomes(any_desk: Desk) -> None:
    """The rest of the batch goes on, and only what was refused is submitted again."""
    any_desk.service.script([Outcome(status="failed", error_msg="no face")])
    limits = Limits(in_flight=1)
    any_desk.service.on("createEdit", Reply.error(422, "not this one"))
    found = any_desk.outcomes(rows(3), limits=limits)
    assert [each.state for _, each in sorted(found.items())] == ["failed", "refused", "saved"]
    assert isinstance(found["k0"].error, EditFailed)
    assert "not this one" in str(found["k1"].error)
    assert any_desk.batch(None).status().to_submit == 1
    assert any_desk.batch(None, retry_failed=True).status().to_submit == 2
    assert any_desk.run(rows(3)).states == {"failed": 1, "saved": 2}
    assert any_desk.run(rows(3), retry_failed=True).states == {"saved": 3}
    assert len(any_desk.service.edits) == 4


def test_an_edit_that_fails_again_is_submitted_once_a_run(desk: Desk) -> None:
    """With retry_failed a row that was refused before and fails now is not paid for twice in one run."""
    desk.service.on("createEdit", Reply.error(422, "no"), times=2)
    desk.run(rows(2))
    desk.service.on("createEdit", Outcome(status="failed"), times=None)
    desk.run(rows(2), retry_failed=True, limits=Limits(open_tasks=1))
    assert len(desk.service.edits) == 2


def test_a_row_that_nobody_paid_for_may_change(desk: Desk) -> None:
    """The prompt of a refused row can be fixed, that of a paid one cannot."""
    desk.service.on("createEdit", Reply.error(422, "no"))
    desk.run([{"key": "k", "image": URL, "prompt": "bad"}])
    desk.run([{"key": "k", "image": URL, "prompt": "good"}])
    assert [edit.body["prompt"] for edit in desk.service.edits] == ["good"]
    with pytest.raises(InvalidRequest, match=r"Row 1: the key 'k' is saved as another edit: prompt was 'good'"):
        desk.run([{"key": "k", "image": URL, "prompt": "third"}])


def test_a_refused_photo_may_be_replaced_under_its_name(desk: Desk) -> None:
    """A row whose file has another content now is submitted when nobody has paid for it."""
    desk.service.on("createEdit", Reply.error(422, "no"))
    source = [{"key": "k", "image": desk.photo(), "prompt": "p"}]
    desk.run(source)
    desk.photo(content=JPEG)
    assert desk.run(source).states == {"saved": 1}


@pytest.mark.parametrize("precheck", [True, False])
def test_a_key_belongs_to_one_batch(desk: Desk, precheck: bool) -> None:
    """The key of another batch, and of a single edit, is refused before anything is sent."""
    desk.run(rows(1), name="other")
    with NanoBananaEdit(token="t", http_client=sync(desk), ledger=desk.ledger) as client:
        client.submit(URL, "p", key="k1")
    sent = len(desk.service.edits)
    problems = {"k0": "belongs to the batch 'other'", "k1": "belongs to an edit outside of batches"}
    for row in rows(2):
        if precheck:
            with pytest.raises(InvalidRequest, match=problems[row["key"]]):
                desk.run([row])
        else:
            assert problems[row["key"]] in str(desk.outcomes([row], precheck=False)[row["key"]].error)
    assert len(desk.service.edits) == sent


def sync(desk: Desk) -> Any:
    return httpx2.Client(transport=mock_transport(desk.service))


def test_a_file_that_has_vanished_is_an_outcome(desk: Desk) -> None:
    """A local photo that is gone between load and run fails its row alone."""
    path = desk.photo()
    batch = desk.batch([{"key": "gone", "image": path, "prompt": "p"}, *rows(1)])
    batch.load()
    (desk.folder / "in.png").unlink()
    found = asyncio.run(collected(batch))
    assert (found["gone"].state, found["k0"].state) == ("new", "saved")
    assert isinstance(found["gone"].error, InvalidRequest)


async def collected(batch: Batch) -> dict[str, Any]:
    return {outcome.key: outcome async for outcome in batch}


def test_the_outcomes_of_a_slow_stream_come_when_they_are_there(desk: Desk) -> None:
    """An outcome does not wait for the next row, and a row that waits does not keep the batch from ending."""
    more, waited = threading.Event(), []

    def slow() -> Any:
        yield {"key": "k0", "image": URL, "prompt": "p"}
        waited.append(more.wait(20))
        yield {"key": "k1", "image": URL, "prompt": "p"}

    async def first() -> Any:
        async with aclosing(desk.batch(slow(), precheck=False).outcomes()) as outcomes:
            outcome = await anext(outcomes)
            assert not waited
            return outcome

    assert asyncio.run(first()).key == "k0"
    more.set()


def test_an_unknown_row_of_a_stream_is_not_sent_again(desk: Desk) -> None:
    """A row whose submission was lost is an outcome whenever it comes."""
    desk.service.on("createEdit", Fault.RESET_BEFORE)
    for precheck in (True, False):
        found = desk.outcomes(rows(1), precheck=precheck)
        assert isinstance(found["k0"].error, SubmissionUnknown)
    assert desk.shop.count("submit") == 1
    assert desk.batch(None).status().unknown == 1


def test_a_task_id_in_a_broken_answer_is_waited_for(desk: Desk) -> None:
    """An edit whose answer has status 500 and a task id is paid for, and saved in the same run."""

    async def broken(request: Any) -> Any:
        if "/generate/" not in request.url.path:
            return None
        response = await mock_transport(desk.service).handle_async_request(request)
        await response.aread()
        return httpx2.Response(500, content=response.content)

    desk.shop.hook = broken
    assert desk.run(rows(1)).states == {"saved": 1}


def test_a_running_event_loop_is_refused_with_what_to_await(desk: Desk) -> None:
    """In a notebook `run` says what to use instead, and leaves no coroutine behind."""

    async def notebook() -> None:
        with pytest.raises(RuntimeError, match=r"use `await Batch\.arun\(\.\.\.\)`"):
            desk.run(rows(1))

    asyncio.run(notebook())


def test_a_batch_makes_a_client_of_the_environment(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a client it needs the token of the environment."""
    batch = Batch(rows(1), desk.out, ledger=desk.ledger, name="b")
    with pytest.raises(InvalidRequest, match="SINANCODE_API_KEY"):
        batch.run()
    monkeypatch.setenv("SINANCODE_API_KEY", "t")
    assert Batch([], desk.out, ledger=desk.ledger, name="b").run().states == {}


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"ledger": "edits.db"}, "ledger"),
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"client": NanoBananaEdit(token="t")}, "client"),
        ({"limits": 3}, "limits"),
        ({"output": ""}, "output is empty"),
    ],
)
def test_arguments_that_cannot_be_used_are_named(desk: Desk, how: dict[str, Any], message: str) -> None:
    """Nothing is sent if an argument is wrong."""
    with pytest.raises(InvalidRequest, match=message):
        desk.run(rows(1), **how)
    assert not desk.shop.names


def test_a_batch_has_the_name_of_its_file(desk: Desk) -> None:
    """A source that is a path names the batch."""
    assert Batch("photos/summer.jsonl", desk.out, ledger=desk.ledger).name == "summer"


def test_a_402_among_others_leaves_the_rest_resumable(desk: Desk) -> None:
    """The batch stops with the error, and goes on when there is credit again."""
    desk.service.on("createEdit", Reply.out_of_credit(), nth=3, times=None)
    with pytest.raises(Exception, match="402"):
        desk.run(rows(40), limits=Limits(in_flight=2))
    assert desk.shop.count("submit") <= 5
    desk.service.reset()
    desk.shop.hook = None
    assert desk.batch(None).status().to_submit == 38
