"""Install the wheel with each extra, in clean environments, and use it: `python -m tests.matrix`.

On each Python that is found, with the newest packages and with the lowest that the metadata allows. It prints a table,
and exits with 1 if a cell of it failed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

from nano_banana_edit_mock import MockServer, MockService

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = sorted(PROJECT["optional-dependencies"])
LOWEST = int(PROJECT["requires-python"].removeprefix(">=3."))
# `anyio` too, the one package that the client uses and leaves to another package to require.
RESOLUTIONS = {"newest": [], "lowest": ["--resolution", "lowest-direct", "anyio"]}


def pythons() -> Iterator[str]:
    """Yield each Python, of PATH or of pyenv, one for a minor version."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    for minor in range(LOWEST, LOWEST + 10):
        found = [shutil.which(f"python3.{minor}"), *sorted(pyenv.glob(f"3.{minor}.*/bin/python"), reverse=True)]
        for python in filter(None, found):  # run, because one of PATH may be a shim without a Python behind it
            if not subprocess.run([python, "-c", "import venv"], capture_output=True, check=False).returncode:
                yield str(python)
                break


def run(*command: str | Path, **options: object) -> None:
    """Run a command that must succeed, and keep what it prints for the error."""
    subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)


def install(folder: Path, python: str, resolution: str, extras: list[str], wheel: Path) -> Path:
    """Install the wheel with some extras into an environment of its own; return that environment's Python."""
    # The file names the requirements as direct ones, of which `lowest-direct` takes the lowest.
    wanted = ["-r", ROOT / "pyproject.toml", *(f"--extra={extra}" for extra in extras), *RESOLUTIONS[resolution], wheel]
    run(sys.executable, "-m", "uv", "venv", "--clear", "--python", python, folder)
    inside = folder / "bin/python"
    run(sys.executable, "-m", "uv", "pip", "install", "--python", inside, "--no-build", *wanted)
    run(sys.executable, "-m", "uv", "pip", "check", "--python", inside)
    return inside


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.matrix", description=__doc__)
    parser.add_argument("extras", nargs="*", help="bare, all, or extras with commas; default: each alone, and all")
    parser.add_argument("--python", action="append", help="use this one; default: each that is found")
    parser.add_argument("--resolution", action="append", choices=RESOLUTIONS, help="default: both")
    chosen = parser.parse_args()
    failed = []
    with tempfile.TemporaryDirectory() as name, MockServer(MockService()) as server:
        folder = Path(name)
        run(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", folder, ROOT)
        (wheel,) = folder.glob("*.whl")
        environment = {
            "HOME": name,
            "PATH": os.defpath,
            "SINANCODE_API_KEY": "tokentoken",
            "SINANCODE_BASE_URL": server.url,
        }
        for python in chosen.python or [*pythons()]:
            version = subprocess.check_output([python, "-VV"], text=True).split()[1]
            for resolution in chosen.resolution or RESOLUTIONS:
                for cell in chosen.extras or ["bare", *EXTRAS, "all"]:
                    extras = {"bare": [], "all": EXTRAS}.get(cell, cell.split(","))
                    work = folder / "work"
                    shutil.rmtree(work, ignore_errors=True)
                    work.mkdir()
                    shutil.copy(ROOT / "examples/valley.jpg", work / "photo.jpg")
                    row = f"{version:8} {resolution:8} {cell:16}"
                    try:
                        inside = install(folder / "environment", python, resolution, extras, wheel)
                        run(inside, Path(__file__).with_name("smoke.py"), *extras, cwd=work, env=environment)
                    except subprocess.CalledProcessError as error:
                        failed.append(f"{row}\n{error.stdout}")
                        print(row, "FAILED", flush=True)  # noqa: T201
                    else:
                        print(row, "works", flush=True)  # noqa: T201
    sys.exit("\n".join(failed) or None)


if __name__ == "__main__":
    main()
