"""Cross-origin requests: web pages of any origin may call the service and read its answers."""

from attrs import evolve

from .records import Request, Response


def share(request: Request, response: Response) -> Response:
    """Return an answer that a web page of any origin may read, with credentials or not; answer its preflight.

    With credentials `*` is no wildcard (Fetch, section 3.3.3): origin, methods and headers are named one by one.
    """
    origin = request.header("Origin")
    if origin is None:
        return response
    shared = {"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Credentials": "true"}
    if request.method == "OPTIONS" and request.header("Access-Control-Request-Method") is not None:
        shared["Access-Control-Allow-Methods"] = response.header("Allow") or ""
        shared["Access-Control-Allow-Headers"] = request.header("Access-Control-Request-Headers") or ""
    else:
        shared["Access-Control-Expose-Headers"] = ", ".join({name: None for name, _ in response.headers})
    further = [(name, value) for name, value in shared.items() if value and response.header(name) is None]
    return evolve(response, headers=(*response.headers, *further, ("Vary", "Origin")))
