"""From a method and a URL to an operation. The files that the mock serves are operations of its own."""

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from urllib.parse import SplitResult, quote, unquote, urlsplit

from attrs import frozen

from ..contract import Contract, Operation
from ..contract.operations import PARAMETER

# The host of the files if the API was called on a documented host; `.test` is reserved (RFC 2606).
FILE_ORIGIN = "https://nano-banana-edit.test"

# Rules use these names; the journal has none for them, as the document has none.
FILE = Operation(id="getFile", method="GET", path="/files/{key}", servers=(FILE_ORIGIN,))
RESULT = Operation(id="getResult", method="GET", path="/results/{task_id}/0.{output_format}", servers=(FILE_ORIGIN,))
FILES = (FILE, RESULT)
FILE_NAMES = tuple(file.id for file in FILES)

_KNOWN, _SHORT = 1_000, 500  # URLs that are cached, and their largest length

# Characters with the same meaning, encoded or not (RFC 3986, section 6.2.2.2).
_ENCODED = re.compile(r"%(2[DE]|3\d|[46][1-9A-F]|[57][\dA]|5F|7E)", re.IGNORECASE | re.ASCII)
_HEX = re.compile(r"%[\dA-Fa-f]{2}", re.ASCII)


@frozen
class Route:
    """An operation and its decoded path parameters, or, without an operation, the methods that the path allows.

    `name` is the operationId, None for a file; `task_id` is the task in the path, `origin` that of links to files.
    """

    url: SplitResult
    origin: str
    operation: Operation | None = None
    path: Mapping[str, str] = {}
    allow: Collection[str] = ()
    name: str | None = None
    task_id: str | None = None


def normal(path: str) -> str:
    """Return a path as all equal ones are written (RFC 3986, section 6.2.2)."""
    plain = _ENCODED.sub(lambda encoded: chr(int(encoded[1], 16)), path) if "%" in path else path
    return _HEX.sub(lambda encoded: encoded[0].upper(), quote(plain, safe="%!$&'()*+,/:;=@"))


def _pattern(segment: str) -> str:
    """Return the pattern of a segment; each parameter but the last ends at once, so that no time goes into trying."""
    first, *rest = (re.escape(normal(text)) for text in PARAMETER.split(segment)[::2])
    return (
        first + "".join(f"(?>([^/]+?){text})" for text in rest[:-1]) + "".join(f"([^/]+){text}" for text in rest[-1:])
    )


def _order(operation: Operation) -> list[tuple[bool, int]]:
    """Return what sorts operations: concrete segments come first, then those of which more is given, and HEAD."""
    names = operation.path.split("/")
    given = [(PARAMETER.search(name) is not None, -len(PARAMETER.sub("", name))) for name in names]
    return [*given, (operation.method != "HEAD", 0)]


class Routes:
    """The routes of a contract and of the files; `by_host` has the paths on each documented host."""

    def __init__(self, contract: Contract) -> None:
        self.by_host: dict[str | None, list[tuple[Operation, re.Pattern[str]]]] = {}
        self._anywhere: list[tuple[Operation, re.Pattern[str]]] = []
        for operation in (*contract.operations, *FILES):
            path = "/".join(map(_pattern, operation.path.split("/")))
            for server in operation.servers:
                url = urlsplit(server)
                base = re.escape(normal(url.path.rstrip("/")))
                self.by_host.setdefault(url.hostname, []).append((operation, re.compile(base + path)))
                self._anywhere.append((operation, re.compile(f"(?:{base})?{path}")))
        for routes in (*self.by_host.values(), self._anywhere):
            routes.sort(key=lambda route: _order(route[0]))
        self._known = lru_cache(_KNOWN)(self._find)

    def find(self, method: str, url: str) -> Route:
        """Return the route of a request.

        On a documented host the path is as documented. On any other host every operation has a path with and one
        without the base path of its server, so that one port can serve the operations of all hosts.
        """
        return self._known(method, url) if len(url) <= _SHORT else self._find(method, url)

    def _find(self, method: str, address: str) -> Route:
        url = urlsplit(address)
        url = url._replace(path=url.path or "/")
        origin = FILE_ORIGIN if url.hostname in self.by_host else f"{url.scheme}://{url.netloc}"
        path = normal(url.path)
        allow: set[str] = set()
        # Clients and proxies resolve dot segments, each at its time (RFC 3986, section 5.2.4).
        dotted = not {".", ".."}.isdisjoint(path.split("/"))
        for operation, pattern in () if dotted else self.by_host.get(url.hostname, self._anywhere):
            if match := pattern.fullmatch(path):
                methods = {"GET", "HEAD"} if operation.method == "GET" else {operation.method}
                if method in methods:
                    values = map(unquote, match.groups())
                    parameters = dict(zip(PARAMETER.findall(operation.path), values, strict=True))
                    name = None if operation in FILES else operation.id
                    about = next(iter(parameters), "") if name == "getTask" or operation is RESULT else ""
                    return Route(url, origin, operation, parameters, name=name, task_id=parameters.get(about))
                allow |= methods
        return Route(url, origin, allow=sorted({*allow, "OPTIONS"} if allow else ()))
