"""Build the site into build/site, check its links, and write llms.txt: `make docs`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from . import llms
from .links import faults
from .stage import ROOT, stage


def build(folder: Path) -> Path:
    """Return the site that the mkdocs.yml of a folder describes; without a fault, or exit."""
    stage(folder / "build/docs")
    subprocess.run([sys.executable, "-m", "zensical", "build", "--strict", "--clean"], cwd=folder, check=True)
    site = folder / "build/site"
    if found := faults(site):
        sys.exit("\n".join(found))
    llms.write(folder / "mkdocs.yml", folder / "build/docs", site)
    return site


if __name__ == "__main__":
    sys.stdout.write(f"{build(ROOT) / 'index.html'}\n")
