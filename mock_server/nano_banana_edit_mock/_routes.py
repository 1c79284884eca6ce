"""Which operation or file a method and a URL mean."""

import re
from collections.abc import Mapping
from urllib.parse import SplitResult, unquote, urlsplit

from attrs import field, frozen

from .contract import Contract, Operation

FILE_ORIGIN = "https://nano-banana-edit.test"
"""Where files are when the API was called on a documented host; `.test` is reserved (RFC 2606)."""

FILE = "/files/{key}"
RESULT = "/results/{task_id}/{name}"

_PARAMETER = re.compile(r"\{([^}]+)\}")


@frozen(kw_only=True)
class Route:
    """A method and a path, and the operation they mean; None for a file, whose name is `FILE` or `RESULT`."""

    name: str
    method: str
    pattern: re.Pattern[str]
    parameters: tuple[str, ...]
    operation: Operation | None


@frozen(kw_only=True)
class Found:
    """A route and its decoded path parameters, or else the methods that the path allows."""

    route: Route | None = None
    path: Mapping[str, str] = field(factory=dict)
    allow: tuple[str, ...] = ()


class Routes:
    """The routes of a contract and of the files; `by_host` has those of the documented hosts and of `FILE_ORIGIN`."""

    def __init__(self, contract: Contract) -> None:
        files = [_route(name, "GET", "", name, None) for name in (FILE, RESULT)]
        self.by_host: dict[str | None, list[Route]] = {urlsplit(FILE_ORIGIN).hostname: files}
        self._anywhere = list(files)
        for operation in contract.operations:
            for server in operation.servers:
                url = urlsplit(server)
                base = re.escape(url.path.rstrip("/"))
                exact, free = (
                    _route(operation.id, operation.method, prefix, operation.path, operation)
                    for prefix in (base, f"(?:{base})?")
                )
                self.by_host.setdefault(url.hostname, []).append(exact)
                self._anywhere.append(free)

    def find(self, method: str, url: SplitResult) -> Found:
        """Find the route of a request.

        On a documented host a path is as documented. On any other, every operation is found with and without the base
        path of its server, so that one port can stand for all hosts.
        """
        wanted = "GET" if method == "HEAD" else method
        allow: set[str] = set()
        for route in self.by_host.get(url.hostname, self._anywhere):
            if match := route.pattern.fullmatch(url.path):
                if route.method == wanted:
                    values = (unquote(value) for value in match.groups())
                    return Found(route=route, path=dict(zip(route.parameters, values, strict=True)))
                allow |= {route.method, "HEAD"} if route.method == "GET" else {route.method}
        return Found(allow=tuple(sorted(allow)))


def _route(name: str, method: str, prefix: str, template: str, operation: Operation | None) -> Route:
    parts = _PARAMETER.split(template)
    pattern = "([^/]+)".join(re.escape(part) for part in parts[::2])
    return Route(
        name=name,
        method=method,
        pattern=re.compile(prefix + pattern),
        parameters=tuple(parts[1::2]),
        operation=operation,
    )
