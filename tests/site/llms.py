"""llms.txt and llms-full.txt (llmstxt.org): the pages of the site for readers that are programs, in the nav's order.

Each page is there as Markdown too, beside its HTML; the directives of mkdocstrings are replaced by what they stand for.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

_DIRECTIVE = re.compile(r"^::: ([\w.]+)(?:\n    .+)*", re.MULTILINE)
_FRONT = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)


def write(config: Path, pages: Path, site: Path) -> None:
    """Write both files and the pages into a site, which was built from a config and a folder of Markdown."""
    settings = yaml.safe_load(config.read_text())
    index = [f"# {settings['site_name']}", f"> {settings['site_description']}"]
    full = []
    for section, names in _sections(settings["nav"]):
        lines = []
        for name in names:
            text = _DIRECTIVE.sub(_expanded, _FRONT.sub("", (pages / name).read_text()))
            (site / name).write_text(text)
            full.append(f"<!-- {name} -->\n{text.strip()}\n")
            lines.append(f"- [{_title(text)}]({name}): {_summary(text)}")
        index += [f"## {section}", "\n".join(lines)]
    (site / "llms.txt").write_text("\n\n".join(index) + "\n")
    (site / "llms-full.txt").write_text("\n".join(full))


def _sections(nav: list[dict[str, Any]]) -> Iterator[tuple[str, list[str]]]:
    for entry in nav:
        ((title, pages),) = entry.items()
        yield title, [*_pages(pages)]


def _pages(entry: Any) -> Iterator[str]:
    """Yield the pages of an entry of the nav: a page, a title with its entries, or a list of either."""
    if isinstance(entry, str):
        yield entry
    else:
        for inner in entry.values() if isinstance(entry, dict) else entry:
            yield from _pages(inner)


def _title(text: str) -> str:
    return re.findall(r"^# (.+)", text, re.MULTILINE)[0]


def _summary(text: str) -> str:
    """Return the first sentence of a page that is prose."""
    _, below = re.split(r"^# .+\n", text, maxsplit=1, flags=re.MULTILINE)
    below = re.sub(r"^```.*?^```$", "", below, flags=re.MULTILINE | re.DOTALL)
    prose = next(part for part in re.split(r"\n\n+", below) if re.match(r"\n*[A-Z`\[]", part))
    line = re.sub(r"\[([^]]+)\]\([^)]*\)", r"\1", " ".join(prose.split()))
    return re.split(r"(?<=[.:])(?: |$)", line)[0].rstrip(":.") + "."


def _expanded(directive: re.Match[str]) -> str:
    """Return the signature and the docstring of a name, and of its public methods, or of the functions of a module."""
    path = directive[1]
    found = _import(path)
    parts = [_entry(path, found)]
    names = vars(found) if isinstance(found, type) or inspect.ismodule(found) else ()
    for name in sorted(name for name in names if not name.startswith("_")):
        member = getattr(found, name)
        if inspect.isfunction(member) and member.__module__ in (found.__name__, getattr(found, "__module__", "")):
            parts.append(_entry(f"{path}.{name}", member))
    return "\n".join(parts)


def _entry(path: str, found: Any) -> str:
    try:
        signature = str(inspect.signature(found))
    except (TypeError, ValueError):
        signature = ""
    return f"## {path}\n\n```text\n{path.rpartition('.')[2]}{signature}\n\n{inspect.getdoc(found) or ''}\n```\n"


def _import(path: str) -> Any:
    module, _, name = path.rpartition(".")
    try:
        return import_module(path)
    except ModuleNotFoundError:
        return getattr(import_module(module), name)
