"""What a row of the table of verdicts is, and how rows and their bodies are put together."""

from __future__ import annotations

import json
from typing import Any

from attrs import field, frozen

EDIT, TASK, UPLOAD = "/v1/generate/k/nano-banana-edit", "/v1/tasks/{task}", "/api/upload/file"
BEARER = ("Authorization", "Bearer token")
JSON = ("Content-Type", "application/json")
FORM = ("Content-Type", "multipart/form-data; boundary=frontier")
ALL = frozenset({"service", "transport", "router", "port"})
ANY_HOST = ALL - {"router"}  # paths that the documented hosts do not have
RAW = frozenset({"service", "port"})  # what httpx would tidy up
PORT = frozenset({"port"})

URL = "https://images.test/a.png"
GOOD = {"image_urls": [URL], "prompt": "Make it snow."}
LIMIT, MOST = 5000, 10  # of the prompt and of the images
LARGEST = 50_000_000  # bytes of a file


@frozen
class Row:
    """One request and its verdict."""

    name: str
    status: int
    wrong: tuple[str, ...] = ()
    method: str = "POST"
    target: str = EDIT
    headers: tuple[tuple[str, str], ...] = (BEARER, JSON)
    body: bytes = b""
    doors: frozenset[str] = ALL
    answer: dict[str, str | None] = field(factory=dict)  # headers of the answer, lower-case, and those it has not
    own: bool = False  # beyond the document and the RFCs' MUSTs: no other mock has to know it

    @property
    def accepted(self) -> bool:
        return self.status < 400


def text(value: Any) -> bytes:
    return json.dumps(value).encode("ascii")


def body(name: str, status: int, *wrong: str, **changes: Any) -> Row:
    """An edit with other properties; None leaves one out."""
    value = {key: given for key, given in {**GOOD, **changes}.items() if given is not LEFT_OUT}
    return Row(name, status, wrong, body=text(value))


LEFT_OUT = object()


def raw(name: str, status: int, content: bytes, *wrong: str, own: bool = False) -> Row:
    """An edit whose body is given byte by byte."""
    return Row(name, status, wrong, body=content, own=own)


def beside(value: bytes) -> bytes:
    """An edit with a property `x` of a value given byte by byte."""
    return text(GOOD)[:-1] + b', "x": ' + value + b"}"


def headed(name: str, status: int, *wrong: str, own: bool = False, **headers: str | None) -> Row:
    """An edit with other headers; None leaves one out."""
    given = {"Authorization": BEARER[1], "Content-Type": JSON[1]}
    given |= {key.replace("_", "-"): value for key, value in headers.items()}
    kept = tuple((key, value) for key, value in given.items() if value is not None)
    answer = {"www-authenticate": "Bearer"} if status == 401 else {}
    return Row(name, status, wrong, headers=kept, body=text(GOOD), answer=answer, own=own)


FILE = 'form-data; name="file"; filename="a.bin"'


def part(content: bytes = b"abc", disposition: str = FILE) -> bytes:
    return f"Content-Disposition: {disposition}\r\nContent-Type: image/png\r\n\r\n".encode() + content


def joined(*parts: bytes, boundary: bytes = b"frontier", end: bytes = b"--\r\n", line: bytes = b"\r\n") -> bytes:
    opened = b"".join(b"--" + boundary + line + one + line for one in parts)
    return opened + b"--" + boundary + end


def form(name: str, status: int, content: bytes, *wrong: str, media_type: str = FORM[1], **more: Any) -> Row:
    """An upload whose body is given byte by byte."""
    return Row(name, status, wrong, "POST", UPLOAD, (BEARER, ("Content-Type", media_type)), content, **more)


def got(
    name: str,
    status: int,
    target: str,
    *wrong: str,
    method: str = "GET",
    content_type: str | None = None,
    **more: Any,
) -> Row:
    """A request without a body."""
    headers = (BEARER,) if content_type is None else (BEARER, ("Content-Type", content_type))
    return Row(name, status, wrong, method, target, headers=headers, **more)
