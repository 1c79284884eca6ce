"""The environments that are measured: what `pip install nano-banana-edit` gives, and the same with the peers beside.

Both have the lock's versions, so all run on the same httpx. They are two because openai brings sniffio, which makes
httpx's async half cheaper by itself.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from .harness import ROOT

_BUILD = ROOT / "build" / "bench"
_TRANSPORT = "httpx-aiohttp"


def plain() -> Path:
    """Return the interpreter of an environment with the client, freshly installed, and its optional transport."""
    python = _environment("plain")
    transport = next(line for line in _peers() if line.startswith(_TRANSPORT))
    _install_once(python, transport)
    _install_client(python)
    return python


def with_peers() -> Path:
    """Return the interpreter of an environment with the client and every peer that can be installed."""
    python = _environment("peers")
    for peer in _peers():
        _install_once(python, peer)
    _install_client(python)
    return python


def has(python: Path, statement: str) -> bool:
    """Return whether a statement, such as an import, runs there."""
    return subprocess.run([python, "-Ic", statement], check=False, stderr=subprocess.DEVNULL).returncode == 0


def has_transport(python: Path) -> bool:
    """Return whether the client can be used with its optional transport there."""
    return has(python, "import httpx_aiohttp; from nano_banana_edit import aiohttp_client")


def facts(python: Path) -> str:
    """Return what else decides about the figures of an environment."""
    versions = "import httpx, platform; print(f'Python {platform.python_version()}, httpx {httpx.__version__}')"
    text = subprocess.run([python, "-Ic", versions], check=True, capture_output=True, text=True).stdout.strip()
    return f"{text}, sniffio {'' if has(python, 'import sniffio') else 'not '}importable"


def _peers() -> list[str]:
    lines = (ROOT / "benchmarks" / "peers.txt").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def _environment(name: str) -> Path:
    folder = _BUILD / name
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    return python


def _constraints() -> Path:
    """Write the lock without its hashes, which would be asked for of the peers as well."""
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
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", _BUILD, ROOT]
    subprocess.run(build, check=True, capture_output=True)
    wheel = max(_BUILD.glob("*.whl"), key=lambda path: path.stat().st_mtime)
    _pip(python, "--constraint", _constraints(), wheel)
    if not _pip(python, "--no-deps", "--force-reinstall", wheel):
        raise RuntimeError("The client cannot be installed.")
