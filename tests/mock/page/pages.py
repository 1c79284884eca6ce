"""What the tests of the page ask the mock for, and where the page shows it."""

import json
import re
import shutil
from pathlib import Path

import httpx
import pytest
from nano_banana_edit_mock import Outcome, Request

CHROMIUM = shutil.which("chromium")
PHOTO = Path(__file__).parents[3] / "examples/valley.jpg"
ELSEWHERE = "https://example.com/files/a.png"
FAILED = Outcome(status="failed", error_code="nsfw", error_msg="Not that.")

NEEDS = [
    pytest.mark.server,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium; Debian's package is chromium"),
]


def post(server, path, body, **headers):
    headers = {"Authorization": "Bearer not-to-be-seen", **headers}
    return httpx.post(f"{server.url}{path}", json=body, headers=headers, trust_env=False)


def create(server, body):
    return post(server, "/v1/generate/k/nano-banana-edit", body)


def request(method, url, body=None):
    """A request that the service is handed without a port, which is quicker."""
    headers = {"Authorization": "Bearer t", "Content-Type": "application/json"}
    return Request(method, url, headers, b"" if body is None else json.dumps(body).encode())


def calls(page):
    return page.locator("#calls > li")


def tasks(page):
    return page.locator("#edits > li")


def operation(page, name):
    """An operation of the API, opened, and its form."""
    page.get_by_role("link", name="Reference").click()
    item = page.locator("#api > details", has=page.locator("summary", has_text=re.compile(rf"{re.escape(name)}$")))
    item.locator("> summary").click()
    return item, item.get_by_role("form")


def width_of(picture):
    picture.scroll_into_view_if_needed()
    return picture.evaluate("image => image.decode().then(() => image.naturalWidth)")
