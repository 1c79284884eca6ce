"""Patterns: generator and mock refuse the same ones; what they accept means the same in the model and in the mock."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from nano_banana_edit_mock.contract import parse
from nano_banana_edit_mock.contract.schemas import Schemas

from ..document import BODY
from .generating import client_of, refusal_of_the_generator, with_properties

ACCEPTED = [
    "^a",
    "b$",
    "^$",
    r"^\d+$",
    r"^\w*$",
    r"\W",
    r"\D",
    "[^a-z]",
    r"[\d\-x]",
    r"\u00e9",
    r"^\x41\t?$",
    "^(?:a|b){2}$",
]
ACCEPTED += [
    "^(?!a)",
    "(?=b)",
    "a{2,}?",
    r"\$\.\/\|",
    "[$^.]",
    "[a-]",
    "[-a]",
    "^[^\\n]+$",
    "(a)(b)?",
    "",
    "é|🍌",
    "^[🍌é]$",
]
REFUSED = [
    r"\s",
    r"\S",
    r"\bé",
    r"\B",
    r"\p{L}",
    r"\u{1F34C}",
    r"\cJ",
    "(?<=a+)b",
    "(?<n>a)",
    r"(a)\1",
    "a.b",
    "[[a]",
    "[]",
    "[^]",
]
REFUSED += [
    "a++",
    "a**",
    "{1}",
    "a{,2}",
    "]",
    "[a&&b]",
    "[a--b]",
    r"[\s]",
    r"\Z",
    r"\A",
    "(?i)a",
    "(?P<n>a)",
    r"\_",
    r"\ud83c",
]
TEXTS = [
    "",
    "a",
    "b",
    "ab",
    "ba",
    "aab",
    "é",
    "🍌",
    "A",
    "A\t",
    "1",
    "٣",
    "a\n",
    "\n",
    "b\r",
    "\u00a0",
    "-",
    "$./|",
    "^",
    "_",
    "\u2028",
]


def test_accepted_patterns_mean_the_same() -> None:
    """Each text is accepted or refused by both, for each pattern."""
    names = {f"n{index}": pattern for index, pattern in enumerate(ACCEPTED)}
    document = with_properties(**{name: {"type": "string", "pattern": pattern} for name, pattern in names.items()})
    schemas = Schemas(parse(document))
    with client_of(document) as client:
        for name, pattern in names.items():
            for text in TEXTS:
                refused = bool(schemas.check("/components/schemas/EditRequest", BODY | {name: text}))
                try:
                    client.models.EditRequest.from_dict(BODY | {name: text})
                    assert not refused, (pattern, text)
                except client.errors.ConstraintViolation:
                    assert refused, (pattern, text)


@pytest.mark.parametrize("pattern", REFUSED)
def test_other_patterns_are_refused(pattern: str, tmp_path: Path) -> None:
    """A pattern that means something else in another language is refused by both."""
    document = with_properties(n={"type": "string", "pattern": pattern})
    refusal = refusal_of_the_generator(document, tmp_path)
    assert f"EditRequest.n uses the pattern {pattern!r}, which means something else, or nothing, in other" in refusal
    with pytest.raises(ValueError, match=re.escape("/components/schemas/EditRequest/properties/n/pattern")):
        parse(document)
