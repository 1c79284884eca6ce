"""What an error says to do, and of whom it speaks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from nano_banana_edit import (
    APIConnectionError,
    APITimeout,
    AsyncNanoBananaEdit,
    EditFailed,
    InvalidRequest,
    InvalidResponse,
    NanoBananaEdit,
    NanoBananaEditError,
    NotFound,
)

from .conftest import URL, Face, Script, accepted, fetch, image, save, task

REFUSED = httpx2.ConnectError("Connection refused")


@pytest.mark.parametrize(
    ("kind", "failure"), [(APIConnectionError, REFUSED), (APITimeout, httpx2.ConnectTimeout("slow"))]
)
def test_failure_of_a_connection_names_the_host(
    face: Face, kind: type[NanoBananaEditError], failure: Exception
) -> None:
    """A request without a response names its host and port, and a submission that never left says so."""
    options = {"max_retries": 0, "base_url": "http://localhost:4010/v1"}
    with pytest.raises(kind, match=r" from http://localhost:4010 \(Connect\w+: .*\); nothing was submitted\.$"):
        face.call(Script([failure]), "submit", URL, "p", options=options)
    with pytest.raises(kind, match=r" from http://localhost:4010 \(Connect\w+: \w+( \w+)?\)\. To go on"):
        face.call(Script([failure]), "get_task", "t-1", options=options)


def test_failure_of_a_download_names_the_host_alone(face: Face) -> None:
    """The URL of a result may be signed, so that only its host is shown."""
    signed = task(result=["https://user:word@cdn.test:8443/secret-path?signature=s"])
    script = Script([accepted(), signed, REFUSED])
    with pytest.raises(APIConnectionError, match=r"^No response from https://cdn\.test:8443 \(") as failure:
        face.call(script, "edit", URL, "p", then=fetch, options={"max_retries": 0})
    assert not any(part in str(failure.value) for part in ("user", "word@", "secret", "signature"))


@pytest.mark.parametrize(
    ("token", "message"),
    [
        (b"secret-of-mine", "token is of type bytes; it must be text."),
        (5, "token is of type int; it must be text."),
        ("Bearer secret-of-mine", "token begins with 'Bearer'; leave that out, as the client adds it."),
        ("Authorization: bearer\tsecret-of-mine", "token begins with 'Bearer'; leave that out, as the client adds it."),
        ("", "No API token: pass token=... or set the environment variable SINANCODE_API_KEY."),
    ],
)
def test_token_that_cannot_be_one(token: Any, message: str) -> None:
    """The error of a token says what is wrong with it, and does not show it."""
    for make in (NanoBananaEdit, AsyncNanoBananaEdit, NanoBananaEdit(token="t").with_options):
        with pytest.raises(InvalidRequest) as refusal:
            make(token=token)
        assert message == str(refusal.value)


async def drawn() -> AsyncIterator[bytes]:
    yield image().content


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ("", "images '' is empty; name a file, or pass an http"),
        ([URL, ""], r"images\[1\] '' is empty"),
        ("ftp://user:word@host/a.png", "images is a URL with the scheme ftp; it must be an http or https URL, a path"),
        (drawn(), r"images is <async_generator .*>; pass \[image async for image in \.\.\.\]\.$"),
        ([], "images has 0 items; the limit is "),
    ],
    ids=["empty", "empty in a list", "scheme", "async generator", "none"],
)
def test_refused_images_have_a_remedy(face: Face, images: Any, message: str) -> None:
    """An image that cannot be one is refused by the name of the argument."""
    with pytest.raises(InvalidRequest, match=message) as refusal:
        face.call(Script([]), "edit", images, "p")
    assert refusal.value.field.startswith("images")
    assert "word@" not in str(refusal.value)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("", "path '' is empty; name a file."),
        ("~/out.png", "is in a folder that does not exist; '~' is not expanded: use Path.expanduser."),
        ("photo.png/out.png", "is in a folder that is a file; choose another."),
        ("photo.png/a/out.png", "is in a folder that does not exist; create it first."),
        (None, "path None is not a path (expected str, bytes or os.PathLike object, not NoneType)."),
    ],
)
def test_path_that_cannot_be_written(
    face: Face, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: Any, message: str
) -> None:
    """A bad path is refused before the result is fetched; the edit is at hand, so nobody need wait for it again."""
    monkeypatch.chdir(tmp_path)
    Path("photo.png").touch()
    script = Script([accepted(), task()])
    with pytest.raises(InvalidRequest) as refusal:
        face.call(script, "edit", URL, "p", then=save(path))
    assert str(refusal.value).endswith(message)
    assert "t-1" == refusal.value.task_id


@pytest.mark.parametrize(("method", "answers"), [("get_task", 1), ("wait", 4)])
def test_unknown_task_is_not_waited_for_again(face: Face, method: str, answers: int) -> None:
    """After a 404 for a task the error names the task, and does not send the caller back to it."""
    script = Script([httpx2.Response(404, json={"message": "no such task"})] * answers)
    with pytest.raises(NotFound, match=r"404: no such task \(task t-1\)\.$") as failure:
        face.call(script, method, "t-1")
    assert "t-1" == failure.value.task_id


def test_refused_format_can_be_had_without_strict(face: Face) -> None:
    """What strict refuses is taken without it, not after another wait."""
    script = Script([accepted(), task(), image()])
    with pytest.raises(InvalidResponse, match=r"image/png; nothing was saved, as strict is set \(task t-1\)\.$"):
        face.call(script, "edit", URL, "p", output_format="jpeg", then=lambda edit: edit.images[0].bytes(strict=True))


@pytest.mark.parametrize("strict", ["x", 1, None])
def test_strict_is_true_or_false(face: Face, strict: Any) -> None:
    """Anything else is refused before the result is fetched."""
    with pytest.raises(InvalidRequest, match=rf"^strict is {strict!r}; it must be True or False\.$"):
        face.call(Script([accepted(), task()]), "edit", URL, "p", then=lambda edit: edit.images[0].bytes(strict=strict))


def test_completion_does_not_stop_the_waiting(face: Face) -> None:
    """A paid result is not given up by a list of statuses; failed ends the waiting in any case."""
    with pytest.raises(InvalidRequest, match=r"stop_on is \['completed'\]; it must be a list of statuses other than"):
        face.call(Script([]), "edit", URL, "p", stop_on=["completed"])
    with pytest.raises(EditFailed):
        face.call(Script([task("failed")]), "wait", "t-1", stop_on=["failed"])


def test_sync_client_names_the_async_one() -> None:
    """Who passes an async callback to the sync client learns which client awaits it."""

    async def tell(progress: object) -> None: ...

    for on_progress in (tell, lambda progress: tell(progress)):  # noqa: PLW0108 - which hides that it is async
        with pytest.raises(InvalidRequest, match=r"a function that is not async; AsyncNanoBananaEdit awaits one\.$"):
            Face("sync").call(Script([accepted(), task()]), "edit", URL, "p", on_progress=on_progress)


@pytest.mark.parametrize("client", [NanoBananaEdit, AsyncNanoBananaEdit])
def test_unknown_setting_is_said_of_a_public_class(client: Any) -> None:
    """Python's own error of an argument that does not exist names what the caller called."""
    with pytest.raises(TypeError, match=r"NanoBananaEdit\(\) got an unexpected keyword argument 'api_key'"):
        client(api_key="t")
