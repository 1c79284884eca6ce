"""Write the public API, one line for each name: `make api`. A break since the last release must raise the version.

Before 1.0 a break raises the minor version, and after it the major one.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import griffe
from packaging.version import Version

SURFACE = "tests/api.txt"
VERSION_FILE = "wrapper/nano_banana_edit/_version.py"
FOLDERS = {
    "nano_banana_edit": "wrapper",
    "nano_banana_edit_client": "generated",
    "nano_banana_edit_mock": "mock_server",
}


def lines(member: griffe.Object | griffe.Alias, known: set[str], indent: str = "") -> Iterator[str]:
    """Yield what callers see of a function, an attribute, or a class with the members that no known base has."""
    if member.is_alias:
        member = member.final_target
    match member:
        case griffe.Function():
            yield f"{indent}{'async ' if 'async' in member.labels else ''}def {member.signature()}: ..."
        case griffe.Attribute():
            annotation = f": {member.annotation}" if member.annotation else ""
            value = member.value and "property" not in member.labels and f" = {'...' if indent else member.value}"
            yield f"{indent}{member.name}{annotation}{value or ''}"
        case griffe.Class():
            inherited = {
                name: inner
                for name, inner in member.inherited_members.items()
                if inner.final_target.parent.name not in known
            }
            inner = {
                name: inner
                for name, inner in {**inherited, **member.members}.items()
                if name == "__init__" or not name.startswith("_")
            }
            bases = f"({', '.join(map(str, member.bases))})" if member.bases else ""
            yield f"{indent}class {member.name}{bases}:{'' if inner else ' ...'}"
            for one in inner.values():
                yield from lines(one, known, indent + "    ")


def surface(root: Path) -> str:
    """Return the public names of the three packages: what `__all__` has, and everything of the generated client."""
    loader = griffe.GriffeLoader(search_paths=[root / folder for folder in FOLDERS.values()], allow_inspection=False)
    modules = [loader.load(package) for package in FOLDERS]
    loader.resolve_aliases(external=False)
    text = []
    while modules:
        module = modules.pop(0)
        modules = [*(inner for inner in module.modules.values() if not inner.is_alias and inner.is_public), *modules]
        if module.exports is not None or module.package.name == "nano_banana_edit_client":
            public = {name: member for name, member in sorted(module.members.items()) if member.is_public}
            known = {*public}
            text.append(f"\n# {module.path}\n")
            for name, member in public.items():
                if not member.is_module and name != "__version__":
                    text += lines(member, known)
    return "\n".join(text).lstrip() + "\n"


def parsed(text: str) -> dict[str, griffe.Module]:
    """Read a surface again, as griffe reads modules."""
    sections = re.split(r"^# (\S+)$", text, flags=re.MULTILINE)[1:]
    return {
        name: griffe.visit(name, Path(SURFACE), code) for name, code in zip(sections[::2], sections[1::2], strict=True)
    }


def breaks(old: str, new: str) -> Iterator[str]:
    """Yield each change after which a caller's code may fail."""
    before, now = parsed(old), parsed(new)
    for name, module in before.items():
        if name not in now:
            yield f"{name}: module was removed"
        else:
            for found in griffe.find_breaking_changes(module, now[name]):
                line = re.sub(r"\x1b\[\d+m", "", found.explain(griffe.ExplanationStyle.ONE_LINE))
                yield f"{name}.{line.partition(': ')[2]}"  # without the place in this file


def allowed(old: Version, new: Version) -> bool:
    """Return whether a version may break what worked with an older one."""
    return new.major > old.major or (new.major == 0 and new.minor > old.minor)


def main(target: Path, root: Path) -> None:
    """Write the surface, and exit with what breaks callers of the last release without a step of the version."""
    new = surface(root)
    target.write_text(new)
    tag = ["git", "describe", "--tags", "--abbrev=0", "--match", "v[0-9]*"]
    released = subprocess.run(tag, cwd=root, capture_output=True, text=True, check=False).stdout.strip()
    if not released:
        return
    show = ["git", "show", f"{released}:{SURFACE}"]
    old = subprocess.run(show, cwd=root, capture_output=True, text=True, check=True).stdout
    version = re.search('__version__ = "(.+)"', (root / VERSION_FILE).read_text())[1]
    found = [*breaks(old, new)]
    if found and not allowed(Version(released), Version(version)):
        remedy = f"This breaks callers of {released}: raise the version, which is {version}, in {VERSION_FILE}."
        sys.exit("\n".join([*found, remedy]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path.cwd())
