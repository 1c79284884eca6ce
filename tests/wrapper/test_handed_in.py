"""The forms in which people hand in images, and what each becomes."""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import io
import json
import os
import tempfile
import threading
import urllib.parse
import warnings
import zipfile
from collections import deque
from collections.abc import Callable, Iterator
from itertools import repeat
from pathlib import Path
from typing import Any

import anyio
import httpx
import httpx2
import PIL.Image
import pydantic
import pytest
import starlette.datastructures
import werkzeug.datastructures
import yarl
from nano_banana_edit import InvalidRequest, WaitTimeout

from .. import promises
from ..document import MOST_IMAGES
from .conftest import JPEG, PNG, URL, Face, Script, accepted, save, task, uploaded

SVG = b"<svg xmlns='http://www.w3.org/2000/svg'/>"
DATA = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"


def submitted(face: Face, images: Any) -> tuple[list[str], int]:
    """Return the URLs of the submission, and the number of uploads before it."""
    script = Script([lambda request: uploaded() if "upload" in request.url.path else accepted()] * 12)
    face.call(script, "submit", images, "p")
    return json.loads(script.requests[-1].content)["image_urls"], len(script.requests) - 1


def upload(face: Face, image: Any) -> tuple[str, str, bytes]:
    """Return name, media type and content of an upload."""
    script = Script([uploaded()])
    face.call(script, "upload", image)
    head, content = script.requests[0].content.split(b"\r\n\r\n", 1)
    name = head.partition(b'filename="')[2].partition(b'"')[0].decode()
    return name, head.rpartition(b"Content-Type: ")[2].decode(), content.rpartition(b"\r\n--")[0]


def refusal(face: Face, image: Any) -> str:
    """Return why an image is refused, when nothing was sent."""
    with pytest.raises(InvalidRequest) as refused:
        face.call(Script([]), "submit", image, "p")
    return str(refused.value)


@promises.NAMED_FILE
@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (("photo.png", PNG), ("photo.png", "image/png", PNG)),
        (("photo.png", JPEG), ("photo.png", "image/jpeg", JPEG)),
        (("a/photo.png", bytearray(PNG)), ("photo.png", "image/png", PNG)),
        (("photo.png", io.BytesIO(PNG)), ("photo.png", "image/png", PNG)),
        ((None, memoryview(PNG)), ("image", "image/png", PNG)),
        (("", PNG), ("image", "image/png", PNG)),
        (("photo.png", PNG, None), ("photo.png", "image/png", PNG)),
        (("photo.svg", SVG, "image/svg+xml"), ("photo.svg", "image/svg+xml", SVG)),
        ((Path("a/photo.png"), PNG), ("photo.png", "image/png", PNG)),
        ((None, JPEG, "image/x-own; version=2"), ("image", "image/x-own; version=2", JPEG)),
    ],
)
def test_a_tuple_of_name_and_content_is_one_image(face: Face, image: Any, expected: Any, tmp_path: Path) -> None:
    """A tuple of name, content and perhaps media type is one file, as in httpx and requests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        Path("photo.png").write_bytes(JPEG)
        assert expected == upload(face, image)
        assert 1 == submitted(face, image)[1] == submitted(face, [image])[1]
        assert 2 == submitted(face, [image, image])[1] == submitted(face, (image, image))[1]


def test_other_tuples_are_many_images(face: Face, tmp_path: Path) -> None:
    """A tuple of URLs and paths, or one that begins with a URL or with content, is many images; so is a list."""
    (path := tmp_path / "a.png").write_bytes(PNG)
    assert ([URL] * 3, 0) == submitted(face, (URL, URL, URL))
    for images in ((str(path), str(path)), (str(path), path), (PNG, PNG), [str(path), PNG], (io.BytesIO(PNG), PNG)):
        assert 2 == submitted(face, images)[1]
    assert 1 == submitted(face, (URL, PNG))[1]


@promises.CHECKED_FIRST
@pytest.mark.parametrize(
    ("image", "message"),
    [
        (
            ("a.png", PNG, PNG),
            "images has the media type 40 bytes; it must be such as 'image/png'. Pass many images as a",
        ),
        (("a.png", PNG, "a.png"), "images has the media type 'a.png'"),
        (("a.png", PNG, "image/png\r\nX: y"), r"images has the media type 'image/png\r\nX: y'"),
        (("a.png", b"", "image/png"), "images (a.png) is an empty file"),
        (("a.png", SVG), "images (a.png) is no image that this client knows: its first bytes are b\"<svg xmlns='http"),
        ([("a.png", 3)], "images[0] is ('a.png', 3); it must be"),
        ([[URL]], "images[0] is ['https://"),
    ],
)
def test_other_tuples_are_refused(face: Face, image: Any, message: str) -> None:
    """A media type that is none, and an item that is neither one image nor a URL, are refused."""
    assert refusal(face, image).startswith(message)


@pytest.mark.parametrize(
    "url",
    [
        httpx2.URL(URL),
        httpx.URL(URL),
        yarl.URL(URL),
        pydantic.HttpUrl(URL),
        pydantic.AnyUrl(URL),
        starlette.datastructures.URL(URL),
        urllib.parse.urlparse(URL),
        urllib.parse.urlsplit(URL),
        *(
            text % URL
            for text in ("%s\n", "%s ", " %s", "\t%s\r\n", "\ufeff%s", "\xa0%s\u2003", "\u200b%s\u2060", "\0%s")
        ),
    ],
    ids=repr,
)
def test_urls_in_every_form_are_one_url(face: Face, url: Any) -> None:
    """URL objects are sent as their text, and blanks around a URL, as in a line of a file, are not sent."""
    assert ([URL], 0) == submitted(face, url) == submitted(face, [url]) == submitted(face, (url,))


@promises.CHECKED_FIRST
@pytest.mark.parametrize(
    "blank", [" ", "\n", "\t", "\x00", "\x7f", "\x85", "\xa0", "\u2003", "\u2028", "\u200b", "\u3000"]
)
def test_blanks_inside_a_url_are_refused(face: Face, blank: str) -> None:
    """A URL with a blank in it is refused before anything is sent; two URLs in one text are such a URL."""
    for url in (f"https://exa{blank}mple.test/a.png", f"{URL}{blank}{URL}", [f"https://a.test/a{blank}b.png"]):
        assert "a URL with a blank in it; write it as %20, or remove it." in refusal(face, url)


@promises.CHECKED_FIRST
@pytest.mark.parametrize(
    ("url", "problem"),
    [
        *(
            (f"https://{rest}", "a URL without a host.")
            for rest in ("", "/a.png", "?a", "#a", ":80/a.png", "user@/a.png")
        ),
        *((f"https://{rest}/a.png", "no valid URL (") for rest in ("[::1", "a.test:x", "a.test:99999", "[::z]")),
    ],
)
def test_urls_that_are_none_are_refused(face: Face, url: str, problem: str) -> None:
    """A URL without a host, or with a host or port that cannot be, is refused before anything is sent."""
    assert f"images[1] is {url!r}, {problem}" in refusal(face, [URL, url])


@pytest.mark.parametrize(
    "url", [pydantic.AnyUrl("ftp://a.test/x"), urllib.parse.urlparse("file:///etc/passwd")], ids=str
)
def test_other_url_objects_are_refused(face: Face, url: Any) -> None:
    """A URL object of another scheme is refused as its text is, and one without a scheme as no image."""
    assert f"images is a URL with the scheme {url.scheme}; it must be" in refusal(face, url)
    assert "images is ParseResult(" in refusal(face, urllib.parse.urlparse("a.png"))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (DATA, ("image.png", "image/png", PNG)),
        (f" {DATA}\n", ("image.png", "image/png", PNG)),
        (f"data:;base64,{base64.urlsafe_b64encode(JPEG).decode()}", ("image.jpg", "image/jpeg", JPEG)),
        (DATA.rstrip("="), ("image.png", "image/png", PNG)),
        (DATA[:60] + "\n" + DATA[60:], ("image.png", "image/png", PNG)),
        (DATA.replace("=", "%3D"), ("image.png", "image/png", PNG)),
        (DATA.replace("data:image/png", "DATA:"), ("image.png", "image/png", PNG)),
        (f"data:,{urllib.parse.quote(PNG)}", ("image.png", "image/png", PNG)),
        (f"data:image/jpg;name=a.jpg;base64,{base64.b64encode(JPEG).decode()}", ("image.jpg", "image/jpeg", JPEG)),
        ("data:image/svg+xml;utf8,%3Csvg/>", ("image.svg", "image/svg+xml", b"<svg/>")),
        (f"data:image/png,{urllib.parse.quote(JPEG)}", ("image.jpg", "image/jpeg", JPEG)),
        (f"data:image/x-own,{urllib.parse.quote(PNG)}", ("image", "image/x-own", PNG)),
    ],
)
def test_data_urls_are_their_content(face: Face, url: str, expected: Any) -> None:
    """A data: URL is uploaded as its content, in base64 or percent-encoded, with its own media type."""
    assert expected == upload(face, url)
    assert 1 == submitted(face, [URL, url])[1]


@promises.CHECKED_FIRST
@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("data:image/png;base64,iVBORw0K*", "is a data: URL whose base64 is damaged"),
        ("data:image/png;base64,iVBOR", "is a data: URL whose base64 is damaged"),
        ("data:image/png;base64,", "is an empty file"),
        ("data:text/plain,hello", "is a data: URL of type 'text/plain'; it must be that of an image"),
        ("data://image/png;base64,AAAA", "is a data: URL of type"),
        ("data:,hello", "is no image that this client knows: its first bytes are b'hello'"),
        ("data:image/png,hello", "is no image that this client knows: its first bytes are b'hello'"),
    ],
)
def test_damaged_data_urls_are_refused(face: Face, url: str, message: str) -> None:
    """A data: URL that is damaged, or that names another kind of content, is refused, and not shown."""
    assert message in refusal(face, url)
    assert len(refusal(face, f"data:image/png;base64,{'iVBORw0KGgo' * 9_999}*")) < 200


class Duck:
    """What reads as a file, and is none."""

    def __init__(self, content: Any) -> None:
        self._content = content

    def read(self) -> Any:
        return self._content


def zipped() -> Any:
    archive = zipfile.ZipFile(io.BytesIO(), "w")
    archive.writestr("a.png", PNG)
    return archive.open("a.png")


@pytest.fixture
def spooled() -> Iterator[Any]:
    with tempfile.SpooledTemporaryFile() as file:
        file.write(PNG)
        yield file


@pytest.mark.parametrize(
    "make",
    [
        lambda: io.BytesIO(PNG),
        lambda: io.BufferedReader(io.BytesIO(PNG)),  # type: ignore[type-var]
        lambda: gzip.GzipFile(fileobj=io.BytesIO(gzip.compress(PNG))),
        zipped,
        lambda: Duck(PNG),
        lambda: Duck(bytearray(PNG)),
        lambda: httpx2.Response(200, content=PNG),
        lambda: werkzeug.datastructures.FileStorage(io.BytesIO(PNG)),
    ],
)
def test_files_of_every_kind_are_read(face: Face, make: Callable[[], Any], spooled: Any) -> None:
    """Whatever reads bytes is a file."""
    assert PNG == upload(face, make())[2] == upload(face, spooled)[2]


@promises.WHOLE_UPLOADS
@pytest.mark.parametrize("position", [0, 1, 8, len(PNG) - 1, len(PNG), 99])
def test_a_file_that_was_read_before_is_sent_whole(face: Face, position: int) -> None:
    """A file that was read or written before is sent whole, and so it is by the next call."""
    file = io.BytesIO(PNG)
    file.seek(position)
    assert PNG == upload(face, file)[2] == upload(face, file)[2]
    other = io.BytesIO(SVG)
    other.seek(position)
    assert SVG == upload(face, ("a.svg", other, "image/svg+xml"))[2]


class AsyncFile(starlette.datastructures.UploadFile):
    """An async file whose every method is async, as in aiofiles."""

    async def seekable(self) -> bool:
        return True


@pytest.mark.parametrize("make", [starlette.datastructures.UploadFile, AsyncFile, anyio.wrap_file])
def test_async_files_are_refused(face: Face, make: Callable[..., Any]) -> None:
    """An async file is refused with its own remedy, and leaves no coroutine behind."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "images is an async file; pass the bytes that `await file.read()` returns." == refusal(
            face, make(io.BytesIO(PNG))
        )
        assert refusal(face, ("a.png", make(io.BytesIO(PNG)))).startswith("images is an async file")
        coroutine = make(io.BytesIO(PNG)).read()
        assert refusal(face, coroutine).endswith("; await it first.")


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (Duck(None), "images is a file that reads None; it must read bytes."),
        (Duck("text"), "images is a file opened in text mode"),
        (
            type("Array", (), {"ndim": 3, "__iter__": lambda _: repeat(0)})(),
            "images is an array; pass PIL.Image.fromarr",
        ),
        (type("Later", (), {"__aiter__": repeat})(), "images is <"),
    ],
)
def test_others_are_refused_with_their_remedy(face: Face, image: Any, message: str) -> None:
    """What gives no bytes is refused, with what to do instead."""
    assert refusal(face, image).startswith(message)


def test_pil_images_are_sent_as_png(face: Face) -> None:
    """A PIL image is sent as PNG, with how it is turned; one that PNG has no mode for is refused with the remedy."""
    picture = PIL.Image.new("RGB", (2, 3), "red")
    turned = picture.getexif()
    turned[274] = 6
    name, kind, content = upload(face, picture)
    assert ("image.png", "image/png") == (name, kind)
    with PIL.Image.open(io.BytesIO(content)) as copy:
        assert ((2, 3), (255, 0, 0), 6) == (copy.size, copy.getpixel((0, 0)), copy.getexif()[274])
    assert 1 == submitted(face, picture)[1]
    problem = refusal(face, [picture.convert("CMYK")])
    assert "images[0] is an image that cannot be written as PNG" in problem
    assert "pass image.convert('RGB')" in problem


def test_iterables_are_many_images(face: Face, tmp_path: Path) -> None:
    """A generator, an iterator, a view of a dictionary or a deque is read once, in its order, off the event loop."""
    urls = [f"{URL}?{number}" for number in range(3)]
    for images in (iter(urls), (url for url in urls), deque(urls), dict.fromkeys(urls), dict(enumerate(urls))):
        many = (
            images.keys() if images == dict.fromkeys(urls) else images.values() if isinstance(images, dict) else images
        )
        assert (urls, 0) == submitted(face, many)
    (tmp_path / "a.png").write_bytes(PNG)
    assert 1 == submitted(face, tmp_path.glob("*.png"))[1]
    assert f"images has 1000 items; the limit is 1 to {MOST_IMAGES}" in refusal(face, repeat(URL))


def test_an_exception_of_an_iterator_comes_as_it_is(face: Face) -> None:
    """What a generator of the caller's raises is the caller's."""

    def images() -> Iterator[str]:
        yield URL
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        face.call(Script([]), "submit", images(), "p")


def test_pipes_are_read(face: Face, tmp_path: Path) -> None:
    """A pipe, such as /dev/stdin or a process substitution, is read once and whole; a device is refused."""
    read, write = os.pipe()
    os.write(write, PNG)
    os.close(write)
    assert PNG == upload(face, f"/dev/fd/{read}")[2]
    os.close(read)
    os.mkfifo(fifo := tmp_path / "in.png")
    threading.Thread(target=fifo.write_bytes, args=(PNG * 9_999,), daemon=True).start()
    assert ("in.png", "image/png", PNG * 9_999) == upload(face, fifo)
    assert "images (null) is an empty file" in refusal(face, "/dev/null")
    assert r"images (zero) is no image that this client knows: its first bytes are b'\x00" in refusal(face, "/dev/zero")


@pytest.mark.parametrize("text", ["iVBORw0KGgo" + "A" * 300_000, "a/" * 20_000, "https://a.test/ " + "a" * 300_000])
def test_messages_do_not_repeat_a_long_text(face: Face, text: str) -> None:
    """A long text, such as an image in base64, is cut in the message."""
    assert len(refusal(face, text)) < 400
    with pytest.raises(InvalidRequest) as refused:
        face.call(Script([]), "upload", text)
    assert len(str(refused.value)) < 400
    with pytest.raises(InvalidRequest, match=r"^path ") as refused:
        face.call(Script([accepted(), task()]), "edit", URL, "p", then=save(text))
    assert len(str(refused.value)) < 400


def test_options_that_are_none_are_not_given(face: Face) -> None:
    """An option that is None is not sent, and none has an effect."""
    script = Script([accepted(), task()])
    none = dict.fromkeys(("image_size", "output_format", "extra_body", "on_progress", "stop_on"))
    assert "t-1" == face.call(script, "edit", URL, "p", **none).task_id
    assert b"output_format" not in script.requests[0].content
    assert b'"image_size":"1:1"' in script.requests[0].content.replace(b" ", b"")


@pytest.mark.parametrize(
    ("timeout", "seconds"), [(dt.timedelta(seconds=90), 90), (dt.timedelta(milliseconds=500), 0.5)]
)
def test_a_timeout_may_be_a_timedelta(face: Face, timeout: dt.timedelta, seconds: float) -> None:
    """The timeout of a call may be a timedelta."""
    with pytest.raises(WaitTimeout, match=f"after {seconds:g} s"):
        face.call(Script([task("pending")] * 99), "wait", "t-1", timeout=timeout)
