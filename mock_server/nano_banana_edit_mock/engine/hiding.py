"""What a tape may not keep: tokens, what signs a URL, and, unless it is wanted, prompts and images."""

import re
from collections.abc import Iterable
from hashlib import sha256
from typing import Any
from urllib.parse import quote

_TOKEN = "[token]"  # noqa: S105 - it stands for one
_LONG = 8  # characters
_SIGNED = re.compile(r"(https?://)(?:[^\s/?#\"'<>\\@]*@)?([^\s?#\"'<>\\]*)(?:[?#][^\s\"'<>\\]*)?", re.IGNORECASE)
# Headers that a client reads, or that say which server answered. Any other one may hold a secret.
_HEADERS = re.compile(
    r"allow|cache-control|content-disposition|content-type|date|location|retry-after(?:-ms)?|server|via"
    r"|www-authenticate|x-should-retry|(?:x-)?ratelimit[\w-]*",
    re.IGNORECASE,
)


def digest(content: bytes | str) -> str:
    """Return what stands for a text or a file that is not kept."""
    return f"sha256:{sha256(content.encode() if isinstance(content, str) else content).hexdigest()}"


def plain_url(text: str) -> str:
    """Return a text whose URLs have no user, query or fragment, which may sign them."""
    return _SIGNED.sub(r"\1\2", text)


class Hiding:
    """Takes out of values what may not be kept: of secrets nothing is left, and of private texts their digests.

    A secret is found as it is and percent-encoded; in JSON a value is looked at when it is decoded. A private text is
    found within another one if it is long enough not to be there by chance.
    """

    def __init__(self, secrets: Iterable[str] = (), private: Iterable[str] = ()) -> None:
        self.private = dict.fromkeys(private)
        self._whole = {text: digest(text) for text in self.private}
        self._inside = {spelled: _TOKEN for secret in secrets if secret for spelled in (secret, quote(secret, safe=""))}
        self._inside |= {text: sign for text, sign in self._whole.items() if len(text) >= _LONG}

    def text(self, text: str) -> str:
        """Return a text without them."""
        if text in self._whole:
            return self._whole[text]
        for secret, put in self._inside.items():
            text = text.replace(secret, put)
        return plain_url(text)

    def value(self, value: Any) -> Any:
        """Return a JSON value without them."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(key): self.value(inner) for key, inner in value.items()}
        return [self.value(inner) for inner in value] if isinstance(value, list) else value

    def headers(self, headers: Iterable[tuple[str, str]]) -> list[list[str]]:
        """Return the headers of an answer that may be kept."""
        return [[name, self.text(value)] for name, value in headers if _HEADERS.fullmatch(name)]
