"""A result of another format than asked is paid for all the same: it is given, and the caller is told."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import httpx2
import pytest
from nano_banana_edit import FormatWarning, InvalidResponse, SubmissionUnknown

from .. import promises
from .conftest import JPEG, PNG, URL, Face, Script, accepted, image, task

NEW = b"\x00\x01NEWFORMAT\xff\xfe" + bytes(32)
SVG = b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>"
CUT = "\u00e9".encode() * 400  # the 512th byte is within no character, but for the first byte before it


def edited(face: Face, *answers: Any, then: Any, **how: Any) -> Any:
    script = Script([accepted(), task(result=["https://cdn.test/a"]), *answers])
    return face.call(script, "edit", URL, "p", then=then, **how)


def told(face: Face, answer: httpx2.Response, output_format: str | None = "png", **how: Any) -> tuple[bytes, str]:
    """Return what was fetched, and the warning."""
    asked = {"output_format": output_format} if output_format else {}
    with pytest.warns(FormatWarning) as said:
        content = edited(face, answer, then=lambda edit: edit.images[0].bytes(**how), **asked)
    return content, str(said[0].message)


@promises.PAID_FOR
@pytest.mark.parametrize(
    ("content", "found"),
    [(JPEG, "image/jpeg"), (b"RIFF....WEBPVP8 " + bytes(20), "image/webp"), (b"GIF89a", "image/gif")],
)
def test_another_format_is_given_with_a_warning(
    face: Face, caplog: pytest.LogCaptureFixture, content: bytes, found: str
) -> None:
    """An image of another format comes whole; warning and log name both formats."""
    given, warning = told(face, image(content))
    assert (content, f"The result should be image/png, but its bytes are {found}.") == (given, warning)
    assert [f"task t-1: {warning[:-1]}"] == [
        each.getMessage() for each in caplog.records if each.levelname == "WARNING"
    ]


@promises.PAID_FOR
def test_another_format_is_saved_under_the_asked_path(face: Face, tmp_path: Path) -> None:
    """It is saved as it is under the name that was asked for, even if warnings are errors."""
    with pytest.warns(FormatWarning):
        saved = edited(
            face, image(JPEG), then=lambda edit: edit.images[0].save(tmp_path / "a.png"), output_format="png"
        )
    assert (tmp_path / "a.png", JPEG) == (saved, saved.read_bytes())
    with warnings.catch_warnings(action="error"), pytest.raises(FormatWarning):
        edited(face, image(JPEG), then=lambda edit: edit.images[0].save(tmp_path / "b.png"), output_format="png")
    assert JPEG == (tmp_path / "b.png").read_bytes()


def test_the_warning_names_the_callers_line(tmp_path: Path) -> None:
    """The warning points at the line that fetches."""
    for method in (lambda image: image.bytes(), lambda image: image.save(tmp_path / "a.png")):
        with pytest.warns(FormatWarning) as said:
            edited(
                Face("sync"), image(JPEG), then=lambda edit, method=method: method(edit.images[0]), output_format="png"
            )
        assert __file__ == said[0].filename


@pytest.mark.parametrize("then", [lambda image: image.bytes(), lambda image: image.save("out.png")])
def test_tells_what_it_is(face: Face, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, then: Any) -> None:
    """Once it is fetched an image knows its real type, beside the one that was expected."""
    monkeypatch.chdir(tmp_path)
    images = []

    def look(edit: Any) -> Any:
        images.append(edit.images[0])
        assert images[0].media_type is None
        return then(images[0])

    with pytest.warns(FormatWarning):
        edited(face, image(JPEG), then=look, output_format="png")
    assert ("image/png", "image/jpeg") == (images[0].content_type, images[0].media_type)


@promises.PAID_FOR
@pytest.mark.parametrize("label", ["image/new", "IMAGE/PNG; x=y", "application/octet-stream", "binary/octet-stream"])
@pytest.mark.parametrize("output_format", ["png", None])
def test_an_image_newer_than_this_client_is_given(face: Face, label: str, output_format: str | None) -> None:
    """What no signature is known of is given if its server says that it is an image, or does not know."""
    answer = httpx2.Response(200, content=NEW, headers={"content-type": label})
    given, warning = told(face, answer, output_format)
    assert (NEW, f"should be {'image/png' if output_format else 'an image'}, but its bytes are no known image") == (
        given,
        warning.removeprefix("The result ").removesuffix("."),
    )


def test_an_svg_is_an_image(face: Face) -> None:
    """A drawing is text, and an image."""
    assert SVG == told(face, httpx2.Response(200, content=SVG, headers={"content-type": "image/svg+xml"}))[0]


@promises.WHOLE_FILES
@pytest.mark.parametrize(
    ("content", "label"),
    [
        (b"", "image/png"),
        (b"<html>expired", "image/png"),
        (b'{"error": "expired"}', "image/png"),
        (b"Signature expired", "application/octet-stream"),
        (CUT, "image/png"),
        (b"x" + CUT, "image/png"),
        (b"<html>", "image/svg+xml"),
        (NEW, "text/html"),
        (NEW, "application/json"),
        (NEW, ""),
    ],
)
def test_what_is_no_image_is_not_given(face: Face, content: bytes, label: str) -> None:
    """A page, a refusal or nothing is no image, whatever its server calls it."""
    answer = httpx2.Response(200, content=content, headers={"content-type": label})
    with pytest.raises(InvalidResponse, match=r"are no known image; nothing was saved\. To go on, call wait\('t-1'\)"):
        edited(face, answer, then=lambda edit: edit.images[0].bytes(), output_format="png")


@pytest.mark.parametrize("output_format", ["png", None])
def test_strict_takes_known_images_alone(face: Face, output_format: str | None) -> None:
    """Strictly nothing but what was asked is taken, and what was asked without a warning."""
    answer = httpx2.Response(200, content=NEW, headers={"content-type": "image/new"})
    asked = {"output_format": output_format} if output_format else {}
    with pytest.raises(InvalidResponse, match="no known image; nothing was saved"):
        edited(face, answer, then=lambda edit: edit.images[0].bytes(strict=True), **asked)
    with warnings.catch_warnings(action="error"):
        assert PNG == edited(face, image(), then=lambda edit: edit.images[0].bytes(strict=True), **asked)


@promises.PAID_FOR
@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (203, {}),
        (206, {"content-range": f"bytes 0-{len(PNG) - 1}/{len(PNG)}"}),
        (206, {"content-range": " bytes 0-9/10"}),
    ],
)
def test_the_whole_file_by_another_status(face: Face, status: int, headers: dict[str, str]) -> None:
    """What a proxy changed, and a part that is the whole, are the result."""
    answer = httpx2.Response(status, content=PNG, headers=headers)
    assert PNG == edited(face, answer, then=lambda edit: edit.images[0].bytes(), output_format="png")


@pytest.mark.parametrize("status", [203, 206])
def test_an_answer_by_another_status(face: Face, status: int) -> None:
    """The API's own answers count with any status of success."""
    answers = [httpx2.Response(status, content=each.content) for each in (accepted(), task())]
    assert "t-1" == face.call(Script(answers), "edit", URL, "p").task_id


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("image/jpg", "image/jpeg"),
        ("Image/X-PNG; q=1", "image/png"),
        ("webp", "image/webp"),
        (" JPEG ", "image/jpeg"),
        ("image", "image/gif"),
    ],
)
def test_the_word_of_the_task_is_a_media_type(face: Face, word: str, expected: str) -> None:
    """Whatever name the service has for a type, it is known by its standard one."""
    result = [{"type": word, "url": "https://cdn.test/a.gif"}]
    edit = face.call(Script([task(result=result)]), "wait", "t-1")
    assert (expected, word) == (edit.images[0].content_type, edit.images[0].type)


@promises.PAID_FOR
@pytest.mark.parametrize(
    "result", ["https://cdn.test/a", {"url": "https://cdn.test/a", "type": "png"}, [None, " https://cdn.test/a\n", " "]]
)
def test_a_result_in_another_form_is_found(face: Face, result: Any) -> None:
    """One file outside a list is a file, and blanks around its URL are none of it."""
    edit = face.call(Script([task(result=result)]), "wait", "t-1")
    assert ["https://cdn.test/a"] == [image.url for image in edit.images]


DAMAGED = [
    b'{"task_id": "t-1", "note": "caf\xe9"}',
    b'{"task_id": "t-1", "sta',
    b'{"task_id": "t-1"}\0',
    b'{"note": "\\"task_id\\"", "task_id" : "t\\u002d1"}<!-- 3 ms -->',
]


@promises.PAID_FOR
@pytest.mark.parametrize("content", DAMAGED)
def test_an_edit_is_known_by_a_damaged_answer(face: Face, content: bytes) -> None:
    """Whatever else is wrong with an answer that names its task, the task is known, whatever its status."""
    assert "t-1" == face.call(Script([httpx2.Response(200, content=content)]), "submit", URL, "p").task_id
    for answer in (httpx2.Response(502, content=content), httpx2.Response(300, json={"task_id": "t-1"})):
        with pytest.raises(SubmissionUnknown, match=r"status \d+\. The edit .*To go on, call wait\('t-1'\)") as unknown:
            face.call(Script([answer]), "submit", URL, "p")
        assert "t-1" == unknown.value.task_id
