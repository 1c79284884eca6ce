"""How much is installed: a distribution and all it needs, without extras, over httpx2 and all it needs."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import Distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from .harness import Figure
from .table import Row


def sizes(python: Path, _url: str) -> Iterator[Row]:
    """The client's, mock server and document included, as they come in one wheel."""
    yield _row(python, "nano-banana-edit", "Size of `nano-banana-edit`")


def sizes_peers(python: Path, _url: str) -> Iterator[Row]:
    """The peers'."""
    for name in "openai", "fal-client", "replicate":
        if name in _installed(python):
            yield _row(python, name, f"… size of `{name}`")


def _row(python: Path, name: str, what: str) -> Row:
    installed = _installed(python)
    needed, base = _needed(installed, name), _needed(installed, "httpx2")
    alone = _bytes(installed[name]) / _bytes(installed["httpx2"])
    ratio = Figure([sum(map(_bytes, needed.values())) / sum(map(_bytes, base.values()))])
    counts = f"{len(needed) - 1} dependencies to its {len(base) - 1}, alone {alone:.1f}"
    return Row(f"{what}, all it needs included, over httpx2 ({counts})", ratio)


def _installed(python: Path) -> dict[str, Distribution]:
    site = next((python.parents[1] / "lib").glob("python*/site-packages"))
    return {canonicalize_name(found.name): found for found in Distribution.discover(path=[str(site)])}


def _needed(installed: dict[str, Distribution], name: str) -> dict[str, Distribution]:
    """Return a distribution and, transitively, those it requires here."""
    needed, todo = {}, [name]
    while todo:
        name = canonicalize_name(todo.pop())
        if name in needed:
            continue
        needed[name] = installed[name]
        requirements = map(Requirement, installed[name].requires or ())
        todo += [each.name for each in requirements if each.marker is None or each.marker.evaluate({"extra": ""})]
    return needed


def _bytes(distribution: Distribution) -> int:
    files = [file for file in distribution.files or () if file.suffix != ".pyc"]
    return sum(Path(file.locate()).stat().st_size for file in files)
