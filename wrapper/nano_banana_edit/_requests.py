"""Arguments become the document's requests, which hold them to its constraints."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, Any, BinaryIO, TypeGuard, cast

from nano_banana_edit_client.constraints import shorten
from nano_banana_edit_client.errors import ConstraintViolation
from nano_banana_edit_client.models import EditRequest, FileUpload
from nano_banana_edit_client.types import File, Unset

from . import _media
from ._errors import InvalidRequest, must_be
from ._images import LocalImage

_LONGEST_ID = 1_000  # characters, ours; each may be twelve in a URL, and servers take some thousands of those


@contextmanager
def refused(name: str = "", argument: str = "") -> Iterator[None]:
    """Turn the generated models' refusal into InvalidRequest, which calls a property by the name of its argument."""
    try:
        yield
    except ConstraintViolation as error:
        text, field = (re.sub(f"^{name}", argument, each) for each in (str(error), error.field))
        raise InvalidRequest(text, field=field, value=error.value) from error


def edit_request(
    image_urls: Sequence[str], prompt: str, options: Mapping[str, Any], extra_body: Mapping[str, Any] | None
) -> EditRequest:
    """Return the request, checked: with the document's defaults, and with what `extra_body` adds."""
    extra = {} if extra_body is None else _extra(extra_body, {"image_urls", "prompt", *options})
    given = {name: value for name, value in options.items() if not isinstance(value, Unset | None)}
    with refused("image_urls", "images"):
        request = EditRequest(image_urls=list(image_urls), prompt=prompt)  # so that mypy knows of a new required one
    with refused():
        for name, value in given.items():
            setattr(request, name, value)
        return EditRequest.from_dict(request.to_dict() | extra) if extra else request


def _extra(extra_body: Mapping[str, Any], arguments: set[str]) -> dict[str, Any]:
    if not isinstance(extra_body, Mapping):
        raise must_be("a mapping of names to JSON values", "extra_body", extra_body)
    for name in extra_body:
        if not isinstance(name, str) or name in arguments:
            raise InvalidRequest(
                f"extra_body has the key {shorten(name)}; it takes names of properties that are not arguments. "
                "Pass those as arguments.",
                field="extra_body",
                value=extra_body,
            )
    return dict(extra_body)


def digest(request: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a request's JSON, in hexadecimal."""
    text = json.dumps(request, sort_keys=True, separators=(",", ":"))
    return sha256(text.encode())


def sha256(content: bytes) -> str:
    """Return the SHA-256 of some bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def file_upload(image: LocalImage, payload: IO[bytes]) -> FileUpload:
    """Return the upload of an opened image, checked."""
    content_type = image.content_type(payload.read(_media.LONGEST))
    payload.seek(0)
    file = File(cast(BinaryIO, payload), image.name.encode(errors="replace").decode(), content_type)
    with refused():
        return FileUpload(file=file)


def is_task_id(value: object) -> TypeGuard[str]:
    """Return whether a task can be polled by this id: it is text, one segment of a path, and short enough for a URL."""
    return isinstance(value, str) and value not in ("", ".", "..") and value.isprintable() and len(value) <= _LONGEST_ID


def task_id(value: object) -> str:
    """Return the id of a task if it can be polled."""
    if is_task_id(value):
        return value
    raise must_be(f"the id that a submission returned, a string of 1 to {_LONGEST_ID} characters", "task_id", value)
