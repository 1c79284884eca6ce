"""Prism, a mock made by others from the same document, at every boundary: where it differs from the document, and why.

`make compare-prism` needs Node. It fails when a difference is not explained below, and when an explained one is gone.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import stamina
from nano_banana_edit_mock.conformance import Conformance

from ..document import BODY, DOCUMENT

PRISM = "@stoplight/prism-cli@5.14.2"  # newer ones need Node 24, and never answer malformed JSON
LOWER_CASE = "a scheme is case-insensitive (RFC 9110, section 11.1); Prism knows Bearer only"
DIFFERENCES = {
    'createEdit.security.bearer: "bearer {token}"': LOWER_CASE,
    'getTask.security.bearer: "bearer {token}"': LOWER_CASE,
    'uploadFile.security.bearer: "bearer {token}"': LOWER_CASE,
    "FileUpload.file.maxLength: 50000000 bytes": "Prism reads no body of this size, whatever the document says",
    "invalid UTF-8": "JSON is exchanged in UTF-8 (RFC 8259, section 8.1); Prism replaces what is none",
}


stamina.instrumentation.set_on_retry_hooks([])


@contextmanager
def prism() -> Iterator[str]:
    """Prism's URL, while it runs."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = ["npx", "--yes", PRISM, "mock", "--host", "127.0.0.1", "--port", str(port), str(DOCUMENT)]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=quiet, stderr=quiet, start_new_session=True) as process:
        try:
            for attempt in stamina.retry_context(on=OSError, attempts=None, timeout=120, wait_max=0.5):
                with attempt:
                    socket.create_connection(("127.0.0.1", port)).close()
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(process.pid, signal.SIGTERM)  # npx leaves its child alone


def differences(url: str) -> Iterator[str]:
    run = Conformance(spend=True).run(base_url=url, files_url=url, token="t", rate=200)
    yield from (check.case.id for check in run if check.differs or check.stops)
    body = json.dumps(BODY | {"prompt": "X"}).encode().replace(b"X", b"\xff")
    headers = {"Authorization": "Bearer t", "Content-Type": "application/json"}
    if httpx.post(f"{url}/generate/k/nano-banana-edit", headers=headers, content=body).is_success:
        yield "invalid UTF-8"


def main() -> int:
    """Compare, and say what differs."""
    with prism() as url:
        found = [*differences(url)]
    for name in found:
        sys.stdout.write(f"{name}: {DIFFERENCES.get(name, 'NOT EXPLAINED')}\n")
    gone = DIFFERENCES.keys() - {*found}
    sys.stdout.writelines(f"{name}: GONE\n" for name in gone)
    return 1 if gone or {*found} - DIFFERENCES.keys() else 0


if __name__ == "__main__":
    sys.exit(main())
