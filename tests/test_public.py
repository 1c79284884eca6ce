"""The public surface and the house: what is exported, how it is documented, who may import whom."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from types import ModuleType

import httpx2
import nano_banana_edit
import nano_banana_edit_client
import nano_banana_edit_mock
import pytest
from nano_banana_edit import AsyncNanoBananaEdit, AsyncResultImage, NanoBananaEdit, ResultImage
from nano_banana_edit_mock.contract import load
from packaging.version import Version

PROPERTIES = {c.field for c in load().constraints if (c.operation, c.location) == ("createEdit", "body") and c.field}
ROOT = Path(__file__).parents[1]
PACKAGES = {
    "nano_banana_edit": ROOT / "wrapper/nano_banana_edit",
    "nano_banana_edit_client": ROOT / "generated/nano_banana_edit_client",
    "nano_banana_edit_mock": ROOT / "mock_server/nano_banana_edit_mock",
}
MAY_IMPORT = {
    "nano_banana_edit": {"nano_banana_edit", "nano_banana_edit_client"},
    "nano_banana_edit_client": {"nano_banana_edit_client"},
    "nano_banana_edit_mock": {"nano_banana_edit_mock"},
}


@pytest.mark.parametrize("module", [nano_banana_edit, nano_banana_edit_mock])
def test_all_is_what_there_is(module: ModuleType) -> None:
    """`__all__` is sorted, each name is there, and each public class and function is in it."""
    assert sorted(module.__all__) == module.__all__
    assert all(hasattr(module, name) for name in module.__all__)
    assert set(module.__all__) <= set(dir(module))
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = module.nonsense
    public = {
        name for name, value in vars(module).items() if getattr(value, "__module__", "").startswith(module.__name__)
    }
    assert {name for name in public if not name.startswith("_")} <= set(module.__all__)


@pytest.mark.parametrize(("sync", "twin"), [(NanoBananaEdit, AsyncNanoBananaEdit), (ResultImage, AsyncResultImage)])
def test_twins_have_the_same_methods(sync: type, twin: type) -> None:
    """Both kinds have the same public methods with the same parameters and defaults, and the twin's docs point over."""
    names = {name for name in dir(sync) if not name.startswith("_")} - {"close"}
    also = {name for name in dir(twin) if not name.startswith("_")} - {"aclose"}
    assert names == also, f"give {sync.__name__} and {twin.__name__} the same methods"
    for name in (name for name in names if inspect.isfunction(getattr(sync, name))):
        one, other = getattr(sync, name), getattr(twin, name)
        parameters = inspect.signature(one).parameters
        assert parameters == inspect.signature(other).parameters, f"give both kinds of `{name}` the same parameters"
        if one is not other:
            assert inspect.iscoroutinefunction(other)
            see = f"See `{sync.__name__}.{name}`"
            assert see in other.__doc__, f"write {see} into the docstring of {twin.__name__}.{name}"
    http = {"http_client": inspect.signature(sync).parameters.get("http_client")}
    settings = [dict(inspect.signature(kind).parameters) | http for kind in (sync, twin)]
    if sync is NanoBananaEdit:
        assert settings[0] == settings[1]


@pytest.mark.parametrize("name", ["edit", "submit", "wait", "get_task", "upload"])
def test_methods_are_documented(name: str) -> None:
    """Each method of the client documents its arguments, result, errors and source in the document."""
    method = getattr(NanoBananaEdit, name)
    for section in ("Args:", "Returns:", "Raises:", "Source: `openapi.yaml#/paths/"):
        assert section in method.__doc__, f"the docstring of NanoBananaEdit.{name} needs {section}"
    for parameter in [name for name in inspect.signature(method).parameters if name != "self"]:
        described = re.search(rf"^\s+{parameter}: ", method.__doc__, re.MULTILINE)
        assert described, f"describe {parameter} under Args: in the docstring of NanoBananaEdit.{name}"


@pytest.mark.parametrize("method", ["edit", "submit"])
def test_every_property_is_an_argument(method: str) -> None:
    """Each property of the document's EditRequest is an argument, and each argument a property or the client's own."""
    parameters = set(inspect.signature(getattr(NanoBananaEdit, method)).parameters)
    own = {"self", "images", "extra_body", "timeout", "on_progress", "key", "retry_failed"} | (
        {"stop_on"} if method == "edit" else set()
    )
    properties = {name for name, *_ in PROPERTIES} - {"image_urls"}
    remedy = f"in client.py, give `{method}` of both clients an argument for each property, and put it into `options`"
    assert properties == parameters - own, remedy


def test_every_operation_is_a_method() -> None:
    """Each operation that the generator made is used by the operation of a method."""
    generated = {name for name in modules("nano_banana_edit_client") if name.count(".") == 3}
    used = imports(PACKAGES["nano_banana_edit"] / "_operations.py", "nano_banana_edit")
    remedy = "write an operation in _operations.py that sends it, and a method of both clients in client.py"
    operations = {name for name in generated if ".api." in name}
    assert operations == {name for name in used if name.count(".") == 3}, remedy


def imports(path: Path, package: str) -> set[str]:
    """The modules that a file imports, wherever in it, TYPE_CHECKING included."""
    found = set()
    parts = [package, *path.relative_to(PACKAGES[package]).with_suffix("").parts]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join([*parts[: -node.level], *filter(None, [node.module])]) if node.level else node.module or ""
            found |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return found


def modules(package: str) -> dict[str, Path]:
    """The modules of a package and their files."""
    root = PACKAGES[package]
    paths = root.rglob("*.py")
    return {
        ".".join([package, *path.relative_to(root).with_suffix("").parts]).removesuffix(".__init__"): path
        for path in paths
    }


@pytest.mark.parametrize("package", PACKAGES)
def test_arrows_run_one_way(package: str) -> None:
    """No package imports another one but as the house is drawn; the command line alone may start the mock."""
    for name, path in modules(package).items():
        found = {imported.partition(".")[0] for imported in imports(path, package)} & set(PACKAGES)
        allowed = MAY_IMPORT[package] | ({"nano_banana_edit_mock"} if name == "nano_banana_edit.cli" else set())
        assert found <= allowed, name


@pytest.mark.parametrize("package", ["nano_banana_edit", "nano_banana_edit_mock"])
def test_no_import_circle(package: str) -> None:
    """The modules of a package can be put in an order in which each imports earlier ones only."""
    known = modules(package)
    graph = {name: imports(path, package) & set(known) - {name} for name, path in known.items()}
    graph = {name: {other for other in others if other != package} for name, others in graph.items()}
    while graph:
        free = {name for name, others in graph.items() if not others}
        assert free, f"circle among {sorted(graph)}"
        graph = {name: others - free for name, others in graph.items() if name not in free}


# The wrapper's rooms: each may import only rooms before it.
FLOORS = [
    "_version",
    "_redaction",
    "_errors",
    "_log",
    "_clock",
    "_effects",
    "models",
    "_media",
    "_images",
    "_pillow",
    "_requests",
    "_responses",
    "_settings",
    "ledger._rows",
    "ledger._database",
    "ledger._ledger",
    "ledger",
    "_proxies",
    "_reading",
    "_retry",
    "_once",
    "_attempt",
    "_sockets",
    "_transport",
    "_aiohttp",
    "_driver",
    "_async_driver",
    "_operations",
    "_download",
    "results",
    "_base",
    "client",
    "batch._source",
    "batch._checked",
    "batch._sink",
    "batch._pace",
    "batch._limits",
    "batch._report",
    "batch._claims",
    "batch._run",
    "batch._keys",
    "batch._batch",
    "batch._workers",
    "batch",
    "cli._options",
    "cli._words",
    "cli._streams",
    "cli._common",
    "cli._target",
    "cli.mocking",
    "cli.edits",
    "cli.doctor",
    "cli.batches",
    "cli.workers",
    "cli._agent",
    "cli.mcp",
    "cli",
]


def test_the_wrapper_is_built_from_the_ground_up() -> None:
    """Each module of the wrapper imports only modules below it, also for type checking."""
    rooms = modules("nano_banana_edit")
    assert {*FLOORS} == {name.partition(".")[2] for name in rooms} - {""}
    for number, floor in enumerate(FLOORS):
        found = {name.partition(".")[2] for name in imports(rooms[f"nano_banana_edit.{floor}"], "nano_banana_edit")}
        assert found & {*FLOORS} <= {*FLOORS[:number]}, floor


# Private names of other packages. Each is admitted where it stands, and the code fails if it is gone.
ADMITTED = {"_transport_for_url"}
PUBLIC = {"_replace"}  # of named tuples, whose documentation says so


@pytest.mark.parametrize("package", ["nano_banana_edit", "nano_banana_edit_mock"])
def test_private_names_of_other_packages_are_admitted(package: str) -> None:
    """Neither wrapper nor mock uses a private name that is not its own, but those that are listed here."""
    used, own = set(), set()
    for path in modules(package).values():
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Attribute(attr=name, ctx=ast.Store()) | ast.FunctionDef(name=name):
                    own.add(name)
                case ast.AsyncFunctionDef(name=name) | ast.AnnAssign(target=ast.Name(id=name)):
                    own.add(name)
                case ast.Attribute(attr=name):
                    used.add(name)
                case ast.ImportFrom(level=0, module=str(name)):
                    used |= {part for part in name.split(".") if part != "__future__"}
                case ast.Call(
                    func=ast.Name(id="getattr" | "hasattr" | "setattr"), args=[_, ast.Constant(str(name)), *_]
                ):
                    used.add(name)
    assert {name for name in used - own - PUBLIC if re.match("_[a-z]", name)} <= ADMITTED


def test_a_sync_request_reads_the_pool_that_it_is_given() -> None:
    """The one private attribute that the wrapper sets, `_transport.py` says why, is the only one that httpx2 reads."""
    read = {
        node.attr
        for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(httpx2.HTTPTransport.handle_request))))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
    }
    assert {"_pool"} == read


def test_bare_client_needs_no_extra() -> None:
    """Importing the client loads nothing that an extra brings; rich is not looked for, as httpx2 itself loads it."""
    code = "import sys, nano_banana_edit; print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    extras = {"typer", "PIL", "respx", "httptools", "jsonschema_rs", "yaml", "sqlalchemy", "nano_banana_edit_mock"}
    assert set() == extras & set(loaded)


def test_every_module_imports_alone() -> None:
    """Each module of the three packages can be the first one imported."""
    code = """
import importlib, sys
for name in sys.argv[1:]:
    for loaded in [loaded for loaded in sys.modules if loaded.startswith(("nano_banana_edit", "respx"))]:
        del sys.modules[loaded]
    importlib.import_module(name)
"""
    names = [name for package in PACKAGES for name in modules(package)]
    subprocess.run([sys.executable, "-c", code, *names], check=True)


def test_packages_are_typed() -> None:
    """All three packages carry py.typed."""
    assert all((path / "py.typed").is_file() for path in PACKAGES.values())


def test_version_is_not_below_the_changelog() -> None:
    """The changelog begins with what is not released; the package's version is the newest below it, or a later one."""
    first, *released = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert "Unreleased" == first
    assert Version(nano_banana_edit.__version__) >= max(map(Version, released), default=Version("0"))


def test_generated_client_exports() -> None:
    """The generated client stands on its own."""
    assert nano_banana_edit_client.__all__ == ("AuthenticatedClient", "Client")
