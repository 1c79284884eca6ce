"""The installed server of an agent, and the signals that end it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from nano_banana_edit.ledger import Ledger
from nano_banana_edit_mock import MockServer, MockService

from .agent import TOKEN
from .test_cli_batch_process import DONE, PROGRAM

pytestmark = pytest.mark.server


class Gate:
    """A clock of the service, which answers nothing while the gate is shut; `asked` is set by what it is asked."""

    def __init__(self) -> None:
        self.asked, self.open = threading.Event(), threading.Event()
        self.open.set()

    def __call__(self) -> float:
        self.asked.set()
        self.open.wait(60)
        return time.monotonic()


@pytest.mark.parametrize(("number", "submits"), [(signal.SIGINT, False), (signal.SIGTERM, True)])
def test_a_signal_ends_the_server(folder: Path, number: int, submits: bool) -> None:
    """It ends at once, or after a submission that has begun, though the agent leaves its standard input open."""
    gate = Gate()
    with MockServer(MockService(clock=gate)) as server:
        environment = os.environ | {"SINANCODE_API_KEY": TOKEN, "SINANCODE_BASE_URL": server.url}
        command = [PROGRAM, "mcp", "--folder", str(folder)]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        with subprocess.Popen(command, env=environment, text=True, **pipes) as process:
            assert process.stdin
            assert process.stdout

            def send(method: str, **more: Any) -> None:
                print(json.dumps({"jsonrpc": "2.0", "method": method, **more}), file=process.stdin, flush=True)

            known = {"protocolVersion": "2025-03-26", "capabilities": {}, "clientInfo": {"name": "a", "version": "1"}}
            send("initialize", id=1, params=known)
            assert "nano-banana-edit" in process.stdout.readline()
            send("notifications/initialized")
            if submits:
                gate.open.clear()
                gate.asked.clear()
                given = {"images": ["https://example.com/a.png"], "prompt": "p"}
                send("tools/call", id=2, params={"name": "edit_image", "arguments": given})
                assert gate.asked.wait(60)
            process.send_signal(number)
            gate.open.set()
            assert 0 == process.wait(60)
    with Ledger(folder / "ledger.db") as ledger:
        assert submits == ledger.billed()
        assert all(row.state in DONE for row in ledger.rows())
