"""The page with a day's work on it, as the documentation shows it: `make pictures` writes it into docs/pictures."""

import contextlib
import itertools
import os
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from nano_banana_edit import NanoBananaEdit
from nano_banana_edit_mock import Fault, MockServer, MockService, Reply
from playwright.sync_api import expect

from .pages import FAILED, NEEDS, PHOTO, calls, create, post, tasks, width_of

FOLDER = os.environ.get("PICTURES")  # where the pictures are kept
pytestmark = [*NEEDS, pytest.mark.skipif(FOLDER is None, reason="make pictures sets PICTURES")]


def work(server):
    """Edits that succeed, fail, wait and get lost, and requests that are refused."""
    service = server.service

    def poll(task_id):
        service.advance(2)
        with contextlib.suppress(httpx.TransportError):
            httpx.get(f"{server.url}/v1/tasks/{task_id}", headers={"Authorization": "Bearer any"}, trust_env=False)

    with NanoBananaEdit(token="any", base_url=server.url, max_retries=0) as client:
        service.next(FAILED)
        failed = client.submit("https://example.com/portrait.png", "Put a crown on her head").task_id
        poll(failed)
        service.on("getTask", Fault.TRUNCATED)
        for _ in range(3):
            poll(failed)
        client.submit(PHOTO, "A ship in a bottle on the shelf", image_size="4:3")
        create(server, {"image_urls": ["https://example.com/a.png"], "prompt": ""})
        service.on("createEdit", Reply.rate_limited(retry_after=2))
        service.on("createEdit", Fault.RESET_BEFORE)
        for body in ({"image_urls": ["https://example.com/a.png"], "prompt": "Turn the sea to glass"},) * 2:
            service.advance(1)
            with contextlib.suppress(httpx.TransportError):
                create(server, body)
        task_id = client.submit(PHOTO, "Let it snow on the hills, and light the windows", image_size="16:9").task_id
        poll(task_id)
        service.on("getTask", Reply.unavailable())
        for _ in range(3):
            poll(task_id)
    post(server, "/__mock__/script", {"steps": [{"outcome": {"seconds": 90}}]})


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_picture_of_the_page(context, scheme):
    """Everything that the page shows of a day's work fits side by side, in light and dark."""
    service = MockService(clock=itertools.count(0, 0.0003).__next__, now=lambda: datetime(2026, 1, 31, 12, tzinfo=UTC))
    with MockServer(service) as server:
        page = context.new_page()
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.set_viewport_size({"width": 1440, "height": 1000})
        page.goto(server.url)
        work(server)
        expect(tasks(page)).to_have_count(4)
        expect(calls(page).filter(has_text="reset_before")).to_have_count(1)
        result = page.get_by_alt_text("Result: Let it snow on the hills, and light the windows")
        assert width_of(result) > 0
        page.evaluate("scrollTo(0, 0)")
        name = {"light": "page.png", "dark": "page-dark.png"}[scheme]
        picture = Path(FOLDER) / name
        picture.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=picture)
