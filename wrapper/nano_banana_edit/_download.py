"""From a result's URL to checked bytes, or to a file."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any

import httpx2
from attrs import frozen
from nano_banana_edit_client.constraints import shorten

from . import _media
from ._clock import Deadline
from ._effects import Operation, Send, Work
from ._errors import InvalidRequest, InvalidResponse, about
from ._log import logger
from ._redaction import without_query
from ._responses import raise_for_status, shortened
from ._settings import USER_AGENT, Settings, parse_url

MAX_BYTES = 200_000_000  # ours, as the document sets none: four times the largest file it allows to upload
_REDIRECTS = 5
_SETTLES = 4  # further requests for a result that is not found, as its host may get it a moment later: about 8 seconds
_GONE = (401, 403, 404, 410)
_PART = re.compile(r"bytes 0-(\d{1,19})/(\d{1,19})")
_HEADERS = {"Accept": "image/*", "Accept-Encoding": "identity", "User-Agent": USER_AGENT}


@frozen
class File:
    """A result that was fetched."""

    content: bytes
    media_type: str | None  # by its first bytes; None if that is no known image
    surprise: str | None  # what is not as it was asked, if anything


def fetch(
    settings: Settings,
    url: str,
    *,
    task_id: str,
    expected: str | None,
    strict: bool,
    deadline: Deadline,
    known: File | None = None,
) -> Operation[File]:
    """Return an image, checked by its signature: of an expected media type, or of any if it is None or not strict.

    What is `known` of it already is not fetched again.
    """
    if known and not (strict and known.surprise):
        return known
    with about(task_id):
        trusted = _trusted(settings, url)
        for _ in range(_REDIRECTS):
            fetched: File | httpx2.URL = yield Send(
                "result",
                {"method": "GET", "url": str(trusted), "headers": _HEADERS},
                partial(_read, expected=expected, strict=strict),
                deadline,
                limit=MAX_BYTES,
                settles=_SETTLES,
                anonymous=True,
            )
            if isinstance(fetched, File):
                if fetched.surprise:
                    logger.warning("task %s: %s", task_id, fetched.surprise)
                return fetched
            trusted = _trusted(settings, str(fetched))
        raise InvalidResponse(f"The result was redirected {_REDIRECTS} times; it was not followed further.")


def save(
    settings: Settings, url: str, path: str | os.PathLike[str], *, task_id: str, deadline: Deadline, **how: Any
) -> Operation[File]:
    """Write an image to `path`, completely or not at all."""
    with about(task_id):
        target: Path = yield Work(partial(check_target, path), deadline)
        file = yield from fetch(settings, url, task_id=task_id, deadline=deadline, **how)
        yield Work(partial(write, target, file.content), deadline)
    return file


def _trusted(settings: Settings, url: str) -> httpx2.URL:
    """Return a URL that may be fetched: any over TLS, and without it those on the client's own hosts."""
    parsed = parse_url(url)
    own = [_origin(httpx2.URL(host)) for host in (settings.base_url, settings.files_url)]
    if parsed and ((parsed.scheme == "https" and parsed.host) or (parsed.scheme == "http" and _origin(parsed) in own)):
        return parsed
    raise InvalidResponse(
        f"The result's URL {without_query(url)[:200]!r} is neither https nor on the API's own host; it was not fetched."
    )


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _read(response: httpx2.Response, content: bytes, *, expected: str | None, strict: bool) -> File | httpx2.URL:
    if response.has_redirect_location:
        return response.url.join(response.headers["location"])  # httpx2 itself has refused one that is invalid
    raise_for_status(response, content, " (results expire)" if response.status_code in _GONE else "")
    if not _is_whole(response):
        raise InvalidResponse(
            f"The result came with status {response.status_code}, which is not the whole file; nothing was saved.",
            body=shortened(content),
        )
    found = _media.of_content(content)
    if found and expected in (None, found):
        return File(content, found, None)
    surprise = f"The result should be {expected or 'an image'}, but its bytes are {found or 'no known image'}"
    image = found or _may_be_image(response, content)
    if strict and image:
        raise InvalidResponse(f"{surprise}; nothing was saved, as strict is set.", _over=True)
    if not image:
        raise InvalidResponse(f"{surprise}; nothing was saved.", body=shortened(content))
    return File(content, found, surprise)


def _is_whole(response: httpx2.Response) -> bool:
    """Return whether a response has the whole file: also a partial one may, of which the part is all of it."""
    part = _PART.fullmatch(response.headers.get("content-range", "").strip())
    return response.status_code in (200, 203) or bool(
        response.status_code == 206 and part and int(part[1]) + 1 == int(part[2])
    )


def _may_be_image(response: httpx2.Response, content: bytes) -> bool:
    """Return whether content may be an image of a kind that is newer than this client: its server says so."""
    named = _media.standard(response.headers.get("content-type", ""))
    if named == "image/svg+xml":
        return b"<svg" in content
    return not _media.is_text(content) and named.startswith(("image/", "application/octet-stream", "binary/"))


def check_target(path: str | os.PathLike[str], name: str = "path") -> Path:
    """Return the file of a path, as an absolute path. Raises InvalidRequest if it cannot be written."""
    try:
        os.fsencode(path)
        target = Path(os.path.realpath(Path(path)))  # Path.resolve takes a circle for what the version of Python says
        problem = _problem(Path(path), target) if os.fspath(path) else "is empty; name a file"
        if problem is None:
            return target
    except (TypeError, ValueError, OSError) as error:
        problem = f"is not a path ({getattr(error, 'strerror', None) or error})"
    raise InvalidRequest(f"{name} {shorten(path)} {problem}.", field=name, value=str(path))


def _problem(path: Path, target: Path) -> str | None:
    if target.is_symlink():
        return "is a link to itself; choose another name"
    if target.is_dir():
        return "is a folder; add a file name"
    if path.exists() and not path.is_file():  # also /dev/stdout, which leads to no path if it is a pipe
        return "is not a regular file; choose another name"
    if not target.parent.is_dir():
        home = str(path).startswith("~")
        remedy = "'~' is not expanded: use Path.expanduser" if home else "create it first"
        file = target.parent.exists()
        return f"is in a folder that {'is a file; choose another' if file else f'does not exist; {remedy}'}"
    return None if os.access(target.parent, os.W_OK) else "is in a folder that cannot be written to; choose another"


@contextmanager
def writing(target: Path, *, durable: bool = False, replaces: bool = True) -> Iterator[IO[bytes]]:
    """Write a file completely or not at all.

    Args:
        target: The file.
        durable: Whether its content is to be on disk before its name is.
        replaces: Whether it may replace a file; if not, FileExistsError is raised for one, also of another process.
    """
    part = target.with_name(f".{os.urandom(8).hex()}.part")
    try:
        with part.open("xb") as file:
            yield file
            if durable:
                file.flush()
                os.fsync(file.fileno())
        if not replaces:
            _place(part, target)
            return
        if target.exists():
            shutil.copymode(target, part)
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _place(part: Path, target: Path) -> None:
    """Give a file its name. Raises FileExistsError if there is a file of that name."""
    try:
        target.hardlink_to(part)
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOSPC, errno.EDQUOT):
            raise
        target.open("xb").close()  # the file system knows no hard links
        part.replace(target)
    else:
        part.unlink()


def write(target: Path, content: bytes, **how: bool) -> None:
    """Write the content of a file. See `writing`."""
    with writing(target, **how) as file:
        file.write(content)
