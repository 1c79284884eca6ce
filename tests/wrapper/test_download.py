"""Results: from where they are fetched, what is believed of them, and how they reach a file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import httpx2
import pytest
from nano_banana_edit import APITimeout, InvalidRequest, InvalidResponse, NanoBananaEditError, NotFound
from nano_banana_edit import _download as download
from nano_banana_edit_client.constraints import shorten

from .. import promises
from .conftest import (
    JPEG,
    PNG,
    TOKEN,
    URL,
    Answer,
    Clock,
    Face,
    Script,
    Trickle,
    accepted,
    fetch,
    httpx_leaves_a_generator,
    image,
    save,
    task,
)

LOCAL = {"base_url": "http://127.0.0.1:4010/v1"}


def fetched(
    face: Face, *answers: Answer, url: str = "https://cdn.test/a", script: Script | None = None, **more: Any
) -> Any:
    script = script or Script([])
    script.answers[:] = [accepted(), task(result=[url]), *answers]
    return face.call(script, "edit", URL, "p", **{"then": fetch, **more})


def redirect(location: str, status: int = 302) -> httpx2.Response:
    return httpx2.Response(status, headers={"location": location})


@promises.TOKEN_FOR_API
def test_token_is_sent_to_the_api_alone(face: Face) -> None:
    """Neither a result's host nor one that it redirects to sees the token, a cookie or a client's default header."""
    script = Script([])
    cookie = httpx2.Response(200, json={"task_id": "t-1"}, headers={"set-cookie": "session=1"})
    script.answers[:] = []
    fetched(face, redirect("https://other.test/b"), image(), script=script)
    api, files = script.requests[:2], script.requests[2:]
    assert {f"Bearer {TOKEN}"} == {request.headers["authorization"] for request in api}
    assert [request.url.host for request in files] == ["cdn.test", "other.test"]
    for request in files:
        assert {"host", "accept", "accept-encoding", "user-agent", "connection"} == set(request.headers)
        assert ("image/*", "identity") == (request.headers["accept"], request.headers["accept-encoding"])
    assert TOKEN not in repr(files[0].headers) + repr(cookie)


def test_a_client_that_was_handed_in_adds_nothing_to_downloads(face: Face) -> None:
    """Neither the credentials nor the redirects of an httpx2 client that was handed in reach a result's host."""
    script = Script([])
    http = {"auth": ("user", "password"), "follow_redirects": True}
    assert PNG == fetched(face, redirect("https://other.test/b"), image(), script=script, http=http)
    assert [False, False] == ["authorization" in request.headers for request in script.requests[2:]]
    with pytest.raises(InvalidResponse, match="neither https nor"):
        fetched(face, redirect("http://other.test/b"), image(), http=http)


@promises.RESULT_HOSTS
@pytest.mark.parametrize(
    "url",
    [
        "http://cdn.test/a",
        "file:///etc/passwd",
        "ftp://cdn.test/a",
        "//cdn.test/a",
        "a",
        "https://",
        "http://[",
        "https://a\nb",
        "https://cdn.test:99999/a",
        "http://api.test:1/a",
    ],
)
def test_fetches_from_https_alone(face: Face, url: str) -> None:
    """A result that is neither https nor on the API's own host is not fetched, nor followed by a redirect."""
    for script in (Script([accepted(), task(result=[url])]), Script([accepted(), task(), redirect(url)])):
        if url in ("//cdn.test/a", "a", "https://", "https://a\nb", "https://a/\ud800") and len(script.answers) == 3:
            continue  # relative to an https URL these are https, or refused by httpx2
        with pytest.raises(InvalidResponse) as refusal:
            face.call(script, "edit", URL, "p", then=fetch)
        assert "t-1" == refusal.value.task_id
        assert [] == script.answers


@promises.RESULT_HOSTS
@pytest.mark.parametrize("options", [LOCAL, {"files_url": "http://127.0.0.1:4010", "base_url": "https://a.test"}])
def test_fetches_from_the_host_it_was_pointed_at(face: Face, options: dict[str, str]) -> None:
    """Without TLS results come from the very host and port that the client was pointed at, and no other."""
    assert fetched(face, image(), url="http://127.0.0.1:4010/a", options=options) == PNG
    for url in ("http://127.0.0.1:4011/a?sig=1234", "http://127.0.0.1/a", "http://localhost:4010/a"):
        with pytest.raises(InvalidResponse, match="neither https nor") as refused:
            fetched(face, image(), url=url, options=options)
        assert "1234" not in str(refused.value)  # what signs a URL is not shown


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_follows_redirects(face: Face, status: int) -> None:
    """A redirect is followed, also a relative one."""
    script = Script([])
    assert fetched(face, redirect("/moved", status), image(), script=script) == PNG
    assert "https://cdn.test/moved" == str(script.requests[-1].url)


def test_follows_redirects_for_so_long(face: Face) -> None:
    """Redirects without end are given up."""
    with pytest.raises(InvalidResponse, match="redirected 5 times"):
        fetched(face, *[redirect("/again")] * 9)


@pytest.mark.parametrize("answer", [redirect("/" + "a" * 70_000), httpx2.Response(304), httpx2.Response(302)])
def test_odd_redirects_are_errors(face: Face, answer: httpx2.Response) -> None:
    """A redirect to nowhere is an error of this package."""
    with pytest.raises(NanoBananaEditError) as failure:
        fetched(face, *[answer] * 4)
    assert "t-1" == failure.value.task_id


@promises.WHOLE_FILES
@pytest.mark.parametrize(
    ("content", "found"), [(b"", "no known image"), (b"<html>expired</html>", "no known image"), (JPEG, "image/jpeg")]
)
def test_content_must_be_an_image_and_strictly_what_was_asked(
    face: Face, tmp_path: Path, content: bytes, found: str
) -> None:
    """What is no image is not saved, nor strictly one of another format; what stood at the path still stands there."""
    (target := tmp_path / "out.png").write_bytes(b"old")
    with pytest.raises(InvalidResponse, match=f"should be image/png.* are {found}; nothing was saved") as refusal:
        fetched(face, image(content), output_format="png", then=save(target, strict=content == JPEG))
    assert ("t-1", "" if content == JPEG else content.decode()) == (refusal.value.task_id, refusal.value.body)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


def test_any_image_will_do_where_none_was_asked(face: Face) -> None:
    """Without an asked format any image is taken."""
    assert fetched(face, image(JPEG)) == JPEG


def test_expired_results_are_not_found(face: Face) -> None:
    """A result that is gone is NotFound, with the task's id."""
    with pytest.raises(NotFound) as gone:
        fetched(face, *[httpx2.Response(404, text="gone")] * 5)
    assert "t-1" == gone.value.task_id


@pytest.mark.parametrize(
    "failure", [httpx2.Response(503), httpx2.ReadError("reset"), httpx2.ConnectError("refused")], ids=repr
)
def test_fetching_is_tried_again(face: Face, failure: Answer) -> None:
    """A download that breaks is tried again."""
    assert fetched(face, failure, image()) == PNG


@promises.WHOLE_FILES
def test_size_is_bounded(face: Face, monkeypatch: pytest.MonkeyPatch) -> None:
    """A result as large as the bound is taken, and a larger one is not kept."""
    monkeypatch.setattr(download, "MAX_BYTES", 40)
    assert PNG == fetched(face, image(PNG))
    monkeypatch.setattr(download, "MAX_BYTES", 39)
    with pytest.raises(NanoBananaEditError, match="larger than 39 bytes"):
        fetched(face, image(PNG))


def test_downloads_have_timeouts_of_their_own(face: Face) -> None:
    """Each attempt at a download is bounded, by a minute or by what is left of the client's time."""
    script = Script([])
    for timeout, read in ((None, 60), (5, 5)):
        fetched(face, image(), script=script, options={"timeout": timeout})
        assert read == script.requests[-1].extensions["timeout"]["read"]


@httpx_leaves_a_generator
@pytest.mark.parametrize("then", [fetch, save("out.png")], ids=["bytes", "save"])
def test_time_is_bounded(face: Face, clock: Clock, then: Any) -> None:
    """A result that comes too slowly is given up when the client's time is over."""
    with pytest.raises(APITimeout, match="not read to its end"):
        fetched(face, lambda _request: httpx2.Response(200, stream=Trickle(clock)), then=then, options={"timeout": 90})
    assert 1090 == clock.time


@pytest.mark.parametrize(
    ("target", "problem"), [("", "is a folder"), ("no/such/folder.png", "does not exist; create it")]
)
def test_path_is_checked_before_fetching(face: Face, tmp_path: Path, target: str, problem: str) -> None:
    """A path that cannot be written is refused before anything is fetched."""
    script = Script([])
    with pytest.raises(InvalidRequest, match=problem) as refusal:
        fetched(face, image(), script=script, then=save(tmp_path / target))
    assert ("path", str(tmp_path / target)) == (refusal.value.field, refusal.value.value)
    assert 2 == len(script.requests)


def test_folder_must_be_writable(face: Face, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that cannot be written to is refused before anything is fetched."""
    script = Script([])
    monkeypatch.setattr(os, "access", lambda path, mode: (path, mode) != (tmp_path, os.W_OK))
    with pytest.raises(InvalidRequest, match="cannot be written to"):
        fetched(face, image(), script=script, then=save(tmp_path / "out.png"))
    assert 2 == len(script.requests)


@pytest.mark.parametrize("target", [5, None, b"x.png", "a\0b", "\ud800"])
def test_path_must_be_one(face: Face, target: Any) -> None:
    """What is not a path is refused before anything is fetched."""
    script = Script([])
    with pytest.raises(InvalidRequest) as refusal:
        fetched(face, image(), script=script, then=save(target))
    assert str(refusal.value).startswith(f"path {shorten(target)} is not a path")
    assert 2 == len(script.requests)


def test_links_in_a_circle_lead_to_no_file(face: Face, tmp_path: Path) -> None:
    """A link that leads to itself is refused before anything is fetched."""
    (link := tmp_path / "out.png").symlink_to(link)
    script = Script([])
    with pytest.raises(InvalidRequest, match="is a link to itself"):
        fetched(face, image(), script=script, then=save(link))
    assert 2 == len(script.requests)


def test_saves_to_where_the_path_led(face: Face, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path means what it did when `save` was called, wherever the process goes while it fetches."""
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "here")

    def leave(_request: httpx2.Request) -> httpx2.Response:
        monkeypatch.chdir(tmp_path / "there")
        return image()

    assert Path("out.png") == fetched(face, leave, then=save("out.png"))
    assert [tmp_path / "here" / "out.png"] == [*tmp_path.glob("*/*")]


def test_saves_over_regular_files_alone(face: Face, tmp_path: Path) -> None:
    """A pipe or a device is not replaced by a file."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InvalidRequest, match="not a regular file"):
        fetched(face, image(), then=save(tmp_path / "pipe"))


def test_a_pipe_behind_a_link_is_not_saved_to(face: Face) -> None:
    """A standard stream that is a pipe has a name that leads to no path; nothing is fetched for it."""
    read, write = os.pipe()
    try:
        with pytest.raises(InvalidRequest, match="not a regular file"):
            fetched(face, then=save(f"/dev/fd/{write}"))
    finally:
        os.close(read)
        os.close(write)


def test_saves_through_links_and_keeps_permissions(face: Face, tmp_path: Path) -> None:
    """Saving over a link writes the file that it leads to, which keeps its permissions."""
    (real := tmp_path / "real.png").touch(mode=0o600)
    (link := tmp_path / "link.png").symlink_to(real)
    assert link == fetched(face, image(), then=save(link))
    assert (True, PNG, 0o600) == (link.is_symlink(), real.read_bytes(), real.stat().st_mode & 0o777)


def test_a_part_is_no_image(face: Face) -> None:
    """A partial answer is not taken for the whole."""
    for part in (None, "bytes 0-39/80", "bytes 1-40/41", "bytes 0-39/*", "pages 0-39/40"):
        headers = {"content-range": part} if part else None
        with pytest.raises(InvalidResponse, match="status 206, which is not the whole file; nothing was saved"):
            fetched(face, httpx2.Response(206, content=PNG, headers=headers))


@promises.WHOLE_FILES
@pytest.mark.parametrize("step", ["open", "replace"])
def test_saves_whole_or_not_at_all(face: Face, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """When the first or the last step fails, the old file stands and nothing lies beside it."""
    (target := tmp_path / "out.png").write_bytes(b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, step, full)
        with pytest.raises(OSError, match="No space"):
            fetched(face, image(), then=save(target))
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


def test_saved_file_has_the_usual_permissions(face: Face, tmp_path: Path) -> None:
    """A saved file may be read by whom the user's umask allows."""
    previous = os.umask(0o022)
    try:
        saved = fetched(face, image(), then=save(str(tmp_path / "out.png")))
    finally:
        os.umask(previous)
    assert (tmp_path / "out.png", 0o644) == (saved, saved.stat().st_mode & 0o777)


@pytest.mark.parametrize(
    ("result", "asked", "expected"),
    [
        ("https://cdn.test/a.png", {"output_format": "jpeg"}, "image/jpeg"),
        ({"type": "image/webp", "url": "https://cdn.test/a.png"}, {}, "image/webp"),
        ({"type": "image", "url": "https://cdn.test/a.png?x=.jpg"}, {}, "image/png"),
        ("https://cdn.test/a", {}, None),
        ("https://a\nb/c.png", {}, None),
    ],
)
def test_content_type_as_far_as_known(face: Face, result: Any, asked: Any, expected: str | None) -> None:
    """The media type is that of the asked format, else the task's word, else the URL's ending."""
    edit = face.call(Script([accepted(), task(result=[result])]), "edit", URL, "p", **asked)
    assert expected == edit.images[0].content_type
