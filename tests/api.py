"""Write the public API, one line for each name: `make api`. A break since the last release must raise the version.

Before 1.0 a break raises the minor version, and after it the major one.
"""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import attrs
import griffe
from packaging.version import Version

SURFACE = "tests/api.txt"
VERSION_FILE = "wrapper/nano_banana_edit/_version.py"
FOLDERS = {
    "nano_banana_edit": "wrapper",
    "nano_banana_edit_client": "generated",
    "nano_banana_edit_mock": "mock_server",
}
# What people import, beside all of the generated client.
MODULES = ("nano_banana_edit", "nano_banana_edit.batch", "nano_banana_edit.ledger", "nano_banana_edit_mock")
# What has no leading underscore only because other modules of this project call it, and what those names are for.
INTERNAL = {
    *("nano_banana_edit.__version__", "nano_banana_edit.Edit.of", "nano_banana_edit.AsyncEdit.of"),
    "nano_banana_edit.NanoBananaEditError.redact",  # the clients call it
    *(f"nano_banana_edit.ledger.{name}" for name in ("LONGEST_BATCH", "check_key", "difference", "new_owner")),
    # The mock draws times, and says which constraint of a body is broken, with these.
    *(f"nano_banana_edit_mock.{name}" for name in ("Lognormal.draw", "Uniform.draw", "Outcome.given")),
    # The mock asks what is upstream, and writes what passes, with these.
    *(f"nano_banana_edit_mock.Proxy.{name}" for name in ("answer", "begin_relay", "reset", "waits")),
    *(f"nano_banana_edit_mock.MockService.{name}" for name in ("begin_relay", "waits", "wanted")),
    "nano_banana_edit_mock.Recorder.record",
    *(f"nano_banana_edit_mock.{name}" for name in ("Violation.of_body", "Reply.response")),
    # The clients and the batch claim a key with these, and write what became of it.
    *(
        f"nano_banana_edit.ledger.Ledger.{name}"
        for name in ("add", "claim", "find", "finished", "released", "remember")
    ),
    *(f"nano_banana_edit.ledger.Ledger.{name}" for name in ("renew", "replace", "saved", "sent", "uploaded")),
}


def lines(path: str, member: griffe.Object | griffe.Alias, known: set[str], indent: str = "") -> Iterator[str]:
    """Yield what callers see of a function, an attribute, or a class with the members that no known base has."""
    if path in INTERNAL:
        return
    if member.is_alias:
        member = member.final_target
    match member:
        case griffe.Function():
            yield f"{indent}{'async ' if 'async' in member.labels else ''}def {member.signature()}: ..."
        case griffe.Attribute():
            annotation = f": {member.annotation}" if member.annotation else ""
            # The defaults of fields stand in __init__.
            shown = not indent or any(str(base).endswith("Enum") for base in member.parent.bases)
            value = member.value and "property" not in member.labels and f" = {member.value if shown else '...'}"
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
            if "__init__" not in inner:
                yield from made(member.path, indent + "    ")
            for name, one in inner.items():
                yield from lines(f"{path}.{name}", one, known, indent + "    ")


def made(path: str, indent: str) -> Iterator[str]:
    """Yield how a class is called that attrs made from its fields, whose types stand below."""
    module, _, name = path.rpartition(".")
    kind = getattr(import_module(module), name)
    if attrs.has(kind) and not issubclass(kind, Exception):
        private = {field.alias for field in attrs.fields(kind) if field.name != field.alias}
        given = inspect.signature(kind).parameters.values()
        left = [one.replace(annotation=one.empty) for one in given if one.name not in private]
        yield f"{indent}def __init__{inspect.Signature(left)}: ..."


def surface(root: Path) -> str:
    """Return the public names of the three packages: what `__all__` has, and everything of the generated client."""
    loader = griffe.GriffeLoader(search_paths=[root / folder for folder in FOLDERS.values()], allow_inspection=False)
    modules = [loader.load(package) for package in FOLDERS]
    loader.resolve_aliases(external=False)
    text = []
    while modules:
        module = modules.pop(0)
        modules = [*(inner for inner in module.modules.values() if not inner.is_alias and inner.is_public), *modules]
        if module.path in MODULES or module.package.name == "nano_banana_edit_client":
            public = {name: member for name, member in sorted(module.members.items()) if member.is_public}
            known = {*public}
            text.append(f"\n# {module.path}\n")
            for name, member in public.items():
                if not member.is_module:
                    text += lines(f"{module.path}.{name}", member, known)
    return "\n".join(text).lstrip() + "\n"


def parsed(text: str) -> dict[str, griffe.Module]:
    """Read a surface again, as griffe reads modules."""
    sections = re.split(r"^# (\S+)$", text, flags=re.MULTILINE)[1:]
    return {
        name: griffe.visit(name, Path(SURFACE), code) for name, code in zip(sections[::2], sections[1::2], strict=True)
    }


def facts(module: griffe.Module | griffe.Class) -> Iterator[tuple[str, str]]:
    """Yield what griffe does not compare: whether a function is async, and the value of a member of an enum."""
    for function in module.functions.values():
        yield function.path, "async" if "async" in function.labels else "not async"
    for kind in module.classes.values():
        yield from facts(kind)
        yield from ((member.path, str(member.value)) for member in kind.attributes.values() if member.value)


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
            after = dict(facts(now[name]))
            for path, fact in facts(module):
                if after.get(path, fact) != fact:
                    yield f"{path}: {fact} is now {after[path]}"


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
        sys.stdout.write("No tag of a release is in this clone, so breaks of callers were not looked for.\n")
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
