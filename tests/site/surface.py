"""The public surface, as griffe reads it from the code: what the documentation must cover."""

from __future__ import annotations

import re
from collections.abc import Iterator

import griffe

from .stage import ROOT

_PACKAGES = ("nano_banana_edit", "nano_banana_edit_client", "nano_banana_edit_mock")
_MODULES = ("nano_banana_edit", "nano_banana_edit.batch", "nano_banana_edit.ledger", "nano_banana_edit_mock")
# What has no leading underscore only because other modules of this project call it, and what those names are for.
INTERNAL = {
    *("nano_banana_edit.__version__", "nano_banana_edit.Edit.of", "nano_banana_edit.AsyncEdit.of"),
    *(f"nano_banana_edit.ledger.{name}" for name in ("LONGEST_BATCH", "check_key", "difference", "new_owner")),
    # The mock draws times, and says which constraint of a body is broken, with these.
    *(
        "nano_banana_edit_mock.Lognormal.draw",
        "nano_banana_edit_mock.Uniform.draw",
        "nano_banana_edit_mock.Outcome.given",
    ),
    *("nano_banana_edit_mock.Violation.of_body", "nano_banana_edit_mock.MockService.wanted"),
    # The clients and the batch claim a key with these, and write what became of it.
    *(
        f"nano_banana_edit.ledger.Ledger.{name}"
        for name in ("add", "claim", "find", "finished", "released", "remember")
    ),
    *(f"nano_banana_edit.ledger.Ledger.{name}" for name in ("renew", "replace", "saved", "sent", "uploaded")),
}


def surface() -> Iterator[tuple[str, griffe.Object]]:
    """Yield each public name and each public method, with its path as people import it."""
    loader = griffe.GriffeLoader(
        search_paths=[ROOT / "wrapper", ROOT / "generated", ROOT / "mock_server"], docstring_parser="google"
    )
    packages = {name: loader.load(name) for name in _PACKAGES}
    loader.resolve_aliases(implicit=True)
    for path in _MODULES:
        package, *rooms = path.split(".")
        module = packages[package][rooms] if rooms else packages[package]
        for name in module.exports or ():
            yield from _members(f"{path}.{name}", module[str(name)])


def _members(path: str, found: griffe.Object | griffe.Alias) -> Iterator[tuple[str, griffe.Object]]:
    target = found.final_target if isinstance(found, griffe.Alias) else found
    if path in INTERNAL:
        return
    yield path, target
    if target.is_class:
        for name, member in target.all_members.items():
            is_redact = name == "redact"  # of an error: the clients call it
            if not name.startswith("_") and not is_redact and member.is_function:
                yield from _members(f"{path}.{name}", member)


def options(target: griffe.Object) -> list[str]:
    """Return the parameters that a caller may leave out or must name, so that a call does not show them by itself."""
    kinds = (griffe.ParameterKind.keyword_only, griffe.ParameterKind.positional_or_keyword)
    named = [(name, entry) for name, entry in _parameters(target).items() if entry.kind in kinds]
    return [name for name, entry in named if entry.kind is kinds[0] or entry.default is not None]


def is_called(target: griffe.Object) -> bool:
    """Return whether users call it. A class whose docstring lists attributes alone is a value that they get."""
    return target.is_function or "Args:" in (target.docstring.value if target.docstring else "")


def _parameters(target: griffe.Object) -> dict[str, griffe.Parameter]:
    """Return the parameters that a caller gives. An error is caught, not made."""
    if isinstance(target, griffe.Class) and any(str(base).endswith(("Error", "Exception")) for base in target.bases):
        return {}
    found = target.parameters if isinstance(target, griffe.Class | griffe.Function) else ()
    return {entry.name.lstrip("*"): entry for entry in found if entry.name not in ("self", "cls")}


def undocumented(target: griffe.Object) -> list[str]:
    """Return the parameters that the docstring leaves out: its Args and Attributes, or its text if it has neither."""
    text = target.docstring.value if target.docstring else ""
    if re.search(r"\b(?:See|twin of) `\w+|: `NanoBananaEdit` with", text):
        return []
    sections = target.docstring.parse("google") if target.docstring else []
    kinds = (griffe.DocstringSectionKind.parameters, griffe.DocstringSectionKind.attributes)
    entries = [entry.name.lstrip("*") for section in sections if section.kind in kinds for entry in section.value]
    return [name for name in _parameters(target) if name not in (entries or re.findall(r"\w+", text))]
