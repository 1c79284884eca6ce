"""Links to files of results: those of a server, changed into paths under which the mock serves them."""

import json
import re
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import Any
from urllib.parse import urljoin

from attrs import define, evolve, field

from .answers import object_in
from .hiding import digest
from .records import Response
from .routes import FILE

MAX_LINKS = 10_000  # as many as tasks
MAX_REDIRECTS = 5  # of a result; one of the API is the caller's to follow
_REDIRECTS = (301, 302, 303, 307, 308)
# What cannot be asked for is left as it is, such as an address without its end.
_URL = re.compile(r"https?://[\w.~%@:-]+([/?#][^\ud800-\udfff]*)?", re.ASCII | re.IGNORECASE | re.DOTALL)
_SUFFIX = re.compile(r"\.\w{1,7}$", re.ASCII)


@define
class Links:
    """The URLs of results, by the keys of the mock's files; the oldest goes first."""

    _urls: OrderedDict[str, str] = field(factory=OrderedDict)
    _lock: Lock = field(factory=Lock)

    def url(self, key: str) -> str | None:
        """Return the URL behind a key."""
        return self._urls.get(key)

    def change(self, response: Response, origin: str, wanted: Callable[[str], bool] = bool) -> Response:
        """Return the answer to a poll with the URLs of its result changed that are wanted, or as it is without any."""
        task = object_in(response.body)
        result = task.get("result")
        with suppress(RecursionError):  # what can be read may be too deep to be compared or written
            items = [self._changed(item, origin, wanted) for item in result] if isinstance(result, list) else result
            if items != result:
                body = json.dumps(task | {"result": items}).encode()
                headers = [pair for pair in response.headers if pair[0].lower() != "content-length"]
                response = evolve(response, headers=(*headers, ("Content-Length", str(len(body)))), body=body)
        return response

    def _changed(self, item: Any, origin: str, wanted: Callable[[str], bool]) -> Any:
        if isinstance(item, dict) and isinstance(item.get("url"), str):
            return item | {"url": self._changed(item["url"], origin, wanted)}
        if not isinstance(item, str) or not _URL.fullmatch(item) or not wanted(item):
            return item
        key = key_of(item)
        with self._lock:
            self._urls[key] = item
            while len(self._urls) > MAX_LINKS:
                self._urls.popitem(last=False)
        return origin + FILE.path.format(key=key)


def key_of(url: str) -> str:
    """Return the key of a file by its URL; it ends as the path of the URL does."""
    suffix = _SUFFIX.search(re.split(r"[?#]", url, maxsplit=1)[0])
    return digest(url)[7:31] + (suffix[0] if suffix else "")


def redirected(response: Response, at: str) -> str:
    """Return where an answer redirects to, seen from its URL; empty if it does not."""
    to = response.header("Location") if response.status in _REDIRECTS else None
    try:
        return urljoin(at, to) if to else ""
    except ValueError:  # half an address
        return ""


def links_in(body: bytes) -> list[str]:
    """Return the URLs of a result, in either of its two forms."""
    items = object_in(body).get("result")
    found = [item.get("url") if isinstance(item, dict) else item for item in items] if isinstance(items, list) else []
    return [url for url in found if isinstance(url, str)]
