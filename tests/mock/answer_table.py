"""Answers and what the document says to them, by hand: from api.md's facts and the RFCs, not from the code.

A row is an answer that is right except for what its name says. `wrong` names each violation as keyword and JSON
pointer, separated by a space.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from attrs import field, frozen

EDIT: dict[str, Any] = {"task_id": "01234567-89ab-cdef-0123-456789abcdef"}
TASK: dict[str, Any] = {"id": "01234567-89ab-cdef-0123-456789abcdef", "status": "completed"}
URL = "https://files.example/1.png"
FILE: dict[str, Any] = {"type": "image/png", "url": URL}
UPLOAD: dict[str, Any] = {
    "url": URL,
    "cn_url": URL,
    "key": "1.png",
    "md5": "0123456789abcdef",
    "size": 70,
    "content_type": "image/png",
    "expires_at": "2026-01-01T00:00:00Z",
}
ERROR = {"message": "no", "error_msg": "no", "error_code": "4"}
GOOD = {"createEdit": EDIT, "getTask": TASK, "uploadFile": UPLOAD}


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode()


@frozen(kw_only=True)
class Answer:
    """One answer to an operation, and what is wrong with it."""

    name: str
    operation: str = "createEdit"
    status: int = 200
    content_type: str | None = "application/json"
    body: bytes = field(converter=_bytes)
    wrong: tuple[str, ...] = ()
    undeclared: tuple[str, ...] = ()


def good() -> Iterator[Answer]:
    for operation, value in GOOD.items():
        yield Answer(name=f"{operation} as documented", operation=operation, body=value)
        yield Answer(name=f"{operation} refused", operation=operation, status=400, body=ERROR)
        yield Answer(name=f"{operation} with nothing to say", operation=operation, status=500, body={})
    for urls in ([], [URL], [FILE], [URL, FILE]):
        yield Answer(name=f"result {len(urls)} {urls[-1:]}", operation="getTask", body=TASK | {"result": urls})
    yield Answer(name="unknown status of a task", operation="getTask", body=TASK | {"status": "queued"})
    yield Answer(name="charset", content_type="application/json; charset=utf-8", body=EDIT)
    yield Answer(name="charset in quotes", content_type='application/json; charset="UTF-8"', body=EDIT)
    yield Answer(name="type in upper case", content_type="Application/JSON", body=EDIT)
    yield Answer(name="another parameter", content_type="application/json; profile=x", body=EDIT)
    yield Answer(name="any script", body={"task_id": "早上好 🌄"})
    yield Answer(name="whole number as a float", operation="uploadFile", body=UPLOAD | {"size": 70.0})


def properties() -> Iterator[Answer]:
    for operation, value in GOOD.items():
        for name, given in value.items():
            rest = {other: kept for other, kept in value.items() if other != name}
            yield Answer(
                name=f"{operation} without {name}", operation=operation, body=rest, wrong=(f"required /{name}",)
            )
            for wrong in ("7" if isinstance(given, int) else 7, None):
                yield Answer(
                    name=f"{operation} with {name} {wrong!r}",
                    operation=operation,
                    body=value | {name: wrong},
                    wrong=(f"type /{name}",),
                )
    for name in ("error_code", "error_msg", "result"):
        yield Answer(name=f"{name} null", operation="getTask", body=TASK | {name: None}, wrong=(f"type /{name}",))
    yield Answer(name="result a text", operation="getTask", body=TASK | {"result": URL}, wrong=("type /result",))
    for name, item in {"a number": 3, "null": None, "a list": [URL], "without url": {"type": "image/png"}}.items():
        yield Answer(
            name=f"result item {name}",
            operation="getTask",
            body=TASK | {"result": [URL, item]},
            wrong=("anyOf /result/1",),
        )
    yield Answer(name="size half", operation="uploadFile", body=UPLOAD | {"size": 0.5}, wrong=("type /size",))
    for name, text in {"expires_at": "tomorrow", "url": "no uri", "cn_url": "//[/"}.items():
        yield Answer(
            name=f"{name} {text}", operation="uploadFile", body=UPLOAD | {name: text}, wrong=(f"format /{name}",)
        )
    for name in ERROR:
        yield Answer(name=f"refusal with {name} a number", status=429, body=ERROR | {name: 4}, wrong=(f"type /{name}",))
    two = {"id": 1, "status": 2}
    yield Answer(name="two wrong", operation="getTask", body=two, wrong=("type /id", "type /status"))


def undeclared() -> Iterator[Answer]:
    yield Answer(name="one more", body=EDIT | {"credits": 3}, undeclared=("credits",))
    yield Answer(
        name="more in a file",
        operation="getTask",
        body=TASK | {"result": [FILE | {"width": 1}], "~/": 1},
        undeclared=("result[0].width", "~/"),
    )
    yield Answer(name="more in a refusal", status=400, body={"detail": "no"}, undeclared=("detail",))
    yield Answer(
        name="more, and wrong", body={"task_id": 1, "a": {"b": 2}}, wrong=("type /task_id",), undeclared=("a",)
    )


def bodies() -> Iterator[Answer]:
    for value in (b"[]", b"null", b"7", b'"accepted"', b"true"):
        yield Answer(name=f"body {value.decode()}", body=value, wrong=("type ",))
    yield Answer(name="empty", body=b"", wrong=("content ",))
    yield Answer(name="blank", body=b" \n", wrong=("content ",))
    yield Answer(name="truncated", body=_bytes(EDIT)[:-1], wrong=("content ",))
    yield Answer(name="truncated in a text", body=_bytes(EDIT)[:20], wrong=("content ",))
    yield Answer(name="something behind", body=_bytes(EDIT) + b"}", wrong=("content ",))
    yield Answer(name="twice", body=_bytes(EDIT) * 2, wrong=("content ",))
    yield Answer(name="single quotes", body=b"{'task_id': 'x'}", wrong=("content ",))
    yield Answer(
        name="not a number", operation="uploadFile", body=UPLOAD | {"size": float("nan")}, wrong=("content /size",)
    )
    yield Answer(name="key twice", body=b'{"task_id": "x", "task_id": "y"}', wrong=("content /task_id",))
    yield Answer(name="byte order mark", body=b"\xef\xbb\xbf" + _bytes(EDIT), wrong=("content ",))
    yield Answer(name="Latin-1", body='{"task_id": "ü"}'.encode("latin-1"), wrong=("content ",))
    yield Answer(name="UTF-16", body=json.dumps(EDIT).encode("utf-16"), wrong=("content ",))
    yield Answer(name="lone surrogate", body=rb'{"task_id": "\ud800"}', wrong=("content /task_id",))
    yield Answer(name="HTML as JSON", status=502, body=b"<html></html>", wrong=("content ",))
    yield Answer(name="bytes", body=b"\x89PNG\r\n\x1a\n", wrong=("content ",))


def media_types() -> Iterator[Answer]:
    html = b"<html><h1>Bad Gateway</h1></html>"
    for status in (200, 404, 502):
        yield Answer(
            name=f"HTML {status}", status=status, content_type="text/html", body=html, wrong=("content Content-Type",)
        )
    for given in (
        "text/plain",
        "application/problem+json",
        "application/jsonp",
        "application/octet-stream",
        "image/png",
        "json",
        "",
        "application/json, text/html",
        "application/json text/html",
    ):
        yield Answer(name=f"type {given!r}", content_type=given, body=EDIT, wrong=("content Content-Type",))
    yield Answer(name="no type", content_type=None, body=EDIT, wrong=("content Content-Type",))
    for charset in ("latin-1", "utf-16", "nothing"):
        given = f"application/json; charset={charset}"
        yield Answer(name=f"charset {charset}", content_type=given, body=EDIT, wrong=("content Content-Type",))


def statuses() -> Iterator[Answer]:
    """Of a document in which nothing stands for other statuses."""
    for status in (201, 202, 400, 404, 500, 599):
        yield Answer(name=f"status {status}", status=status, body=EDIT, wrong=("responses ",))


ANSWERS = [*good(), *properties(), *undeclared(), *bodies(), *media_types()]
STATUSES = [*statuses()]
