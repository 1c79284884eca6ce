"""What may be handed in as an image, and what may not."""

from __future__ import annotations

import io
import os
import signal
import threading
import zlib
from pathlib import Path
from typing import Any

import httpx2
import pytest
from nano_banana_edit import InvalidRequest, InvalidResponse

from .. import promises
from ..document import LONGEST_PROMPT, MOST_IMAGES
from .conftest import PNG, URL, Face, Script, accepted, uploaded


class BadPath(os.PathLike[str]):
    """A path that gives no text."""

    def __fspath__(self) -> Any:
        return 3


class Broken:
    """Neither a path nor a file."""


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ("missing.png", "images 'missing.png' does not exist; check the path"),
        (Path("missing.png"), "does not exist"),
        (".", "is a folder; name a file in it"),
        ("a\0b", "does not exist"),
        ("x" * 5_000, "cannot be read"),
        ("ftp://host/a.png", "images is a URL with the scheme ftp; it must be an http or https URL, a path"),
        ("file:///etc/passwd", "images is a URL with the scheme file; it must"),
        ("~/a.png", "does not exist; '~' is not expanded"),
        ("photo.png\n", r"images 'photo.png\\n' does not exist"),
        ("photo.png\x1b[2J", r"images 'photo.png\\x1b\[2J' does not exist"),
        (
            b"<html>",
            r"images \(image\) is no image that this client knows: its first bytes are b'<html>'\. Convert it, or pass",
        ),
        ({URL}, "images is a set, which has no order; pass a list"),
        (b"", r"images \(image\) is an empty file"),
        (None, "images is None; it must be an http or https URL"),
        (3, "images is 3; it must be"),
        ({"url": URL}, "images is {'url': .*; it must be"),
        (Broken(), "images is <.*Broken.*>; it must be"),
        (io.StringIO("text"), "images is a file opened in text mode; open it with mode 'rb'"),
        ([URL, 3], r"images\[1\] is 3; it must be"),
        ((URL, b""), r"images\[1\] \(image\) is an empty file"),
        ([], "images has 0 items; the limit is "),
        ([URL] * (MOST_IMAGES + 1), f"images has {MOST_IMAGES + 1} items"),
        ([PNG] * (MOST_IMAGES + 1), f"images has {MOST_IMAGES + 1} items"),
        ("https://", "images is 'https://', a URL without a host"),
        ("https:///a.png", "images is 'https:///a.png', a URL without a host"),
        (BadPath(), "images .* cannot be read"),
        ("http://\ud800", "images.0. has a lone surrogate; it must be Unicode text"),
    ],
)
def test_refuses_what_is_no_image(face: Face, image: Any, message: str) -> None:
    """What is no image is refused with the place, the value and the remedy, before anything is sent."""
    script = Script([])
    with pytest.raises(InvalidRequest, match=message) as refusal:
        face.call(script, "edit", image, "p")
    assert refusal.value.field.startswith("image")
    assert [] == script.requests
    if isinstance(image, str | int):
        assert (None if image == "x" * 5_000 else image) == refusal.value.value


@promises.CHECKED_FIRST
def test_refuses_before_uploading(face: Face, tmp_path: Path) -> None:
    """One bad argument among good ones is found before the first upload."""
    (tmp_path / "empty.png").touch()
    for arguments in (
        [[PNG, "missing"], "p"],
        [[PNG, tmp_path / "empty.png"], "p"],
        [PNG, ""],
        [[PNG, URL], "p" * (LONGEST_PROMPT + 1)],
    ):
        script = Script([])
        with pytest.raises(InvalidRequest):
            face.call(script, "edit", *arguments)
        assert [] == script.requests


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_refuses_what_it_may_not_read(face: Face, tmp_path: Path) -> None:  # pragma: no cover - depends on the user
    """A file without permission to read it is refused with the system's reason."""
    (path := tmp_path / "a.png").write_bytes(PNG)
    path.chmod(0)
    with pytest.raises(InvalidRequest, match="cannot be read"):
        face.call(Script([]), "edit", path, "p")


@pytest.mark.parametrize("url", ["http://a.test/x", "https://a.test/x", "HTTPS://a.test/x", "https://a.test/ü%20?q#f"])
def test_urls_are_sent_as_they_are(face: Face, url: str) -> None:
    """An http or https URL is not looked at any further."""
    script = Script([accepted()])
    face.call(script, "submit", url, "p")
    assert url in script.requests[0].content.decode()


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.png", PNG, ("a.png", "image/png")),
        ("wrong.png", b"\xff\xd8\xff\xe0", ("wrong.png", "image/jpeg")),
        ("a.webp", b"RIFF1234WEBPVP8 ", ("a.webp", "image/webp")),
        ("a.gif", b"GIF89a", ("a.gif", "image/gif")),
        ("a.unknown", PNG, ("a.unknown", "image/png")),
        ("snow ❄.png", PNG, ("snow ❄.png", "image/png")),
        ('a"b.png', PNG, ("a%22b.png", "image/png")),
    ],
)
def test_uploads_say_what_they_are(face: Face, tmp_path: Path, name: str, content: bytes, expected: Any) -> None:
    """An upload carries the file's name, and the type that its first bytes show, whatever the name's ending says."""
    (tmp_path / name).write_bytes(content)
    script = Script([uploaded()])
    face.call(script, "upload", tmp_path / name)
    head = script.requests[0].content.partition(b"\r\n\r\n")[0].decode()
    file_name, content_type = expected
    assert f'name="file"; filename="{file_name}"' in head
    assert head.endswith(f"Content-Type: {content_type}")


def test_names_with_colon_and_comma_are_paths(face: Face, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path that begins as a URL does, without its slashes, is a path."""
    monkeypatch.chdir(tmp_path)
    for name in ("photo: a, b.png", "data: a.png", "https: a.png"):
        Path(name).write_bytes(PNG)
        assert face.call(Script([uploaded()]), "upload", name).url


def test_names_that_are_no_text_can_be_sent(face: Face, tmp_path: Path) -> None:
    """A file name that is no Unicode text does not stop the upload."""
    path = tmp_path / os.fsdecode(b"\xff.png")
    path.write_bytes(PNG)
    assert face.call(Script([uploaded()]), "upload", path).url


def test_names_that_are_no_text_can_be_edited(face: Face, tmp_path: Path) -> None:
    """A file name that is no Unicode text does not stop the edit."""
    (path := tmp_path / os.fsdecode(b"\xff.png")).write_bytes(PNG)
    assert face.call(Script([uploaded(), accepted()]), "submit", path, "p").task_id


def test_refuses_files_that_cannot_be_read(face: Face, tmp_path: Path) -> None:
    """A text file, a closed file, one opened for writing and one that fails to read are refused, and not sent."""
    (path := tmp_path / "a.png").write_bytes(PNG)
    with path.open() as text, (tmp_path / "b.png").open("wb") as writing:
        closed = io.BytesIO(PNG)
        closed.close()
        for file in (text, writing, closed, "/proc/self/mem"):
            problem = "text mode" if file is text else "cannot be read"
            with pytest.raises(InvalidRequest, match=rf"^images .*{problem}") as refusal:
                face.call(Script([]), "submit", file, "p")
            assert ("mem" if file == "/proc/self/mem" else None) == refusal.value.value


@pytest.mark.parametrize("error", [EOFError("ended early"), zlib.error("bad"), RuntimeError("strange")], ids=repr)
def test_refuses_objects_that_fail_to_read(face: Face, error: Exception) -> None:
    """Whatever an object that is handed in for a file raises when it is read is a refusal that names the image."""

    class Failing(io.BytesIO):
        def read(self, *_size: Any) -> bytes:
            raise error

    with pytest.raises(InvalidRequest, match=rf"^images\[1\] is a file that cannot be read \({error}\)") as refusal:
        face.call(Script([]), "submit", [URL, Failing()], "p")
    assert error is refusal.value.__cause__


def test_upload_must_answer_with_a_url_that_can_be_sent(face: Face) -> None:
    """An upload's URL that is no text is the service's fault, and nothing is submitted."""
    script = Script([httpx2.Response(200, content=b'{"url": "https://f/\\ud800"}')])
    with pytest.raises(InvalidResponse, match="uploaded file"):
        face.call(script, "submit", PNG, "p")


@pytest.mark.parametrize(
    ("name", "sent"), [("a/photo.png", "photo.png"), (3, "image"), (None, "image"), (b"a.png", "image"), ("", "image")]
)
def test_files_are_read_from_where_they_stand(face: Face, name: Any, sent: str) -> None:
    """A binary file is read from its position; its name is used if it has one, and is text."""
    file = io.BytesIO(b"skipped" + PNG)
    file.seek(7)
    file.name = name
    script = Script([uploaded()])
    face.call(script, "upload", file)
    assert b"skipped" not in script.requests[0].content
    assert PNG in script.requests[0].content
    assert f'filename="{sent}"'.encode() in script.requests[0].content


def test_boundary_is_not_in_the_file(face: Face) -> None:
    """A file that holds the boundary of earlier generators arrives whole."""
    content = PNG + b"\r\n--+++\r\n--+++--\r\n"
    script = Script([uploaded()])
    face.call(script, "upload", content)
    boundary = script.requests[0].headers["content-type"].partition("boundary=")[2].encode()
    assert content == script.requests[0].content.split(b"\r\n\r\n", 1)[1].removesuffix(b"\r\n--" + boundary + b"--\r\n")


class Noted(os.PathLike[str]):
    """A path that notes in which thread it is looked at."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.threads: set[threading.Thread] = set()

    def __fspath__(self) -> str:
        self.threads.add(threading.current_thread())
        return str(self.path)


@pytest.mark.parametrize("kind", ["asyncio", "trio"])
def test_files_do_not_hold_the_event_loop(kind: str, tmp_path: Path) -> None:
    """The async client looks at files in threads, so that a slow disk does not stop everything else."""
    (path := tmp_path / "in.png").write_bytes(PNG)
    noted = Noted(path)
    Face(kind).call(Script([uploaded(), accepted()]), "submit", noted, "p")
    assert noted.threads
    assert threading.current_thread() not in noted.threads


@promises.STOPPED
@pytest.mark.parametrize("kind", ["sync", "asyncio", "trio"])
def test_an_interrupt_while_uploading_comes_as_it_is(kind: str) -> None:
    """Ctrl-C during uploads side by side is one KeyboardInterrupt, in no group, and no further upload begins."""
    asked = []

    def interrupt(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        if len(asked) == 1:
            signal.raise_signal(signal.SIGINT)
        threading.Event().wait(0.05)  # no server is so quick that all could be sent before the first is known to fail
        return uploaded()

    with pytest.raises(KeyboardInterrupt):
        Face(kind).call(interrupt, "submit", [PNG] * 9, "p")
    assert len(asked) < 9
