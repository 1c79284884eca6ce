"""What is shipped: an sdist, and a wheel that works without the repository."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.metadata import Metadata
from packaging.requirements import Requirement

from .test_public import PACKAGES, ROOT

IMPORTS = """
import sys
sys.path.insert(0, sys.argv[1])
import nano_banana_edit, nano_banana_edit_client, nano_banana_edit_mock
for module in (nano_banana_edit, nano_banana_edit_client, nano_banana_edit_mock):
    assert module.__file__.startswith(sys.argv[1]), module.__file__
print(len(nano_banana_edit_mock.load().operations))
"""


SHIPPED = ["CHANGELOG.md", "LICENSE", "README.md", "openapi.yaml", "pyproject.toml", ".gitignore"]
FOLDERS = ["generated", "mock_server", "wrapper"]


def build(source: Path, *options: str, umask: int = -1) -> dict[str, Path]:
    """Build what is in a folder; return the files by the ends of their names."""
    command = [sys.executable, "-m", "build", "--no-isolation", *options, str(source)]
    subprocess.run(command, check=True, capture_output=True, umask=umask)
    return {path.suffix: path for path in (source / "dist").iterdir()}


def copy(folder: Path) -> Path:
    """Copy what the build reads, each file as if written now."""
    for name in FOLDERS:
        nothing = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, copy_function=shutil.copyfile, ignore=nothing)
    for name in SHIPPED:
        shutil.copyfile(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The sdist, and the wheel that is built from it."""
    return build(copy(tmp_path_factory.mktemp("first")))


@pytest.fixture(scope="module")
def wheel(built: dict[str, Path]) -> Path:
    return built[".whl"]


def metadata(wheel: Path) -> Metadata:
    """The metadata of a wheel, checked by the rules for them."""
    archive = zipfile.ZipFile(wheel)
    (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    return Metadata.from_email(archive.read(name))


def test_builds_are_reproducible(built: dict[str, Path], tmp_path: Path) -> None:
    """Built elsewhere, later, by a stricter user and without the sdist between, both files have the same bytes."""
    again = build(copy(tmp_path), "--sdist", "--wheel", umask=0o077)
    assert {".gz", ".whl"} == again.keys() == built.keys()
    for suffix, path in again.items():
        assert (path.name, path.read_bytes()) == (built[suffix].name, built[suffix].read_bytes())


def test_wheel_holds_three_packages_and_nothing_else(wheel: Path) -> None:
    """Every file of the three packages is in it, the page of the mock too, and nothing else but the document."""
    files = {
        f"{package}/{path.relative_to(root).as_posix()}"
        for package, root in PACKAGES.items()
        for path in root.rglob("*.*")
        if path.is_file() and path.parent.name != "__pycache__"
    }
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert files | {"nano_banana_edit_mock/openapi.yaml"} == names
    assert {f"{package}/py.typed" for package in PACKAGES} <= names
    assert {"nano_banana_edit_mock/admin/admin.yaml", "nano_banana_edit_mock/admin/page/index.html"} <= names


def test_sdist_holds_what_the_wheel_is_made_from(built: dict[str, Path]) -> None:
    """The sdist has the sources, the license and the changes, and no test."""
    with tarfile.open(built[".gz"]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {*SHIPPED, *FOLDERS, "PKG-INFO"} == {name.partition("/")[0] for name in names}


def test_metadata_are_valid(wheel: Path) -> None:
    """The metadata are valid, with license and types named, and a page of the package has no dead link."""
    data = metadata(wheel)
    assert ("MIT", ["LICENSE"]) == (data.license_expression, data.license_files)
    assert "Typing :: Typed" in data.classifiers
    assert "markdown" in data.description_content_type
    assert not re.findall(r"\]\((?!https?://)[^)]*\)", data.description)
    assert "openapi.yaml" in data.description
    assert "](#" not in (ROOT / "README.md").read_text()  # a package's page has no anchors


def test_wheel_works_alone(wheel: Path, tmp_path: Path) -> None:
    """Unpacked elsewhere it imports, and the mock reads the document that it carries."""
    zipfile.ZipFile(wheel).extractall(tmp_path)
    command = [sys.executable, "-c", IMPORTS, str(tmp_path)]
    assert "3\n" == subprocess.run(command, check=True, capture_output=True, text=True, cwd=tmp_path).stdout


def test_bare_client_has_three_dependencies(wheel: Path) -> None:
    """Without extras it needs httpx2, attrs and stamina."""
    needed = [need.name for need in metadata(wheel).requires_dist if need.marker is None]
    assert ["attrs", "httpx2", "stamina"] == sorted(needed)


def test_anyio_is_new_enough() -> None:
    """No anyio that the async client cannot work with may be installed beside it: httpx2 asks for a newer one."""
    (anyio,) = (need for need in map(Requirement, requires("httpx2")) if need.name == "anyio")
    assert not anyio.specifier.contains("4.9")


def test_mock_without_its_extra_says_what_it_needs() -> None:
    """Importing the mock without its extra says which one to install."""
    code = "import sys; sys.modules['jsonschema_rs'] = None; from nano_banana_edit_mock import MockService"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.endswith("The mock needs jsonschema_rs: pip install 'nano-banana-edit[mock]'\n")


@pytest.mark.parametrize("missing", ["jsonschema_rs", "httptools", "yaml"])
def test_command_without_the_extra_says_what_it_needs(missing: str) -> None:
    """The command without its extra says which one to install, in one line."""
    code = (
        f"import sys, runpy; sys.modules['{missing}'] = None; runpy.run_module('nano_banana_edit_mock', alter_sys=True)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    hint = f"The mock needs {missing}: pip install 'nano-banana-edit[mock]'"
    assert (2, "", f"python -m nano_banana_edit_mock: error: {hint}\n") == (done.returncode, done.stdout, done.stderr)


def test_pytest_starts_without_the_mocks_extra(tmp_path: Path) -> None:
    """Where the client alone is installed its plugin disturbs no run of pytest, nor does it load anything."""
    test = "def test(): import sys; assert not {'httpx2', 'PIL', 'nano_banana_edit_mock.engine'} & set(sys.modules)"
    (tmp_path / "test_alone.py").write_text(test)
    run = "import sys, pytest; sys.modules.update(jsonschema_rs=None, httptools=None); sys.exit(pytest.main())"
    plugins = ("schemathesis", "anyio", "respx", "pytest_httpx", "pytest_httpx2", "cacheprovider")
    others = [option for name in plugins for option in ("-p", f"no:{name}")]
    subprocess.run([sys.executable, "-c", run, *others, str(tmp_path)], check=True, cwd=tmp_path, capture_output=True)
