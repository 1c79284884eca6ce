"""Where a batch saves its files: a folder, or any file system that fsspec knows."""

from __future__ import annotations

import errno
import os
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import Any

from .._download import write
from .._errors import InvalidRequest
from .._redaction import without_password


class Sink(ABC):
    """A place for files, by names with `/`."""

    def is_there(self) -> bool:
        """Return whether the place itself exists, so that a failure is that of one name."""
        return True

    @abstractmethod
    def prepare(self) -> None:
        """Make the folder, and raise an OSError if it cannot be written to."""

    @abstractmethod
    def size(self, name: str) -> int | None:
        """Return the size of a file in bytes, or None if there is none."""

    @abstractmethod
    def read(self, name: str) -> bytes:
        """Return the content of a file."""

    @abstractmethod
    def _write(self, name: str, content: bytes) -> None:
        """Write a file completely or not at all. Raises FileExistsError if there is one."""

    def save(self, name: str, content: bytes) -> bool:
        """Write a file, if there is none; return False if there is another, which is never overwritten."""
        try:
            self._write(name, content)
        except FileExistsError:
            return self.size(name) == len(content) and self.read(name) == content
        return True


class _Folder(Sink):
    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = Path.cwd() / folder

    def prepare(self) -> None:
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
        if not file.exists():
            write(file, content, durable=True, replaces=False)
        elif file.is_file():
            raise FileExistsError
        else:
            raise IsADirectoryError(errno.EISDIR, "it is a folder", str(file))


class _Remote(Sink):
    def __init__(self, url: str) -> None:
        import fsspec  # type: ignore[import-untyped]  # noqa: PLC0415 - most batches are saved to a folder

        self._files: Any
        self._files, self._root = fsspec.url_to_fs(url)

    def prepare(self) -> None:
        self._do("makedirs", "", exist_ok=True)

    def size(self, name: str) -> int | None:
        with suppress(FileNotFoundError):
            return int(self._do("size", name))
        return None

    def read(self, name: str) -> bytes:
        return bytes(self._do("cat_file", name))

    def _write(self, name: str, content: bytes) -> None:
        if self.size(name) is not None:  # two processes at the same moment are not told apart here
            raise FileExistsError
        self._do("makedirs", name.rpartition("/")[0], exist_ok=True)
        self._do("pipe_file", name, content)

    def _do(self, what: str, name: str, *args: Any, **how: Any) -> Any:
        path = f"{self._root}/{name}".removesuffix("/")
        try:
            return getattr(self._files, what)(path, *args, **how)
        except OSError:
            raise
        except Exception as error:  # those of botocore are no OSError, so that they would look like faults of one row
            reason = f"{self._files.unstrip_protocol(path)} cannot be used ({type(error).__name__}: {error})"
            raise OSError(without_password(reason)) from error


def sink(output: str | os.PathLike[str], *, writes: bool = True) -> Sink:
    """Return the place that a path of a folder, or a URL of fsspec, names.

    Args:
        output: The path or URL.
        writes: Whether the folder is made if it does not exist, and must be one that can be written to.
    """
    text = os.fspath(output)
    shown = without_password(repr(text))
    try:
        if text:
            place = _Remote(text) if "://" in text else _Folder(text)
            if writes:
                place.prepare()
            return place
        problem = "is empty; name a folder"
    except ImportError as missing:  # fsspec's own has the missing package only in its cause
        name = getattr(missing.__cause__, "name", missing.name)
        problem = f"{shown} needs {name}: pip install {name}"
    except Exception as error:  # noqa: BLE001 - as a file system of fsspec may raise any
        reason = without_password(getattr(error, "strerror", None) or str(error))
        problem = f"{shown} cannot be written to ({reason}); choose another folder"
    raise InvalidRequest(f"output {problem}.", field="output", value=without_password(text))
