"""What `import nano_banana_edit` costs over `import httpx`, each time in a new interpreter."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

from . import environments
from .harness import over
from .table import Row

_TIMED = "import time; before = time.process_time(); import {}; print(time.process_time() - before)"


def imports(python: Path, _url: str) -> Iterator[Row]:
    """The client's, where nothing but it and its dependencies is imported."""
    yield Row(
        "`import nano_banana_edit`, CPU over `import httpx`",
        over(*_race(python, "nano_banana_edit", rounds=11)),
        at_most=1.2,
    )


def imports_peers(python: Path, _url: str) -> Iterator[Row]:
    """The peers', over `import httpx` in their environment."""
    for module in "openai", "fal_client", "replicate":
        if environments.has(python, f"import {module}"):
            yield Row(f"… `import {module}`", over(*_race(python, module, rounds=5)))


def _race(python: Path, module: str, rounds: int) -> tuple[list[float], list[float]]:
    seconds: dict[str, list[float]] = {module: [], "httpx": []}
    for _ in range(rounds):
        for name, cpu in seconds.items():
            command = [python, "-Ic", _TIMED.format(name)]
            cpu.append(float(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    return seconds[module], seconds["httpx"]
