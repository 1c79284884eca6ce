"""Regular expressions that mean the same to ECMA 262, which OpenAPI prescribes, and to Python and Rust."""

import re

# As in the u mode of ECMA 262, a character of the syntax is escaped if it stands for itself.
_SET = r"\\[dDwW]"
_ESCAPED = r"\\(?:[\^$\\.*+?()\[\]{}|/tnrvf]|x[0-9a-fA-F]{2}|u(?![dD][89a-fA-F])[0-9a-fA-F]{4})"
_CHARACTER = rf"(?:{_ESCAPED}|\\-|[^\\\[\]-])"
_CLASS = rf"\[(?!\^?\])\^?-?(?:(?!&&|~~|--|\|\|)(?:{_SET}|{_CHARACTER}(?:-{_CHARACTER})?))*-?\]"
_ATOM = rf"(?:{_SET}|{_ESCAPED}|{_CLASS}|[^\\\[\]{{}}()*+?|^$.])"
_QUANTIFIER = r"(?:[*+?]|\{[0-9]+(?:,[0-9]*)?\})\??(?![*+?{])"
_PORTABLE = re.compile(rf"(?:\((?:\?[:=!]|(?!\?))|[|^$]|(?:\)|{_ATOM})(?:{_QUANTIFIER})?)*")
_PART = re.compile(r"\\[pPuk](?:\{[^}]*\}|<[^>]*>)?|\\c.|\\.|\(\?(?:<[=!]?|P?.)|\[(?:\\.|[^\]])*\]?|.", re.DOTALL)
_REMEDIES = {
    ".": r"Write [^\n], or the characters that it may be.",
    r"\s": r"Write [ \t\n\r], or the spaces that it may be.",
    r"\S": r"Write [^ \t\n\r], or the characters that it may be.",
}


def refusal(pattern: str) -> str:
    """Return which part of a pattern differs between the languages, and the remedy; empty if none does."""
    end = next(_PORTABLE.finditer(pattern)).end()
    if end == len(pattern):
        return ""
    part = next(_PART.finditer(pattern, end))[0]
    return f"{part} means something else, or nothing, in other languages. {_REMEDIES.get(part, 'Write it without.')}"
