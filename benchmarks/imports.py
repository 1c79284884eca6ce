"""What `import nano_banana_edit` costs over `import httpx`, each time in a new interpreter."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

from . import environments
from .harness import over
from .table import Row

_TIMED = "import time; before = time.process_time(); {}; print(time.process_time() - before)"


def imports(python: Path, _url: str) -> Iterator[Row]:
    """The client's, where nothing but it and its dependencies is imported."""
    for statement in "import nano_banana_edit", "from nano_banana_edit import NanoBananaEdit":
        figure = over(*_race(python, statement, rounds=11))
        yield Row(f"`{statement}`, CPU over `import httpx`", figure, at_most=1.2)


def imports_peers(python: Path, _url: str) -> Iterator[Row]:
    """The peers', over `import httpx` in their environment."""
    for module in "openai", "fal_client", "replicate":
        if environments.has(python, f"import {module}"):
            yield Row(f"… `import {module}`", over(*_race(python, f"import {module}", rounds=5)))


def _race(python: Path, statement: str, rounds: int) -> tuple[list[float], list[float]]:
    seconds: dict[str, list[float]] = {statement: [], "import httpx": []}
    for _ in range(rounds):
        for each, cpu in seconds.items():
            command = [python, "-Ic", _TIMED.format(each)]
            cpu.append(float(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    return seconds[statement], seconds["import httpx"]
