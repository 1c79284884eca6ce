"""The main job: what is sent, in which order, and what comes back."""

from __future__ import annotations

import asyncio
import io
import json
import threading
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from nano_banana_edit import (
    APITimeout,
    AsyncNanoBananaEdit,
    EditFailed,
    InvalidRequest,
    InvalidResponse,
    NanoBananaEdit,
    Progress,
    Task,
    WaitTimeout,
    _clock,
)
from nano_banana_edit_mock import MockService, Outcome, mock_transport
from PIL import Image

from .. import promises
from ..document import DEFAULTS, HEIGHT, SHAPE, WIDTH
from .conftest import PNG, TOKEN, URL, Clock, Face, Script, accepted, fetch, image, save, task, uploaded

EDIT, TASK, UPLOAD = "POST nano-banana-edit", "GET t-1", "POST file"


def test_edits_a_local_file(face: Face, tmp_path: Path) -> None:
    """A local file is uploaded, edited, polled and saved in the asked shape and format."""
    service = MockService()
    (source := tmp_path / "in.jpg").write_bytes(_jpeg())
    target = face.call(
        mock_transport(service),
        "edit",
        source,
        "make it snow",
        image_size=SHAPE,
        output_format="jpeg",
        then=save(tmp_path / "out.jpg"),
    )
    with Image.open(target) as picture:
        assert ("JPEG", WIDTH * picture.height) == (picture.format, HEIGHT * picture.width)
    sent = service.edits[0].body
    given = {"image_urls": sent["image_urls"], "image_size": SHAPE, "output_format": "jpeg", "prompt": "make it snow"}
    assert DEFAULTS | given == sent
    assert ("in.jpg", "image/jpeg", _jpeg()) == (
        service.uploads[0].filename,
        service.uploads[0].content_type,
        service.uploads[0].body,
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jpg", "out.jpg"]


def _jpeg() -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (30, 20), "green").save(content, "JPEG")
    return content.getvalue()


def test_sends_what_the_document_says(face: Face) -> None:
    """A submission is one POST with the bearer token, JSON, the arguments, the default and the extra properties."""
    script = Script([accepted()])
    result = face.call(script, "submit", [URL, URL], "p", output_format="png", extra_body={"callBackUrl": "https://me"})
    assert Task("t-1") == result
    (request,) = script.requests
    assert "https://api.sinancode.com/v1/generate/k/nano-banana-edit" == str(request.url)
    assert (f"Bearer {TOKEN}", "application/json") == (
        request.headers["authorization"],
        request.headers["content-type"],
    )
    assert "application/json" == request.headers["accept"]
    assert request.headers["user-agent"].startswith("nano-banana-edit/")
    given = {"image_urls": [URL, URL], "prompt": "p", "output_format": "png", "callBackUrl": "https://me"}
    assert DEFAULTS | given == json.loads(request.content)


def test_edit_sends_what_submit_sends(face: Face) -> None:
    """Of an edit the service sees the very submission that submit makes of the same arguments."""
    arguments = {"image_size": SHAPE, "output_format": "png", "extra_body": {"callBackUrl": "https://me"}}
    submitted, edited = Script([accepted()]), Script([accepted(), task()])
    face.call(submitted, "submit", [URL], "p", **arguments)
    face.call(edited, "edit", [URL], "p", **arguments)
    assert submitted.requests[0].content == edited.requests[0].content


def test_uploads_come_first_and_in_place(face: Face, tmp_path: Path) -> None:
    """Local images of every kind are uploaded before the submission, and their URLs stand where the images stood."""
    (path := tmp_path / "a.png").write_bytes(PNG + b"path")
    with path.open("rb") as opened:
        images: list[Any] = [path, URL, str(path), PNG + b"bytes", bytearray(PNG), opened, io.BytesIO(PNG + b"file")]
        script = Script([*[_echo] * 6, accepted()])
        face.call(script, "submit", images, "p")
    assert script.asked == [UPLOAD] * 6 + [EDIT]
    assert {"https://files-api.sinancode.com/api/upload/file"} == {str(request.url) for request in script.requests[:-1]}
    path_end, bytes_end, file_end = (f"https://files.example.test/{end}" for end in ("path", "bytes", "file"))
    plain = "https://files.example.test/"
    assert [path_end, URL, path_end, bytes_end, plain, path_end, file_end] == json.loads(script.requests[-1].content)[
        "image_urls"
    ]


def _echo(request: httpx2.Request) -> httpx2.Response:
    content = request.content.partition(PNG)[2].partition(b"\r\n")[0].strip(b"\0")
    return uploaded(f"https://files.example.test/{content.decode()}")


@pytest.mark.parametrize(
    "result",
    [["https://cdn.example.test/out.png"], [{"type": "image/png", "url": "https://cdn.example.test/out.png", "x": 1}]],
)
def test_reads_both_forms_of_result(face: Face, result: list[Any]) -> None:
    """The result may be a list of URLs or of objects; both give the same images."""
    edit = face.call(Script([accepted(), task(result=result)]), "edit", URL, "p")
    assert (
        edit.task_id,
        [image.url for image in edit.images],
        [image.content_type for image in edit.images],
    ) == ("t-1", ["https://cdn.example.test/out.png"], ["image/png"])


@promises.POLLING
def test_unknown_statuses_and_properties_are_lived_with(face: Face, clock: Clock) -> None:
    """A status nobody knows is waited through, nulls and surplus properties do no harm, and are kept."""
    looks = [task("pending", result=None, error_code=None), task("queued", eta=3), task("processing", result={})]
    edit = face.call(Script([*looks, task(more={"a": 1})]), "wait", "t-1", options={"poll_interval": 8})
    assert "t-1" == edit.task_id
    assert 3 == len(clock.sleeps)
    kept = face.call(Script([task("queued", eta=3, error_code=42)]), "get_task", "t-1")
    assert (kept.status, kept.error_code, kept.raw["eta"]) == ("queued", "42", 3)


@promises.POLLING
def test_polls_quickly_then_slowly(face: Face, clock: Clock) -> None:
    """The pause between polls grows from an eighth of poll_interval to the whole of it, and stays there."""
    face.call(Script([*[task("pending")] * 12, task()]), "wait", "t-1", options={"poll_interval": 8})
    assert 0.9 <= clock.sleeps[0] <= 1.1
    assert all(earlier < later for earlier, later in zip(clock.sleeps[:5], clock.sleeps[1:5], strict=False))
    assert all(7.2 <= seconds <= 8.8 for seconds in clock.sleeps[7:])


def test_polls_as_often_as_it_is_told_to(face: Face, clock: Clock) -> None:
    """A short poll_interval is kept: no pause is longer."""
    face.call(Script([*[task("pending")] * 9, task()]), "wait", "t-1", options={"poll_interval": 0.08})
    assert max(clock.sleeps) <= 0.088


def test_tells_its_progress(face: Face) -> None:
    """Each stage and each poll is reported, with the task id as soon as it is known."""
    told: list[Progress] = []
    script = Script([uploaded(), accepted(), task("pending"), task()])
    face.call(script, "edit", PNG, "p", on_progress=told.append)
    assert [(progress.stage, progress.task_id, progress.status, progress.polls) for progress in told] == [
        ("upload", None, None, 0),
        ("submit", None, None, 0),
        ("wait", "t-1", "pending", 1),
        ("wait", "t-1", "completed", 2),
    ]
    face.call(Script([accepted()]), "submit", URL, "p", on_progress=told.append)
    assert ["submit"] == [progress.stage for progress in told[4:]]


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"error_code": "NSFW", "error_msg": "not allowed"}, "not allowed"),
        ({"error_code": "NSFW", "error_msg": ""}, "NSFW"),
        ({}, "no reason"),
    ],
)
def test_failure_says_why(face: Face, more: dict[str, str], text: str) -> None:
    """A failed task raises EditFailed with the friendly text, or the code where there is none."""
    with pytest.raises(EditFailed, match=f"^The edit failed: {text}") as failure:
        face.call(Script([accepted(), task("failed", **more)]), "edit", URL, "p")
    assert ("t-1", more.get("error_code"), more.get("error_msg")) == (
        failure.value.task_id,
        failure.value.error_code,
        failure.value.error_msg,
    )


def test_mock_failure_reaches_the_caller(face: Face) -> None:
    """A failure queued in the mock comes out of the client."""
    service = MockService()
    service.next(Outcome(status="failed", error_code="E", error_msg="no"))
    with pytest.raises(EditFailed, match="no"):
        face.call(mock_transport(service), "edit", URL, "p")


@promises.OWN_ANSWER
def test_response_about_another_task_is_invalid(face: Face) -> None:
    """A poll whose response names another task is an InvalidResponse with the id of the one that was asked for."""
    with pytest.raises(InvalidResponse, match="about task 't-1'") as failure:
        face.call(Script([task()]), "get_task", "t-2")
    assert "t-2" == failure.value.task_id


@pytest.mark.parametrize("result", [None, [], 3, " ", [None, {"url": 3}]])
def test_completed_without_files_is_no_result(face: Face, result: object) -> None:
    """A completed task whose result names no file is an InvalidResponse with the task's id."""
    script = Script([task(result=result)] * 4)
    with pytest.raises(InvalidResponse, match="names no file") as failure:
        face.call(script, "wait", "t-1")
    assert [] == script.answers
    assert "t-1" == failure.value.task_id
    assert failure.value.body.startswith("{'id': 't-1', 'status': 'completed', 'result': ")


@promises.PAID_FOR
def test_files_may_be_named_a_little_later(face: Face) -> None:
    """A completed task that names no file is polled again until it does."""
    edit = face.call(Script([task("processing"), task(result=[]), task(result=None), task()]), "wait", "t-1")
    assert edit.images


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "not a JSON object"),
        (b"<html>", "not a JSON object"),
        (b"[]", "not a JSON object"),
        (b"{}", "id is missing"),
        (b'{"id": "t-1"}', "status is missing"),
        (b'{"id": "t-1", "status": 3}', "status is 3"),
        (b'{"id": "t-1", "status": ""}', "status is empty"),
        (b"\xff", "not a JSON object"),
        (b"[" * 9**5, "not a JSON object"),
    ],
)
def test_answer_without_a_status_is_invalid(face: Face, content: bytes, problem: str) -> None:
    """An answer that is no JSON object with a status is an InvalidResponse, whose body is shortened."""
    with pytest.raises(InvalidResponse, match=problem) as failure:
        face.call(Script([httpx2.Response(200, content=content)]), "get_task", "t-1")
    assert ("t-1", content[:500].decode(errors="replace")) == (failure.value.task_id, failure.value.body)


@promises.WAIT_GOES_ON
def test_wait_gives_up_in_time_and_can_be_taken_up(face: Face, clock: Clock) -> None:
    """When the time is over WaitTimeout carries the task's id, and waiting for that id goes on."""
    looks = Script([accepted(), *[task("processing")] * 99])
    with pytest.raises(WaitTimeout, match=r"still processing after 30 s.*wait\('t-1'\)") as failure:
        face.call(looks, "edit", URL, "p", timeout=30)
    assert (failure.value.task_id, failure.value.status) == ("t-1", "processing")
    assert sum(clock.sleeps) <= 30
    assert "t-1" == face.call(Script([task()]), "wait", failure.value.task_id).task_id


@pytest.mark.parametrize("status", [None, "queued"])
def test_wait_gives_up_when_looks_hang(face: Face, clock: Clock, status: str | None) -> None:
    """A poll that uses up the time is a WaitTimeout too, with the status of the last answered poll."""

    def hang(request: httpx2.Request) -> httpx2.Response:
        clock.time += request.extensions["timeout"]["read"]
        raise httpx2.ReadTimeout("slow", request=request)

    looks = [task(status)] if status else []
    with pytest.raises(WaitTimeout, match=status or "unknown") as failure:
        face.call(Script([*looks, *[hang] * 9]), "wait", "t-1", timeout=40)
    assert ("t-1", status) == (failure.value.task_id, failure.value.status)


def test_looks_that_hang_are_not_the_end_of_time(face: Face) -> None:
    """A poll without an answer in its time is an APITimeout, with the id to go on with."""
    with pytest.raises(APITimeout, match=r"slow\)\. To go on, call wait\('t-1'\)\.$") as failure:
        face.call(Script([httpx2.ReadTimeout("slow")]), "get_task", "t-1", options={"max_retries": 0, "timeout": 0.1})
    assert "t-1" == failure.value.task_id


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_async_clock_sleeps(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The async client sleeps on whichever event loop it runs."""
    monkeypatch.undo()
    anyio.run(_clock.async_sleep, 0, backend=backend)


def test_no_time_limit_must_be_asked_for(face: Face, clock: Clock) -> None:
    """With timeout=None waiting goes on for as long as it takes."""
    face.call(Script([*[task("pending")] * 500, task()]), "wait", "t-1", timeout=None, options={"poll_interval": 60})
    assert sum(clock.sleeps) > 20_000


@promises.WAIT_GOES_ON
def test_interrupts_know_their_task(face: Face) -> None:
    """Whoever interrupts a wait finds the id of the task, which goes on, on the exception."""

    def interrupt(_request: httpx2.Request) -> httpx2.Response:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as interrupted:
        face.call(Script([accepted(), interrupt]), "edit", URL, "p")
    assert "t-1" == interrupted.value.task_id


@promises.WAIT_GOES_ON
def test_cancellation_knows_its_task(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cancelled wait leaves the id of its task on the cancellation."""
    monkeypatch.setattr(_clock, "async_sleep", asyncio.sleep)
    known: list[str] = []

    async def wait() -> None:
        async with httpx2.AsyncClient(transport=httpx2.MockTransport(Script([task("pending")]))) as http:
            try:
                await AsyncNanoBananaEdit(token="t", http_client=http).wait("t-1", on_progress=cancel)
            except asyncio.CancelledError as error:
                known.append(error.task_id)
                raise

    def cancel(_progress: Progress) -> None:
        asyncio.current_task().cancel()

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(wait())
    assert ["t-1"] == known


def test_wait_takes_a_task(face: Face) -> None:
    """Waiting for what submit returned is waiting for its id."""
    script = Script([task()])
    face.call(script, "wait", Task("t-1"))
    assert script.asked == [TASK]


def test_fetches_the_bytes(face: Face) -> None:
    """An image can be had as bytes."""
    assert face.call(Script([task(), image()]), "wait", "t-1", then=fetch) == PNG


@pytest.mark.parametrize(
    ("file", "problem"), [(URL, f"is the URL '{URL}'; pass it to edit"), (b"", "is an empty file")]
)
def test_upload_takes_only_what_is_local(face: Face, file: Any, problem: str) -> None:
    """A URL needs no upload and an empty file is none; nothing is sent."""
    with pytest.raises(InvalidRequest, match=rf"^file .*{problem}") as refusal:
        face.call(Script([]), "upload", file)
    assert "file" == refusal.value.field


def test_upload_returns_the_stored_file(face: Face) -> None:
    """An upload returns the URL to edit, and keeps what else the service says."""
    stored = face.call(Script([httpx2.Response(200, json={"url": "https://f", "md5": "m"})]), "upload", PNG)
    assert (stored.url, stored.raw["md5"]) == ("https://f", "m")


def test_uploads_run_side_by_side() -> None:
    """The sync client uploads four files at once: none of them is answered before the fourth has come."""
    fourth = threading.Barrier(4)

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.host != "files-api.sinancode.com":
            return accepted()
        fourth.wait(timeout=9)
        return uploaded()

    with httpx2.Client(transport=httpx2.MockTransport(answer)) as http:
        assert "t-1" == NanoBananaEdit(token=TOKEN, http_client=http).submit([PNG] * 4, "p").task_id


def test_failed_upload_submits_nothing(face: Face) -> None:
    """When one of several uploads fails, its error is raised and nothing is submitted."""
    script = Script([uploaded(), httpx2.Response(200, json={"url": None}), *[uploaded()] * 8])
    with pytest.raises(InvalidResponse, match="url is None"):
        face.call(script, "edit", [PNG] * 3, "p")
    assert EDIT not in script.asked
