"""Headers that say what was wrong, what a path allows, and that any web page may read the answer."""

import json
from collections.abc import Iterable

from attrs import evolve

from .answers import refuse
from .records import Request, Response, Violation
from .verdict import Verdict

DIAGNOSTICS = "Mock-Violations"
MAX_DIAGNOSTICS = 4096  # bytes; clients and proxies take 8 KB of headers and more, but not any number

_compact = json.JSONEncoder(separators=(",", ":")).encode  # made once, as dumps makes one each time


def diagnose(violations: Iterable[Violation]) -> tuple[str, str]:
    """Return the header that lists violations as JSON; those that do not fit are left out, the journal has them all."""
    value = ""
    for violation in violations:
        entry = {"location": violation.location, "pointer": violation.pointer, "keyword": violation.keyword}
        # DEL is no character of a header (RFC 9110, section 5.5), and the only such one that JSON does not escape.
        text = _compact(entry).replace("\x7f", r"\u007f")
        if len(value) + len(text) + len("[],") <= MAX_DIAGNOSTICS:
            value += f",{text}" if value else text
    return DIAGNOSTICS, f"[{value}]"


def refused(verdict: Verdict, allow: Iterable[str], otherwise: int) -> Response:
    """Return the answer to a request that is wrong; `otherwise` is its status where HTTP prescribes none."""
    said = {401: ("WWW-Authenticate", "Bearer"), 405: ("Allow", ", ".join(allow))}
    message = " ".join(violation.message for violation in verdict.violations)
    further = [header for status, header in said.items() if status == verdict.status]
    return refuse(verdict.status or otherwise, message, diagnose(verdict.violations), *further)


def allowed(allow: Iterable[str]) -> Response:
    """Return the answer to OPTIONS (RFC 9110, section 9.3.7)."""
    return Response(204, [("Allow", ", ".join(allow))])


def share(request: Request, response: Response) -> Response:
    """Let web pages of any origin read an answer (Fetch, section 3.3), and send what they ask to send beforehand."""
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
