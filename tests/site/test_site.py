"""The site is built without a fault, offline, from every page."""

from __future__ import annotations

import re
import shutil
import zlib
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import sync_playwright

from ..mock.page.pages import CHROMIUM
from .__main__ import build
from .links import faults
from .stage import PAGES, ROOT, stage
from .surface import surface


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built in a folder of its own, so that tests may run at the same time."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copy(ROOT / "mkdocs.yml", folder)
    for name in ("generated", "mock_server", "wrapper"):
        (folder / name).symlink_to(ROOT / name)
    return build(folder)


def test_every_public_name_is_in_the_reference(site: Path) -> None:
    """The reference has a heading for each public name and each public method."""
    inventory = zlib.decompress((site / "objects.inv").read_bytes().split(b"zlib.\n", 1)[1]).decode()
    listed = {line.split()[0] for line in inventory.splitlines()}
    missing = [path for path, _ in surface() if path not in listed]
    assert [] == missing, "write ':::' and the name on a page of docs/reference, or list it in surface.INTERNAL"


def test_programs_find_every_page(site: Path) -> None:
    """llms.txt lists each page of the navigation once, as Markdown that is there; llms-full.txt has the text of all."""
    text = (site / "llms.txt").read_text()
    pages = re.findall(r"^- \[.+\]\(([\w/-]+\.md)\): .+\.$", text, re.MULTILINE)
    assert pages == re.findall(r"[\w/-]+\.md", (ROOT / "mkdocs.yml").read_text().partition("\nnav:\n")[2])
    full = (site / "llms-full.txt").read_text()
    assert all((site / page).read_text().strip() in full for page in pages)
    assert "\n:::" not in full
    assert "AuthenticationError: The token was rejected." in full


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
def test_pages_load_nothing_from_elsewhere(site: Path) -> None:
    """A browser shows the pages from disk and asks no other host for anything."""
    asked: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        for name in ("index", "reference/client", "explanation/performance"):
            page.goto(f"file://{site}/{name}.html", wait_until="networkidle")
        browser.close()
    assert asked
    assert [] == [url for url in asked if not url.startswith(("file:", "data:", "blob:"))]


def test_every_page_is_in_the_navigation(tmp_path: Path) -> None:
    """mkdocs.yml lists each page once, and no other."""
    stage(tmp_path)
    pages = sorted(
        path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.md") if "files" not in path.parts
    )
    nav = (ROOT / "mkdocs.yml").read_text().partition("\nnav:\n")[2]
    assert pages == sorted(re.findall(r"[\w/-]+\.md", nav)), "list each page once under nav in mkdocs.yml"
    assert yaml.safe_load(nav)


@pytest.mark.parametrize(
    ("html", "fault"),
    [
        ('<a href="gone.html">', "gone.html does not exist"),
        ('<a href="#gone">', "#gone has no such anchor"),
        ('<a href="other.html#gone">', "other.html#gone has no such anchor"),
        ('<a href="https://exa mple">', "https://exa mple is not a URL"),
        ('<a href="http:/example.com">', "http:/example.com is not a URL"),
        ('<img src="https://example.com/a.png">', "https://example.com/a.png is loaded from another host"),
        ('<link href="//example.com/a.css">', "//example.com/a.css is loaded from another host"),
    ],
)
def test_each_fault_is_found(tmp_path: Path, html: str, fault: str) -> None:
    """A dead link, a dead anchor, what is no URL, and what comes from another host are faults."""
    (tmp_path / "other.html").write_text('<p id="here"><a href="#here"><a href="https://example.com/a?b#c">')
    assert faults(tmp_path) == []
    (tmp_path / "page.html").write_text(html)
    assert faults(tmp_path) == [f"page.html: {fault}"]


@pytest.mark.parametrize("name", [name for name in PAGES if name != "README.md"])
def test_a_page_of_the_repository_links_within_the_site(tmp_path: Path, name: str) -> None:
    """What stands at the top of the repository is a page, whose links lead to the pages of the site."""
    stage(tmp_path)
    page = tmp_path / PAGES[name]
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())
    assert [] == [link for link in links if not (page.parent / link).is_file()]
