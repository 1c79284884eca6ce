"""What a caller may pass as an image."""

from __future__ import annotations

import inspect
import io
import os
import re
import stat
from base64 import b64decode
from collections.abc import Callable, Generator, Iterable, Iterator, KeysView, Sequence, ValuesView
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO, Any, Protocol, TypeAlias, TypeGuard, cast
from urllib.parse import unquote_to_bytes, urlsplit

import attrs
from nano_banana_edit_client.constraints import shorten

from . import _media
from ._errors import InvalidRequest, is_of_handler


class BinaryFile(Protocol):
    """A file opened in binary mode, or whatever reads as one."""

    def read(self) -> bytes: ...


class PillowImage(Protocol):
    @property
    def mode(self) -> str: ...

    def getexif(self) -> Any: ...

    def save(self, fp: IO[bytes], format: str | None = None, **params: Any) -> None: ...  # noqa: A002 - Pillow's


class URLObject(Protocol):
    """A URL of httpx2, httpx, Pydantic or another library, whose `str` is the URL."""

    @property
    def scheme(self) -> str: ...


class YarlURL(Protocol):
    """A URL of yarl, whose scheme is a property of a kind of its own to pyright."""

    def with_scheme(self, scheme: str) -> object: ...


_Content: TypeAlias = bytes | bytearray | memoryview | BinaryFile
_Name: TypeAlias = str | os.PathLike[str] | None
_NoText: TypeAlias = (
    os.PathLike[str]
    | _Content
    | PillowImage
    | URLObject
    | YarlURL
    | tuple[_Name, _Content]
    | tuple[_Name, _Content, str | None]
)
ImageInput: TypeAlias = str | _NoText
# A text file is an iterator of str, so iterators of str other than generators must be made a list.
ImagesInput: TypeAlias = (
    ImageInput
    | Sequence[ImageInput]
    | KeysView[ImageInput]
    | ValuesView[ImageInput]
    | Generator[ImageInput, Any, Any]
    | Iterator[_NoText]
)

_BYTES = (bytes, bytearray, memoryview)
_ACCEPTED = (
    "an http or https URL, a path, bytes, a file opened in binary mode, (name, content), a data: URL or a PIL image"
)
_SCHEME = re.compile(r"(data(?=:[^,]*,)|[a-z][a-z0-9+.-]+(?=://)):(?://)?", re.IGNORECASE)
_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(;[ -~]*)?", re.ASCII)
# Unicode's spaces, control characters and characters without width. A joiner (U+200C, U+200D) may be a part of a word.
_BLANK_RANGES = ((0, 0x20), (0x7F, 0xA0), (0x2000, 0x200B), (0x200E, 0x200F), (0x2028, 0x202F), (0x205F, 0x206F))
_BLANKS = "".join(chr(code) for first, last in _BLANK_RANGES for code in range(first, last + 1))
_BLANKS += "\xad\u061c\u1680\u180e\u3000\ufeff"
_MOST = 1_000  # images that are taken from an iterator, which may have no end; the document's limit is lower


@attrs.frozen
class LocalImage:
    """An image that must be uploaded first."""

    field: str  # its name in messages: `images[2]`
    name: str  # of the upload's file
    open: Callable[[], IO[bytes]] = attrs.field(repr=False)  # opens it at the start
    media_type: str | None = None  # as the caller names it, if so

    @contextmanager
    def reading(self) -> Iterator[IO[bytes]]:
        """Open the image. Raises InvalidRequest if the system refuses."""
        problem = f"({self.name}) cannot be read"
        with _refused(OSError, self.field, self.name, problem, "check the file."), self.open() as payload:
            yield payload

    def content_type(self, start: bytes) -> str:
        """Return the media type that the caller names, or that the first bytes show; without one, refuse the image."""
        found = self.media_type or _media.of_content(start)
        if not start:
            raise _refusal(self.field, None, f"({self.name}) is an empty file; pass an image.")
        if found is None:
            raise _refusal(
                self.field,
                None,
                f"({self.name}) is no image that this client knows: its first bytes are {start[:16]!r}. Convert it, "
                "or pass (name, content, 'image/...') to send it all the same.",
            )
        return found


def parse_all(images: ImagesInput) -> list[str | LocalImage]:
    """Return each image as its URL, or as a local image, to be uploaded. Raises InvalidRequest if it is neither."""
    if isinstance(images, set | frozenset):
        raise _refusal("images", None, "is a set, which has no order; pass a list.")
    if _are_many(images):
        return [parse(image, f"images[{index}]") for index, image in enumerate(islice(images, _MOST))]
    return [parse(cast("ImageInput", images), "images")]


def are_urls(images: ImagesInput) -> bool:
    """Return whether all are URLs, so that parsing reads no file, which may block."""
    listed = images if isinstance(images, list | tuple) else [images]
    return all(isinstance(image, str) and image[:6].lower().startswith(("http:", "https:")) for image in listed)


def parse(image: ImageInput, field: str) -> str | LocalImage:
    """Return one image as its URL, or as a local image. Raises as `parse_all`."""
    text = _text(image)
    if text is not None and (scheme := _SCHEME.match(text)):
        return _data(text, field) if scheme[1].lower() == "data" else _url(text, scheme, field)
    if isinstance(image, str | os.PathLike):
        return _local_path(image, field)
    if _is_named(image):
        name, content, *media_type = cast("tuple[Any, ...]", image)
        return _local(field, name, _content(content, field), *media_type)
    if hasattr(image, "getexif"):
        return _local(field, "image.png", _png(image, field))
    return _local(field, getattr(image, "name", None), _content(image, field))


def _are_many(images: ImagesInput) -> TypeGuard[Iterable[ImageInput]]:
    many = isinstance(images, Sequence | Iterator | KeysView | ValuesView) and not isinstance(images, (str, *_BYTES))
    return many and not _is_named(images) and not any(hasattr(images, name) for name in ("read", "scheme"))


def _is_named(image: object) -> bool:
    """Return whether this is one file as httpx and requests take it: its name, its content, perhaps its media type."""
    if not isinstance(image, tuple) or len(image) not in (2, 3):
        return False
    name, content = image[:2]
    named = name is None or isinstance(name, os.PathLike)
    named = named or (isinstance(name, str) and not _SCHEME.match(name.strip(_BLANKS)))
    return named and (isinstance(content, _BYTES) or hasattr(content, "read"))


def _local(field: str, name: object, content: bytes, media_type: object = None) -> LocalImage:
    if media_type is not None and not (isinstance(media_type, str) and _MEDIA_TYPE.fullmatch(media_type)):
        problem = (
            f"has the media type {shorten(media_type)}; it must be such as 'image/png'. Pass many images as a list."
        )
        raise _refusal(field, None, problem)
    # The name of a temporary file is a number or None.
    text = Path(name).name if isinstance(name, str | os.PathLike) else ""
    return LocalImage(field, text or "image", partial(io.BytesIO, content), media_type)


def _text(image: Any) -> str | None:
    """Return the text of a URL, or of what may be one, without the blanks around it."""
    if hasattr(image, "scheme"):
        image = image.geturl() if hasattr(image, "geturl") else str(image)
    return image.strip(_BLANKS) if isinstance(image, str) else None


def _url(text: str, scheme: re.Match[str], field: str) -> str:
    if scheme[1].lower() not in ("http", "https"):
        raise _refusal(field, text, f"is a URL with the scheme {scheme[1]}; it must be {_ACCEPTED}.")
    if not {*text}.isdisjoint(_BLANKS):
        raise _refusal(field, text, f"is {shorten(text)}, a URL with a blank in it; write it as %20, or remove it.")
    try:
        parts = urlsplit(text)
        problem = "" if parts.hostname else "a URL without a host"
        _ = parts.port  # which is checked now
    except ValueError as error:
        problem = f"no valid URL ({error})"
    if problem:
        raise _refusal(field, text, f"is {shorten(text)}, {problem}.")
    return text


def _data(text: str, field: str) -> LocalImage:
    head, _, data = text[len("data:") :].partition(",")
    kind, *parameters = head.split(";")
    media_type = _media.standard(kind)
    if media_type and not media_type.startswith("image/"):
        raise _refusal(field, text, f"is a data: URL of type {shorten(media_type)}; it must be that of an image.")
    content = unquote_to_bytes(data)
    if "base64" in parameters:
        plain = b"".join(content.split()).translate(bytes.maketrans(b"-_", b"+/")).rstrip(b"=")
        try:
            content = b64decode(plain + b"=" * (-len(plain) % 4), validate=True)
        except ValueError as error:
            raise _refusal(
                field, text, f"is a data: URL whose base64 is damaged ({error}); encode it again."
            ) from error
    if media_type in _media.SIGNED:  # whose bytes tell what it is
        media_type = ""
    found = media_type or _media.of_content(content) or ""
    return _local(field, f"image{_media.extension(found) or ''}", content, media_type or None)


def _content(image: Any, field: str) -> bytes:
    if isinstance(image, _BYTES):
        return bytes(image)
    if callable(getattr(image, "read", None)):
        return _read(image, field)
    problem = f"is {shorten(image)}; it must be {_ACCEPTED}."
    if hasattr(image, "ndim"):
        problem = "is an array; pass PIL.Image.fromarray(array), or a list of images."
    elif hasattr(image, "__aiter__"):
        problem = f"is {shorten(image)}; pass [image async for image in ...]."
    elif _is_async(image):
        problem = f"is {shorten(image)}; await it first."
    raise _refusal(field, image, problem)


def _read(file: Any, field: str) -> bytes:
    """Return the content of a file from where it stands, or from its start if no image is there.

    So a file that was read or written before is neither empty, nor sent in half.
    """
    call = partial(_called, file, field)
    with _refused(Exception, field, file, "is a file that cannot be read", "open it again with mode 'rb'."):
        content: bytes = call("read")
        seekable = call("seekable") if hasattr(file, "seekable") else hasattr(file, "seek")
        if seekable and not _media.of_content(content):
            call("seek", 0)
            content = call("read")
    return content


def _called(file: Any, field: str, method: str, *arguments: Any) -> Any:
    result = "" if isinstance(file, io.TextIOBase) else getattr(file, method)(*arguments)
    if _is_async(result):
        raise _refusal(field, file, "is an async file; pass the bytes that `await file.read()` returns.")
    if isinstance(result, str):
        raise _refusal(field, file, "is a file opened in text mode; open it with mode 'rb'.")
    if method == "read" and not isinstance(result, _BYTES):
        raise _refusal(field, file, f"is a file that reads {shorten(result)}; it must read bytes.")
    return bytes(result) if method == "read" else result


def _is_async(value: object) -> bool:
    """Return whether a value must be awaited. A coroutine is closed, as nobody will await it."""
    if inspect.iscoroutine(value):
        value.close()
    return inspect.isawaitable(value)


def _png(image: Any, field: str) -> bytes:
    content = io.BytesIO()
    with _refused(Exception, field, image, "is an image that cannot be written as PNG", "pass image.convert('RGB')."):
        image.save(content, format="PNG", exif=image.getexif())  # which may say how it is turned
    return content.getvalue()


def _local_path(image: str | os.PathLike[str], field: str) -> LocalImage:
    try:
        path = Path(image)
        mode = path.stat().st_mode
        if image == "":
            problem = "is empty; name a file"
        elif stat.S_ISDIR(mode):
            problem = "is a folder; name a file in it"
        elif stat.S_ISREG(mode):
            path.open("rb").close()
            return LocalImage(field, path.name, lambda: path.open("rb"))
        else:
            return _local(field, path.name, read_image(path))
    except (OSError, TypeError, ValueError) as error:
        if is_of_handler(error):
            raise
        problem = f"cannot be read ({getattr(error, 'strerror', None) or error}); check the path and its permissions"
        if isinstance(error, FileNotFoundError | NotADirectoryError | ValueError):
            home = "'~' is not expanded: use Path.expanduser" if str(image).startswith("~") else "check the path"
            problem = f"does not exist; {home}"
    raise _refusal(field, image, f"{shorten(str(image))} {problem}, or pass {_ACCEPTED}.")


def read_image(path: Path) -> bytes:
    """Return the content of an image, or the start of any other file, which may be a pipe or device without an end."""
    with path.open("rb") as file:
        start = file.read(_media.LONGEST)
        return start + file.read() if _media.of_content(start) else start


@contextmanager
def _refused(kind: type[Exception], field: str, image: object, problem: str, remedy: str) -> Iterator[None]:
    """Turn what a file or an image raises into a refusal, but not what a signal handler of the caller's raises."""
    try:
        yield
    except kind as error:
        if isinstance(error, InvalidRequest) or is_of_handler(error):
            raise
        raise _refusal(field, image, f"{problem} ({error}); {remedy}") from error


def _refusal(field: str, image: object, problem: str) -> InvalidRequest:
    return InvalidRequest(f"{field} {problem}", field=field, value=image)
