"""A body as it is read: within its limit, within its time, and without a coding that nobody asked for.

httpx unpacks an answer without a bound, and takes half a gzip for the whole. Requests ask for no coding; one member of
gzip is unpacked all the same, so that an edit that was accepted is known, and its result can be had.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx
from attrs import Factory, define, field

from ._errors import NanoBananaEditError
from ._log import logger
from ._retry import NotRead
from ._steps import Answer, Call, Fetch


@define
class Body:
    """What was read of an answer to a step."""

    step: Call | Fetch
    coding: str = ""
    content: bytearray = field(factory=bytearray)
    began: float = field(init=False, default=Factory(lambda self: self.step.deadline.elapsed(), takes_self=True))

    def begin(self, response: httpx.Response) -> None:
        """Note how the body is coded, or raise where a good answer could not be read for it."""
        if response.is_stream_consumed:  # and undone, by httpx for a hook of the caller's
            return
        given = response.headers.get("content-encoding", "")
        codings = [coding.strip().lower() for coding in given.split(",")]
        self.coding = ", ".join(coding for coding in codings if coding not in ("", "identity"))
        if response.is_success and self.coding not in ("", "gzip"):
            raise NotRead(
                f"The answer has Content-Encoding {given[:200]!r}, but was asked for as it is; it was not read. "
                "Have the server, or the proxy before it, send it without."
            )

    def add(self, chunk: bytes) -> None:
        """Take a chunk, or raise when there is too much, or when it is not the first and came too late."""
        if self.content and self.step.deadline.remaining() <= 0:
            raise httpx.ReadTimeout("the time of the call is over; the answer was not read to its end")
        self.content += chunk
        self._check_size(self.content)

    def whole(self, response: httpx.Response) -> Answer:
        """Return the answer that was read to its end."""
        plain, whole = self._plain()
        self._check_size(plain)
        if response.is_success and not whole:
            raise httpx.DecodingError("its gzip is damaged, ends too early, or does not end with its first member")
        took = self.step.deadline.elapsed() - self.began
        logger.debug("%s: %d, %d bytes, %.2f s", self.step.name, response.status_code, len(plain), took)
        return _answer(response, plain)

    @contextmanager
    def known(self, response: httpx.Response) -> Iterator[None]:
        """Leave the task's id on whatever breaks off the reading of a submission's answer, if what was read has it."""
        try:
            yield
        except BaseException as error:
            if isinstance(self.step, Call) and self.step.billed:
                with suppress(NanoBananaEditError):
                    vars(error)["task_id"] = self.step.read(_answer(response, self._plain()[0]))
            raise

    def _plain(self) -> tuple[bytes, bool]:
        """Return the body without its coding, as far as it can be undone, and whether that is all of it."""
        if self.coding != "gzip":
            return (b"", False) if self.coding else (bytes(self.content), True)
        inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
        try:
            plain = inflate.decompress(self.content, self.step.limit + 1)
        except zlib.error:
            return b"", False
        return plain, inflate.eof and not inflate.unused_data

    def _check_size(self, content: bytes | bytearray) -> None:
        if len(content) > self.step.limit:
            raise NotRead(f"The answer is larger than {self.step.limit} bytes; it was not read to its end.")


def _answer(response: httpx.Response, content: bytes) -> Answer:
    return Answer(response.status_code, response.headers, content, response.request.url)
