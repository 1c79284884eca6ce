"""What the mock keeps: bounded in bytes, the oldest first, and a task outlives the body of its edit."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nano_banana_edit_mock import MockService, Request
from nano_banana_edit_mock.engine import journal, state

from .verdict_rows import BEARER, EDIT, FORM, GOOD, JSON, UPLOAD, joined, part, text

URL = "http://mock"


@pytest.fixture
def limits(monkeypatch):
    """Set limits of what is kept, in the names that the modules give them."""

    def limit(module, **values: int) -> None:
        for name, value in values.items():
            monkeypatch.setattr(module, name.upper(), value)

    return limit


def edit(service: MockService, *, size: int = 0, url: str = "u", prompt: str = "p") -> str:
    body = text(GOOD | {"prompt": prompt, "image_urls": [url], "x": "x" * size})
    return service.handle(Request("POST", URL + EDIT, (BEARER, JSON), body)).json()["task_id"]


def upload(service: MockService, content: bytes) -> str:
    return service.handle(Request("POST", URL + UPLOAD, (BEARER, FORM), joined(part(content)))).json()["url"]


def poll(service: MockService, task_id: str) -> tuple[int, list[str]]:
    response = service.handle(Request("GET", f"{URL}/v1/tasks/{task_id}", (BEARER,)))
    return response.status, response.json().get("result", [])


def test_the_oldest_tasks_are_forgotten(limits):
    """There are so many tasks; an older one is unknown, and takes up nothing."""
    limits(state, max_tasks=2, max_bytes=9_000)
    service = MockService(polls=0)
    ids = [edit(service, size=1_000) for _ in range(3)]
    assert ids[1:] == [one.task_id for one in service.edits]
    assert [404, 200, 200] == [poll(service, task_id)[0] for task_id in ids]
    assert "x" * 1_000 == service.edits[0].body["x"]
    address = upload(service, b"1" * 3_000)
    assert "x" * 1_000 == service.edits[0].body["x"]
    assert 200 == service.handle(Request("GET", address)).status


def test_a_task_outlives_its_body(limits):
    """The oldest bodies and uploads are given up together; the task is still polled, and its result drawn."""
    limits(state, max_bytes=10_000)
    service = MockService(polls=0)
    address = upload(service, b"1" * 1_000)
    ids = [edit(service, size=2_000, url=address, prompt=f"{number}") for number in range(5)]
    assert 404 == service.handle(Request("GET", address)).status
    assert () == service.uploads
    assert ids == [one.task_id for one in service.edits]
    with pytest.raises(LookupError, match=f"the body of edit {ids[0]} was given up; the mock keeps the newest 256 MB"):
        _ = service.edits[0].body
    assert "4" == service.edits[-1].body["prompt"]
    for task_id in ids:
        status, (result,) = poll(service, task_id)
        image = service.handle(Request("GET", result))
        assert (200, 200, "image/png") == (status, image.status, image.header("Content-Type"))
        assert image == service.handle(Request("GET", result))


def test_the_journal_is_bounded_in_bytes(limits):
    """The last requests are kept in so many bytes, however long their paths; all of them are counted."""
    limits(journal, max_bytes=50_000, max_requests=20)
    service = MockService()
    for size, least, most in ((10_000, 1, 4), (1_000, 5, 16), (1, 20, 20)):
        for _ in range(20):
            service.handle(Request("GET", f"{URL}/v1/tasks/{'x' * size}", (BEARER,)))
        assert least <= len(service.calls) <= most
    with pytest.raises(AssertionError, match="called 60 times"):
        service.assert_not_called()
    service.handle(Request("GET", f"{URL}/v1/tasks/{'x' * 60_000}", (BEARER,)))
    assert () == service.calls


@settings(max_examples=6)
@given(st.lists(st.sampled_from(["edit", "tiny values", "keys", "upload", "path", "name"]), min_size=1, max_size=8))
def test_memory_stays_within_the_limits(kinds):
    """Whatever is sent, and in whatever order, what the mock keeps has so many bytes; so does what it answers with."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(state, "MAX_BYTES", 400_000)
        patch.setattr(journal, "MAX_BYTES", 200_000)
        service = MockService(polls=0)
        tracemalloc.start()
        try:
            for kind in kinds * (40 // len(kinds)):
                match kind:
                    case "edit":
                        edit(service, size=50_000)
                    case "tiny values":
                        body = text(GOOD)[:-1] + b',"x":[' + b"[]," * 15_000 + b"0]}"
                        service.handle(Request("POST", URL + EDIT, (BEARER, JSON), body))
                    case "keys":
                        body = b'{"' + b"k" * 50_000 + b'":' + b"9" * 400 + b"}"
                        service.handle(Request("POST", URL + EDIT, (BEARER, JSON), body))
                    case "upload":
                        upload(service, b"x" * 50_000)
                    case "path":
                        service.handle(Request("GET", f"{URL}/v1/tasks/{'x' * 50_000}", (BEARER,)))
                    case "name":
                        head = b'Content-Disposition: form-data; name="file"; filename="' + b"a" * 8_000
                        service.handle(Request("POST", URL + UPLOAD, (BEARER, FORM), joined(head + b'"\r\n\r\nabc')))
            kept, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert kept < 1_200_000
