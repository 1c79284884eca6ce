"""Prism, a mock made by others from the same document: where it is wrong at a boundary or in the table, and why.

`make compare-mock` needs Node. It fails when a difference is not explained below, and when an explained one is gone.
"""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import stamina
from nano_banana_edit_mock.tools.conformance import Conformance

from ..document import DOCUMENT
from ..mock.raw_door import send_raw
from ..mock.verdict_table import TABLE, Row

PRISM = "@stoplight/prism-cli@5.14.2"  # newer ones need Node 24, and never answer malformed JSON
_EXPLAINED = {
    "a scheme is case-insensitive (RFC 9110, section 11.1); Prism knows Bearer only": [
        'createEdit.security.bearer: "bearer {token}"',
        'getTask.security.bearer: "bearer {token}"',
        'uploadFile.security.bearer: "bearer {token}"',
        "bearer as the scheme",
        "BEARER as the scheme",
        "bEaReR as the scheme",
    ],
    "a token is one word of certain characters (RFC 6750, section 2.1); Prism takes anything after Bearer": [
        "two tokens",
        "token with a comma",
        "token in quotes",
        "padding in the middle",
        "padding alone",
        "tab after the scheme",
        "percent in a token",
        "scheme twice",
        "parameters instead of a token",
        "two authorizations",
    ],
    "HEAD is known wherever GET is (RFC 9110, section 9.1); Prism knows what the document names": [
        "HEAD on task",
        "HEAD on task without authorization",
    ],
    "parameters may be empty (RFC 9110, section 5.6.6); Prism fails at that": ["application/json;"],
    "JSON has no charset (RFC 8259, section 11); Prism obeys one": ["application/json; charset=utf-16"],
    "Content-Type has one value (RFC 9110, section 5.5); Prism takes the first of two": ["two content types"],
    "the document names application/json; Prism takes what has it for a suffix": ["application/vnd.api+json"],
    "Prism reads no body of this size, whatever the document says": [
        "FileUpload.file.maxLength: 50000000 bytes",
        "largest file",
    ],
    "a form has parts with names (RFC 7578, section 4.2); Prism ends where it finds none in quotes": [
        "name without quotes",
        "part without a name",
        "file name of 9, a; name=x",
    ],
    "a part needs no type (RFC 7578, section 4.4); Prism ends where it finds none": ["file without a type"],
    "space behind a boundary is none of it (RFC 2046, section 5.1.1); Prism finds no part": [
        "space behind the boundaries",
    ],
    "each part is form-data (RFC 7578, section 4.2); Prism does not look": ["part that is no form's"],
    "the API takes one file, with a name; Prism looks at the last part": ["two files", "file without a name"],
    "a form ends with its closing boundary (RFC 2046, section 5.1.1); Prism takes what is cut off": [
        "form without its last boundary",
    ],
    "JSON is exchanged in UTF-8 (RFC 8259, section 8.1); Prism replaces what is none": [
        "invalid UTF-8",
        "overlong UTF-8",
        "surrogate in UTF-8",
        "beyond Unicode",
        "Latin-1",
    ],
}
DIFFERENCES = {name: why for why, names in _EXPLAINED.items() for name in names}


stamina.instrumentation.set_on_retry_hooks([])


@contextmanager
def prism(*, proxy: str = "") -> Iterator[str]:
    """Prism's URL, while it runs as a mock, or as a proxy of a service."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = ["npx", "--yes", PRISM, "proxy" if proxy else "mock", "--host", "127.0.0.1", "--port", str(port)]
    command += [str(DOCUMENT), *([proxy] if proxy else [])]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=quiet, stderr=quiet, start_new_session=True) as process:
        try:
            for attempt in stamina.retry_context(on=OSError, attempts=None, timeout=120, wait_max=0.5):
                with attempt:
                    socket.create_connection(("127.0.0.1", port)).close()
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(process.pid, signal.SIGTERM)  # npx leaves its child alone


def at_boundaries() -> Iterator[tuple[str, str]]:
    """Yield the cases of the census that Prism decides otherwise, and how."""
    with prism() as url:
        for check in Conformance(spend=True).run(base_url=url, files_url=url, token="t", rate=200):
            if check.differs or check.stops:
                yield check.case.id, str(check.status)


def in_table() -> Iterator[tuple[str, str]]:
    """Yield the rows that Prism decides otherwise, and how.

    Of the statuses of refusals only those count that HTTP leaves no choice of.
    """
    rows = asked()
    while rows:
        with prism() as url:
            rows, died = _asked_until_it_dies(url, rows)
            yield from died


def _asked_until_it_dies(url: str, rows: list[Row]) -> tuple[list[Row], list[tuple[str, str]]]:
    host, _, port = url.removeprefix("http://").rpartition(":")
    differing = []
    for number, row in enumerate(rows, start=1):
        target = row.target.removeprefix("/v1").replace("{task}", "x")
        try:
            status = send_raw(host, int(port), row, target).status
        except (OSError, http.client.HTTPException):
            return rows[number:], [*differing, (row.name, "it dies")]
        if row.accepted != (status < 400) or (row.status in {401, 405} and status != row.status):
            differing.append((row.name, str(status)))
    return [], differing


def asked() -> list[Row]:
    """Return the rows that another mock of the document can know."""
    return [row for row in TABLE if not row.own and "port" in row.doors and "router" in row.doors]


def main() -> int:
    """Compare, and say what differs."""
    found = dict([*at_boundaries(), *in_table()])
    out = sys.stdout.write
    out(f"{len(asked())} rows of the table, and every boundary: {len(found)} wrong of Prism's, none of the mock's.\n\n")
    out("| request | Prism | why that is wrong |\n| --- | --- | --- |\n")
    for name, status in found.items():
        out(f"| {name.replace('|', '&#124;')} | {status} | {DIFFERENCES.get(name, 'NOT EXPLAINED')} |\n")
    gone = DIFFERENCES.keys() - found.keys()
    sys.stdout.writelines(f"{name}: GONE\n" for name in gone)
    return 1 if gone or found.keys() - DIFFERENCES.keys() else 0


if __name__ == "__main__":
    sys.exit(main())
