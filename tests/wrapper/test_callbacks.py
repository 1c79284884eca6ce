"""What a caller's own code does in the middle of a call: progress callbacks of every form, and exceptions."""

from __future__ import annotations

import asyncio
import functools
import gc
import warnings
from typing import Any

import httpx2
import pytest
from nano_banana_edit import InvalidRequest, NanoBananaEdit, Progress

from .. import promises
from .conftest import PNG, TOKEN, URL, Face, Script, accepted, fetch, image, save, task

told: list[Progress] = []


async def tell(progress: Progress, *_: object) -> None:
    await asyncio.sleep(0) if asyncio.events._get_running_loop() else None
    told.append(progress)


class Teller:
    async def __call__(self, progress: Progress) -> None:
        await tell(progress)

    async def method(self, progress: Progress) -> None:
        await tell(progress)

    def plain(self, progress: Progress) -> None:
        told.append(progress)


ASYNC = {
    "function": tell,
    "object": Teller(),
    "method": Teller().method,
    "partial": functools.partial(tell),
    "partial of an object": functools.partial(Teller()),
    "lambda": lambda progress: tell(progress),  # noqa: PLW0108 - which hides that it is async
}


@pytest.fixture(autouse=True)
def _nothing_told() -> None:
    told.clear()


@pytest.mark.parametrize("form", ASYNC)
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_the_async_client_awaits_any_async_callback(form: str, backend: str) -> None:
    """Whatever form an async callback has, it is awaited at each stage."""
    Face(backend).call(Script([accepted(), task("pending"), task()]), "edit", URL, "p", on_progress=ASYNC[form])
    assert ["submit", "wait", "wait"] == [progress.stage for progress in told]


@pytest.mark.parametrize("form", ASYNC)
def test_the_sync_client_refuses_any_async_callback(form: str) -> None:
    """Nothing is sent, nothing is left that nobody awaited, and the message says what it must be."""
    script = Script([])
    with (
        warnings.catch_warnings(action="error"),
        pytest.raises(InvalidRequest, match=r"on_progress is .*; it must be a function that is not async") as refusal,
    ):
        Face("sync").call(script, "edit", URL, "p", on_progress=ASYNC[form])
    gc.collect()
    assert ("on_progress", []) == (refusal.value.field, script.requests)


@pytest.mark.parametrize(
    "callback",
    [
        told.append,
        Teller().plain,
        lambda progress: told.append(progress) or {"a": 1},
        functools.partial(told.insert, 0),
    ],
)
def test_any_other_callback_will_do(face: Face, callback: Any) -> None:
    """What is not async is called at each stage, whatever it returns."""
    face.call(Script([accepted(), task()]), "edit", URL, "p", on_progress=callback)
    assert ["submit", "wait"] == sorted(progress.stage for progress in told)


def test_what_is_no_callback_is_refused(face: Face) -> None:
    """What cannot be called is refused before anything is sent."""
    with pytest.raises(InvalidRequest, match="on_progress is 5; it must be a function"):
        face.call(Script([]), "edit", URL, "p", on_progress=5)


GO_ON = "To go on, call wait('t-1')."


@promises.WAIT_GOES_ON
@pytest.mark.parametrize(
    "error", [ValueError("mine"), TimeoutError("mine"), OSError("mine"), KeyboardInterrupt()], ids=repr
)
@pytest.mark.parametrize(
    ("stage", "known"), [("submit", {}), ("wait", {"task_id": "t-1", "__notes__": [GO_ON]})], ids=["submit", "wait"]
)
def test_what_a_callback_raises_ends_the_call_and_knows_the_task(
    face: Face, error: BaseException, stage: str, known: dict[str, Any]
) -> None:
    """It comes as it is, with the task and how to go on; one before the submission knows of no task."""
    mine = type(error)(*error.args)

    def callback(progress: Progress) -> None:
        if progress.stage == stage:
            raise mine

    with pytest.raises(type(error)) as raised:
        face.call(Script([accepted(), task(), task()]), "edit", URL, "p", on_progress=callback)
    assert mine is raised.value
    assert known == vars(mine)


@promises.WAIT_GOES_ON
def test_what_ends_a_saving_knows_the_task(face: Face, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that cannot be written, and a path that cannot be, leave the way to the result."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(OSError, match="No space") as raised:
        face.call(Script([task(), image()]), "wait", "t-1", then=save(tmp_path / "a.png"))
    assert ("t-1", [GO_ON]) == (raised.value.task_id, raised.value.__notes__)
    with pytest.raises(InvalidRequest, match=r"is a folder; add a file name\.$"):
        face.call(Script([task()]), "wait", "t-1", then=save(tmp_path))


MINE = [RuntimeError("mine"), ValueError("mine"), KeyError("mine"), TimeoutError()]


@promises.SENT_ONCE
@pytest.mark.parametrize("error", MINE, ids=repr)
def test_what_no_network_raises_is_the_callers(face: Face, error: Exception) -> None:
    """What the caller's own code raises while a request is sent comes as it is, at once; a submission may be billed."""
    for method, arguments, noted in (
        ("submit", (URL, "p"), ["The edit may have been accepted and billed."]),
        ("get_task", ("t-1",), [GO_ON]),
        ("upload", (PNG,), []),
    ):
        mine = type(error)(*error.args)
        script = Script([mine])
        with pytest.raises(type(error)) as raised:
            face.call(script, method, *arguments)
        assert (mine, noted, 1) == (raised.value, getattr(mine, "__notes__", []), len(script.requests))


def test_a_hook_may_raise_what_it_wants() -> None:
    """The exception of a hook of the caller's client is the caller's."""

    def hook(_response: httpx2.Response) -> None:
        raise LookupError("mine")

    with (
        httpx2.Client(transport=httpx2.MockTransport(Script([accepted()])), event_hooks={"response": [hook]}) as http,
        pytest.raises(LookupError) as raised,
    ):
        NanoBananaEdit(token=TOKEN, http_client=http).submit(URL, "p")
    assert ["The edit may have been accepted and billed."] == raised.value.__notes__


def test_how_to_go_on_is_said_once(face: Face, tmp_path: Any) -> None:
    """However many parts of a call add the task, how to go on is said once."""
    for then in (fetch, save(tmp_path / "a.png")):
        with pytest.raises(KeyboardInterrupt) as raised:
            face.call(Script([task(), _interrupt]), "wait", "t-1", then=then)
        assert [GO_ON] == raised.value.__notes__
    with pytest.raises(KeyboardInterrupt) as raised:
        face.call(Script([_interrupt]), "wait", "t-1")
    assert [GO_ON] == raised.value.__notes__


def _interrupt(_request: httpx2.Request) -> httpx2.Response:
    raise KeyboardInterrupt
