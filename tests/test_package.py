"""What is shipped: a wheel, built from the sdist, that works without the repository."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from email import message_from_bytes
from importlib.metadata import requires
from pathlib import Path

import pytest
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


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that is built from the sdist that is built from the repository."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def test_wheel_holds_three_packages_and_nothing_else(wheel: Path) -> None:
    """Every file of the three packages is in it, the page of the mock too, and no other top-level name."""
    names = set(zipfile.ZipFile(wheel).namelist())
    for package, root in PACKAGES.items():
        files = [path for path in root.rglob("*.*") if path.is_file() and path.parent.name != "__pycache__"]
        assert {f"{package}/{path.relative_to(root).as_posix()}" for path in files} <= names
        assert f"{package}/py.typed" in names
    assert {"nano_banana_edit_mock/admin/admin.yaml", "nano_banana_edit_mock/admin/page/index.html"} <= names
    assert "nano_banana_edit_mock/openapi.yaml" in names
    assert set(PACKAGES) == {top for name in names if not (top := name.partition("/")[0]).endswith(".dist-info")}


def test_wheel_works_alone(wheel: Path, tmp_path: Path) -> None:
    """Unpacked elsewhere it imports, and the mock reads the document that it carries."""
    zipfile.ZipFile(wheel).extractall(tmp_path)
    command = [sys.executable, "-c", IMPORTS, str(tmp_path)]
    assert "3\n" == subprocess.run(command, check=True, capture_output=True, text=True, cwd=tmp_path).stdout


def test_bare_client_has_three_dependencies(wheel: Path) -> None:
    """Without extras it needs httpx2, attrs and stamina."""
    archive = zipfile.ZipFile(wheel)
    (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    needed = message_from_bytes(archive.read(name)).get_all("Requires-Dist")
    assert ["attrs", "httpx2", "stamina"] == sorted(
        re.split("[<>]", line)[0] for line in needed if "extra ==" not in line
    )


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
