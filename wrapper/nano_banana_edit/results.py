"""What the clients return: an edit and its images."""

from __future__ import annotations

import os
import warnings
from base64 import b64encode
from collections.abc import Sequence
from functools import partial
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeAlias, TypeVar

import httpx2
from attrs import field, frozen

from . import _download, _media, _pillow
from ._clock import Deadline
from ._driver import Driver
from ._effects import Operation, Work
from ._errors import InvalidResponse, about, must_be
from ._settings import Settings, parse_url
from .models import Task, place

if TYPE_CHECKING:
    import PIL.Image

    from ._async_driver import AsyncDriver

T = TypeVar("T")

_Bundle: TypeAlias = dict[str, str]  # content by media type, as a notebook takes it; that of images is base64


class FormatWarning(UserWarning):
    """A result is of another image format than was asked for. It is given, as it is paid for."""


@frozen
class _Image:
    """What both kinds of result image have in common."""

    url: str = field(repr=place)
    task_id: str
    type: str | None = None
    output_format: str | None = None
    media_type: str | None = field(default=None, eq=False)
    _driver: Any = field(kw_only=True, repr=False, eq=False, alias="driver")
    # What a notebook shows of it, which has a copy; what is not shown is not kept.
    _shown: _download.File | None = field(default=None, init=False, repr=False, eq=False)

    @property
    def content_type(self) -> str | None:
        """Media type by the requested format, else by the task's `type`, else by the URL's ending; None if unknown."""
        if self.output_format:
            return _media.of_format(self.output_format)
        word = self.type or ""
        url = parse_url(self.url)
        named = _media.standard(word) if "/" in word else _media.of_format(word)
        return named or (_media.of_name(url.path) if url else None)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Return what pickles: the settings, without the token, in place of the driver and its connections."""
        values = (self.url, self.task_id, self.type, self.output_format, self.media_type)
        return partial(type(self), driver=self._settings), values

    @property
    def _settings(self) -> Settings:
        return self._driver if isinstance(self._driver, Settings) else self._driver.settings

    @property
    def _is_alone(self) -> bool:
        """Return whether it needs connections of its own: it was pickled, or its client has closed the ones it made."""
        driver = self._driver
        return isinstance(driver, Settings) or (driver.http.is_closed and driver.make is httpx2.Request)

    def _how(self, strict: bool) -> dict[str, Any]:
        """Return the arguments that fetching and saving share."""
        if not isinstance(strict, bool):
            raise must_be("True or False", "strict", strict)
        expected = _media.of_format(self.output_format) if self.output_format else None
        deadline = Deadline(self._settings.timeout)
        known = self._shown
        return {"task_id": self.task_id, "expected": expected, "strict": strict, "deadline": deadline, "known": known}

    def _took(self, file: _download.File) -> bytes:
        object.__setattr__(self, "media_type", file.media_type)
        if file.surprise:
            warnings.warn(f"{file.surprise}.", FormatWarning, stacklevel=3)
        return file.content

    def _pil(self, strict: bool) -> Operation[tuple[_download.File, PIL.Image.Image]]:
        _pillow.pillow("pil")  # before anything is fetched
        how = self._how(strict)
        with about(self.task_id):
            file = yield from _download.fetch(self._settings, self.url, **how)
            read = partial(_pillow.opened, file.content, "pil", _unreadable)
            image: PIL.Image.Image = yield Work(read, how["deadline"])
        return file, image

    def _look(self) -> str:
        """Fetch what a notebook shows, and return what there is to say about it."""
        return "To see it, run: await image.pil()"  # nothing can be awaited while a notebook shows a value

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> _Bundle:  # noqa: ARG002
        return _bundle(self, [self])


def _unreadable(reason: str) -> InvalidResponse:
    return InvalidResponse(f"Pillow cannot open the result: {reason}. Call save, which takes any.", _over=True)


def _bundle(value: object, images: Sequence[_Image]) -> _Bundle:
    """Return what a notebook shows of a value: its images, or its text, with what there is to say."""
    notes = [note for image in images if (note := image._look())]
    shown = [
        (file.media_type, b64encode(file.content).decode())
        for image in images
        if (file := image._shown) and file.media_type
    ]
    bundle = {"text/plain": "\n".join([repr(value), *notes])}
    if len(images) > 1:  # of each media type a notebook shows one
        said = "".join(f"<pre>{escape(note)}</pre>" for note in notes)
        bundle["text/html"] = "".join(f'<img src="data:{kind};base64,{text}">' for kind, text in shown) + said
    else:
        bundle |= dict(shown)
    return bundle


@frozen
class ResultImage(_Image):
    """One resulting image. Nothing is fetched until you call `bytes`, `save` or `pil`, or show it in a notebook.

    Results expire.

    It pickles, without the token; an image that was pickled makes a connection of its own when it is fetched.

    Attributes:
        url: Where it is.
        task_id: The task it belongs to.
        type: What it is, in the service's words, if any.
        output_format: The requested format; None if none was requested.
        content_type: Its media type as far as it is known without fetching it.
        media_type: Its media type by its bytes, once `bytes` or `save` has fetched it; None for an unknown format.
    """

    def bytes(self, *, strict: bool = False) -> bytes:
        """Fetch the image. Warns with FormatWarning if its format is another one than requested.

        Args:
            strict: Whether an image of another format is refused; default False.

        Returns:
            The file's bytes.

        Raises:
            InvalidResponse: The URL is neither https nor on the API's host, or the file is no image; if `strict`, or
                not the requested one.
            APIStatusError: The file's host refused the request; results expire. A file that is not found is asked for
                again for some seconds.
            APIConnectionError: The file's host cannot be reached.
        """
        return self._took(self._run(_download.fetch(self._settings, self.url, **self._how(strict))))

    def save(self, path: str | os.PathLike[str], *, strict: bool = False) -> Path:
        """Fetch the image into a file, which is written completely or not at all. Warns as `bytes`.

        Args:
            path: The file; an existing one is replaced. An image of another format gets this name as well.
            strict: As for `bytes`.

        Returns:
            The path.

        Raises:
            InvalidRequest: The path is a folder, or its folder does not exist. Nothing was fetched.
            OSError: The file cannot be written.
            NanoBananaEditError: As for `bytes`.
        """
        self._took(self._run(_download.save(self._settings, self.url, path, **self._how(strict))))
        return Path(path)

    def pil(self, *, strict: bool = False) -> PIL.Image.Image:
        """Fetch the image as a PIL image. Warns as `bytes`. Needs Pillow, which the extra `images` brings.

        Args:
            strict: As for `bytes`.

        Returns:
            The image, loaded; its `format` says what the file was. Of several frames it is at the first.

        Raises:
            InvalidResponse: As for `bytes`, or Pillow cannot open the file; one of very many pixels is one of those.
            NanoBananaEditError: As for `bytes`.
            ModuleNotFoundError: Pillow is not installed. Nothing was fetched.
        """
        file, image = self._run(self._pil(strict))
        self._took(file)
        return image

    def _look(self) -> str:
        try:
            shown = self._run(_download.fetch(self._settings, self.url, **self._how(strict=False)))
        except Exception as error:  # noqa: BLE001 - a notebook would show a traceback in place of the text
            return f"It cannot be shown: {error}"
        object.__setattr__(self, "_shown", shown)
        object.__setattr__(self, "media_type", shown.media_type)
        return f"{shown.surprise}." if shown.surprise else ""

    def _run(self, operation: Operation[T]) -> T:
        if not self._is_alone:
            return self._driver.run(operation)  # type: ignore[no-any-return]
        driver = Driver.connected(self._settings)
        with driver.http:
            return driver.run(operation)


@frozen
class AsyncResultImage(_Image):
    """The twin of `ResultImage`, with awaitable methods."""

    async def bytes(self, *, strict: bool = False) -> bytes:
        """Fetch the image. See `ResultImage.bytes`."""
        return self._took(await self._run(_download.fetch(self._settings, self.url, **self._how(strict))))

    async def save(self, path: str | os.PathLike[str], *, strict: bool = False) -> Path:
        """Fetch the image into a file. See `ResultImage.save`."""
        self._took(await self._run(_download.save(self._settings, self.url, path, **self._how(strict))))
        return Path(path)

    async def pil(self, *, strict: bool = False) -> PIL.Image.Image:
        """Fetch the image as a PIL image. See `ResultImage.pil`."""
        file, image = await self._run(self._pil(strict))
        self._took(file)
        return image

    async def _run(self, operation: Operation[T]) -> T:
        if not self._is_alone:
            return await self._driver.run(operation)  # type: ignore[no-any-return]
        from ._async_driver import AsyncDriver  # noqa: PLC0415 - a sync program need not load it

        driver = AsyncDriver.connected(self._settings)
        async with driver.http:
            return await driver.run(operation)


@frozen
class Edit:
    """A finished edit.

    Attributes:
        task_id: Id of its task.
        images: The resulting images, at least one.
    """

    task_id: str
    images: tuple[ResultImage, ...]

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> _Bundle:  # noqa: ARG002
        return _bundle(self, self.images)

    @classmethod
    def of(cls, task: Task, output_format: str | None, driver: Driver) -> Edit:
        """Return the edit of a completed task."""
        return cls(
            task.task_id,
            tuple(ResultImage(file.url, task.task_id, file.type, output_format, driver=driver) for file in task.files),
        )


@frozen
class AsyncEdit:
    """The twin of `Edit`, with images whose methods are awaitable."""

    task_id: str
    images: tuple[AsyncResultImage, ...]

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> _Bundle:  # noqa: ARG002
        return _bundle(self, self.images)

    @classmethod
    def of(cls, task: Task, output_format: str | None, driver: AsyncDriver) -> AsyncEdit:
        """Return the edit of a completed task."""
        return cls(
            task.task_id,
            tuple(
                AsyncResultImage(file.url, task.task_id, file.type, output_format, driver=driver) for file in task.files
            ),
        )
