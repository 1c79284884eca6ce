"""An application that uses the installed packages as it may: no line is an error."""

# pyright: strict

import asyncio
import logging
from datetime import timedelta
from pathlib import Path
from typing import assert_type

import httpx2
from nano_banana_edit import (
    AsyncEdit,
    AsyncNanoBananaEdit,
    Edit,
    NanoBananaEdit,
    NanoBananaEditError,
    Progress,
    RateLimited,
    SubmissionUnknown,
    Task,
    WaitTimeout,
)
from nano_banana_edit.batch import Batch, Limits, Outcome, Status
from nano_banana_edit.ledger import Ledger, Row
from nano_banana_edit_client import AuthenticatedClient
from nano_banana_edit_client.api.edits import create_edit
from nano_banana_edit_client.models import EditAccepted, EditRequest, Error
from nano_banana_edit_mock import MockServer, MockService, Reply, mock_router
from nano_banana_edit_mock import Outcome as Script


def show(progress: Progress) -> None:
    logging.info("%s %.1f %s", progress.stage, progress.elapsed, progress.task_id or "-")


def make_it_snow(photo: Path) -> list[Path]:
    with NanoBananaEdit(timeout=timedelta(minutes=5)) as client:
        try:
            edit = client.edit(photo, "make it snow", image_size="16:9", output_format="png", on_progress=show)
        except WaitTimeout as error:
            edit = client.wait(error.task_id or "")
        except RateLimited as error:
            assert_type(error.retry_after, float | None)
            raise
        except SubmissionUnknown as error:
            raise RuntimeError(error.request_digest) from error
        assert_type(edit, Edit)
        return [image.save(f"{number}.png") for number, image in enumerate(edit.images)]


async def many(urls: list[str]) -> bytes:
    async with AsyncNanoBananaEdit(http_client=httpx2.AsyncClient()) as client:
        task = await client.submit(urls, "put the hat on", extra_body={"seed": 7})
        assert_type(task, Task)
        edit = await client.wait(task)
        assert_type(edit, AsyncEdit)
        return await edit.images[0].bytes()


def never_twice(folder: Path) -> list[Row]:
    with Ledger(folder / "ledger.db") as ledger, NanoBananaEdit(ledger=ledger) as client:
        client.edit(["a.png", b"", ("b.png", b"")], "make it snow", key="order-1841")
        batch = Batch(folder, folder / "out", ledger=ledger, prompt="make it snow")
        assert_type(batch.run(), Status)
        return [*ledger.rows("unknown")]


async def outcomes(batch: Batch, limits: Limits) -> None:
    async for outcome in batch.outcomes():
        assert_type(outcome, Outcome)


def generated(client: AuthenticatedClient) -> str:
    answer = create_edit.sync(client=client, body=EditRequest(["https://example.com/a.png"], "p", image_size="1:1"))
    assert_type(answer, EditAccepted | Error | None)
    return answer.task_id if isinstance(answer, EditAccepted) else ""


def test_snow(photo: Path) -> None:
    service = MockService(seed=1)
    service.script([Reply.rate_limited(retry_after=2), Script(seconds=3.0)])
    with mock_router(service), NanoBananaEdit(token="any") as client:
        client.edit(photo, "make it snow")
    with MockServer(service) as server:
        assert_type(server.url, str)
    assert_type(service.edits[0].task_id, str)


if __name__ == "__main__":
    try:
        asyncio.run(many(["https://example.com/a.png"]))
    except NanoBananaEditError as error:
        logging.exception(error.task_id)
