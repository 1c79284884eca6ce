"""A body as it is read: within its limit, within its time, and without a coding that was not asked for.

httpx2 decodes a response without a bound, and takes half a gzip for the whole. Requests ask for no coding; one whole
gzip or deflate is decoded all the same, so that an accepted edit is known, and its result can be had. For the same
reason a name that is no coding means none, and a body that can be read as it is needs none, whatever its name.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
from attrs import Factory, define, field

from . import _media
from ._effects import Send
from ._log import logger
from ._responses import json_of

_DECODED = ("gzip", "x-gzip", "deflate")
# The registry of HTTP content codings; servers also send utf-8, aws-chunked, none, binary.
_CODINGS = {*_DECODED, "aes128gcm", "br", "compress", "x-compress", "dcb", "dcz", "exi", "pack200-gzip", "zstd"}


class NotRead(Exception):
    """A body that is not read, or not to its end, and why."""


@define
class Body:
    """What was read of the response to a request."""

    send: Send
    response: httpx2.Response
    coding: str = ""
    content: bytearray = field(factory=bytearray)
    began: float = field(init=False, default=Factory(lambda self: self.send.deadline.elapsed(), takes_self=True))

    def __attrs_post_init__(self) -> None:
        if not self.response.is_stream_consumed:  # otherwise httpx2 has decoded it, for a hook of the caller's
            given = self.response.headers.get("content-encoding", "").lower().split(",")
            self.coding = ", ".join(name for coding in given if (name := coding.strip()) in _CODINGS)

    def chunks(self) -> Iterator[bytes]:
        return self.response.iter_bytes() if self.response.is_stream_consumed else self.response.iter_raw()

    def async_chunks(self) -> AsyncIterator[bytes]:
        return self.response.aiter_bytes() if self.response.is_stream_consumed else self.response.aiter_raw()

    def add(self, chunk: bytes) -> None:
        """Keep a chunk, or raise when there is too much, or when it is not the first and came too late."""
        if self.content and self.send.deadline.remaining() <= 0:
            raise httpx2.ReadTimeout("the time of the call is over; the response was not read to its end")
        self.content += chunk
        self._check_size(self.content)

    def result(self) -> Any:
        """Return what is made of the response, which was read to its end."""
        plain, whole = self._plain()
        self._check_size(plain)
        if self.response.is_success and not whole:
            if self.coding not in _DECODED:
                raise NotRead(
                    f"The response has Content-Encoding {self.coding[:200]!r}; the client asks for identity. It cannot "
                    "be read. Configure the server, or the proxy before it, to send it without."
                )
            raise httpx2.DecodingError(f"its {self.coding} is damaged, ends too early, or goes on after its end")
        took = self.send.deadline.elapsed() - self.began
        logger.debug("%s: %d, %d bytes, %.2f s", self.send.name, self.response.status_code, len(plain), took)
        return self.send.read(self.response, plain)

    def so_far(self) -> Any:
        """Return what is made of the part that was read. Raises what `send.read` raises."""
        return self.send.read(self.response, self._plain()[0])

    def _plain(self) -> tuple[bytes, bool]:
        """Return the body without its coding, as far as it can be decoded, and whether that is all of it."""
        if (
            not self.coding
            or _media.of_content(bytes(self.content[: _media.LONGEST]))
            or json_of(self.content) is not None
        ):
            return bytes(self.content), True
        if self.coding not in _DECODED:
            return b"", False
        bare = self.coding == "deflate" and self.content[:1] and self.content[0] & 15 != 8  # without zlib's header
        inflate = zlib.decompressobj(-zlib.MAX_WBITS if bare else zlib.MAX_WBITS | 32)  # which is gzip or zlib
        try:
            plain = inflate.decompress(self.content, self.send.limit + 1)
        except zlib.error:
            return b"", False
        return plain, inflate.eof and not inflate.unused_data

    def _check_size(self, content: bytes | bytearray) -> None:
        if len(content) > self.send.limit:
            raise NotRead(f"The response is larger than {self.send.limit} bytes; it was not read to its end.")
