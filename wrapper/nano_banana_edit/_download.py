"""From a result's URL to checked bytes, or to a file."""

from __future__ import annotations

import os
import shutil
from functools import partial
from pathlib import Path

import httpx2
from attrs import frozen
from nano_banana_edit_client.constraints import shorten

from . import _media
from ._clock import Deadline
from ._effects import Operation, Send, Work
from ._errors import InvalidRequest, InvalidResponse, about
from ._responses import raise_for_status, shortened
from ._settings import USER_AGENT, Settings, parse_url

MAX_BYTES = 200_000_000  # ours, as the document sets none: four times the largest file it allows to upload
_REDIRECTS = 5
_HEADERS = {"Accept": "image/*", "Accept-Encoding": "identity", "User-Agent": USER_AGENT}


@frozen
class Download:
    """One result to fetch.

    Attributes:
        url: Where it is.
        expected: Its media type; None for any image.
        task_id: The task it belongs to.
    """

    url: str
    expected: str | None
    task_id: str


def fetch(settings: Settings, download: Download, deadline: Deadline) -> Operation[bytes]:
    """Return the image's bytes, checked by their signature.

    Raises:
        InvalidResponse: The URL is not trusted, redirects too often, or the file is not such an image.
        APIStatusError: The file's host refused the request; results expire.
        APIConnectionError: The file's host cannot be reached.
    """
    with about(download.task_id):
        url = _trusted(settings, download.url)
        for _ in range(_REDIRECTS):
            content: bytes | httpx2.URL = yield Send(
                "result",
                {"method": "GET", "url": str(url), "headers": _HEADERS},
                partial(_read, download=download),
                deadline,
                limit=MAX_BYTES,
                anonymous=True,
            )
            if isinstance(content, bytes):
                return content
            url = _trusted(settings, str(content))
        raise InvalidResponse(f"The result was redirected {_REDIRECTS} times; it was not followed further.")


def save(settings: Settings, download: Download, path: str | os.PathLike[str], deadline: Deadline) -> Operation[Path]:
    """Write the image to `path`, completely or not at all, and return it as a Path.

    Raises:
        InvalidRequest: The path is a folder, or its folder does not exist.
    """
    with about(download.task_id):
        target: Path = yield Work(partial(check_target, path), deadline)
        content = yield from fetch(settings, download, deadline)
        yield Work(partial(write, target, content), deadline)
    return Path(path)


def _trusted(settings: Settings, url: str) -> httpx2.URL:
    """Return a URL that may be fetched: any over TLS, and without it those on the client's own hosts."""
    parsed = parse_url(url)
    own = [_origin(httpx2.URL(host)) for host in (settings.base_url, settings.files_url)]
    if parsed and ((parsed.scheme == "https" and parsed.host) or (parsed.scheme == "http" and _origin(parsed) in own)):
        return parsed
    raise InvalidResponse(
        f"The result's URL {url[:200]!r} is neither https nor on the API's own host; it was not fetched."
    )


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _read(response: httpx2.Response, content: bytes, *, download: Download) -> bytes | httpx2.URL:
    if response.has_redirect_location:
        return response.url.join(response.headers["location"])  # httpx2 itself has refused one that is invalid
    raise_for_status(response, content)
    found = _media.of_content(content) if response.status_code == 200 else None
    if found is None or download.expected not in (None, found):
        raise InvalidResponse(
            f"The result should be {download.expected or 'an image'}, but its bytes are {found or 'no known image'}; "
            "nothing was saved.",
            body="" if found else shortened(content),
        )
    return content


def check_target(path: str | os.PathLike[str]) -> Path:
    """Return the file of a path, as an absolute path, if it can be written.

    Raises:
        InvalidRequest: It cannot.
    """
    try:
        os.fsencode(path)
        target = Path(os.path.realpath(Path(path)))  # Path.resolve takes a circle for what the version of Python says
        problem = _problem(target)
        if problem is None:
            return target
    except (TypeError, ValueError, OSError) as error:
        problem = f"is not a path ({error})"
    raise InvalidRequest(f"path {shorten(path)} {problem}.", field="path", value=str(path))


def _problem(target: Path) -> str | None:
    if target.is_symlink():
        return "is a link to itself; choose another name"
    if target.is_dir():
        return "is a folder; add a file name"
    if target.exists() and not target.is_file():
        return "is not a regular file; choose another name"
    if not target.parent.is_dir():
        return "is in a folder that does not exist; create it first"
    return None if os.access(target.parent, os.W_OK) else "is in a folder that cannot be written to; choose another"


def write(target: Path, content: bytes) -> None:
    """Write a file completely or not at all."""
    part = target.with_name(f".{os.urandom(8).hex()}.part")
    try:
        with part.open("xb") as file:
            file.write(content)
        if target.exists():
            shutil.copymode(target, part)
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
