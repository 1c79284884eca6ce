"""Contains some shared types for properties"""

import os
from collections.abc import Callable, Mapping, MutableMapping
from functools import cached_property
from typing import IO, BinaryIO, Generic, Literal, TypeVar

from attrs import define, field

from .errors import UnreadableResponse


class Unset:
    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Unset = Unset()

# The types that `httpx2.Client(files=)` can accept, copied from that library.
FileContent = IO[bytes] | bytes | str
FileTypes = (
    # (filename, file (or bytes), content_type)
    tuple[str | None, FileContent, str | None]
    # (filename, file (or bytes), content_type, headers)
    | tuple[str | None, FileContent, str | None, Mapping[str, str]]
)
RequestFiles = list[tuple[str, FileTypes]]


@define
class File:
    """Contains information for file uploads"""

    payload: BinaryIO
    file_name: str | None = None
    mime_type: str | None = None

    def to_tuple(self) -> FileTypes:
        """Return a tuple representation that httpx2 will accept for multipart/form-data"""
        return self.file_name, self.payload, self.mime_type

    def size(self) -> int:
        """Return the number of bytes that would be sent"""
        position = self.payload.tell()
        size = self.payload.seek(0, os.SEEK_END)
        self.payload.seek(position)
        return size


T = TypeVar("T")


@define
class Response(Generic[T]):
    """A response from an endpoint

    Attributes:
        status_code: The status; it may be one that IANA does not list.
        content: The body as received.
        headers: The response's headers.
    """

    status_code: int
    content: bytes = field(repr=False)
    headers: MutableMapping[str, str] = field(repr=False)
    _parse: Callable[[], T | None] = field(alias="parse", repr=False, eq=False)

    @cached_property
    def parsed(self) -> T | None:
        """The content as the model that the document names for this status

        Raises:
            UnreadableResponse: The content is not JSON, or a property is missing or of another type.
        """
        try:
            return self._parse()
        except (ArithmeticError, AttributeError, RecursionError, TypeError, ValueError) as error:
            raise UnreadableResponse(self.status_code, self.content, str(error)) from error


__all__ = ["UNSET", "File", "FileTypes", "RequestFiles", "Response", "Unset"]
