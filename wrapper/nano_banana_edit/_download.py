"""From a result's URL to checked bytes, or to a file."""

from __future__ import annotations

import os
import secrets
from functools import partial
from pathlib import Path

import httpx
from attrs import frozen

from ._clock import Deadline
from ._errors import InvalidRequest, InvalidResponse, NanoBananaEditError
from ._images import media_type
from ._settings import Settings
from ._status import raise_for_status, shortened
from ._steps import Fetch, Flow, Work

MAX_BYTES = 200_000_000  # ours, as the document sets none: four times the largest file it allows to upload
_REDIRECTS = 5
_REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})


@frozen
class Download:
    """One result to fetch.

    Attributes:
        url: Where it is.
        expected: Its media type; None if any image will do.
        task_id: The task it belongs to.
    """

    url: str
    expected: str | None
    task_id: str


def fetch(settings: Settings, download: Download, deadline: Deadline) -> Flow[bytes]:
    """Return the image's bytes, checked by their signature.

    Raises:
        InvalidResponse: The URL is not to be trusted, redirects too often, or holds no such image.
        APIStatusError: The file's host says no; results expire.
        APIConnectionError: The file's host cannot be reached.
    """
    try:
        url = _trusted(settings, download.url)
        for _ in range(_REDIRECTS):
            read = partial(_read, download=download)
            content: bytes | httpx.URL = yield Fetch(str(url), read, limit=MAX_BYTES, deadline=deadline)
            if isinstance(content, bytes):
                return content
            url = _trusted(settings, str(content))
        raise InvalidResponse(f"The result was redirected {_REDIRECTS} times; it was not followed further.")
    except NanoBananaEditError as error:
        error.task_id = download.task_id
        raise


def save(settings: Settings, download: Download, path: str | os.PathLike[str], deadline: Deadline) -> Flow[Path]:
    """Write the image to `path`, whole or not at all, and return it as a Path.

    Raises:
        InvalidRequest: The path is a folder, or its folder does not exist.
    """
    target = Path(path)
    yield Work(partial(check_target, target))
    content = yield from fetch(settings, download, deadline)
    yield Work(partial(_write, target, content))
    return target


def _trusted(settings: Settings, url: str) -> httpx.URL:
    """A result may come from anywhere over TLS, and without it only from the hosts the client was pointed at."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        parsed = httpx.URL()
    if parsed.scheme == "https" and parsed.host:
        return parsed
    if parsed.scheme == "http" and _origin(parsed) in (
        _origin(httpx.URL(settings.base_url)),
        _origin(httpx.URL(settings.files_url)),
    ):
        return parsed
    raise InvalidResponse(f"The result's URL {url[:200]!r} is neither https nor on the API's own host; not fetched.")


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _read(response: httpx.Response, content: bytes, *, download: Download) -> bytes | httpx.URL:
    if response.status_code in _REDIRECT_STATUSES and "location" in response.headers:
        return response.url.join(response.headers["location"])  # httpx itself has refused one that is no URL
    if not response.is_success:
        raise_for_status(response.status_code, response.headers, content)
    found = media_type(content)
    if found is None or download.expected not in (None, found):
        raise InvalidResponse(
            f"The result should be {download.expected or 'an image'}, but its bytes are {found or 'no known image'}; "
            "nothing was saved.",
            body="" if found else shortened(content),
        )
    return content


def check_target(target: Path) -> None:
    """Raise InvalidRequest unless a file can be put there."""
    problem = None
    if target.is_dir():
        problem = "is a folder; add a file name"
    elif not target.parent.is_dir():
        problem = "is in a folder that does not exist; make it first"
    if problem:
        raise InvalidRequest(f"path {str(target)!r} {problem}.", field="path", value=str(target))


def _write(target: Path, content: bytes) -> None:
    part = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with part.open("xb") as file:
            file.write(content)
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
