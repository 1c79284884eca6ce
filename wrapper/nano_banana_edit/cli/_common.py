"""What the commands share. They write results to standard output, all else to standard error, and an error in one line.

Either stream may be closed, or end before the command: a paid edit goes on, and its result is saved all the same.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.text import Text

from .._errors import (
    APIConnectionError,
    APIStatusError,
    InvalidRequest,
    NanoBananaEditError,
    SubmissionUnknown,
    WaitTimeout,
    is_over,
)
from .._operations import Progress
from .._redaction import visible

if TYPE_CHECKING:
    from ..ledger import Ledger

TokenFile = Annotated[
    Path | None, typer.Option(help="File with the API token; default: SINANCODE_API_KEY.", show_default=False)
]
LedgerOption = Annotated[
    str | None,
    typer.Option(
        "--ledger",
        envvar="NANO_BANANA_EDIT_LEDGER",
        help="SQLite file, folder with a ledger.db, or PostgreSQL URL, that keeps what was submitted.",
        metavar="FILE|URL",
        show_default=False,
    ),
]
_STATUSES: dict[type[NanoBananaEditError], int] = {
    InvalidRequest: 2,
    APIConnectionError: 3,
    APIStatusError: 3,
    SubmissionUnknown: 4,
    WaitTimeout: 5,
}
_OPTIONS = {
    "allow_http": "SINANCODE_ALLOW_HTTP",
    "base_url": "SINANCODE_BASE_URL",
    "files_url": "SINANCODE_FILES_URL",
    "image_size": "--size",
    "key": "--key",
    "output_format": "--format",
    "path": "--output",
    "timeout": "--timeout",
}
_WORDS = {  # what the library says to do, and how it is done here
    "pass token=... or set the environment variable": "use --token-file, or set the environment variable",
    "pass allow_http=True, or set": "or set",
    ", or pass an http_client": "",
    ", or None for no limit": "",
    "pass overwrite=True": "use --force",
    "use Path.expanduser": "write the path out",
    "call ledger.resolve with its task_id, or with resend=True": "run nano-banana-edit batch resolve",
    "call ledger.resolve with resend=True": "run nano-banana-edit batch resolve with --resend",
    "task_id, resend and cancelled": "--task-id, --resend and --cancel",
    "True or False, in SINANCODE_ALLOW_HTTP 1 or 0": "1 or 0",
}


def prepare() -> None:
    """Let standard output take file names that are not in its encoding."""
    if isinstance(sys.stdout, TextIOWrapper):  # not in a daemon, where it is None
        sys.stdout.reconfigure(errors="backslashreplace")


def tell(text: object) -> None:
    """Write a line to standard output, or if nobody reads that, to standard error."""
    try:
        typer.echo(text)
    except OSError as error:
        say(f"Warning: standard output cannot be written ({error.strerror}): {text}")
        # What is left in the buffer would fail again when Python exits, with a status of its own.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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


def with_extra(module: str) -> Any:
    """Return a module of this package, or exit if its extra is not installed."""
    try:
        return import_module(f"nano_banana_edit.{module}")
    except ModuleNotFoundError as missing:
        fail(f"{missing}.", 2)


def check_standard_output(what: str) -> None:
    """Raise InvalidRequest if standard output cannot be written."""
    if sys.stdout is None:
        raise InvalidRequest(f"{what} to standard output, which is closed.")


def read_token(file: Path | None) -> str | None:
    """Return the token in a file, or None if no file is given."""
    try:
        token = file.read_text("utf-8").strip() if file else None
    except (OSError, ValueError) as error:
        raise InvalidRequest(f"--token-file {file} cannot be read ({error}).") from error
    if token == "":
        raise InvalidRequest(f"--token-file {file} is empty.")
    return token


@contextmanager
def opened(location: str | None, *, must_exist: bool = False) -> Iterator[Ledger]:
    """Yield the ledger at a location of `LedgerOption`."""
    if not location:
        raise InvalidRequest("Name the ledger: use --ledger, or set the environment variable NANO_BANANA_EDIT_LEDGER.")
    module = with_extra("ledger")
    if "://" not in location:
        location = str(Path(location, "ledger.db") if Path(location).is_dir() else Path(location))
        if must_exist and not Path(location).is_file():
            raise InvalidRequest(f"--ledger {location} does not exist; check the path.")
    with module.Ledger(location) as ledger:
        yield ledger


class Stages:
    """Writes the stage of the edit to stderr: on a terminal in one line that changes, otherwise in a line a stage."""

    def __init__(self, animated: bool = True) -> None:
        self.task_id: str | None = None
        self._said = ""
        # Not what rich takes for one: FORCE_COLOR asks for colours in a log, not for an animation.
        self.animated = animated and sys.stderr is not None and sys.stderr.isatty()
        self._spinner = Spinner("dots", "Checking", style="status.spinner")

    def __call__(self, progress: Progress) -> None:
        self.task_id = progress.task_id
        texts = {"upload": "Uploading", "submit": "Submitting", "wait": f"Task {progress.task_id}: {progress.status}"}
        text = texts[progress.stage]
        self.update(f"{text} ({progress.elapsed:.0f} s)")
        if not self.animated and text != self._said:
            say(text)
        self._said = text

    def update(self, text: str, bar: ProgressBar | None = None) -> None:
        shown = Text(visible(text))
        self._spinner.update(text=Group(shown, bar) if bar else shown)

    @contextmanager
    def spinning(self) -> Iterator[None]:
        if not self.animated:
            yield
            return
        # What is written to standard output must not go to the console, which is standard error.
        console = Console(stderr=True)
        with Live(self._spinner, console=console, transient=True, redirect_stdout=False, refresh_per_second=12):
            yield


@contextmanager
def errors_in_one_line(
    *,
    to_go_on: Path | None = None,
    submits: bool = False,
    options: Mapping[str, str] = _OPTIONS,
    animated: bool = True,
) -> Iterator[Stages]:
    """Exit with a status and one line after an error.

    Args:
        to_go_on: The file that `nano-banana-edit wait` may save the result to later; None if it cannot.
        submits: Whether the command makes an edit. What fails after that must not look as if nothing was sent.
        options: What the command line calls the arguments of the library.
        animated: Whether something may move on a terminal.
    """
    stages = Stages(animated)
    try:
        with stages.spinning():
            yield stages
    except NanoBananaEditError as error:
        status = next((status for kind, status in _STATUSES.items() if isinstance(error, kind)), 1)
        if submits and error.task_id and status in (2, 3):  # a script that repeats 2 or 3 must not pay twice
            status = 1
        text = with_way_on(said(error, options), error, error.task_id, to_go_on)
        fail(text, status, *getattr(error, "__notes__", ()))
    except OSError as error:
        fail(with_way_on(str(error), error, stages.task_id, to_go_on), 1)
    except KeyboardInterrupt as error:
        task_id = getattr(error, "task_id", stages.task_id)
        notes = [] if task_id else getattr(error, "__notes__", [])
        fail(with_way_on(". ".join(["interrupted", *notes]), error, task_id, to_go_on), 130)


def said(error: Exception, options: Mapping[str, str]) -> str:
    """Return what an error says, in the words of the command line."""
    options = {**_OPTIONS, **options}
    message = str(error.args[0] if isinstance(error, NanoBananaEditError) else error)
    field = error.field if isinstance(error, InvalidRequest) else ""
    if field in options and message.startswith(f"{field} "):
        message = options[field] + message.removeprefix(field)
    if field.startswith("images"):
        message = f"{message.partition(', or pass ')[0].rstrip('.')}."  # what else Python takes: bytes, open files
    for theirs, ours in _WORDS.items():
        message = message.replace(theirs, ours)
    return message


def with_way_on(message: str, error: BaseException, task_id: str | None, output: Path | None = None) -> str:
    """Return a message that names the task, with the command that fetches its result if there is one."""
    if not task_id:
        return message
    if output is None or is_over(error):
        return message if task_id in message else f"{message} (task {task_id})"
    return f"{message.rstrip('.')}. To go on: {shlex.join(['nano-banana-edit', 'wait', task_id, '-o', str(output)])}"
