"""Answers that are no sound JSON: what is paid for is read from them as clients read it."""

from __future__ import annotations

import pytest

from .test_mock_proxy import Service, behind, get, post

START = b'{"task_id": "t", "status": "done", "result": ["https://cdn.example/a.png"]'
DEEP = b"[" * 100_000 + b"]" * 100_000
BODIES: dict[str, tuple[bytes, str]] = {  # with the status that is read; empty if it is not JSON, or no object
    "a key twice": (START + b', "status": "last"}', "last"),
    "lone surrogate": (START + rb', "x": "\ud800"}', "done"),
    "lone surrogate in UTF-8": (START + b', "x": "\xed\xa0\x80"}', "done"),
    "NaN": (START + b', "x": NaN}', "done"),
    "beyond a double": (START + b', "x": 1e999}', "done"),
    "beyond Python": (START + b', "x": %b}' % (b"9" * 5_000), ""),
    "byte order mark": (b"\xef\xbb\xbf" + START + b"}", "done"),
    "UTF-16": ((START + b"}").decode().encode("utf-16"), "done"),
    "no UTF-8": (START + b', "x": "\xff"}', ""),
    "too deep": (START + b', "x": %b}' % DEEP, ""),
    "cut": (START, ""),
    "array": (b"[%b}]" % START, ""),
}


@pytest.mark.parametrize(("body", "status"), BODIES.values(), ids=BODIES)
def test_what_is_read_of_a_damaged_answer(body: bytes, status: str) -> None:
    """The task is always known; a poll has its status and its links if it is JSON, and else passes as it came."""
    service = behind(Service(content=body, headers={"Content-Type": "application/json"}))
    post(service)
    assert ["t"] == [job.task_id for job in service.jobs]
    response = get(service)
    assert [status or "submitted"] == [job.outcome.status for job in service.jobs]
    assert (not status) == (body == response.body)
    if status:
        assert response.json()["result"][0].startswith("https://nano-banana-edit.test/files/")
