"""The streams of the command line.

Results go to standard output, all else to standard error, an error in one line. Either stream may be closed, or end
before the command: a paid edit goes on, and its result is saved all the same.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from io import TextIOWrapper
from typing import Any, NoReturn

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.text import Text

from .. import _clock
from .._errors import InvalidRequest
from .._operations import Progress
from .._redaction import visible


def tell(text: object, way_on: str = "") -> None:
    """Write a line to standard output, or if nobody reads that, to standard error, with what to do then."""
    problem: str | None = "it is closed"
    try:
        if sys.stdout is not None:
            typer.echo(text)
            return
    except OSError as error:
        problem = error.strerror
        # What is left in the buffer would fail again when Python exits, with a status of its own.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    say(f"Warning: standard output cannot be written ({problem}): {text}{way_on}")


def say(text: str) -> None:
    """Write a line to standard error, if anybody reads it; above what moves there."""
    if sys.stderr is not None:
        with suppress(OSError):
            sys.stderr.write(f"{visible(text)}\n")  # typer.echo writes past rich, into the moving line
            sys.stderr.flush()


def fail(message: str, status: int, *notes: str) -> NoReturn:
    for line in (f"Error: {message}", *notes):
        say(line)
    raise typer.Exit(status)


def check_standard_output(what: str) -> None:
    """Raise InvalidRequest if standard output cannot be written."""
    if sys.stdout is None:
        raise InvalidRequest(f"{what} to standard output, which is closed.")


class Stages:
    """Writes the stage of the edit to stderr: on a terminal in one line that changes, otherwise in a line a stage."""

    def __init__(self, *, quiet: bool = False, still: bool = False) -> None:
        self.task_id: str | None = None
        self.submits = False  # whether an edit is on its way
        self._quiet, self._said, self._began = quiet, "", _clock.now()
        self._text, self._spinner = "", Spinner("dots", style="status.spinner")
        self._bar: ProgressBar | None = None
        # Not what rich takes for one: FORCE_COLOR asks for colours in a log, not for an animation.
        on_terminal = sys.stderr is not None and sys.stderr.isatty()
        self.animated = on_terminal and not (quiet or still or os.environ.get("TERM") in ("dumb", "unknown"))
        # What is written to standard output must not go to the console, which is standard error.
        how: dict[str, Any] = {"transient": True, "redirect_stdout": False, "refresh_per_second": 12}
        self._live = Live(get_renderable=self._shown, console=Console(stderr=True), **how)

    def __call__(self, progress: Progress) -> None:
        self.task_id, self.submits = progress.task_id, progress.stage == "submit"
        texts = {"upload": "Uploading", "submit": "Submitting", "wait": f"Task {progress.task_id}: {progress.status}"}
        self.update(text := texts[progress.stage])
        if not (self.animated or self._quiet) and text != self._said:
            say(f"{text} ({_clock.now() - self._began:.0f} s)")
        self._said = text

    def update(self, text: str, bar: ProgressBar | None = None) -> None:
        self._text, self._bar = visible(text), bar
        if self.animated:
            with suppress(OSError):  # the terminal may end before the command
                self._live.start()

    def stop(self) -> None:
        with suppress(OSError):
            self._live.stop()

    def _shown(self) -> Spinner:
        elapsed = "" if self._bar else f" ({_clock.now() - self._began:.0f} s)"
        text = Text(self._text + elapsed)
        self._spinner.update(text=Group(text, self._bar) if self._bar else text)
        return self._spinner


def prepare() -> None:
    """Let standard output take file names that are not in its encoding."""
    if isinstance(sys.stdout, TextIOWrapper):  # not in a daemon, where it is None
        sys.stdout.reconfigure(errors="backslashreplace")
