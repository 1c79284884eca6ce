"""Content codings: what is none, what is undone, and what cannot be."""

from __future__ import annotations

import gzip
import zlib
from typing import Any

import httpx2
import pytest
from nano_banana_edit import InvalidResponse, NotFound, SubmissionUnknown

from .. import promises
from .conftest import PNG, URL, Face, Script, accepted, fetch, httpx_leaves_a_generator, task


def coded(content: bytes, *codings: str, status: int = 200) -> Any:
    """Return an answer with a Content-Encoding, which httpx2 itself does not look at."""

    class Raw(httpx2.SyncByteStream, httpx2.AsyncByteStream):
        def __iter__(self) -> Any:
            yield content

        async def __aiter__(self) -> Any:
            yield content

    headers = [("content-encoding", coding) for coding in codings]
    return lambda _request: httpx2.Response(status, headers=headers, stream=Raw())


def deflated(content: bytes, bits: int) -> bytes:
    deflate = zlib.compressobj(wbits=bits)
    return deflate.compress(content) + deflate.flush()


@promises.PAID_FOR
@httpx_leaves_a_generator
@pytest.mark.parametrize(
    "codings",
    [[""], ["identity"], ["utf-8"], ["aws-chunked"], ["NONE"], ["binary"], ["identity, ,x"], ["utf-8", "aws-chunked"]],
    ids=str,
)
def test_what_is_no_coding_is_none(face: Face, codings: list[str]) -> None:
    """A name that is no coding leaves a body as it is, for a submission, a poll and a result."""
    answers = [coded(body, *codings) for body in (accepted().content, task().content, PNG)]
    assert PNG == face.call(Script(answers), "edit", URL, "p", then=fetch)


CODED = {
    "gzip": gzip.compress,
    "X-GZip": gzip.compress,
    "aws-chunked, gzip": gzip.compress,
    "deflate": zlib.compress,
    "Deflate": lambda content: deflated(content, -zlib.MAX_WBITS),
}


@promises.UNPACKED
@httpx_leaves_a_generator
@pytest.mark.parametrize("coding", CODED)
def test_what_can_be_undone_is(face: Face, coding: str) -> None:
    """One gzip or deflate is undone, with zlib's header or without."""
    bodies = accepted().content, task().content, PNG
    answers = [coded(CODED[coding](body), coding) for body in bodies]
    assert PNG == face.call(Script(answers), "edit", URL, "p", then=fetch)


@promises.PAID_FOR
@httpx_leaves_a_generator
@pytest.mark.parametrize("coding", ["br", "zstd", "gzip", "deflate", "gzip, gzip"])
def test_what_can_be_read_as_it_is_needs_no_decoding(face: Face, coding: str) -> None:
    """A body that is plain is read, though its header names a coding."""
    answers = [coded(body, coding) for body in (accepted().content, task().content, PNG)]
    assert PNG == face.call(Script(answers), "edit", URL, "p", then=fetch)


@httpx_leaves_a_generator
@pytest.mark.parametrize("coding", ["br", "zstd", "compress", "gzip, gzip"])
def test_what_cannot_be_undone_is_named(face: Face, coding: str) -> None:
    """A coding that the client cannot undo is named, with the task and how to go on; a refusal stays one."""
    said = rf"has Content-Encoding '{coding}'; the client asks for identity.*To go on, call wait\('t-1'\)"
    with pytest.raises(InvalidResponse, match=said) as refusal:
        face.call(Script([accepted(), task(), coded(b"\x1b\x00\xff", coding)]), "edit", URL, "p", then=fetch)
    assert "t-1" == refusal.value.task_id
    with pytest.raises(SubmissionUnknown, match=f"Content-Encoding '{coding}'"):
        face.call(Script([coded(b"\x1b\x00\xff", coding)]), "submit", URL, "p")
    with pytest.raises(NotFound, match="no reason given"):
        face.call(Script([coded(b"\x1b\x00\xff", coding, status=404)]), "get_task", "t-1")
