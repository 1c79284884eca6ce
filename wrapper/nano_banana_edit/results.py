"""What the clients return: an edit and its images."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import field, frozen

from . import _download, _media
from ._clock import Deadline
from ._driver import Driver
from ._effects import Operation
from ._settings import Settings, parse_url
from .models import Task

if TYPE_CHECKING:
    from ._async_driver import AsyncDriver


@frozen
class _Image:
    """What both kinds of result image have in common."""

    url: str
    task_id: str
    type: str | None = None
    output_format: str | None = None

    @property
    def content_type(self) -> str | None:
        """Media type by the requested format, else by the task's `type`, else by the URL's ending; None if unknown."""
        if self.output_format:
            return self._asked()
        if self.type and "/" in self.type:
            return self.type
        url = parse_url(self.url)
        return _media.of_name(url.path) if url else None

    def _asked(self) -> str | None:
        return _media.of_format(self.output_format) if self.output_format else None

    def _fetch(self, settings: Settings) -> Operation[bytes]:
        return _download.fetch(settings, self._source(), Deadline(settings.timeout))

    def _save(self, settings: Settings, path: str | os.PathLike[str]) -> Operation[Path]:
        return _download.save(settings, self._source(), path, Deadline(settings.timeout))

    def _source(self) -> _download.Download:
        return _download.Download(self.url, self._asked(), self.task_id)


@frozen
class ResultImage(_Image):
    """One resulting image; nothing is fetched until `bytes` or `save` is called. Results expire.

    Attributes:
        url: Where it is.
        task_id: The task it belongs to.
        type: What it is, in the service's words, if any.
        output_format: The requested format, which the bytes must have; None if none was requested.
        content_type: Its media type, if known.
    """

    _driver: Driver = field(kw_only=True, repr=False, eq=False, alias="driver")

    def bytes(self) -> bytes:
        """Fetch the image.

        Returns:
            The file's bytes, with the signature of the requested format, or of any image if none was requested.

        Raises:
            InvalidResponse: The URL is neither https nor on the API's host, or the file is not such an image.
            APIStatusError: The file's host refused the request; results expire.
            APIConnectionError: The file's host cannot be reached.
        """
        return self._driver.run(self._fetch(self._driver.settings))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Fetch the image into a file, which is written completely or not at all.

        Args:
            path: The file; an existing one is replaced.

        Returns:
            The path.

        Raises:
            InvalidRequest: The path is a folder, or its folder does not exist. Nothing was fetched.
            OSError: The file cannot be written.
            NanoBananaEditError: As for `bytes`.
        """
        return self._driver.run(self._save(self._driver.settings, path))


@frozen
class AsyncResultImage(_Image):
    """The twin of `ResultImage`, with awaitable methods."""

    _driver: AsyncDriver = field(kw_only=True, repr=False, eq=False, alias="driver")

    async def bytes(self) -> bytes:
        """Fetch the image. See `ResultImage.bytes`."""
        return await self._driver.run(self._fetch(self._driver.settings))

    async def save(self, path: str | os.PathLike[str]) -> Path:
        """Fetch the image into a file. See `ResultImage.save`."""
        return await self._driver.run(self._save(self._driver.settings, path))


@frozen
class Edit:
    """A finished edit.

    Attributes:
        task_id: Id of its task.
        images: The resulting images, at least one.
    """

    task_id: str
    images: tuple[ResultImage, ...]

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

    @classmethod
    def of(cls, task: Task, output_format: str | None, driver: AsyncDriver) -> AsyncEdit:
        """Return the edit of a completed task."""
        return cls(
            task.task_id,
            tuple(
                AsyncResultImage(file.url, task.task_id, file.type, output_format, driver=driver) for file in task.files
            ),
        )
