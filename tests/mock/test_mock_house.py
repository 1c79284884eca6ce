"""The house of the mock, drawn from its imports: five rooms, arrows one way, no circle, and no rule of the player's."""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Callable
from graphlib import TopologicalSorter
from importlib import import_module
from pathlib import Path

import pytest
from nano_banana_edit_mock import MockService, Request, Response

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


VALUES = {"engine/records.py", "engine/timing.py"}  # plain values and the clock are read at any time
SENT = {"Authorization": "Bearer t", "Content-Type": "application/json"}
FORM = {"Authorization": "Bearer t", "Content-Type": "multipart/form-data; boundary=b"}
FILE = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc\r\n--b--\r\n'


def stays(service: MockService, request: Request) -> tuple[Response, list[str]]:
    """Handle a request, and list the modules that it enters from another one, in order."""
    entered: list[str] = []
    root = f"{MODULES[PACKAGE].parent}/"

    def profile(frame: object, event: str, _: object) -> None:
        here, there = (Path(one.f_code.co_filename) if one else Path() for one in (frame, frame.f_back))  # type: ignore[attr-defined]
        if event == "call" and here != there and str(here).startswith(root):
            name = str(here).removeprefix(root)
            if name not in VALUES and entered[-1:] != [name]:
                entered.append(name)

    sys.setprofile(profile)
    try:
        return service.handle(request), entered
    finally:
        sys.setprofile(None)


def test_a_request_passes_each_module_once(url: Callable[..., str]) -> None:
    """A request goes through the mock without coming back to a module that it left."""
    import_module(f"{PACKAGE}.engine.drawing")  # which is loaded on its first use, and is a way of its own
    service = MockService(polls=0)
    edit = json.dumps({"image_urls": ["https://images.test/a.png"], "prompt": "p"}).encode()
    accepted, first = stays(service, Request("POST", url("createEdit"), SENT, edit))
    before = ["service", "routes", "referee", "bodies", "reading", "schemas", "preferences", "script"]
    assert [*before, "player", "state", "answers", "cors", "entries", "hiding", "journal"] == [
        Path(name).stem for name in first
    ]
    task, second = stays(service, Request("GET", url("getTask", id=accepted.json()["task_id"]), SENT))
    others = (
        Request("GET", task.json()["result"][0]),
        Request("POST", url("uploadFile"), FORM, FILE),
        Request("POST", url("createEdit"), SENT, b'{"prompt": ""}'),
        Request("POST", url("createEdit"), SENT, b"{"),
        Request("POST", url("createEdit")),
        Request("GET", url("createEdit")),
    )
    for way in (first, second, *(stays(service, request)[1] for request in others)):
        assert len(way) == len(set(way)), way
