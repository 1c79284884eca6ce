"""Prism and our proxy before the same service: where they find other places of its answers wrong, and why.

`make compare-mock` needs Node. It fails when a difference is not explained below, and when an explained one is gone.
"""

from __future__ import annotations

import http.client
import json
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from nano_banana_edit_mock import MockServer, MockService, Proxy, load

from ..mock.answer_table import ANSWERS, Answer
from .prism import prism

_EXPLAINED = {
    "Prism puts an error of its own in place of an answer that is not JSON, and what was paid for is lost": [
        "empty",
        "blank",
        "truncated",
        "truncated in a text",
        "something behind",
        "twice",
        "single quotes",
        "not a number",
        "byte order mark",
        "UTF-16",
        "HTML as JSON",
        "bytes",
    ],
    "parsers disagree on this JSON (RFC 7493, section 2; RFC 8259, section 8.1); Prism takes it": [
        "key twice",
        "Latin-1",
        "lone surrogate",
    ],
    "no alternative fits; Prism also names what is missing in one of them": ["result item without url"],
    "the document names application/json; Prism takes what has it for a suffix": ["type 'application/problem+json'"],
    "Prism ends at a Content-Type that is not one": [
        "type 'json'",
        "type ''",
        "type 'application/json, text/html'",
        "type 'application/json text/html'",
    ],
    "JSON is UTF-8 (RFC 8259, section 8.1); Prism does not look at a charset": [
        "charset latin-1",
        "charset utf-16",
        "charset nothing",
    ],
}
DIFFERENCES = {name: why for why, names in _EXPLAINED.items() for name in names}

_FILE = b'Content-Disposition: form-data; name="file"; filename="a.png"\r\nContent-Type: image/png'
_FORM = b"--b\r\n" + _FILE + b"\r\n\r\nx\r\n--b--\r\n"
_JSON = b'{"image_urls": ["https://a.example/b"], "prompt": "p"}'
_REQUESTS = {
    "createEdit": ("POST", "/v1/generate/k/nano-banana-edit", _JSON, {"Content-Type": "application/json"}),
    "getTask": ("GET", "/v1/tasks/t", b"", {}),
    "uploadFile": ("POST", "/api/upload/file", _FORM, {"Content-Type": "multipart/form-data; boundary=b"}),
}


@contextmanager
def service(answers: list[Answer]) -> Iterator[str]:
    """The URL of a service that gives the first answer."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(answers[0].status)
            if answers[0].content_type is not None:
                self.send_header("Content-Type", answers[0].content_type)
            self.send_header("Content-Length", str(len(answers[0].body)))
            self.end_headers()
            self.wfile.write(answers[0].body)

        do_POST = do_GET  # noqa: N815 - as the class demands

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def differing() -> Iterator[tuple[str, str]]:
    """Yield the answers that Prism judges otherwise than ours, and what it does."""
    rows = [*ANSWERS]
    with service(rows) as upstream, MockServer(MockService(upstream=Proxy(load(), upstream))) as ours:
        while rows:
            with prism(proxy=upstream) as url:
                yield from _until_it_ends(url, ours.url, rows)


def _until_it_ends(url: str, ours: str, rows: list[Answer]) -> Iterator[tuple[str, str]]:
    while rows:
        row = rows[0]
        status, known = _ask(ours, row, "")
        assert (status, bool(known)) == (row.status, bool(row.wrong)), row.name
        try:
            status, found = _ask(url, row, "/v1")
        except (OSError, http.client.HTTPException):
            yield row.name, "it ends"
            return
        finally:
            del rows[0]
        if status != row.status:
            yield row.name, f"an error of its own, {status}"
        elif found != known:
            yield row.name, f"wrong at {', '.join(sorted(found))}" if found else "right"


def _ask(url: str, row: Answer, without: str) -> tuple[int, set[str]]:
    """Return the status of the answer that a proxy passes on, and the places that it finds wrong in it."""
    method, path, body, headers = _REQUESTS[row.operation]
    host, _, port = url.removeprefix("http://").rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=10)
    try:
        connection.request(method, path.removeprefix(without), body, {"Authorization": "Bearer t", **headers})
        response = connection.getresponse()
        response.read()
    finally:
        connection.close()
    ours = json.loads(response.getheader("Mock-Violations") or "[]")
    theirs = [
        one for one in json.loads(response.getheader("sl-violations") or "[]") if one["location"][0] == "response"
    ]
    if any(one["location"] == ["response"] for one in theirs):  # of another media type Prism judges the body, too
        return response.status, {"header"}
    found = {one["pointer"] if one["location"] == "answer.body" else "header" for one in ours}
    return response.status, found | {_place(one) for one in theirs}


def _place(violation: dict[str, Any]) -> str:
    """Return the place that Prism finds wrong; a property that is missing stands in its message alone."""
    missing = re.findall("required property '(.+)'", violation["message"])
    return "".join(f"/{name}" for name in [*violation["location"][2:], *missing])


def main() -> int:
    """Compare, and say what differs."""
    found = dict(differing())
    out = sys.stdout.write
    wrong = sum(bool(row.wrong) for row in ANSWERS)
    out(f"{len(ANSWERS)} answers, {wrong} of them wrong: Prism differs on {len(found)}.\n\n")
    out("| answer | Prism | why that is wrong |\n| --- | --- | --- |\n")
    for name, what in found.items():
        out(f"| {name} | {what} | {DIFFERENCES.get(name, 'NOT EXPLAINED')} |\n")
    gone = DIFFERENCES.keys() - found.keys()
    if gone:
        out(f"\nNo longer differs: {', '.join(sorted(gone))}\n")
    return 1 if gone or found.keys() - DIFFERENCES.keys() else 0


if __name__ == "__main__":
    sys.exit(main())
