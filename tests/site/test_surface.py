"""The documentation covers the whole public surface, and the pages that are made are up to date."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import nano_banana_edit
import pytest

from ..blocks import blocks
from ..test_public import PACKAGES
from .charts import write
from .reference import PAGES
from .stage import DOCS, ROOT
from .surface import is_called, options, surface, undocumented

SURFACE = dict(surface())
GUIDES = [path.read_text() for path in DOCS.rglob("*.md") if path.parent.name != "reference"]
WORDS = [{*re.findall(r"\w+", " ".join(re.findall(r"```.*?```|`[^`\n]+`", text, re.DOTALL)))} for text in GUIDES]


def test_each_argument_is_documented() -> None:
    """The docstring of each public callable names each of its arguments, or points to one that does."""
    missing = [f"{path}: {name}" for path, target in SURFACE.items() for name in undocumented(target)]
    assert [] == missing, "describe it under Args in the docstring"


def test_each_option_is_in_a_guide() -> None:
    """What users call stands in the code of a page that is no reference, and so do its options, on such a page."""
    missing = []
    for path, target in SURFACE.items():
        if is_called(target):
            name = path.rpartition(".")[2]
            shown = set[str]().union(*(words for words in WORDS if name in words))
            missing += [f"{path}: {word}" for word in (name, *options(target)) if word not in shown]
    assert [] == missing, "show it in a code span or block of a page in docs/how-to"


@pytest.mark.parametrize("name", PAGES)
def test_page_is_up_to_date(name: str) -> None:
    """`make reference` changes nothing on the committed pages."""
    assert PAGES[name]() == (DOCS / f"reference/{name}.md").read_text(), "run make reference"


def test_charts_are_up_to_date(tmp_path: Path) -> None:
    """`make charts` changes nothing on the committed pictures, and the page shows each of them."""
    page = DOCS / "explanation/performance.md"
    write(page, tmp_path)
    drawn = {path.name: path.read_text() for path in tmp_path.iterdir()}
    there = {name: (DOCS / "pictures" / name).read_text() for name in ("client.svg", "batch.svg", "mock.svg")}
    assert drawn == there, "run make charts"
    assert drawn.keys() == {*re.findall(r"\(\.\./pictures/(.+)\)", page.read_text())}


def test_a_chart_without_a_heading(tmp_path: Path) -> None:
    """A table without a heading is drawn under the name of its file: each ratio with a goal, met or missed."""
    rows = ["| a over b | 1.50 (1.20 to 1.60) | ≤ 2 | yes |", "| c | 0.50 | ≥ 1 | **no** |", "| … d | 9.00 | | |"]
    rows += ["| memory, MB | 99 | ≤ 100 | yes |"]
    (tmp_path / "bench.md").write_text("\n".join(["| what | median | goal | met? |", "|---|---|---|---|", *rows, ""]))
    write(tmp_path / "bench.md", tmp_path)
    chart = (tmp_path / "bench.svg").read_text()
    assert re.findall(r'<text class="(met|missed)"[^>]*>([\d.]+)<', chart) == [("met", "1.50"), ("missed", "0.50")]
    assert "memory" not in chart


def test_variables_are_listed() -> None:
    """The page of variables lists each one that the code reads, and no other."""
    names = r"\b(?:SINANCODE_[A-Z_]+|NANO_BANANA_EDIT_[A-Z_]+|[A-Z]+_PROXY|SSL_[A-Z_]+)\b"
    code = "".join(path.read_text() for folder in PACKAGES.values() for path in folder.rglob("*.py"))
    page = (DOCS / "reference/environment.md").read_text()
    assert {*re.findall(names, code)} == {*re.findall(names, page)}


def test_extras_are_listed() -> None:
    """The page on installation lists each extra, and no other."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    page = (DOCS / "how-to/install.md").read_text()
    assert {*extras} == {*re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)}


def test_tree_of_errors() -> None:
    """The tree on the page of errors is that of the classes."""
    (tree,) = blocks((DOCS / "reference/errors.md").read_text(), "text")
    drawn: dict[str, str] = {}
    above = [""]
    for indent, name in re.findall(r"^([│├└─ ]*)(\w+)", tree, re.MULTILINE):
        above[len(indent) // 4 + 1 :] = [name]
        drawn[name] = above[-2]
    errors = {name: getattr(nano_banana_edit, name) for name in nano_banana_edit.__all__}
    classes = {
        name: kind.__base__.__name__
        for name, kind in errors.items()
        if isinstance(kind, type) and issubclass(kind, nano_banana_edit.NanoBananaEditError)
    }
    assert {**drawn, "NanoBananaEditError": "Exception"} == classes
