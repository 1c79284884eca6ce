"""Whatever the clients return crosses processes, and the token stays where it is."""

from __future__ import annotations

import copy
import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import anyio
import attrs
import httpx2
import pytest
from nano_banana_edit import (
    AsyncNanoBananaEdit,
    InvalidRequest,
    NanoBananaEdit,
    Progress,
    WaitTimeout,
)
from nano_banana_edit_mock import MockServer, MockService, mock_router

from .. import promises
from .conftest import PNG, TOKEN, URL, Face, Script, accepted, fetch, image, task, uploaded

CLIENTS = [NanoBananaEdit, AsyncNanoBananaEdit]


def both(value: Any) -> list[Any]:
    """Return a value as it comes out of pickles of every protocol, and the pickles must not show the token."""
    pickles = [pickle.dumps(value, protocol) for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1)]
    assert not any(TOKEN.encode() in each for each in pickles)
    return [pickle.loads(each) for each in pickles]


@promises.PICKLED
def test_what_is_returned_pickles_and_copies(face: Face) -> None:
    """Edits, images, tasks, files and progress are equal to what comes out of a pickle or a copy of them."""
    told: list[Progress] = []
    done = task(result=[{"type": "image/png", "url": "https://cdn.test/a", "x": 1}], more={"a": [1]})
    edit = face.call(Script([accepted(), done]), "edit", URL, "p", output_format="png", on_progress=told.append)
    submitted = face.call(Script([accepted()]), "submit", URL, "p")
    looked = face.call(Script([task(more={"a": [1]})]), "get_task", "t-1")
    stored = face.call(Script([uploaded()]), "upload", PNG)
    for value in (edit, edit.images[0], submitted, looked, stored, *told):
        for other in (*both(value), copy.copy(value), copy.deepcopy(value)):
            assert (value, type(value)) == (other, type(other))
            assert repr(value) == repr(other)


@promises.PICKLED
def test_an_image_that_was_pickled_can_be_fetched(tmp_path: Path) -> None:
    """Without a token and a client an image fetches itself, on connections of its own, and again."""
    with MockServer() as server:
        options = {"token": TOKEN, "base_url": server.url, "poll_interval": 0.01}
        with NanoBananaEdit(**options) as client:
            edit = client.edit("https://example.com/a.png", "snow", output_format="png")
        content = both(edit)[0].images[0].bytes()
        assert content.startswith(PNG[:8])
        (moved,) = pickle.loads(pickle.dumps(both(edit)[0])).images
        assert content == moved.save(tmp_path / "a.png").read_bytes()
        assert "image/png" == pickle.loads(pickle.dumps(moved)).media_type

        async def run() -> None:
            async with AsyncNanoBananaEdit(**options) as client:
                edit = await client.wait(task_id)
            (moved,) = both(edit)[0].images
            assert content == await moved.bytes() == (await moved.save(tmp_path / "b.png")).read_bytes()

        task_id = edit.task_id
        for backend in ("asyncio", "trio"):
            anyio.run(run, backend=backend)


def test_an_image_that_was_pickled_trusts_the_same_hosts() -> None:
    """The hosts that may be fetched from, and the time, go along."""
    options = {"base_url": "http://127.0.0.1:9/v1", "timeout": 0.0}
    edit = Face("sync").call(Script([task(result=["http://a.test/x"])]), "wait", "t-1", options=options, timeout=9)
    (moved,) = both(edit)[0].images
    with pytest.raises(Exception, match="neither https nor"):
        moved.bytes()
    with pytest.raises(Exception, match=r"time of the call \(0 s\) is over"):
        attrs.evolve(moved, url="http://127.0.0.1:9/x").bytes()


def test_a_copy_fetches_as_the_original_does(face: Face) -> None:
    """A copy within the process keeps to its client, and knows what it is."""
    edits: list[Any] = []

    def then(edit: Any) -> Any:
        edits.extend([edit, copy.copy(edit), copy.deepcopy(edit)])
        return fetch(edits[-1])

    assert PNG == face.call(Script([task(), image()]), "wait", "t-1", then=then)
    assert ["image/png"] * 3 == [edit.images[0].media_type for edit in edits]


@promises.PICKLED
@pytest.mark.parametrize("kind", CLIENTS)
def test_a_client_takes_its_token_from_the_other_side(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that was pickled has no token until it needs one, and says which variable it looks for."""
    (client, *_) = both(kind(token=TOKEN, timeout=7, attempt_timeout=3))
    assert repr(kind(token=TOKEN, timeout=7)) == repr(client)
    for use in (client._context, lambda: client.with_options(timeout=3)):
        with pytest.raises(InvalidRequest, match=r"a pickled client carries none\. Set SINANCODE_API_KEY"):
            use()
    monkeypatch.setenv("SINANCODE_API_KEY", "other")
    assert ("other", 7, 3) == (client._context().settings.token, client._driver.settings.timeout, 3)
    assert "third" == client.with_options(token="third")._driver.settings.token


@promises.PICKLED
@pytest.mark.parametrize("kind", CLIENTS)
def test_a_copy_of_a_client_is_the_client(kind: Any) -> None:
    """A client is shared, not copied, with its connections."""
    client = kind(token=TOKEN)
    assert client is copy.copy(client) is copy.deepcopy({"client": client})["client"]


def test_a_pickled_client_edits(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the token of its environment a client that was pickled does all that one does."""
    (client, *_) = both(NanoBananaEdit(token=TOKEN, poll_interval=0))
    monkeypatch.setenv("SINANCODE_API_KEY", "other")
    service = MockService(polls=0)
    with mock_router(service), client:
        assert client.edit("https://example.com/a.png", "snow").images[0].bytes()
    assert 1 == len(service.edits)


@promises.PICKLED
@pytest.mark.server
def test_another_process_edits(monkeypatch: pytest.MonkeyPatch) -> None:
    """An edit, or its error, comes back from a pool of processes; the token is in the environment alone."""
    monkeypatch.setenv("SINANCODE_API_KEY", TOKEN)
    with (
        MockServer(MockService(polls=9)) as server,
        NanoBananaEdit(base_url=server.url, poll_interval=0.01) as client,
        ProcessPoolExecutor(1, get_context("spawn")) as pool,
    ):
        edit = pool.submit(client.edit, "https://example.com/a.png", "snow").result(60)
        assert edit.images[0].bytes().startswith(PNG[:4])
        over = pool.submit(client.edit, "https://example.com/a.png", "rain", timeout=0.02)
        with pytest.raises(WaitTimeout, match=r"To go on, call wait\("):
            raise over.exception(60)
        assert 2 == len(server.service.edits)
        assert server.service.edits[1].task_id == over.exception().task_id


def test_a_given_client_stays_at_home() -> None:
    """A client on an http_client of one's own says what to do in its place."""
    with httpx2.Client() as http, pytest.raises(TypeError, match="make one in the other process"):
        pickle.dumps(NanoBananaEdit(token=TOKEN, http_client=http))
