"""Where a batch saves its files: a folder, or any file system that fsspec knows."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import Any

from .._download import write
from .._errors import InvalidRequest


class Sink(ABC):
    """A place for files, by names with `/`."""

    def is_there(self) -> bool:
        """Return whether the place itself exists, so that a failure is that of one name."""
        return True

    @abstractmethod
    def size(self, name: str) -> int | None:
        """Return the size of a file in bytes, or None if there is none."""

    @abstractmethod
    def read(self, name: str) -> bytes:
        """Return the content of a file."""

    @abstractmethod
    def _write(self, name: str, content: bytes) -> None: ...

    def save(self, name: str, content: bytes, own: bool) -> bool:
        """Write a file completely or not at all; return False if there is another, which is not the caller's own."""
        size = None if own else self.size(name)
        if size is not None and (size != len(content) or self.read(name) != content):
            return False
        self._write(name, content)
        return True


class _Folder(Sink):
    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = Path.cwd() / folder
        self._folder.mkdir(parents=True, exist_ok=True)
        if not os.access(self._folder, os.W_OK | os.X_OK):
            raise PermissionError("it cannot be written to")

    def is_there(self) -> bool:
        return self._folder.is_dir()

    def size(self, name: str) -> int | None:
        with suppress(FileNotFoundError):
            return (self._folder / name).stat().st_size
        return None

    def read(self, name: str) -> bytes:
        return (self._folder / name).read_bytes()

    def _write(self, name: str, content: bytes) -> None:
        file = self._folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        write(file, content, durable=True)


class _Remote(Sink):
    def __init__(self, url: str) -> None:
        import fsspec  # type: ignore[import-untyped]  # noqa: PLC0415 - most batches are saved to a folder

        self._files: Any
        self._files, self._root = fsspec.url_to_fs(url)
        self._files.makedirs(self._root, exist_ok=True)

    def size(self, name: str) -> int | None:
        with suppress(FileNotFoundError):
            return int(self._files.size(f"{self._root}/{name}"))
        return None

    def read(self, name: str) -> bytes:
        return bytes(self._files.cat_file(f"{self._root}/{name}"))

    def _write(self, name: str, content: bytes) -> None:
        path = f"{self._root}/{name}"
        self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
        self._files.pipe_file(path, content)


def sink(output: str | os.PathLike[str]) -> Sink:
    """Return the place that a path of a folder, which is made if it does not exist, or a URL of fsspec names."""
    text = os.fspath(output)
    try:
        if text:
            return _Remote(text) if "://" in text else _Folder(text)
        problem = "is empty; name a folder"
    except ModuleNotFoundError as missing:
        problem = f"{text!r} needs {missing.name}: pip install {missing.name}"
    except (OSError, ValueError) as error:
        problem = f"{text!r} cannot be written to ({getattr(error, 'strerror', None) or error}); choose another folder"
    raise InvalidRequest(f"output {problem}.", field="output", value=text)
