"""The fenced blocks of Markdown, for the tests that run them."""

from __future__ import annotations

import re

_BLOCK = re.compile(r"^```(.*)\n((?s:.*?))^```$", re.MULTILINE)


def blocks(page: str, *languages: str) -> list[str]:
    """Return the blocks of a page in some languages. Each block names one, or no test would see it."""
    found = _BLOCK.findall(page)
    assert [] == [text for language, text in found if not re.fullmatch(r"\w+", language)], "name the language"
    return [text for language, text in found if language in languages]
