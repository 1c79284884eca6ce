"""Results as PIL images, and as a notebook shows them."""

from __future__ import annotations

import io
import pickle
import subprocess
import sys
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import PIL.Image
import pytest
from nano_banana_edit import AsyncNanoBananaEdit, FormatWarning, InvalidResponse, NanoBananaEdit
from nano_banana_edit_mock import MockService, mock_router

from .. import promises
from .conftest import TOKEN, URL, Face, Script, accepted, image, task

OUT = "https://cdn.example.test/out.png"


def drawn(kind: str = "PNG", size: tuple[int, int] = (3, 2)) -> bytes:
    content = io.BytesIO()
    PIL.Image.new("RGB", size, "red").save(content, kind)
    return content.getvalue()


def show(value: Any) -> dict[str, Any]:
    """Return what a notebook gets of a value, called as IPython calls it."""
    return value._repr_mimebundle_(include=None, exclude=None)


def test_a_pil_image_is_loaded_and_knows_its_format(face: Face) -> None:
    """`pil` returns the pixels, with the format of the file."""
    script = Script([accepted(), task(), image(drawn("JPEG"))])
    found = face.call(script, "edit", URL, "p", then=lambda edit: edit.images[0].pil())
    assert ("JPEG", (3, 2), "RGB") == (found.format, found.size, found.mode)
    assert pickle.loads(pickle.dumps(found)).getpixel((0, 0))[0] > 250


def test_pil_warns_and_refuses_as_bytes_does(face: Face) -> None:
    """A result of another format warns the line that asked for it, and is refused if strict."""
    answers = [accepted(), task(), image(drawn("JPEG"))]
    with pytest.warns(FormatWarning, match="bytes are image/jpeg") as warned:
        face.call(Script(list(answers)), "edit", URL, "p", output_format="png", then=lambda edit: edit.images[0].pil())
    if face.kind == "sync":
        assert __file__ == warned[0].filename
    with pytest.raises(InvalidResponse, match="as strict is set"):
        face.call(
            Script(answers), "edit", URL, "p", output_format="png", then=lambda edit: edit.images[0].pil(strict=True)
        )


def fails(monkeypatch: pytest.MonkeyPatch) -> bytes:
    return drawn("PNG", (60, 60))[:80]


def bombs(monkeypatch: pytest.MonkeyPatch) -> bytes:
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 2)
    return drawn()


def warns(monkeypatch: pytest.MonkeyPatch) -> bytes:
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 4)
    return drawn()


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (fails, "truncated"),
        (bombs, "exceeds limit of 4 pixels.*; set PIL.Image.MAX_IMAGE_PIXELS"),
        (warns, "exceeds limit of 4 pixels.*; set PIL.Image.MAX_IMAGE_PIXELS"),
    ],
)
def test_what_pillow_cannot_open(
    face: Face, monkeypatch: pytest.MonkeyPatch, made: Callable[..., bytes], reason: str
) -> None:
    """What Pillow raises, for a bomb too, is an error of ours, with the task and another way to the result."""
    script = Script([accepted(), task(), image(made(monkeypatch))])
    with pytest.raises(InvalidResponse, match=rf"Pillow cannot open the result: .*{reason}.*Call save.*\(task t-1\)"):
        face.call(script, "edit", URL, "p", then=lambda edit: edit.images[0].pil())


def test_a_handler_of_the_caller_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a signal handler raises while Pillow reads is no fault of the image."""

    def handler(signum: int, frame: Any) -> None:
        raise TimeoutError("the caller's")

    def read(*args: Any, **_: object) -> None:
        handler(14, sys._getframe())

    monkeypatch.setattr(PIL.Image, "open", read)
    with pytest.raises(TimeoutError, match="the caller's"):
        Face("sync").call(
            Script([accepted(), task(), image()]), "edit", URL, "p", then=lambda edit: edit.images[0].pil()
        )


def test_pil_without_pillow_says_what_it_needs() -> None:
    """Without Pillow `pil` names the extra, before it fetches anything."""
    code = """
import sys
sys.modules["PIL"] = None
import httpx2
from nano_banana_edit import *  # of which no name needs an extra
http = httpx2.Client(transport=httpx2.MockTransport(lambda request: httpx2.Response(
    200, json={"id": "t", "status": "completed", "result": ["https://cdn.test/a.png"]})))
NanoBananaEdit(token="t", http_client=http).wait("t").images[0].pil()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.endswith("ModuleNotFoundError: pil needs PIL: pip install 'nano-banana-edit[images]'\n")


def test_a_notebook_shows_a_result_and_fetches_it_once() -> None:
    """Edit and image are shown under their media type; later calls of the same image take what is shown."""
    content = drawn()
    script = Script([accepted(), task(), image(content)])

    def then(edit: Any) -> Any:
        assert content == b64decode(show(edit)["image/png"]) == b64decode(show(edit.images[0])["image/png"])
        assert repr(edit) == show(edit)["text/plain"]
        assert {"text/plain", "image/png"} == set(show(edit))
        assert "image/png" == edit.images[0].media_type
        assert content == edit.images[0].bytes()
        assert (3, 2) == edit.images[0].pil().size
        assert content not in pickle.dumps(edit)
        return edit

    Face("sync").call(script, "edit", URL, "p", output_format="png", then=then)
    assert 3 == len(script.requests)


def test_what_is_shown_is_checked_again_if_strict() -> None:
    """A shown result of another format has a note in place of a warning; strict still refuses it."""
    script = Script([accepted(), task(), image(drawn("JPEG")), image(drawn("JPEG"))])

    def then(edit: Any) -> None:
        bundle = show(edit)
        assert "image/jpeg" in bundle
        assert bundle["text/plain"].endswith("\nThe result should be image/png, but its bytes are image/jpeg.")
        with pytest.raises(InvalidResponse, match="as strict is set"):
            edit.images[0].bytes(strict=True)

    Face("sync").call(script, "edit", URL, "p", output_format="png", then=then)


def test_a_notebook_shows_why_there_is_no_image() -> None:
    """A failed fetch is a text, and the next display tries again."""
    script = Script([accepted(), task(), httpx2.Response(410), image()])

    def then(edit: Any) -> None:
        assert {"text/plain"} == set(bundle := show(edit.images[0]))
        assert "It cannot be shown: " in bundle["text/plain"]
        assert "410" in bundle["text/plain"]
        assert TOKEN not in bundle["text/plain"]
        assert "image/png" in show(edit)

    Face("sync").call(script, "edit", URL, "p", then=then)


def test_a_notebook_shows_several_results_beside_each_other() -> None:
    """Several images are one HTML text; one that cannot be shown leaves its reason there, escaped."""
    answers = [accepted(), task(result=[OUT] * 4), image(drawn()), image(drawn()), image(drawn("JPEG"))]
    script = Script([*answers, httpx2.Response(404, json={"message": "<gone>"}), *[httpx2.Response(410)] * 9])
    bundle = Face("sync").call(script, "edit", URL, "p", then=show)
    assert {"text/plain", "text/html"} == set(bundle)
    assert ["image/png", "image/png", "image/jpeg"] == [
        part.partition(";")[0] for part in bundle["text/html"].split("data:")[1:]
    ]
    assert "<pre>It cannot be shown: " in bundle["text/html"]
    assert "&#x27;" in bundle["text/html"]


def test_a_result_of_an_unknown_format_is_a_text() -> None:
    """A notebook is given no image whose kind nobody knows."""
    unknown = httpx2.Response(200, content=b"\x00\x01" * 20, headers={"Content-Type": "image/new"})
    bundle = Face("sync").call(Script([accepted(), task(), unknown]), "edit", URL, "p", then=show)
    assert {"text/plain"} == set(bundle)


@pytest.mark.parametrize("kind", ["asyncio", "trio"])
def test_an_async_result_says_how_it_is_seen(kind: str) -> None:
    """Nothing is fetched to show an async result, as that would hold up the loop."""

    async def then(edit: Any) -> None:
        for value in (edit, edit.images[0]):
            assert {"text/plain": f"{value!r}\nTo see it, run: await image.pil()"} == show(value)

    Face(kind).call(Script([accepted(), task()]), "edit", URL, "p", then=then)


@promises.PAID_FOR
def test_a_result_outlives_its_client(tmp_path: Path) -> None:
    """A client that was closed, as at the end of `with`, has results that can be shown, fetched and saved."""
    with mock_router(MockService()), NanoBananaEdit(token=TOKEN) as client:
        edit = client.edit(URL, "p", output_format="png")
        client.close()
        assert "image/png" in show(edit)
        assert edit.images[0].save(tmp_path / "a.png").read_bytes() == edit.images[0].bytes()


@promises.PAID_FOR
@pytest.mark.parametrize("kind", ["asyncio", "trio"])
def test_an_async_result_outlives_its_client(kind: str) -> None:
    """The same holds for the twin."""
    import anyio

    async def run() -> None:
        async with AsyncNanoBananaEdit(token=TOKEN) as client:
            edit = await client.edit(URL, "p")
        assert "PNG" == (await edit.images[0].pil()).format

    with mock_router(MockService()):
        anyio.run(run, backend=kind)


def test_a_result_does_not_leave_the_http_client_of_its_caller() -> None:
    """The connections of the caller's own http_client may go through a proxy; when it is closed, none are made."""
    client = httpx2.Client(transport=httpx2.MockTransport(Script([accepted(), task()])))
    edit = NanoBananaEdit(token=TOKEN, http_client=client).edit(URL, "p")
    client.close()
    assert "client is closed" in show(edit)["text/plain"]
