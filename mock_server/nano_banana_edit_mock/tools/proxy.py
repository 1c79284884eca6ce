"""The proxy: passes requests on to a service, and its answers back."""

from typing import Any
from urllib.parse import urlsplit

import httpx2

from ..admin.api import is_loopback
from ..contract import Contract, Operation
from ..contract.wording import cut
from ..engine.answers import refuse
from ..engine.links import Links
from ..engine.records import Request, Response, pairs
from ..engine.referee import Verdict
from ..engine.routes import FILE, Route
from .recorder import Recorder

MAX_ANSWER = 100_000_000  # bytes; a result has a tenth of it
TIMEOUT = 120.0  # seconds without a byte; a connection may take ten
CONNECTIONS = 100
# Of one connection, and not of a request or answer (RFC 9110, section 7.6.1); what follows is counted anew.
_HOPS = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer"}
    | {"transfer-encoding", "upgrade", "host", "content-length", "expect"}
)
_SENT = "send_request_headers.started"


class Proxy:
    """Passes each request on once, with the caller's own token, and keeps nothing of it.

    Results are fetched through the proxy, without the token: their links in the answer to a poll are changed. The
    certificate of the service is checked.

    Args:
        contract: The contract, which says what the service of edits and tasks serves.
        base_url: URL of the service of edits and tasks, such as `https://api.sinancode.com/v1`.
        files_url: URL of the service of uploads; default is `base_url`.
        recorder: What writes a tape; default None.
        http: Options of the clients of httpx2, such as `transport` or `verify`; default none.

    Raises:
        ValueError: A URL is none, or would show the token to others.
    """

    waits = True

    def __init__(
        self,
        contract: Contract,
        base_url: str,
        files_url: str | None = None,
        *,
        recorder: Recorder | None = None,
        **http: Any,
    ) -> None:
        self._main = contract.servers[0]
        self._base, self._files = _checked(base_url), _checked(files_url or base_url)
        self._recorder = recorder
        options = {"timeout": httpx2.Timeout(TIMEOUT, connect=10.0), **http}
        # Only polls go over connections that were used before: one that is stale would make an edit unknown.
        self._polls = httpx2.Client(limits=httpx2.Limits(max_connections=CONNECTIONS), **options)
        self._once = httpx2.Client(
            limits=httpx2.Limits(max_connections=CONNECTIONS, max_keepalive_connections=0), **options
        )
        self.reset()

    def reset(self) -> None:
        """Forget the links."""
        self._links = Links()

    def close(self) -> None:
        """Close the connections."""
        self._polls.close()
        self._once.close()

    def answer(self, route: Route, request: Request, verdict: Verdict, now: float) -> Response:
        """Return the service's answer to a request, or 502 without one; links of results lead to the proxy."""
        url = self._links.url(route.path["key"]) if route.operation == FILE else None
        if route.operation == FILE and url is None:
            return refuse(404, f"{route.url.path} is not a file of a result that passed here.")
        response = self._pass_on(route, request, url)
        if self._recorder:
            self._recorder.record(route, request, verdict, response, now, url or "")
        return self._links.change(response, route.origin) if route.name == "getTask" else response

    def _pass_on(self, route: Route, request: Request, url: str | None) -> Response:
        sent = False

        def trace(event: str, _: object) -> None:
            nonlocal sent
            sent = sent or event.endswith(_SENT)

        address = url or self._address(route, route.operation)
        host = urlsplit(address).netloc.rpartition("@")[2]
        headers = [] if url else [pair for pair in request.headers if pair[0].lower() not in _HOPS]
        if url and not self._is_trusted(url):
            return refuse(502, f"The result is at {host}, without TLS. Nothing was sent.")
        client = self._polls if route.name == "getTask" else self._once
        content = bytearray()
        try:
            # Without `build_request`, which would add headers of its own.
            passed = httpx2.Request(
                request.method, address, headers=headers, content=request.body or None, extensions={"trace": trace}
            )
            response = client.send(passed, stream=True)
            try:
                for piece in response.iter_bytes(65_536):
                    content += piece
                    if len(content) > MAX_ANSWER:
                        return self._lost(route, host, f"it has more than {MAX_ANSWER} bytes")
            finally:
                response.close()
        except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError) as error:
            reason = f"{type(error).__name__}: {error}"
            return (
                self._lost(route, host, reason)
                if sent
                else refuse(502, f"{host} cannot be reached ({reason}). Nothing was sent.")
            )
        # The body is decoded, so that it can be judged.
        kept = [pair for pair in response.headers.multi_items() if pair[0].lower() not in _HOPS | {"content-encoding"}]
        return Response(response.status_code, (*pairs(kept), ("Content-Length", str(len(content)))), bytes(content))

    def _lost(self, route: Route, host: str, reason: str) -> Response:
        billed = (
            " The edit may have been accepted and billed. It was passed on once." if route.name == "createEdit" else ""
        )
        return refuse(502, f"The answer of {host} is lost ({reason}).{billed}")

    def _address(self, route: Route, operation: Operation | None) -> str:
        """Return the URL of the service for a request of one of its operations."""
        path = route.url.path
        servers = operation.servers if operation else ()
        for server in servers:
            base = urlsplit(server).path.rstrip("/")
            if base and path.startswith(f"{base}/"):
                path = path.removeprefix(base)
                break
        upstream = self._base if self._main in servers else self._files
        return f"{upstream}{path}" + (f"?{route.url.query}" if route.url.query else "")

    def _is_trusted(self, url: str) -> bool:
        hosts = {urlsplit(upstream).netloc for upstream in (self._base, self._files)}
        return url.lower().startswith("https://") or urlsplit(url).netloc in hosts


def _checked(url: str) -> str:
    """Return the URL of a service, without a slash at its end."""
    try:
        parts = urlsplit(url)
        known = parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc
    except ValueError:
        known = False
    if not known or not (parts.scheme == "https" or is_loopback(parts.hostname)):
        raise ValueError(f"proxy is {cut(url)}; use a URL with https, or of this machine, without a password.")
    return url.rstrip("/")
