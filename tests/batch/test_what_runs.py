"""What a run submits: what its source has now, as it is now, and what was paid for in any case."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Any

import httpx2
import pytest
from nano_banana_edit import InvalidRequest, LedgerError
from nano_banana_edit.batch import Limits, unfinished
from nano_banana_edit.ledger import Ledger
from nano_banana_edit_mock import Outcome
from sqlalchemy import create_engine, text

from .conftest import URL, Desk, rows


def prompts(desk: Desk) -> list[str]:
    return sorted(edit.body["prompt"] for edit in desk.service.edits)


def test_a_check_writes_nothing(desk: Desk) -> None:
    """Rows are checked and counted without the ledger being changed; a later run does not know of them."""
    assert desk.batch(rows(3)).check().to_submit == 3
    assert desk.states() == {}
    done = desk.run(rows(1))
    status = desk.batch(rows(3)).check()
    assert (done.states, status.states, status.to_submit) == ({"saved": 1}, {"saved": 1, "new": 2}, 2)
    assert desk.states() == {"k0": "saved"}


def test_a_flaw_in_a_later_chunk_adds_nothing(desk: Desk) -> None:
    """Either every row is added to the ledger, or none is."""
    desk.run([{"key": "k1500", "image": URL, "prompt": "another"}])
    with pytest.raises(
        InvalidRequest, match="Row 1501: the key 'k1500' is saved as another edit: prompt was 'another'"
    ):
        desk.batch(rows(2000)).load()
    assert desk.states() == {"k1500": "saved"}


def test_rows_that_the_source_has_no_more_are_not_submitted(desk: Desk) -> None:
    """After a wrong prompt was corrected, or rows were removed, only what the source has now is billed."""
    desk.batch([{"image": f"{URL}?{n}", "prompt": "make it snwo"} for n in range(3)]).load()
    right = [{"image": f"{URL}?{n}", "prompt": "make it snow"} for n in range(2)]
    status = desk.batch(right).load()
    assert (status.to_submit, status.others) == (2, 3)
    assert desk.run(right).states == {"saved": 2, "new": 3}
    assert prompts(desk) == ["make it snow"] * 2
    assert desk.run(None).states == {"saved": 5}  # without a source, every row of the batch


def test_what_was_paid_for_is_saved_though_the_source_has_it_no_more(desk: Desk) -> None:
    """An edit that was accepted is waited for, whatever the source has."""
    desk.service.on("createEdit", Outcome(status="slow"), times=1)
    desk.run(rows(1), client=desk.client(timeout=5, poll_interval=1))
    assert desk.states() == {"k0": "sent"}
    [edit] = desk.service.edits

    async def finished(request: httpx2.Request) -> httpx2.Response | None:
        if request.url.path.endswith(str(edit.task_id)):
            result = ["https://cdn.example.test/1.png"]
            return httpx2.Response(200, json={"id": edit.task_id, "status": "completed", "result": result})
        return None

    desk.shop.hook = finished
    desk.run([{"key": "other", "image": URL, "prompt": "p"}])
    assert desk.row("k0").state != "sent"


def test_failed_rows_of_others_are_not_tried_again(desk: Desk) -> None:
    """retry_failed is for the rows of the source, and each is tried once in a run."""
    desk.service.on("createEdit", Outcome(status="failed"), times=None)
    desk.run(rows(3))
    assert desk.batch(rows(2), retry_failed=True).check().to_submit == 2
    desk.run(rows(2), retry_failed=True)
    assert [desk.row(key).attempt for key in ("k0", "k1", "k2")] == [2, 2, 1]
    assert len(desk.service.edits) == 5


def test_failed_rows_are_handed_out_once(desk: Desk) -> None:
    """Two who hand out failed rows at the same time do not hand out one twice."""
    desk.service.on("createEdit", Outcome(status="failed"), times=None)
    desk.run(rows(2))
    first = unfinished(desk.ledger, retry_failed=True)
    assert next(first).key == "k0"
    assert [row.key for row in unfinished(desk.ledger, retry_failed=True)] == ["k0", "k1"]
    assert [row.key for row in first] == []


def test_a_row_that_changes_in_the_middle_is_submitted_as_it_is_now(desk: Desk) -> None:
    """A process that has read a row does not submit what it was before another process changed it."""
    changed = [{**row, "prompt": f"new {row['prompt']}"} for row in rows(3)]

    async def change(request: httpx2.Request) -> None:
        if "/generate/" in request.url.path and desk.shop.count("submit") == 1:
            await asyncio.to_thread(desk.batch([*rows(1), *changed[1:]]).load)

    desk.shop.hook = change
    desk.run(rows(3), limits=Limits(in_flight=1, open_tasks=3))
    desk.shop.hook = None
    desk.run([*rows(1), *changed[1:]])
    assert prompts(desk) == ["new p1", "new p2", "p0"]
    for row in desk.ledger.rows("saved"):
        assert row.request
        assert row.job
        assert row.request["prompt"] == row.job["prompt"]


def test_two_rows_of_a_stream_with_one_key(desk: Desk) -> None:
    """The second one is an outcome with an error, if it is another edit; the first is not lost."""
    first, second = rows(1, output="a")[0], {**rows(1)[0], "prompt": "second"}
    batch = desk.batch([first, first, second], precheck=False, limits=Limits(in_flight=1))

    async def collect() -> list[Any]:
        async with aclosing(batch.outcomes()) as outcomes:
            return [outcome async for outcome in outcomes]

    found = asyncio.run(collect())
    errors = [str(outcome.error) for outcome in found if outcome.error]
    assert errors
    assert all("Row 3: " in error for error in errors)
    assert prompts(desk) == ["p0"]
    assert desk.states() == {"k0": "saved"}


def test_a_folder_that_was_moved(desk: Desk) -> None:
    """A batch whose folder was moved goes on: what is paid for stays, and the rest is read where it lies now."""
    (desk.folder / "photos").mkdir()
    source = desk.folder / "photos"
    for name in ("a", "b"):
        desk.photo(f"photos/{name}.png")
    desk.run(source, prompt="p", key="{name}", limits=Limits(max_edits=1))
    moved = source.rename(desk.folder / "elsewhere")
    desk.photo("elsewhere/c.png")
    assert desk.run(moved, prompt="p", key="{name}", file_name="new/{name}").states == {"saved": 3}
    assert len(desk.service.edits) == 3


def test_another_photo_under_the_key_of_one_that_is_paid_for(desk: Desk) -> None:
    """It is refused, as the edit of the first is what the key stands for."""
    desk.run([{"key": "k", "image": desk.photo("a.png"), "prompt": "p"}])
    with pytest.raises(
        InvalidRequest, match=r"'k' is saved as another edit: images was \['a.png'\] and is \['b.png'\]"
    ):
        desk.run([{"key": "k", "image": desk.photo("b.png"), "prompt": "p"}])


def test_one_file_that_cannot_be_written_is_an_outcome(desk: Desk) -> None:
    """The others are edited, and the paid result is fetched when its name is free."""
    desk.out.mkdir()
    (desk.out / "sub").write_bytes(b"a file")
    source = [{**row, "output": "sub/a" if row["key"] == "k0" else "b"} for row in rows(2)]
    assert desk.run(source).states == {"completed": 1, "saved": 1}
    (desk.out / "sub").unlink()
    assert desk.run(source).states == {"saved": 2}
    assert desk.files() == ["b.png", "sub/a.png"]
    assert len(desk.service.edits) == 2


def test_every_task_that_the_ledger_could_not_record_is_named(desk: Desk) -> None:
    """If the ledger breaks while edits are in flight, the error names the task of each that was accepted."""
    full = asyncio.Event()

    async def breaks(request: httpx2.Request) -> None:
        if "/generate/" in request.url.path:
            if desk.shop.count("submit") == 3:
                await asyncio.to_thread(lock_out, desk.folder / "ledger.db")
                full.set()
            await full.wait()

    desk.shop.hook = breaks
    with pytest.raises(LedgerError) as caught:
        desk.run(rows(3), limits=Limits(in_flight=3))
    told = "\n".join([str(caught.value), *getattr(caught.value, "__notes__", [])])
    assert len(desk.service.edits) == 3
    assert all(str(edit.task_id) in told for edit in desk.service.edits)


def lock_out(ledger: Path) -> None:
    """Let the database refuse every change of a row to `sent`, as on a full disk."""
    engine = create_engine(f"sqlite:///{ledger}")
    with engine.begin() as connection:
        connection.execute(
            text(
                "CREATE TRIGGER IF NOT EXISTS full BEFORE UPDATE ON nano_banana_edit_edits "
                "BEGIN SELECT RAISE(ABORT, 'disk is full'); END"
            )
        )
    engine.dispose()


def test_the_first_interrupt_does_not_wait_for_uploads(desk: Desk) -> None:
    """What is not in flight is given up at once: nothing of it was sent."""
    source = [{"key": "k", "image": desk.photo(), "prompt": "p"}]

    async def run() -> None:
        uploading = asyncio.Event()

        async def never(request: httpx2.Request) -> None:
            if desk.shop.count("upload"):
                uploading.set()
                await asyncio.Event().wait()

        desk.shop.hook = never
        running = asyncio.create_task(desk.batch(source).arun())
        await uploading.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(asyncio.wait_for(run(), 20))
    assert desk.states() == {"k": "new"}
    desk.shop.hook = None
    assert desk.run(source).states == {"saved": 1}


def test_a_batch_without_an_output_is_for_workers(desk: Desk) -> None:
    """It is checked and loaded; to run it, it needs an output."""
    assert desk.batch(rows(2), output=None).load().to_submit == 2
    with pytest.raises(InvalidRequest, match="output is None; it must be a folder, or a URL of fsspec"):
        desk.run(rows(2), output=None)
    assert not desk.service.edits


def test_a_file_that_another_process_writes_at_the_same_moment(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not overwritten, even if it comes between the look at the name and the writing: the other was paid for."""
    real = os.fsync

    def fsync(number: int) -> None:
        real(number)
        if not (desk.out / "k0.png").exists():
            (desk.out / "k0.png").write_bytes(b"of another process")

    monkeypatch.setattr(os, "fsync", fsync)
    assert desk.outcomes(rows(1))["k0"].output == "k0-2.png"
    assert (desk.out / "k0.png").read_bytes() == b"of another process"
    assert desk.files() == ["k0-2.png", "k0.png"]


def test_a_file_system_without_hard_links(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Results are saved there as well, and nothing is overwritten."""

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    assert desk.run(rows(2)).states == {"saved": 2}
    (desk.out / "k0.png").write_bytes(b"mine")
    assert desk.outcomes(rows(1))["k0"].output == "k0-2.png"
    assert desk.files() == ["k0-2.png", "k0.png", "k1.png"]


def test_a_full_disk_while_a_file_gets_its_name(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stops the batch, leaves no half file, and the next run saves what is paid for."""

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "link", full)
    with pytest.raises(OSError, match="No space left"):
        desk.run(rows(1))
    assert desk.files() == []
    monkeypatch.undo()
    assert desk.run(rows(1)).states == {"saved": 1}
    assert len(desk.service.edits) == 1


def test_the_name_of_a_file_is_a_folder(desk: Desk) -> None:
    """That is the fault of one row."""
    (desk.out / "k0.png").mkdir(parents=True)
    assert desk.run(rows(2)).states == {"completed": 1, "saved": 1}


@pytest.mark.parametrize("name", ["edits.jsonl", "edits.csv"])
def test_a_file_without_rows(desk: Desk, name: str) -> None:
    """It is refused: the program that should write it has failed."""
    (desk.folder / name).write_text("image,prompt\n" if name.endswith("csv") else "\n")
    with pytest.raises(InvalidRequest, match=f"{name}' has no rows"):
        desk.run(desk.folder / name)


def test_a_tuple_in_the_extra_body_of_a_stream(desk: Desk) -> None:
    """What JSON makes of it is what is compared when the row comes again."""
    source = rows(1, extra_body={"seed": (1, 2)})
    assert desk.run(source, precheck=False).states == {"saved": 1}
    assert [outcome.error for outcome in desk.outcomes(source, precheck=False).values()] == [None]


def test_a_row_that_is_claimed_while_it_is_changed(desk: Desk) -> None:
    """It is paid for as it was, so the change is refused."""

    class Overtaken(Ledger):
        def replace(self, key: str, job: Mapping[str, Any]) -> bool:
            self.claim(key, "h/1/other", "d" * 64, {"prompt": "p0"})
            return super().replace(key, job)

    desk.batch(rows(1)).load()
    problem = "Row 1: the key 'k0' is sending as another edit: prompt was 'p0'"
    with Overtaken(desk.folder / "ledger.db") as ledger, pytest.raises(InvalidRequest, match=problem):
        desk.batch([{**rows(1)[0], "prompt": "new"}], ledger=ledger).load()
    job = desk.row("k0").job
    assert job is not None
    assert job["prompt"] == "p0"
