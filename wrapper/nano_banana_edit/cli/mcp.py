"""The command `mcp`: edits for an agent, over the Model Context Protocol."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Annotated

import httpx2
import typer

from .._errors import InvalidRequest
from ..client import AsyncNanoBananaEdit
from ._common import INTERRUPTS, Run, command, opened, with_extra
from ._options import LedgerOption
from ._streams import say


@command("token_file", "mock")
def mcp(
    run: Run,
    folder: Annotated[
        Path, typer.Option(help="Folder whose files the agent may edit, and save to.", show_default=False)
    ],
    max_edits: Annotated[int, typer.Option(help="Maximum number of edits that this run may submit.", min=1)] = 20,
    wait: Annotated[float, typer.Option(help="Maximum seconds that one call of a tool waits.", min=1)] = 45.0,
    ledger: LedgerOption = None,
) -> None:
    """Serve edits to an agent, over the Model Context Protocol on standard input and output.

    Set SINANCODE_API_KEY to your API token. Every accepted edit is billed, except with --mock. A call that the agent
    repeats is billed once, by the ledger of --ledger, or else ledger.db in the folder.
    """
    agent = with_extra("cli._agent")
    with run.errors(still=True), ExitStack() as stack:
        if not folder.is_dir():
            raise InvalidRequest(f"--folder {folder} is not a folder; check the path.")
        if str(run.token_file) == "-":
            raise InvalidRequest("--token-file - reads standard input, which is the agent's; name a file.")
        if run.mock and ledger is not None:
            raise InvalidRequest("--ledger is for edits that are kept; leave out --mock, or the ledger.")
        settings = stack.enter_context(run.connected())
        place = stack.enter_context(TemporaryDirectory()) if run.mock else ledger or str(folder)
        known = stack.enter_context(opened(place))
        client = AsyncNanoBananaEdit(**settings, http_client=run.offline(httpx2.AsyncClient), ledger=known)
        server = agent.server(client, known, folder, max_edits=max_edits, wait=wait, mock=run.mock)
        stack.enter_context(_input_ended_by_signals())
        say(f"Serving {folder} to an agent, which starts this command by itself. Ctrl-C ends it.")
        server.run()


@contextmanager
def _input_ended_by_signals() -> Iterator[None]:
    """Make standard input a pipe that ends with it, or at an interrupt.

    So a signal ends the server as an agent does: after a submission that has begun. An interrupt alone would wait for
    the thread in which the SDK reads standard input, which nothing else wakes.
    """
    source = sys.stdin
    buffer = source.buffer
    reads = getattr(buffer, "raw", buffer).read  # a thread in a buffer's read would hold its lock when Python exits
    reader, writer = os.pipe()
    pipe = os.fdopen(writer, "wb", buffering=0)

    def copy() -> None:
        with pipe, suppress(OSError, ValueError):  # closed by a signal
            while chunk := reads(65_536):
                pipe.write(chunk)

    before = {number: signal.signal(number, lambda *_: pipe.close()) for number in INTERRUPTS}
    Thread(target=copy, daemon=True).start()
    with os.fdopen(reader, encoding="utf-8") as ending:
        sys.stdin = ending
        try:
            yield
        finally:
            sys.stdin = source
            for number, handler in before.items():
                signal.signal(number, handler)
