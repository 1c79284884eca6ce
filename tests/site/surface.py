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

from ..api import INTERNAL, MODULES


def surface() -> Iterator[tuple[str, Any]]:
    """Yield each public name and each public method, with its path as people import it."""
    for path in MODULES:
        module = import_module(path)
        for name in module.__all__:
            yield from _members(f"{path}.{name}", getattr(module, name))


def _members(path: str, found: Any) -> Iterator[tuple[str, Any]]:
    if path in INTERNAL:
        return
    yield path, found
    if isinstance(found, type):
        for name in dir(found):
            is_of_base = issubclass(found, Exception) and name not in vars(found)
            member = getattr(found, name)
            is_method = inspect.isfunction(member) or inspect.ismethod(member)
            if is_method and not name.startswith("_") and not is_of_base:
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
