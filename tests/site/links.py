"""The links of the built site: each leads somewhere, and no page loads anything from another host."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

_LOADED = {("script", "src"), ("img", "src"), ("link", "href"), ("iframe", "src"), ("source", "src")}
_EXTERNAL = re.compile(r"https?://[\w-]+(\.[\w-]+)+(:\d+)?(/\S*)?")


class _Page(HTMLParser):
    """What a page has: its anchors, its links, and what it loads."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[tuple[str, bool]] = []
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" or (tag, name) == ("a", "name"):
                self.anchors.add(value or "")
            elif name in ("href", "src") and value:
                self.links.append((value, (tag, name) in _LOADED))


def faults(site: Path) -> list[str]:
    """Return what is wrong with the links of a site, in one line each."""
    pages = {path: _Page(path) for path in sorted(site.rglob("*.html"))}
    return [
        f"{path.relative_to(site)}: {link} {fault}"
        for path, page in pages.items()
        for link, is_loaded in dict.fromkeys(page.links)
        for fault in _faults(path, link, is_loaded, pages)
    ]


def _faults(path: Path, link: str, is_loaded: bool, pages: dict[Path, _Page]) -> Iterator[str]:
    url = urlsplit(link)
    if url.scheme == "data":
        return
    if url.scheme or url.netloc:
        if is_loaded:
            yield "is loaded from another host"
        elif not _EXTERNAL.fullmatch(link):
            yield "is not a URL"
        return
    target = Path(os.path.normpath(path.parent / unquote(url.path))) if url.path else path
    if path.name == "404.html" and url.path.startswith("/"):
        return
    if not target.is_file():
        yield "does not exist"
    elif url.fragment and target in pages and url.fragment not in pages[target].anchors | {"__comments"}:
        yield "has no such anchor"
