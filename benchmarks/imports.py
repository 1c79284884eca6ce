"""What `import nano_banana_edit` costs over `import httpx2`, each time in a new interpreter."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

from . import environments
from .harness import over
from .table import Row

_TIMED = "import time; before = time.process_time(); {}; print(time.process_time() - before)"
_BASE = "import httpx2"


def imports(python: Path, _url: str) -> Iterator[Row]:
    """The client's, where only the client and its dependencies are imported."""
    ours = "import nano_banana_edit", "from nano_banana_edit import NanoBananaEdit"
    seconds = _race(python, *ours, "import httpx", rounds=15)
    for statement in ours:
        yield Row(f"`{statement}`, CPU over `{_BASE}`", over(seconds[statement], seconds[_BASE]), at_most=1.3)
    yield Row("… `import httpx`", over(seconds["import httpx"], seconds[_BASE]))


def imports_peers(python: Path, _url: str) -> Iterator[Row]:
    """The peers', over `import httpx2` in their environment."""
    for module in "openai", "fal_client", "replicate":
        if environments.has(python, f"import {module}"):
            seconds = _race(python, f"import {module}", rounds=5)
            yield Row(f"… `import {module}`", over(seconds[f"import {module}"], seconds[_BASE]))


def _race(python: Path, *statements: str, rounds: int) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {statement: [] for statement in (_BASE, *statements)}
    for _ in range(rounds):
        for statement, cpu in seconds.items():
            command = [python, "-Ic", _TIMED.format(statement)]
            cpu.append(float(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    return seconds
