"""A real browser, and a mock on a port for it to look at."""

import re
from collections.abc import Iterator

import pytest
from nano_banana_edit import NanoBananaEdit
from nano_banana_edit_mock import MockServer, MockService
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from .pages import CHROMIUM

HANGS = 30_000  # milliseconds; nothing takes so long, however busy the machine is
expect.set_options(timeout=HANGS)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def server() -> Iterator[MockServer]:
    with MockServer(MockService(polls=1)) as server:
        yield server


@pytest.fixture
def client(server) -> Iterator[NanoBananaEdit]:
    with NanoBananaEdit(token="any", base_url=server.url, poll_interval=0) as client:
        yield client


@pytest.fixture
def context(browser) -> Iterator[BrowserContext]:
    """A browser in which no page asks anybody but a mock on this machine, or has anything to complain of."""
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        context.set_default_timeout(HANGS)
        asked, complaints = [], []
        context.on("request", lambda request: asked.append(request.url))
        context.on("console", lambda message: complaints.append(message.text))
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        yield context
        assert [] == [url for url in asked if not re.match(r"http://(127\.0\.0\.1|\w+\.localhost):\d+/|data:", url)]
        # The browser itself notes each answer that is an error, or none; a page cannot keep it from that.
        assert [] == [text for text in complaints if not text.startswith("Failed to load resource: ")]


@pytest.fixture
def page(context, server) -> Page:
    page = context.new_page()
    page.goto(server.url)
    expect(page.locator("#state")).to_have_text("live")
    return page
