"""Why a service refused, in whatever form it says so."""

from __future__ import annotations

import json

import httpx2
import pytest
from nano_banana_edit import APIStatusError, EditFailed, NotFound, PermissionDenied, SubmissionUnknown

from .conftest import TOKEN, URL, Face, Script, accepted, fetch, task

WHY = "the link has expired"
BODIES = [
    {"message": WHY, "detail": "x"},
    {"error_msg": WHY, "error_code": "E7"},
    {"code": 403, "msg": WHY},
    {"detail": WHY},
    {"detail": [{"loc": ["body", "prompt"], "msg": WHY, "type": "x"}]},
    {"detail": {"reason": WHY}},
    {"error": {"message": WHY, "type": "x", "code": None}},
    {"error": WHY, "success": False},
    {"error": True, "error_description": WHY},
    {"type": "about:blank", "title": "x", "status": 403, "detail": WHY},
    {"title": WHY, "status": 403},
    {"errors": [{"message": WHY}]},
    {"errors": [WHY]},
    {"errors": {"prompt": [WHY]}},
    {"error_code": WHY},
    WHY,
    [WHY],
]
TEXTS = [
    f"<Error><Code>AccessDenied</Code><Message>{WHY}</Message></Error>",
    f"\ufeff <?xml version='1.0'?><s3:Error><s3:Code>x</s3:Code><s3:Message>{WHY}</s3:Message></s3:Error>",
    f"<error>\n  {WHY}\n</error>",
    f"<!doctype html><html><head><title> {WHY} </title></head><body><h1>x</h1></body></html>",
    f"<html><body><center><h1>{WHY}</h1></center></body></html>",
    f"<Error><Code>{WHY}</Code></Error>",
    "<p><message>the link&#32;has expired</message>",
    WHY,
    "  the link\r\n\thas expired\n",
]


@pytest.mark.parametrize("body", [*map(json.dumps, BODIES), *TEXTS])
def test_the_reason_is_in_the_error(face: Face, body: str) -> None:
    """The reason comes out of JSON, XML, HTML and text, in the API's answers and those of the file host."""
    with pytest.raises(PermissionDenied, match=rf"403: {WHY}\. To go on"):
        face.call(Script([httpx2.Response(403, text=body)]), "get_task", "t-1")
    with pytest.raises(PermissionDenied, match=rf"403 \(results expire\): {WHY}\. To go on, call wait\('t-1'\)"):
        face.call(Script([task(), httpx2.Response(403, text=body)]), "wait", "t-1", then=fetch)
    with pytest.raises(SubmissionUnknown, match=f"no task id.*The service says: {WHY}$"):
        face.call(Script([httpx2.Response(502, text=body)]), "submit", URL, "p")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" \n",
        b"{}",
        b'{"message": {}, "detail": []}',
        b"<html><p>x</p></html>",
        b"<message> </message>",
        b"\x00\x01binary",
        b"\x89PNG\xff\xfe\xfd",
        b'{"error":' * 9 + b'{"message": "x"}' + b"}" * 9,
        b"[" * 100_000,
    ],
)
def test_no_reason_is_none(face: Face, body: bytes) -> None:
    """What gives no reason is said to give none."""
    with pytest.raises(APIStatusError, match=r"400: (no reason given|\[{300})\."):
        face.call(Script([httpx2.Response(400, content=body)]), "get_task", "t-1")


def test_a_reason_is_short_and_harmless(face: Face) -> None:
    """A reason is one short line without control characters, and an echo of the token in it is taken out."""
    body = {"message": f"\x1b]0;title\x07\r\nforged\u2028line \u202e{TOKEN} " + "x" * 5_000}
    with pytest.raises(APIStatusError) as refusal:
        face.call(Script([httpx2.Response(400, json=body)]), "submit", URL, "p")
    text = str(refusal.value)
    assert text.startswith(r"The service answered 400: \x1b]0;title\x07 forged line \u202e[token] xxx")
    assert len(text) < 400
    assert text.isprintable()
    with pytest.raises(EditFailed, match=r"failed: \\x1b\[31mno b$"):
        face.call(Script([task("failed", error_msg="\x1b[31mno\nb")]), "wait", "t-1")


def test_a_token_that_is_cut_in_a_reason_is_taken_out(face: Face) -> None:
    """What the limit leaves of a token says nothing of it."""
    body = {"message": "x" * (300 - len(TOKEN) // 2) + TOKEN}
    for status in (400, 500):
        with pytest.raises((APIStatusError, SubmissionUnknown)) as refusal:
            face.call(Script([httpx2.Response(status, json=body)]), "submit", URL, "p")
        assert TOKEN[:8] not in str(refusal.value)
        assert str(refusal.value).endswith("x[token]")


def test_a_result_that_is_gone_says_how_to_go_on(face: Face) -> None:
    """An error of the file host other than that says nothing of expiry."""
    with pytest.raises(NotFound, match=r"404 \(results expire\): no reason given\. To go on"):
        face.call(Script([accepted(), task(), *[httpx2.Response(404)] * 9]), "edit", URL, "p", then=fetch)
    with pytest.raises(APIStatusError, match=r"451: no reason given\. To go on"):
        face.call(Script([accepted(), task(), httpx2.Response(451)]), "edit", URL, "p", then=fetch)
