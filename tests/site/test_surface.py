"""The documentation covers the whole public surface, and the pages that are made are up to date."""

from __future__ import annotations

import re

import nano_banana_edit
import pytest

from ..test_public import PACKAGES
from .reference import PAGES
from .stage import DOCS
from .surface import is_called, options, surface, undocumented

SURFACE = dict(surface())
GUIDES = [path.read_text() for path in DOCS.rglob("*.md") if path.parent.name != "reference"]
WORDS = [{*re.findall(r"\w+", " ".join(re.findall(r"```.*?```|`[^`\n]+`", text, re.DOTALL)))} for text in GUIDES]


def test_each_argument_is_documented() -> None:
    """The docstring of each public callable names each of its arguments, or points to one that does."""
    assert [] == [(path, name) for path, target in SURFACE.items() for name in undocumented(target)]


def test_each_option_is_in_a_guide() -> None:
    """What users call stands in the code of a page that is no reference, and so do its options, on such a page."""
    missing = []
    for path, target in SURFACE.items():
        if is_called(target):
            name = path.rpartition(".")[2]
            shown = set[str]().union(*(words for words in WORDS if name in words))
            missing += [f"{path}: {word}" for word in (name, *options(target)) if word not in shown]
    assert [] == missing


@pytest.mark.parametrize("name", PAGES)
def test_page_is_up_to_date(name: str) -> None:
    """`make reference` changes nothing on the committed pages."""
    assert PAGES[name]() == (DOCS / f"reference/{name}.md").read_text()


def test_variables_are_listed() -> None:
    """The page of variables lists each one that the code reads, and no other."""
    names = r"\b(?:SINANCODE_[A-Z_]+|NANO_BANANA_EDIT_[A-Z_]+|[A-Z]+_PROXY|SSL_[A-Z_]+)\b"
    code = "".join(path.read_text() for folder in PACKAGES.values() for path in folder.rglob("*.py"))
    page = (DOCS / "reference/environment.md").read_text()
    assert {*re.findall(names, code)} == {*re.findall(r"`([A-Z_]+)`", page)}


def test_tree_of_errors() -> None:
    """The tree on the page of errors is that of the classes."""
    (tree,) = re.findall(r"```text\n(.*?)```", (DOCS / "reference/errors.md").read_text(), re.DOTALL)
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
