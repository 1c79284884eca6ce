"""The proxy: passes requests on to a service, and its answers back."""

import logging
import re
import ssl
from collections.abc import Callable, Iterable
from functools import partial
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Self, cast
from urllib.parse import urljoin, urlsplit

import httpx2

from ..admin.api import is_loopback
from ..contract import Contract, Operation
from ..contract.wording import cut, demand
from ..engine.answers import refuse, task_in
from ..engine.bodies import decoded
from ..engine.links import MAX_REDIRECTS, Links, redirected
from ..engine.records import Headers, Request, Response
from ..engine.referee import Verdict
from ..engine.relay import Relay, Relayed
from ..engine.routes import FILE, Route
from ..engine.upstream import Lost
from .recorder import Recorder

MAX_ANSWER = 100_000_000  # bytes; a result has a tenth of it
TIMEOUT = 600.0  # seconds without a byte, since who stops waiting loses what is paid for
STALLED = 60.0  # seconds in which a service takes nothing of a request; a connection may take ten
# Of one connection, and not of a request or answer (RFC 9110, section 7.6.1).
_HOPS = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer"}
    | {"transfer-encoding", "upgrade", "host", "expect"}
)
# Neither blanks nor a password, and nothing behind the path.
_URL = re.compile(r"https?://[^\s/?#@\\]+(/[^\s?#@\\]*)?", re.IGNORECASE)
_SECRET = re.compile(r"^([a-z][a-z\d+.-]*://)?.*@|[?#].*", re.DOTALL | re.IGNORECASE)  # of a URL
_UNSENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.InvalidURL, httpx2.LocalProtocolError, UnicodeError)
_LOG = logging.getLogger("nano_banana_edit_mock")


class Proxy:
    """Passes each request on once, with the caller's own token, and keeps nothing of it.

    Results are fetched through the proxy, without the token: their links in the answer to a poll are changed. The
    certificate of the service is checked.

    Args:
        contract: The contract, which says what the service of edits and tasks serves.
        base_url: URL of the service of edits and tasks, such as `https://api.sinancode.com/v1`.
        files_url: URL of the service of uploads; default is the document's for the host of the document, and otherwise
            the origin of `base_url`.
        recorder: What writes a tape; default None.
        http: Options of the client of httpx2, such as `transport` or `verify`; default none.

    Raises:
        ValueError: A URL cannot be used, or would show the token to others.

    Attributes:
        files_url: URL of the service of uploads.
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
        demand("contract", contract, Contract, "what load() returns")
        if recorder is not None:
            demand("recorder", recorder, Recorder, "a Recorder")
        self._base = _checked("base_url", base_url)
        self.files_url = _checked("files_url", _uploads(contract, self._base) if files_url is None else files_url)
        upstreams = self._base, self.files_url
        self._hosts = {urlsplit(upstream).netloc for upstream in upstreams}
        self._recorder = recorder
        # No connection is used twice: one that is stale would make an edit unknown. What is on this machine is reached
        # without a proxy, which would see the token. The service's cookies are the caller's.
        options: dict[str, Any] = {
            "timeout": httpx2.Timeout(TIMEOUT, connect=10.0, write=STALLED),
            "limits": httpx2.Limits(max_connections=None, max_keepalive_connections=0),
            "mounts": {f"all://{host}": None for host in map(_host, upstreams) if is_loopback(host.strip("[]"))},
            "cookies": CookieJar(DefaultCookiePolicy(allowed_domains=())),
        }
        try:
            self._client = httpx2.Client(**options | http)
        except (httpx2.InvalidURL, ImportError, ValueError):  # which may show a password
            names = "HTTPS_PROXY, HTTP_PROXY and ALL_PROXY"
            raise ValueError(f"The URL of a proxy cannot be used. Correct {names} of the environment.") from None
        except OSError as error:
            what = f"Certificates cannot be read ({error.strerror}). Correct SSL_CERT_FILE of the environment."
            raise ValueError(what) from error
        self.reset()

    def reset(self) -> None:
        """Forget the links."""
        self._links = Links()

    def __enter__(self) -> Self:
        """Close the connections when the block is left."""
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def begin_relay(self, route: Route, request: Request, ready: Callable[[], None]) -> Relay:
        """Begin to pass on a request whose body is still coming, and which has a length."""
        return Relay(partial(self._pass_on, route, request, None), ready)

    def answer(self, route: Route, request: Request, verdict: Verdict, now: float) -> Response:
        """Return the service's answer to a request; links of results lead to the proxy. Raise Lost without it."""
        url = self._links.url(route.path["key"]) if route.operation == FILE else None
        if route.operation == FILE and url is None:
            return refuse(404, f"{route.url.path} is not a file of a result that passed here.")
        ahead = request.relay if isinstance(request, Relayed) else None
        response, broken = ahead.finish() if ahead else self._pass_on(route, request, url)
        at = url or ""
        for _ in range(MAX_REDIRECTS if url else 0):
            if not (at := redirected(response, at)):
                break
            response, broken = self._pass_on(route, request, at)
        if self._recorder:
            try:
                self._recorder.record(route, request, verdict, response, now, url or "")
            except Exception:  # noqa: BLE001 - the answer may be paid for
                _LOG.exception("An exchange is not on the tape.")
        if broken:
            raise Lost(broken, sent=True, part=response)
        if route.name != "getTask":
            return response
        return self._links.change(response, route.origin, self._is_trusted)

    def _pass_on(
        self, route: Route, request: Request, url: str | None, pieces: Iterable[bytes] | None = None
    ) -> tuple[Response, str]:
        """Return the answer of the service, and why it is cut if it is. A body that is still coming is in pieces."""
        left: bool | None = None  # whether the request has; None if the transport does not say it

        def trace(event: str, info: Any) -> None:
            nonlocal left
            # To ask a proxy for a tunnel is not yet the request.
            left = left or (event.endswith(".send_request_headers.started") and info["request"].method != b"CONNECT")

        address = url or self._address(route, route.operation)
        to = urlsplit(address)
        host = to.netloc.rpartition("@")[2]
        if to.netloc == route.url.netloc and is_loopback(to.hostname):
            raise Lost(f"{host} is this proxy itself. Nothing was sent.")
        if url and not self._is_trusted(url):
            raise Lost(f"The result is at {host}, without TLS. Nothing was sent.")
        headers = [] if url else _end_to_end(request.headers, "accept-encoding")
        content, response, reason = bytearray(), None, ""
        try:
            # Without `build_request`, which would add headers of its own.
            passed = httpx2.Request(
                request.method,
                address,
                headers=[(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
                + [(b"Accept-Encoding", b"identity")],
                content=pieces or request.body or None,
                extensions={"trace": trace},
            )
            response = self._client.send(passed, stream=True, follow_redirects=False)
            try:
                # Not `iter_raw`, which has nothing of an answer that its transport has read.
                for piece in cast("httpx2.SyncByteStream", response.stream):
                    content += piece
                    if len(content) > MAX_ANSWER:
                        reason = f"it has more than {MAX_ANSWER} bytes"
                        break
            finally:
                response.close()
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, OSError, UnicodeError) as error:
            reason = _reason(error, self._client.timeout)
            if left is False or isinstance(error, _UNSENT):
                raise Lost(f"{host} cannot be reached: {reason}. Nothing was sent.") from error
        billed = reason and route.name == "createEdit"
        if response is None or (reason and not (billed and task_in(bytes(content)))):
            message = f"The answer of {host} is lost: {reason}."
            if billed:
                message += " The edit may have been accepted and billed. It was passed on once."
                _LOG.warning("%s", message)
            raise Lost(message, sent=True)
        broken = f"The answer of {host} is cut: {reason}." if reason else ""
        return _response(response, bytes(content), to_head=request.method == "HEAD"), broken

    def _address(self, route: Route, operation: Operation | None) -> str:
        """Return the URL of the service for a request of one of its operations."""
        path = route.url.path
        servers = operation.servers if operation else ()
        for server in servers:
            base = urlsplit(server).path.rstrip("/")
            if base and path.startswith(f"{base}/"):
                path = path.removeprefix(base)
                break
        upstream = self.files_url if operation and operation.is_upload else self._base
        return f"{upstream}{path}" + (f"?{route.url.query}" if route.url.query else "")

    def _is_trusted(self, url: str) -> bool:
        return url.lower().startswith("https://") or urlsplit(url).netloc.rpartition("@")[2] in self._hosts


def _uploads(contract: Contract, base_url: str) -> str:
    """Return the URL of the service of uploads beside that of edits."""
    main = [url.rstrip("/") for one in contract.operations if not one.is_upload for url in one.servers]
    own = [url for one in contract.operations if one.is_upload for url in one.servers if url.rstrip("/") not in main]
    if not (own and main):
        return base_url
    documented = httpx2.URL(base_url).netloc == httpx2.URL(main[0]).netloc
    return urljoin(base_url, own[0]) if documented else urlsplit(base_url)._replace(path="").geturl()


def _end_to_end(headers: Iterable[tuple[str, str]], *but: str) -> Headers:
    """Return the headers that are not of one connection, `but` for some."""
    left_out = _HOPS.union(but)
    named = [value for name, value in headers if name.lower() == "connection"]
    left_out |= {name.strip() for value in named for name in value.lower().split(",")}
    return tuple(pair for pair in headers if pair[0].lower() not in left_out)


def _response(response: httpx2.Response, content: bytes, *, to_head: bool) -> Response:
    """Return an answer as it came, but without a coding if its body can be decoded, so that it can be judged."""
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw]
    plain = decoded(content, response.headers.get("Content-Encoding", ""), MAX_ANSWER)
    body, coding = (content, ()) if plain is None else (plain, ("content-encoding",))
    kept = _end_to_end(headers, "content-length", *coding)
    length = response.headers.get("Content-Length") if to_head else str(len(body))
    return Response(response.status_code, (*kept, *([("Content-Length", length)] if length else [])), body)


def _reason(error: Exception, timeout: httpx2.Timeout) -> str:
    """Return why there is no answer, without what an error may quote of the request."""
    cause: BaseException = error
    while inner := cause.__cause__ or cause.__context__:
        cause = inner
    match error, cause:
        case httpx2.TimeoutException(), _:
            kind = type(error).__name__.removesuffix("Timeout").lower()
            return f"it timed out after {getattr(timeout, kind)} s"
        case _, ssl.SSLCertVerificationError():
            return f"its certificate is not trusted ({cause.verify_message})"
        case httpx2.ProxyError(), _:
            return "the proxy of the environment refuses to connect to it"
        case httpx2.InvalidURL() | UnicodeError() | httpx2.LocalProtocolError(), _:
            return "the request has a URL or a header that cannot be sent"
        case _, OSError(strerror=str(text)):
            return text[:1].lower() + text[1:]
    return "the connection was closed, or its answer is not HTTP"


def _host(url: str) -> str:
    host = urlsplit(url).hostname or ""
    return f"[{host}]" if ":" in host else host


def _checked(name: str, url: str) -> str:
    """Return the URL of a service, without a slash at its end."""
    demand(name, url, str, "the URL of a service")
    try:
        host, known = httpx2.URL(url).host, _URL.fullmatch(url) and urlsplit(url).port != 0
    except (ValueError, httpx2.InvalidURL):
        host, known = "", None
    if not known or not (url.lower().startswith("https:") or is_loopback(host)):
        what = (
            "use a URL with https, or of this machine, with a valid port and without a password, a query or a fragment"
        )
        shown = cut(_SECRET.sub(r"\1", url))
        raise ValueError(f"{name} is {shown}; {what}.")
    return url.rstrip("/")
