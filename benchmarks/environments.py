"""The environments that are measured: what users install, with raw httpx beside it, and the same with the peers.

Both have the versions of the lock, so all contenders run on the same httpx2. They are two because openai brings
sniffio, which makes async calls of httpx cheaper.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from .harness import ROOT

_BUILD = ROOT / "build" / "bench"


def plain() -> Path:
    """Return the interpreter of an environment with the client, freshly installed, and raw httpx."""
    return _environment("plain", [line for line in _beside() if line.startswith("httpx")])


def with_peers() -> Path:
    """Return the interpreter of an environment with the client, raw httpx and each peer that can be installed."""
    return _environment("peers", _beside())


def has(python: Path, statement: str) -> bool:
    """Return whether a statement, such as an import, runs there."""
    return subprocess.run([python, "-Ic", statement], check=False, stderr=subprocess.DEVNULL).returncode == 0


def has_aiohttp(python: Path) -> bool:
    """Return whether the client runs on aiohttp there."""
    return has(python, "from nano_banana_edit import aiohttp_client; aiohttp_client()")


def facts(python: Path) -> str:
    """Return the versions that the figures of an environment depend on."""
    script = """
from importlib.metadata import version
from platform import python_version
print(f"Python {python_version()}", *(f"{name} {version(name)}" for name in ("httpx2", "httpx")), sep=", ")
"""
    text = subprocess.run([python, "-Ic", script], check=True, capture_output=True, text=True).stdout.strip()
    return f"{text}, sniffio {'' if has(python, 'import sniffio') else 'not '}importable"


def _beside() -> list[str]:
    lines = (ROOT / "benchmarks" / "peers.txt").read_text().splitlines()
    return [line for line in lines if not line.startswith("#")]


def _environment(name: str, requirements: list[str]) -> Path:
    folder = _BUILD / name
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    for requirement in requirements:
        _install_once(python, requirement)
    _install_client(python)
    return python


def _constraints() -> Path:
    """Write the lock without its hashes, which pip would also want for the peers."""
    path = _BUILD / "constraints.txt"
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    path.write_text("\n".join(line.rstrip(" \\") for line in lines if "==" in line and line[0].isalnum()))
    return path


def _pip(python: Path, *arguments: str | Path) -> bool:
    command = [python, "-m", "pip", "install", "-qqq", "--disable-pip-version-check", *arguments]
    return (
        subprocess.run(command, check=False, stdout=sys.stderr, env={**os.environ, "PIP_NO_INPUT": "1"}).returncode == 0
    )


def _install_once(python: Path, requirement: str) -> None:
    name, version = requirement.split("==")
    there = has(python, f"import importlib.metadata as m; assert m.version({name!r}) == {version!r}")
    if not there and not _pip(python, "--constraint", _constraints(), requirement):
        print(f"{requirement} cannot be installed here; it is left out.", file=sys.stderr)


def _install_client(python: Path) -> None:
    """Build the wheel and install it with its extra `aiohttp`."""
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", _BUILD, ROOT]
    subprocess.run(build, check=True, capture_output=True)
    wheel = max(_BUILD.glob("*.whl"), key=lambda path: path.stat().st_mtime)
    _pip(python, "--constraint", _constraints(), f"{wheel}[aiohttp]")
    if not _pip(python, "--no-deps", "--force-reinstall", wheel):
        raise RuntimeError("The client cannot be installed.")
