"""What a caller may pass as an image."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any, BinaryIO, TypeAlias, TypeGuard, cast

import attrs
from nano_banana_edit_client.constraints import shorten

from . import _media
from ._errors import InvalidRequest

ImageInput: TypeAlias = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO
ImagesInput: TypeAlias = ImageInput | Sequence[ImageInput]

_ACCEPTED = "an http or https URL, a path, bytes, or a file opened in binary mode"
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+):(?://|[^/\\].*,)", re.IGNORECASE)


@attrs.frozen
class LocalImage:
    """An image that must be uploaded first.

    Attributes:
        field: Its name in messages: `images[2]`.
        name: File name of the upload.
        open: Opens it at the start.
    """

    field: str
    name: str
    open: Callable[[], IO[bytes]] = attrs.field(repr=False)

    @contextmanager
    def reading(self) -> Iterator[IO[bytes]]:
        """Open the image. Raises InvalidRequest if the system refuses."""
        try:
            with self.open() as payload:
                yield payload
        except OSError as error:
            raise _refusal(self.field, self.name, f"({self.name}) cannot be read ({error}); check the file.") from error

    def content_type(self, content: bytes) -> str:
        """Return the media type by the first bytes, otherwise by the name."""
        return _media.of_content(content) or _media.of_name(self.name) or "application/octet-stream"


def parse_all(images: ImagesInput) -> list[str | LocalImage]:
    """Return each image as its URL, or as a local image, to be uploaded.

    Raises:
        InvalidRequest: An image is of an unknown kind, or a file that does not exist or cannot be read.
    """
    if _are_many(images):
        return [parse(image, f"images[{index}]") for index, image in enumerate(images)]
    return [parse(cast("ImageInput", images), "images")]


def are_urls(images: ImagesInput) -> bool:
    """Return whether all are URLs, so that parsing reads no file, which may block."""
    return all(isinstance(image, str) and _SCHEME.match(image) for image in (images if _are_many(images) else [images]))


def _are_many(images: ImagesInput) -> TypeGuard[Sequence[ImageInput]]:
    return isinstance(images, Sequence) and not isinstance(images, str | bytes | bytearray | memoryview)


def parse(image: ImageInput, name: str) -> str | LocalImage:
    """Return one image as its URL, or as a local image. Raises as `parse_all`."""
    if isinstance(image, str) and (scheme := _SCHEME.match(image)):
        if scheme[1].lower() in ("http", "https"):
            if image[scheme.end() :]:
                return image
            raise _refusal(name, image, f"is {image!r}, a URL without a host.")
        raise _refusal(name, image, f"is a {scheme[1]}: URL; it must be {_ACCEPTED}. Pass the file itself.")
    if isinstance(image, str | os.PathLike):
        return _local_path(image, name)
    if isinstance(image, bytes | bytearray | memoryview):
        content = bytes(image)
    elif callable(getattr(image, "read", None)):
        content = _read(image, name)
    else:
        raise _refusal(name, image, f"is {shorten(image)}; it must be {_ACCEPTED}.")
    given = getattr(image, "name", None)  # of a temporary file a number or None, which is no name
    return LocalImage(name, Path(given if isinstance(given, str) else "").name or "image", partial(io.BytesIO, content))


def _read(file: Any, name: str) -> bytes:
    try:
        content = None if isinstance(file, io.TextIOBase) else file.read()
    except Exception as error:
        raise _refusal(name, file, f"is a file that cannot be read ({error}); open it again with mode 'rb'.") from error
    if not isinstance(content, bytes):
        raise _refusal(name, file, "is a file opened in text mode; open it with mode 'rb'.")
    return content


def _local_path(image: str | os.PathLike[str], name: str) -> LocalImage:
    try:
        path = Path(image)
        if path.is_file():
            path.open("rb").close()
            return LocalImage(name, path.name, lambda: path.open("rb"))
        problem = "is a folder; name a file in it" if path.is_dir() else "does not exist; check the path"
    except (OSError, TypeError, ValueError) as error:
        problem = f"cannot be read ({error}); check the path and its permissions"
    raise _refusal(name, image, f"{shorten(str(image))} {problem}, or pass {_ACCEPTED}.")


def _refusal(name: str, image: object, problem: str) -> InvalidRequest:
    return InvalidRequest(f"{name} {problem}", field=name, value=image)
