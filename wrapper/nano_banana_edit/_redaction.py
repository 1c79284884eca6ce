"""Texts of others in what this package says: without the token, and without characters that act on a terminal.

A service, or a proxy before it, may repeat the token in any spelling: quoted in JSON, HTML or a URL, cut at either end,
or as the base64 of `user:token`. So a text is compared without its escapes, and in runs of a few characters.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from functools import lru_cache

_RUN = 8  # characters; a shorter token guards nothing, and is part of many a word
_RUN_AT_CUT = 3  # characters
_LONGEST = 1_000  # characters of a message
_PASSWORD = re.compile(r"(://[^\s:/@]*:)\S*(@)|(?<=password=)[^\s&'\"]*")
_QUERY = re.compile(r"(https?://[^\s?'\"<>]*\?)[^\s'\"<>]+", re.IGNORECASE)
_CUT = re.compile(rb"\.\.\.")
# Each may be quoted again, and cut by the end of the text. Backslashes are taken all at once, so that time is linear.
_ESCAPE = re.compile(
    r"""
      \\++ (?: u(?P<u>[0-9a-f]{4}) | u\{(?P<braces>[0-9a-f]{1,6})\} | x(?P<x>[0-9a-f]{2}) | [nr] | [ux]\w{0,3}\Z )?
    | % (?:25)* (?: (?P<percent>[0-9a-f]{2}) | [0-9a-f]?\Z )
    | & (?:amp;)* (?: \#x(?P<entity>[0-9a-f]{1,6}); | \#(?P<decimal>[0-9]{1,7}); | \#[0-9a-fx]{0,7}\Z )
    | & (?:amp;)* (?: (?P<name>amp|apos|quot|lt|gt|sol|plus|equals|lowbar|period|colon); | [a-z]{0,6}\Z )
    | [\x00-\x1f]+
    """,
    re.IGNORECASE | re.VERBOSE,
)
_NAMES = {"apos": "'", "quot": '"', "lt": "<", "gt": ">", "sol": "/", "plus": "+", "equals": "=", "lowbar": "_"}
_NAMES |= {"amp": "&", "period": ".", "colon": ":"}


def visible(text: str) -> str:
    """Return a text with what is not printable as `repr` shows it: line ends, escape sequences, marks of direction."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in text)


def without_password(text: str) -> str:
    """Return a text in which the passwords of URLs are three stars."""
    return _PASSWORD.sub(r"\1***\2", text)


def without_query(text: str) -> str:
    """Return a text in which three dots stand for the queries of URLs, which may be signed."""
    return _QUERY.sub(r"\1...", text)


def brief(text: str) -> str:
    """Return at most a thousand characters of a text, visible."""
    return visible(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}...")


def redact(text: str, secret: str, *, cut: bool = False) -> str:
    """Return a text without a secret, in time linear in its size.

    Args:
        text: Any text.
        secret: The token.
        cut: Whether a part of the text may be missing at its ends, or where it has `...`, and of the token with it.
    """
    if len(secret) < _RUN:
        return text
    text = text.replace(secret, "[token]")  # also one that looks like an escape itself
    plain, starts, stops = _decoded(text)
    spellings, runs = _known(secret)
    spans = [(at, at + _RUN) for at, run in enumerate(_runs(plain)) if run in runs]
    if cut and plain:
        stops[-1] = len(text)  # with what is left of an escape
        spans = sorted(spans + [span for spelling in spellings for span in _at_cuts(plain, spelling)])
    parts: list[str] = []
    end = 0
    for start, stop in spans:
        if not parts or starts[start] > end:
            parts += [text[end : starts[start]], "[token]"]
        end = stops[stop - 1]
    return "".join(parts) + text[end:]


def _decoded(text: str) -> tuple[bytes, list[int], list[int]]:
    """Return a text without escapes and capitals, and where each character of that starts and stops in the text."""
    parts: list[str] = []
    starts: list[int] = []
    stops: list[int] = []
    end = 0
    for found in [*_ESCAPE.finditer(text), None]:
        start = found.start() if found else len(text)
        parts.append(text[end:start])
        starts += range(end, start)
        stops += range(end + 1, start + 1)
        if found and (character := _character(found)):
            parts.append(character)
            starts.append(start)
            stops.append(found.end())
        end = found.end() if found else start
    return "".join(parts).encode("ascii", "replace").lower(), starts, stops


def _character(escape: re.Match[str]) -> str:
    """Return the character of an escape; one that is no letter of a token may be missing."""
    kind = escape.lastgroup
    if kind is None:
        return ""
    if kind == "name":
        return _NAMES[escape["name"].lower()]
    code = int(escape[kind], 10 if kind == "decimal" else 16)
    return chr(code) if 0x20 <= code < 0x7F else ""


@lru_cache(8)
def _known(secret: str) -> tuple[set[bytes], set[bytes]]:
    """Return how a secret is written without escapes, and the runs of these spellings and of its encoded forms."""
    spellings = {_decoded(secret)[0], secret.encode("ascii", "replace").lower()}
    return spellings, {run for spelling in spellings | _encoded(secret) for run in _runs(spelling)}


def _encoded(secret: str) -> set[bytes]:
    """Return what is known of the base64 and the hexadecimal digits of any text that has the secret in it."""
    raw = secret.encode(errors="surrogateescape")  # an environment may hold bytes of any kind
    found = {raw.hex().encode()}
    for before in range(3):
        whole = b64encode(bytes(before) + raw)
        known = whole[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6].lower()
        found |= {known, known.translate(bytes.maketrans(b"+/", b"-_"))}
    return found


def _runs(plain: bytes) -> Iterator[bytes]:
    return (plain[at : at + _RUN] for at in range(len(plain) - _RUN + 1))


def _at_cuts(plain: bytes, spelling: bytes) -> Iterator[tuple[int, int]]:
    """Yield the places of what a cut left of the secret: its start before the cut, its end behind it."""
    cuts = [(0, 0), *(found.span() for found in _CUT.finditer(plain)), (len(plain), len(plain))]
    for before, behind in cuts:
        for size in range(min(_RUN, len(spelling)), _RUN_AT_CUT - 1, -1):
            if plain.endswith(spelling[:size], 0, before):
                yield before - size, before
            if plain.startswith(spelling[-size:], behind):
                yield behind, behind + size
