"""The recipes of the docs work: each is written into the files that it names, and its tests pass."""

from __future__ import annotations

import re
import shlex

import pytest

from .blocks import blocks
from .test_public import ROOT

PAGE = (ROOT / "docs/how-to/recipes.md").read_text()
RECIPES = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
FILE = re.compile(r"^`([\w.]+)`[^\n`]*:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PLUGINS = {"pytest-asyncio": "asyncio", "pytest-xdist": "xdist"}  # of which a recipe has the one that it is about


@pytest.mark.parametrize("recipe", RECIPES)
def test_recipe(recipe: str, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test of a recipe passes in a process of its own, without a warning."""
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    files = dict(FILE.findall(RECIPES[recipe]))
    for name, text in files.items():
        (pytester.path / name).write_text(text)
    (pytester.path / "photo.png").write_bytes((ROOT / "examples/valley.jpg").read_bytes())
    others = ["schemathesis", "hypothesispytest", *(plugin for about, plugin in PLUGINS.items() if about != recipe)]
    said = [shlex.split(line) for line in re.findall(r"^pytest .+$", RECIPES[recipe], re.MULTILINE)]
    options = [option for _, *line in said for option in line]
    result = pytester.runpytest_subprocess("-Werror", *(f"-pno:{plugin}" for plugin in others), *options)
    tests = re.findall(r"^ *(?:async )?def test_", "".join(files.values()), re.MULTILINE)
    assert tests
    assert {"passed": len(tests)} == result.parseoutcomes()


def test_every_block_belongs_to_a_file() -> None:
    """No Python on the page stands without the name of its file, so that all of it runs."""
    named = [text for recipe in RECIPES.values() for _, text in FILE.findall(recipe)]
    assert [] == [text for text in blocks(PAGE, "python") if text not in named]
