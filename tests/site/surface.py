"""The public surface: what the documentation must cover."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from enum import Enum
from importlib import import_module
from inspect import Parameter
from typing import Any

import attrs
import griffe
from nano_banana_edit.batch import Limits
from nano_banana_edit_mock import Outcome, Request

_MODULES = ("nano_banana_edit", "nano_banana_edit.batch", "nano_banana_edit.ledger", "nano_banana_edit_mock")
# What has no leading underscore only because other modules of this project call it, and what those names are for.
INTERNAL = {
    *("nano_banana_edit.__version__", "nano_banana_edit.Edit.of", "nano_banana_edit.AsyncEdit.of"),
    *(f"nano_banana_edit.ledger.{name}" for name in ("LONGEST_BATCH", "check_key", "difference", "new_owner")),
    # The mock draws times, and says which constraint of a body is broken, with these.
    *(f"nano_banana_edit_mock.{name}" for name in ("Lognormal.draw", "Uniform.draw", "Outcome.given")),
    *(f"nano_banana_edit_mock.{name}" for name in ("Violation.of_body", "MockService.wanted", "Reply.to_response")),
    # The mock asks what is upstream, and writes what passes, with these.
    *(f"nano_banana_edit_mock.{name}" for name in ("Proxy.answer", "Proxy.reset", "Recorder.record")),
    # The clients and the batch claim a key with these, and write what became of it.
    *(
        f"nano_banana_edit.ledger.Ledger.{name}"
        for name in ("add", "claim", "find", "finished", "released", "remember")
    ),
    *(f"nano_banana_edit.ledger.Ledger.{name}" for name in ("renew", "replace", "saved", "sent", "uploaded")),
}


def surface() -> Iterator[tuple[str, Any]]:
    """Yield each public name and each public method, with its path as people import it."""
    for path in _MODULES:
        module = import_module(path)
        for name in module.__all__:
            yield from _members(f"{path}.{name}", getattr(module, name))


def _members(path: str, found: Any) -> Iterator[tuple[str, Any]]:
    if path in INTERNAL:
        return
    yield path, found
    if isinstance(found, type):
        for name in dir(found):
            is_public = not name.startswith("_") and name != "redact"  # of an error: the clients call it
            member = getattr(found, name)
            if is_public and (inspect.isfunction(member) or inspect.ismethod(member)):
                yield from _members(f"{path}.{name}", member)


def is_called(found: Any) -> bool:
    """Return whether users call it. A class whose docstring lists attributes alone is a value that they get."""
    is_made = found in (Limits, Outcome, Request) or (isinstance(found, type) and "Args:" in (found.__doc__ or ""))
    return is_made or inspect.isroutine(found)


def options(found: Any) -> list[str]:
    """Return the parameters that a caller may leave out or must name, so that a call does not show them by itself."""
    given = [
        entry for entry in _parameters(found) if entry.kind not in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
    ]
    return [
        entry.name for entry in given if entry.kind is Parameter.KEYWORD_ONLY or entry.default is not Parameter.empty
    ]


def undocumented(found: Any) -> list[str]:
    """Return the parameters that the docstring leaves out: its Args and Attributes, or its text if it has neither."""
    text = inspect.getdoc(found) or ""
    if re.search(r"\b(?:See|twin of) `\w+|: `NanoBananaEdit` with", text):
        return []
    kinds = (griffe.DocstringSectionKind.parameters, griffe.DocstringSectionKind.attributes)
    sections = griffe.Docstring(text).parse("google", warnings=False)
    entries = [entry.name.lstrip("*") for section in sections if section.kind in kinds for entry in section.value]
    names = [entry.name for entry in _parameters(found)]
    return [name for name in names if name not in (entries or re.findall(r"\w+", text))]


def _parameters(found: Any) -> list[Parameter]:
    """Return the parameters that a caller gives. An error is caught, not made; a member of an enum is named."""
    if not inspect.isroutine(found) and not isinstance(found, type):
        return []
    if isinstance(found, type) and issubclass(found, Exception | Enum):
        return []
    private = {field.alias for field in attrs.fields(found) if field.name != field.alias} if attrs.has(found) else set()
    given = inspect.signature(found).parameters.values()
    return [entry for entry in given if entry.name not in private | {"self"}]
