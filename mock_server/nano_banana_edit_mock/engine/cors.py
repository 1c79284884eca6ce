"""Cross-origin requests: web pages of any origin may call the service and read its answers."""

from attrs import evolve

from .answers import DIAGNOSTICS
from .records import Request, Response


def share(request: Request, response: Response) -> Response:
    """Return an answer that a web page of any origin may read (Fetch, section 3.3); answer its preflight."""
    if request.header("Origin") is None:
        return response
    shared = {"Access-Control-Allow-Origin": "*"}
    if request.method == "OPTIONS" and request.header("Access-Control-Request-Method") is not None:
        shared["Access-Control-Allow-Methods"] = response.header("Allow") or ""
        # The wildcard does not cover Authorization.
        shared["Access-Control-Allow-Headers"] = "authorization, content-type, *"
    else:
        shared["Access-Control-Expose-Headers"] = f"{DIAGNOSTICS}, Allow, Retry-After, WWW-Authenticate"
    further = [(name, value) for name, value in shared.items() if response.header(name) is None]
    return evolve(response, headers=(*response.headers, *further))
