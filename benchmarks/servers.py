"""The servers that are compared, each in a process of its own: the mock, and Prism with the same document."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from http.client import HTTPConnection
from pathlib import Path

from attrs import frozen

from tests.document import DOCUMENT
from tests.referees.prism import PRISM

from .harness import ROOT

_RETRY = 0.005  # seconds between two attempts to reach a server


@frozen
class Server:
    """A server that is ready.

    Attributes:
        url: Base URL of the document's paths.
        refused: The status of its response to an invalid request.
        pid: Its process.
    """

    url: str
    refused: str
    pid: int

    def memory(self) -> float:
        """Return how many MB are resident (Linux)."""
        return self._status("VmRSS")

    def peak(self) -> float:
        """Return how many MB were resident at most."""
        return self._status("VmHWM")

    def _status(self, name: str) -> float:
        found = re.search(rf"{name}:\s*(\d+) kB", Path(f"/proc/{self.pid}/status").read_text())
        assert found
        return int(found[1]) / 1024


Start = Callable[[], AbstractContextManager[Server]]


def mock() -> AbstractContextManager[Server]:
    """Start the mock as a user does."""
    return _started("400", sys.executable, "-m", "nano_banana_edit_mock", "--port")


@contextmanager
def proxy(*options: str) -> Iterator[Server]:
    """Start the mock as a proxy in front of another one."""
    with mock() as upstream:
        command = (sys.executable, "-m", "nano_banana_edit_mock", "--quiet", "--proxy", upstream.url, *options)
        with _started("400", *command, "--port") as started:
            yield started


@contextmanager
def recording() -> Iterator[Server]:
    """Start such a proxy that writes a tape."""
    with tempfile.TemporaryDirectory() as folder, proxy("--record", f"{folder}/tape") as started:
        yield started


def prism() -> AbstractContextManager[Server]:
    """Start Prism in its fastest mode, with node: npx would be measured too."""
    return _started("422", "node", str(_installed()), "mock", str(DOCUMENT), "-v", "silent", "--port")


@contextmanager
def _started(refused: str, *command: str) -> Iterator[Server]:
    """Start a server and yield it after its first response."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    quiet = subprocess.DEVNULL
    with subprocess.Popen([*command, str(port)], cwd=ROOT, stdout=quiet, stderr=quiet) as process:
        try:
            while not _responds(port):
                if process.poll() is not None:
                    raise RuntimeError(f"A server failed: {command}")
                time.sleep(_RETRY)
            yield Server(f"http://127.0.0.1:{port}", refused, process.pid)
        finally:
            process.kill()


def _responds(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port)
    try:
        connection.request("GET", "/tasks/none")
        connection.getresponse().read()
    except ConnectionError:
        return False
    finally:
        connection.close()
    return True


@cache
def _installed() -> Path:
    """Install Prism if it is missing, and return its program."""
    folder, (name, _, version) = ROOT / "build" / "bench" / "prism", PRISM.rpartition("@")
    package = folder / "node_modules" / name
    manifest = package / "package.json"
    if not manifest.exists() or json.loads(manifest.read_text())["version"] != version:
        folder.mkdir(parents=True, exist_ok=True)
        npm = ["npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--silent", PRISM]
        subprocess.run(npm, check=True, stdout=sys.stderr)
    return package / "dist" / "index.js"
