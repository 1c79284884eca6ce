"""The public types as a caller's type checker sees them in the installed wheel: see `typing_app`; never run."""

import gzip
import io
import sys
import tempfile
import urllib.parse
import zipfile
from collections.abc import Generator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import IO, assert_type

import anyio
import httpx
import httpx2
import PIL.Image
import pydantic
import respx
import starlette.datastructures
import yarl
from nano_banana_edit import (
    AsyncEdit,
    AsyncNanoBananaEdit,
    AsyncResultImage,
    Edit,
    NanoBananaEdit,
    NanoBananaEditError,
    Progress,
    RateLimited,
    ResultImage,
    SubmissionUnknown,
    Task,
    UploadedFile,
    WaitTimeout,
    prepare,
)
from nano_banana_edit.batch import Batch, Status
from nano_banana_edit.batch import Outcome as BatchOutcome
from nano_banana_edit.ledger import Ledger, Row
from nano_banana_edit_client import AuthenticatedClient
from nano_banana_edit_client.api.edits import create_edit
from nano_banana_edit_client.models import EditAccepted, EditRequest, Error
from nano_banana_edit_mock import Edit as MockEdit
from nano_banana_edit_mock import (
    Entry,
    Fault,
    Lognormal,
    MockServer,
    MockService,
    Outcome,
    Reply,
    Uniform,
    mock_router,
    mock_transport,
)


def on_progress(progress: Progress) -> None:
    assert_type(progress.task_id, str | None)


def sync() -> None:
    with NanoBananaEdit(timeout=None, http_client=httpx2.Client()) as client:
        assert_type(client, NanoBananaEdit)
        urls: list[str] = []
        paths: tuple[Path, ...] = ()
        assert_type(client.edit(urls, "p"), Edit)
        assert_type(client.edit(paths, "p"), Edit)
        edit = client.edit(Path("a.png"), "p", image_size="auto", output_format="png", on_progress=on_progress)
        assert_type(edit, Edit)
        assert_type(edit.images, tuple[ResultImage, ...])
        assert_type(edit.images[0].bytes(), bytes)
        assert_type(edit.images[0].save("a.png"), Path)
        assert_type(edit.images[0].pil(), PIL.Image.Image)
        assert_type(edit.images[0].content_type, str | None)
        assert_type(client.submit(["https://a.test", b"", io.BytesIO()], "p", extra_body={"a": 1}), Task)
        assert_type(client.wait("t", timeout=1), Edit)
        assert_type(client.get_task("t").status, str | None)
        assert_type(client.upload(b""), UploadedFile)
        assert_type(client.with_options(timeout=None, max_retries=1), NanoBananaEdit)
        client.edit("a", "p", image_size="1:2")  # type: ignore[arg-type]
        client.edit(3, "p")  # type: ignore[arg-type]
        client.edit("a", "p", "1:1")  # type: ignore[call-arg]


def images(client: NanoBananaEdit, stream: IO[bytes], url: str, urls: Generator[str], paths: Iterator[Path]) -> None:
    with (
        tempfile.NamedTemporaryFile() as named,
        tempfile.SpooledTemporaryFile() as spooled,
        gzip.open("a.gz") as packed,
    ):
        for file in (stream, sys.stdin.buffer, named, spooled, packed, httpx2.get("https://a.test")):
            assert_type(client.edit(file, "p"), Edit)
            assert_type(client.edit([file, file], "p"), Edit)
            assert_type(client.edit(("a.png", file), "p"), Edit)
            assert_type(client.upload(file), UploadedFile)
        client.edit(named, "p")
        client.edit(spooled, "p")
        client.edit(packed, "p")
        client.edit(starlette.datastructures.UploadFile(spooled), "p")  # type: ignore[arg-type]
    with zipfile.ZipFile("a.zip") as archive, archive.open("a.png") as member, Path("a.txt").open() as text:
        client.edit(member, "p")
        client.edit(text, "p")  # type: ignore[arg-type]
    client.edit(("a.png", b""), "p")
    client.edit((None, bytearray(), "image/png"), "p")
    client.edit([("a.png", b""), ("b.svg", memoryview(b""), "image/svg+xml"), url, Path()], "p")
    client.edit(PIL.Image.open("a.png"), "p")
    client.edit([PIL.Image.new("RGB", (1, 1))], "p")
    assert_type(prepare(stream, max_side=None, strip_metadata=False), tuple[str, bytes, str])
    client.edit(prepare("a.heic"), "p")
    client.edit([prepare(path, max_side=1024) for path in paths], "p")
    client.upload(prepare(("a.tiff", stream)))
    prepare([b""])  # type: ignore[arg-type]
    for link in (httpx.URL(url), httpx2.URL(url), yarl.URL(url), pydantic.HttpUrl(url), pydantic.AnyUrl(url)):
        client.edit(link, "p")
        client.edit([link, url], "p")
    client.edit(urllib.parse.urlparse(url), "p")
    client.edit(urls, "p")
    client.edit(paths, "p")
    client.edit(Path().glob("*.png"), "p")
    client.edit((Path(name) for name in urls), "p")
    client.edit({url: 1}.keys(), "p")
    client.edit({1: url}.values(), "p")
    client.edit(url, "p", image_size=None, output_format=None, extra_body=None, on_progress=None, stop_on=None)
    client.submit(url, "p", image_size=None, timeout=timedelta(minutes=5))
    client.wait("t", timeout=timedelta(minutes=5))
    NanoBananaEdit(timeout=timedelta(hours=1), poll_interval=timedelta(seconds=2)).with_options(timeout=timedelta(1))
    client.edit({url}, "p")  # type: ignore[arg-type]
    client.edit({url: 1}, "p")  # type: ignore[arg-type]
    client.edit(None, "p")  # type: ignore[arg-type]
    client.edit(("a.png", 3), "p")  # type: ignore[arg-type]
    client.edit(anyio.wrap_file(stream), "p")  # type: ignore[arg-type]
    client.upload([b""])  # type: ignore[arg-type]


async def twin() -> None:
    async with AsyncNanoBananaEdit(http_client=httpx2.AsyncClient()) as client:
        edit = await client.edit("a.png", "p")
        assert_type(edit, AsyncEdit)
        assert_type(edit.images, tuple[AsyncResultImage, ...])
        assert_type(await edit.images[0].bytes(), bytes)
        assert_type(await edit.images[0].save(Path("a.png")), Path)
        assert_type(await edit.images[0].pil(), PIL.Image.Image)
        assert_type(await client.wait(Task("t")), AsyncEdit)
        assert_type(await client.submit(["a"], "p", extra_body={"seed": 7}), Task)
        assert_type(client.with_options(token="t"), AsyncNanoBananaEdit)


def errors(error: RateLimited, unknown: SubmissionUnknown, late: WaitTimeout, base: NanoBananaEditError) -> None:
    assert_type(error.retry_after, float | None)
    assert_type(error.task_id, str | None)
    assert_type(unknown.request_digest, str)
    assert_type([late.task_id, base.task_id], list[str | None])


def never_twice(folder: Path) -> None:
    with Ledger(folder / "ledger.db") as ledger, NanoBananaEdit(ledger=ledger) as client:
        client.edit(["a.png", b"", ("b.png", b"")], "p", key="order-1841")
        assert_type(Batch(folder, folder / "out", ledger=ledger, prompt="p").run(), Status)
        assert_type([*ledger.rows("unknown")], list[Row])


async def outcomes(batch: Batch) -> None:
    async for outcome in batch.outcomes():
        assert_type(outcome, BatchOutcome)


def generated(client: AuthenticatedClient) -> None:
    assert_type(create_edit.sync(client=client, body=EditRequest(["a"], "p")), EditAccepted | Error | None)
    answer = create_edit.sync_detailed(client=client, body=EditRequest(["a"], "p", output_format="jpeg"))
    assert_type(answer.status_code, int)
    assert_type(answer.parsed, EditAccepted | Error | None)


def mock() -> None:
    service = MockService(seed=1)
    assert_type(mock_router(service), respx.MockRouter)
    transport = mock_transport(service)
    assert_type(httpx2.Client(transport=transport).get("/"), httpx2.Response)
    assert_type(httpx.Client(transport=transport).get("/"), httpx.Response)
    _ = httpx2.AsyncClient(transport=transport), httpx.AsyncClient(transport=transport)
    assert_type(service.edits, tuple[MockEdit, ...])
    assert_type(service.calls, tuple[Entry, ...])
    assert_type(Reply.rate_limited(retry_after=2), Reply)
    service.script([Outcome(seconds=Lognormal(8, 0.5)), Reply.out_of_credit()])
    service.on("getTask", Reply(502, body="<p>", headers={"Content-Type": "text/html"}), nth=3, times=None)
    service.outage(seconds=2.5)
    service.script([{"reply": {"status": 429}, "nth": 2}, Fault.TRUNCATED])
    service.script(Path("script.yaml"))
    service.script(["truncated"])  # type: ignore[list-item]
    service.advance(2.5)
    assert_type(service.time, float)
    service.assert_called_once_with("createEdit", prompt="p", image_urls=["a"])
    service.next("failed")  # type: ignore[arg-type]
    service.on("getTask", Reply(429), 3)  # type: ignore[call-arg]
    service.outage(2)  # type: ignore[call-arg]
    MockService(seconds=Uniform(1, 2), clock=lambda: 0.0)
    with MockServer(service, admin_token="secret") as server:
        assert_type(server.url, str)
    assert_type(service.edits[0].task_id, str)
