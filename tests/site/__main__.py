"""Build the site into build/site, check its links, write llms.txt, and see that mkdocs builds it too: `make docs`."""

from __future__ import annotations

import subprocess
import sys
import tempfile
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


def build_with_mkdocs(folder: Path, site: Path) -> None:
    """Build the same pages with mkdocs, so that the way out of zensical stays open; without a warning, or exit."""
    with tempfile.TemporaryDirectory() as name:
        options = ["--strict", "--quiet", "--theme", "mkdocs", "--site-dir", name]
        subprocess.run([sys.executable, "-m", "mkdocs", "build", *options], cwd=folder, check=True)
        built, mkdocs = ({path.relative_to(top) for path in top.rglob("*.html")} for top in (site, Path(name)))
    if missing := built - mkdocs:
        sys.exit(f"mkdocs builds no {', '.join(map(str, sorted(missing)))}.")


if __name__ == "__main__":
    built = build(ROOT)
    build_with_mkdocs(ROOT, built)
    served = built.relative_to(Path.cwd())
    sys.stdout.write(f"To read it with its search: python -m http.server --bind 127.0.0.1 --directory {served}\n")
