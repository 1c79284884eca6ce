"""The Prefer header (RFC 7240): the mock knows one preference, Prism's `code=429`."""

import re

from .answers import wording
from .replies import Reply

# A quoted string may have commas in it; without its closing quote it goes to the end.
_ELEMENT = re.compile(r'(?:"(?:[^"\\]|\\.)*"?|[^",])+', re.DOTALL)
_NAME = re.compile(r"\s*code\s*(?:[=;]|$)", re.IGNORECASE)
_CODE = re.compile(r'[^=]*=\s*("?)([45][0-9]{2})\1\s*(?:;.*)?', re.DOTALL)


def preferred(prefer: str | None) -> Reply | None:
    """Return the error, 400 to 599, that a Prefer header asks for.

    The first of several counts, and an unknown one is ignored (RFC 7240, section 2).
    """
    if prefer is None:
        return None
    first = next((element for element in _ELEMENT.findall(prefer) if _NAME.match(element)), "")
    code = _CODE.fullmatch(first)
    if code is None:
        return None
    status, applied = int(code[2]), {"Preference-Applied": f"code={code[2]}"}
    return Reply(status, body=wording(status, f"The request prefers status {status}."), headers=applied)
