"""The house of the mock, drawn from its imports: five rooms, arrows one way, no circle, and no rule of the player's."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter

import pytest

from ..test_public import PACKAGES, modules

PACKAGE = "nano_banana_edit_mock"
ROOMS = ["contract", "engine", "admin", "doors", "tools"]  # each imports those before it
HALL = {PACKAGE, f"{PACKAGE}.__main__", f"{PACKAGE}.pytest_plugin"}  # what stands before the rooms imports any
MODULES = modules(PACKAGE)


def imported(name: str) -> set[str]:
    """The modules that one imports, wherever in it, TYPE_CHECKING included; a package counts if a name is its own."""
    path = MODULES[name]
    inside = name if path.name == "__init__.py" else name.rpartition(".")[0]
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            parents = inside.split(".")[: len(inside.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*parents, *filter(None, [node.module])])
            names = {f"{base}.{alias.name}" for alias in node.names}
            found |= (names & MODULES.keys()) | ({base} if names - MODULES.keys() else set())
    return found


def room(name: str) -> str:
    return name.split(".")[1]


def test_every_module_is_in_a_room() -> None:
    """Beside the rooms there are only the package itself, its command and its plugin."""
    assert {name for name in MODULES if name not in HALL and room(name) not in ROOMS} == set()


@pytest.mark.parametrize("name", sorted(MODULES.keys() - HALL))
def test_arrows_run_one_way(name: str) -> None:
    """A room imports no room after it, and nothing of the hall."""
    before = ROOMS[: ROOMS.index(room(name)) + 1]
    own = {other for other in imported(name) if other.split(".")[0] == PACKAGE}
    assert own & HALL == set()
    assert {room(other) for other in own} <= set(before)


def test_there_is_no_circle() -> None:
    """The modules can be put in an order in which each imports only earlier ones."""
    graph = {name: imported(name) & MODULES.keys() for name in MODULES}
    order = [*TopologicalSorter(graph).static_order()]
    assert set(order) == MODULES.keys()


def test_the_referee_borrows_no_rulebook() -> None:
    """The mock imports neither the wrapper nor the generated client."""
    for name in MODULES:
        assert {other.split(".")[0] for other in imported(name)} & {*PACKAGES} <= {PACKAGE}
