"""What journal and tape may not keep: tokens. A tape has no signatures of URLs either, nor, unless it is wanted, texts.

Without content a text is kept only if the document has its place, and it is a code: an id, a status, a time, or in a
request a value that the document lists. Digests stand for all others. So nothing has to be known of what is private,
or of where a service repeats it.
"""

import json
import re
from base64 import b64encode
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache, partial
from hashlib import sha256
from html import escape as escape_html
from itertools import groupby
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from attrs import Factory, field, frozen

from ..contract import Operation
from ..contract.census import escape, follow, has, resolve
from ..contract.reading import Flaw, read_json
from .answer_referee import named
from .records import Request, Response, is_secret

MIN_SECRET = 8  # characters; a shorter token guards nothing, and is part of many a word
LONG_SECRET = 16  # characters of a session or a signature
MAX_SIGNS = 100
_TEXTS = {"prompt", "message", "error_msg", "key"}  # texts of people and names of files, also if they look like a code
_CODE = re.compile(r"[\w.:+-]{1,100}(?:/[\w.+-]{1,100})?", re.ASCII)  # an id, a status, a time, a media type
_ID = re.compile(r"[\w.:-]{1,100}", re.ASCII)
_NAME = re.compile(r"[a-z_][\w-]{0,39}", re.ASCII | re.IGNORECASE)
_DEEP = 100  # levels; around them there are some more in the file of an exchange
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
# A text that is a URL: what leads to its host, a user, the host, the path, and the rest.
_URL = re.compile(r"((?:[a-z][a-z\d+.-]*:)?/+)(?:[^/?#]*@)?([^/?#]*)([^?#]*)(.*)", re.IGNORECASE | re.DOTALL)
_SUFFIX = re.compile(r"\.(?:png|jpe?g|webp|gif|hei[cf]|avif|bmp|tiff?)\Z", re.IGNORECASE)
_HIDDEN_PATH, _HIDDEN_QUERY = re.compile(r"/sha256-[0-9a-f]{16}(?:\.\w+)?"), re.compile(r"\?sha256=[0-9a-f]{16}")
# Within a text a query ends at a blank or quote, unless a further parameter follows on the line.
_QUERY = r"""[^\s"'<>]*(?:[^\n]{0,2000}&[^\s=&"]{1,60}=[^\s"'<>]*)?"""
_USERS = re.compile(r"((?:\\{0,3}/){2})[^\s/?#\\\"<>@]*@")
_QUERIES = re.compile(rf"""((?:\\{{0,3}}/){{2}}[^\s?#"<>]*+)([?#]{_QUERY})?|(\?[\w.%~\[\]-]{{1,60}}={_QUERY})""")
# A URL within another one: its user, and its query, which ends where the outer URL does or has its next segment.
_INNER = re.compile(
    r"(%(?:25)*2f%(?:25)*2f)(?:(?!%(?:25)*2f)[^\s/?#\"<>@])*%(?:25)*40|%(?:25)*3f[^\s/?#\"<>]*", re.IGNORECASE
)
# Headers that a client reads, or that say which server answered. Any other one may hold a secret.
_HEADERS = re.compile(
    r"allow|cache-control|content-disposition|content-type|date|location|retry-after(?:-ms)?|server|via"
    r"|www-authenticate|x-should-retry|(?:x-)?ratelimit[\w-]*",
    re.IGNORECASE,
)
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")  # of a header
_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(?:\s*;\s*charset=[\w-]+)?", re.ASCII | re.IGNORECASE)


def digest(content: bytes | str) -> str:
    """Return what stands for a text or a file that is not kept."""
    return f"sha256:{sha256(content.encode() if isinstance(content, str) else content).hexdigest()}"


def is_kept(header: Sequence[str]) -> bool:
    """Return whether a tape may have a header: no other one, such as a length, and no line end, is sent in a replay."""
    return bool(_HEADERS.fullmatch(header[0]) and _VALUE.fullmatch(header[1]))


def secrets_of(request: Request) -> list[str]:
    """Return what authorizes a request: the words of such headers; a short one of a cookie says what is wanted."""
    given = [(name.lower() == "cookie", value) for name, value in request.headers if is_secret(name)]
    words = [(public, word) for public, value in given for word in re.split(r"[\s;,\"']+", value)]
    words += [(public, word.partition("=")[2]) for public, word in words]
    return _longest_first(word for public, word in words if len(word) >= (LONG_SECRET if public else MIN_SECRET))


def without(secrets: Iterable[str], text: str) -> str:
    """Return a text without secrets, in whatever spelling."""
    for secret in secrets:
        text = _spellings(secret).sub("[token]", text)
    return text


def signs_of(*urls: str) -> list[str]:
    """Return what may sign URLs: the long values of their queries that stand nowhere else in them."""
    plain = [(url.partition("?")[0], value) for url in urls for _, value in parse_qsl(urlsplit(url).query)]
    values = [value for start, value in plain if len(value) >= LONG_SECRET and value not in start][:MAX_SIGNS]
    return _longest_first(spelled for value in values for spelled in (value, quote(value, safe=""), escape_html(value)))


def _longest_first(texts: Iterable[str]) -> list[str]:
    """Return texts, each once: to hide a part of one first would leave the rest of it."""
    return sorted({*texts}, key=len, reverse=True)


def _machine(name: str, value: str) -> str:
    """Return what is kept without content of the value of a header: what no person wrote; empty if it is nothing."""
    if name in {"date", "location", "allow", "cache-control"}:
        return value
    if name == "content-type":
        return found[0] if (found := _MEDIA_TYPE.match(value)) else ""
    if name == "www-authenticate":
        return value.split(" ", maxsplit=1)[0]
    return value if _CODE.fullmatch(value) else ""


@frozen
class Hiding:
    """Takes out of an exchange what may not be kept.

    Attributes:
        document: The document.
        content: Whether texts are kept, without secrets and the queries of URLs.
        secrets: What is not kept, in any spelling; default nothing.
        signs: What is not kept, in its usual spellings: another one for each URL; default nothing.
    """

    document: Mapping[str, Any]
    content: bool = field(kw_only=True)
    secrets: Collection[str] = field(kw_only=True, default=())
    signs: Collection[str] = field(kw_only=True, default=())
    _named: Callable[[tuple[str, ...]], Any] = field(
        kw_only=True, default=Factory(lambda self: cache(partial(named, self.document)), takes_self=True)
    )

    def asked(self, operation: Operation | None, body: bytes) -> Any:
        """Return what is kept of the body of a request: of one that is not JSON, its digest."""
        try:
            value = read_json(body) if body else None
        except Flaw:
            return digest(body)
        return self._value(value, (operation.schema,) if operation and operation.schema else (), asked=True)

    def answered(self, operation: Operation | None, response: Response) -> dict[str, Any]:
        """Return what is kept of the body of an answer: of a file, and of anything that is not UTF-8, its digest."""
        body = response.body
        file = {"file": digest(body), "bytes": len(body)} if body else {}
        if not body or (operation is None and 200 <= response.status < 300):
            return file
        try:
            return {"json": self._value(read_json(body), tuple(_answers(self.document, operation)))}
        except Flaw:
            try:
                return {"text": self.text(body.decode()), "bytes": len(body)}
            except UnicodeError:
                return file

    def headers(self, headers: Iterable[tuple[str, str]]) -> list[list[str]]:
        """Return the headers of an answer that may be kept."""
        pairs = [(name, value if self.content else _machine(name.lower(), value)) for name, value in headers]
        return [[name, self._header(name.lower(), value)] for name, value in filter(is_kept, pairs) if value]

    def _header(self, name: str, value: str) -> str:
        if name == "content-type":
            return without(self.secrets, value)  # a URL may ask for a type, which signs nothing
        return self.url(value) if name == "location" else self._scrub(value)

    def path(self, path: Mapping[str, str]) -> dict[str, str]:
        """Return the values of a path; a digest stands for one that is no id."""
        kept = {name: self._scrub(value) for name, value in path.items()}
        return {name: value if _ID.fullmatch(value) else digest(value) for name, value in kept.items()}

    def name(self, name: str) -> str:
        """Return what is kept of the name of a property that the document does not have."""
        return self._scrub(name) if self.content or _NAME.fullmatch(name) else digest(name)

    def url(self, url: str, *, compared: bool = True) -> str:
        """Return what is kept of a URL: no user, no query, and the path with content only.

        Their digests are left, so that other URLs stay others; that of a query not if it is not `compared`.
        """
        found = _URL.fullmatch(url)
        if not found or not (self.content or found[1].lower().startswith(("http:", "https:"))):
            return self.text(url)
        start, host, path, query = found.groups()
        if not (self.content or _HIDDEN_PATH.fullmatch(path)):
            suffix = _SUFFIX.search(path)
            path = f"/sha256-{digest(path)[7:23]}{suffix[0] if suffix else ''}"
        return self._scrub(f"{start}{host}{path}") + (_hidden(query) if compared else "")

    def text(self, text: str) -> str:
        """Return what is kept of a text."""
        if self.content:
            return self._scrub(text)
        return text if DIGEST.fullmatch(text) else digest(text)  # a replay gets the digests that it gave

    def _scrub(self, text: str) -> str:
        text = without(self.secrets, text)
        for sign in self.signs:
            text = text.replace(sign, "[token]")
        text = _INNER.sub(lambda found: found[1] or _hidden(found[0]), text)
        return _QUERIES.sub(
            lambda found: (found[1] or "") + _hidden(found[2] or found[3] or ""), _USERS.sub(r"\1", text)
        )

    def _value(
        self, value: Any, schemas: tuple[str, ...], *, asked: bool = False, name: str = "", depth: int = 0
    ) -> Any:
        """Return what is kept of a value, which is at a place of such schemas; `name` is that of its property."""
        if not isinstance(value, dict | list):
            return self._scalar(value, schemas, asked=asked, name=name)
        items, properties, _, _ = self._named(schemas)
        # A list that the document does not have may be the bytes of an image.
        bare = isinstance(value, list) and bool(value) and not items and (asked or not schemas)
        unknown = bare or (asked and name in _TEXTS)
        if depth == _DEEP or (unknown and not self.content):
            return digest(json.dumps(value, sort_keys=True))
        hide = partial(self._value, asked=asked, depth=depth + 1)
        if isinstance(value, dict):
            names = {key: key if key in properties else self.name(key) for key in value}
            return {names[key]: hide(inner, properties.get(key, ()), name=key) for key, inner in value.items()}
        return [hide(inner, items, name=name if isinstance(inner, str) else "") for inner in value]

    def _scalar(self, value: Any, schemas: tuple[str, ...], *, asked: bool, name: str) -> Any:
        if not isinstance(value, str):
            # Numbers without names may be the bytes of an image.
            number = isinstance(value, float | int) and not isinstance(value, bool)
            return 0 if number and not (self.content or _NAME.fullmatch(name)) else value
        if name in _TEXTS or not (schemas or self.content):
            return self.text(value)
        if _URL.fullmatch(value):
            return self.url(value, compared=not asked)
        listed = self._named(schemas)[3]
        return self._scrub(value) if (value in listed if asked else _CODE.fullmatch(value)) else self.text(value)


def _answers(document: Mapping[str, Any], operation: Operation | None) -> Iterator[str]:
    """Yield the schemas of all answers to an operation: a service may send one with another status or type."""
    holder = f"/paths/{escape(operation.path)}/{operation.method.lower()}/responses" if operation else ""
    for status in resolve(document, holder) if has(document, holder) else ():
        content = f"{follow(document, f'{holder}/{escape(status)}')}/content"
        yield from (
            f"{content}/{escape(kind)}/schema"
            for kind in (resolve(document, content) if has(document, content) else ())
        )


def _hidden(query: str) -> str:
    return query if not query or _HIDDEN_QUERY.fullmatch(query) else f"?sha256={digest(query)[7:23]}"


@lru_cache(100)
def _spellings(secret: str) -> re.Pattern[str]:
    """Return what finds a secret: as it is, escaped in JSON, HTML or a URL, wholly or in part, and within base64."""
    letters = []
    for letter, run in groupby(secret):
        code, percent = ord(letter), "".join(f"%(?:25)*{byte:02x}" for byte in letter.encode())
        count = len([*run])
        if letter == "\\":  # which is escaped by itself: one reading of a run, not one of each in it
            letters.append(rf"(?:\\{{{count},{4 * count}}}|(?:{percent}|&#0*92;|&#x0*5c;|\\{{1,3}}u005c){{{count}}})")
            continue
        escaped = rf"(?:\\{{0,3}}(?:{re.escape(letter)}|u{code:04x})|{percent}|&#0*{code};|&#x0*{code:x};)"
        letters.append((letter if letter.isascii() and letter.isalnum() else escaped) * count)
    raw = secret.encode()
    known = [raw.hex()]
    for before in range(3):
        whole = b64encode(bytes(before) + raw).decode()[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
        known.append("".join({"+": "[+-]", "/": "[/_]"}.get(letter, letter) for letter in whole))
    return re.compile("|".join(["".join(letters), *known]), re.IGNORECASE)
