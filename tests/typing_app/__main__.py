"""Check calls against the installed wheel, as its users do: `python -m tests.typing_app mypy`, or `pyright`.

What tests/typing_api.py calls passes, and each wrong call of wrong.py is exactly one error.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
APP = [ROOT / "tests/typing_api.py", Path(__file__).with_name("wrong.py")]
Place = tuple[str, int]


def mypy(python: Path, folder: Path) -> Iterator[tuple[Place, str]]:
    options = ["--strict", "--output=json", f"--python-executable={python}", "--config-file="]
    command = [
        sys.executable,
        "-m",
        "mypy",
        *options,
        f"--cache-dir={ROOT / '.mypy_cache/installed'}",
        *(path.name for path in APP),
    ]
    for line in subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout.splitlines():
        error = json.loads(line)
        if error["severity"] == "error":
            yield (Path(error["file"]).name, error["line"]), error["message"]


def pyright(python: Path, folder: Path) -> Iterator[tuple[Place, str]]:
    project = {"typeCheckingMode": "standard", "include": [path.name for path in APP]}
    (folder / "pyrightconfig.json").write_text(json.dumps(project))
    command = ["npx", "--yes", "pyright@1.1.409", "--outputjson", "--pythonpath", python, "--project", folder]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    for error in json.loads(done.stdout)["generalDiagnostics"]:
        yield (Path(error["file"]).name, error["range"]["start"]["line"] + 1), error["message"]


def install(folder: Path) -> Path:
    """Install the wheel into an environment of its own, in which everything else comes from this one."""
    build = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", folder, ROOT]
    subprocess.run(build, check=True, capture_output=True)
    environment = folder / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    (packages,) = environment.glob("lib/python*/site-packages")
    (wheel,) = folder.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(packages)
    # Files with the ending pth in that folder, such as the one of the editable sources, do not count.
    (packages / "others.pth").write_text(sysconfig.get_path("purelib"))
    return environment / "bin/python"


def main(check: str) -> None:
    wrong = {
        (path.name, number)
        for path in APP
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if line.endswith("# wrong")
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in APP:
            shutil.copy(path, folder)
        found = [*{"mypy": mypy, "pyright": pyright}[check](install(folder), folder)]
    places = [place for place, _ in found]
    problems = [f"{file}:{line}: no error" for file, line in sorted(wrong - {*places})]
    problems += [f"{file}:{line}: {error}" for (file, line), error in found if places.count((file, line)) > 1]
    problems += [f"{file}:{line}: {error}" for (file, line), error in found if (file, line) not in wrong]
    sys.exit("\n".join(problems) or None)


if __name__ == "__main__":
    main(sys.argv[1])
