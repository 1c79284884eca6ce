"""What the commands share: their options and errors, the token, the mock and the ledger."""

from __future__ import annotations

import inspect
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from importlib import import_module
from pathlib import Path
from traceback import format_exception
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import httpx2
import typer
from attrs import define, field

from .._errors import (
    APIConnectionError,
    APIStatusError,
    InvalidRequest,
    LedgerError,
    NanoBananaEditError,
    SubmissionUnknown,
    WaitTimeout,
)
from .._redaction import redact, without_password, without_query
from .._settings import TOKEN_VARIABLE
from ..client import NanoBananaEdit
from ._options import LEDGER_VARIABLE, SHARED
from ._streams import Stages, fail, say, tell
from ._words import ARGUMENTS, command_line, ledger_option, said, with_way_on

if TYPE_CHECKING:
    from ..ledger import Ledger

T = TypeVar("T", httpx2.Client, httpx2.AsyncClient)

INTERRUPTS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
_STATUSES: dict[type[NanoBananaEditError], int] = {
    InvalidRequest: 2,
    APIConnectionError: 3,
    APIStatusError: 3,
    SubmissionUnknown: 4,
    WaitTimeout: 5,
}


def with_extra(module: str, package: str = "nano_banana_edit") -> Any:
    """Return a module, or exit if its extra is not installed."""
    try:
        return import_module(f"{package}.{module}")
    except ModuleNotFoundError as missing:
        hint = f"The mock server needs {missing.name}: pip install 'nano-banana-edit[mock]'"
        fail(f"{missing}." if package == "nano_banana_edit" else hint, 2)


def mock_package(module: str = "doors.port") -> Any:
    """Return a module of the mock's package, or exit if its extra is not installed."""
    return with_extra(module, "nano_banana_edit_mock")


@contextmanager
def opened(location: str | None, *, must_exist: bool = False) -> Iterator[Ledger]:
    """Yield the ledger at a location of `LedgerOption`."""
    if not location:
        raise InvalidRequest(f"Name the ledger: use --ledger, or set the environment variable {LEDGER_VARIABLE}.")
    module = with_extra("ledger")
    if "://" not in location:
        location = str(Path(location, "ledger.db") if Path(location).is_dir() else Path(location))
        if must_exist and not Path(location).is_file():
            raise InvalidRequest(f"--ledger {location} does not exist; check the path.")
    try:
        ledger = module.Ledger(location)
    except LedgerError as error:  # before anything is sent
        raise InvalidRequest(error.args[0]) from error
    with ledger:
        yield ledger


@define
class Run:
    """One run of a command: the options that commands share, what it prints at its end, and its errors."""

    token_file: Path | None = None
    mock: bool = False
    as_json: bool = False
    quiet: bool = False
    debug: bool = False
    lines: list[str] = field(factory=list)  # of standard output
    facts: dict[str, Any] = field(factory=dict)  # of the JSON in their place
    way_on: str = ""  # what to do if nobody reads them
    variables: str = ""  # in front of the command that goes on
    settle: str = (
        "Look at your account before you repeat it."  # what to do if nobody knows whether the edit is accepted
    )
    _token: str | None = None
    _reader: str | None = None  # of standard input

    def read(self, file: object, option: str) -> bytes:
        """Return the content of a file that an option names; - is standard input, which can be read once."""
        if str(file) != "-":
            return Path(str(file)).read_bytes()
        if self._reader or sys.stdin is None:
            problem = f"as does {self._reader}; use a file for one of them" if self._reader else "which is closed"
            raise InvalidRequest(f"{option} - reads standard input, {problem}.")
        self._reader = f"{option} -"
        return sys.stdin.buffer.read()

    def text(self, file: object, option: str) -> str:
        """Return the text in a file that an option names, without the blanks around it."""
        try:
            return self.read(file, option).decode("utf-8-sig").strip()
        except UnicodeDecodeError as error:
            raise InvalidRequest(f"{option} {file} is not a text in UTF-8; check the path.") from error
        except OSError as error:
            raise InvalidRequest(f"{option} {file} cannot be read ({error.strerror}); check the path.") from error

    def token(self) -> str | None:
        """Return the token in the file of the option, or None if no file is given."""
        if self.token_file and self._token is None:
            self._token = self.text(self.token_file, "--token-file")
            if not self._token:
                raise InvalidRequest(f"--token-file {self.token_file} is empty.")
        return self._token

    def to_go_on(self, output: str = ".", *, force: bool = False) -> list[str] | None:
        """Return the options with which `wait` fetches a result of this run later; None if it cannot."""
        token = ["--token-file", str(self.token_file)] if self.token_file else []
        return None if self.mock else ["-o", output, *(["--force"] if force else []), *token]

    @contextmanager
    def connected(self) -> Iterator[dict[str, Any]]:
        """Yield the settings of a client of the service, or of a mock server that runs as long."""
        if not self.mock:
            yield {"token": self.token()}
            return
        with mock_package().MockServer() as server:
            yield {"token": "mock", "base_url": server.url, "poll_interval": 0.4}

    def offline(self, kind: type[T]) -> T | None:
        """Return a client of httpx2 for the mock, without a proxy: offline means offline; else None."""
        return kind(trust_env=False) if self.mock else None

    @contextmanager
    def client(
        self, *, timeout: float = 600.0, key: str | None = None, ledger: str | None = None
    ) -> Iterator[NanoBananaEdit]:
        """Yield a client, with a ledger if there is a key."""
        if self.mock and key is not None:
            raise InvalidRequest("--mock keeps no edits. Use --mock or --key, not both.")
        where = ledger_option(ledger)
        if key is None and ledger and where:
            raise InvalidRequest("--ledger keeps edits that have a key. Add --key, or leave out --ledger.")
        if key is not None:
            self.settle = f"Look at your account, then run: {command_line('batch', 'resolve', *where, '--', key)}"
        with (
            self.connected() as settings,
            self.offline(httpx2.Client) or nullcontext() as http,
            opened(ledger) if key is not None else nullcontext() as known,
            NanoBananaEdit(**settings, timeout=timeout or None, http_client=http, ledger=known) as client,
        ):
            yield client

    @contextmanager
    def errors(
        self,
        *,
        to_go_on: Sequence[str] | None = None,
        submits: bool = False,
        options: Mapping[str, str] = ARGUMENTS,
        still: bool = False,
    ) -> Iterator[Stages]:
        """Print the result in the end, and exit with a status and one line after an error.

        Args:
            to_go_on: The options with which `nano-banana-edit wait` may fetch the result later; None if it cannot.
            submits: Whether the command makes an edit. What fails after that must not look as if nothing was sent.
            options: What the command line calls the arguments of the library.
            still: Whether nothing may move on a terminal.
        """
        stages = Stages(quiet=self.quiet, still=still)
        try:
            yield stages
        except typer.Exit:
            raise
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - one that is not expected is told as that
            if isinstance(error, KeyboardInterrupt):
                for each in INTERRUPTS:  # a second one, as `timeout` sends it, must not keep the way on from being told
                    signal.signal(each, signal.SIG_IGN)
                if stages.submits and not getattr(error, "task_id", None):
                    error.__notes__ = [f"The edit may have been accepted and billed. {self.settle}"]
            stages.stop()
            self._failed(error, getattr(error, "task_id", None) or stages.task_id, to_go_on, submits, options)
        finally:  # also for results that were saved before a failure
            stages.stop()
            for line in self._output():
                tell(line, self.way_on)

    def _output(self) -> list[str]:
        """Return the lines of standard output."""
        if not self.as_json:
            return self.lines
        return [json.dumps(self.facts)] if self.facts else []

    def _failed(
        self,
        error: BaseException,
        task_id: str | None,
        to_go_on: Sequence[str] | None,
        submits: bool,
        options: Mapping[str, str],
    ) -> NoReturn:
        notes = [self._clean(note) for note in getattr(error, "__notes__", ())]
        if isinstance(error, NanoBananaEditError):
            status = next((status for kind, status in _STATUSES.items() if isinstance(error, kind)), 1)
            if submits and task_id and status in (2, 3):  # a script that repeats 2 or 3 must not pay twice
                status = 1
            text = said(error, options)
        elif isinstance(error, KeyboardInterrupt):
            text, status, notes = ". ".join(["interrupted", *([] if task_id else notes)]), 130, []
        elif isinstance(error, OSError):
            text, status, notes = str(error), 1, []
        else:
            text, status = f"unexpected {type(error).__name__}: {self._clean(str(error)).rstrip('.')}", 1
            text += "" if task_id else ". Add --debug to see where."
            to_go_on = to_go_on and [*to_go_on, "--debug"]
            notes = [] if task_id else notes
        text = with_way_on(text, error, task_id, to_go_on, self.variables)
        if self.debug:
            for line in self._clean("".join(format_exception(error))).splitlines():
                say(line)
        self.facts |= {"task_id": task_id, "status": getattr(error, "status", None), "error": text}
        fail(text, status, *notes)

    def _clean(self, text: str) -> str:
        """Return a text without tokens, passwords, and queries of URLs, which may be signed."""
        for token in filter(None, (self._token, os.environ.get(TOKEN_VARIABLE))):
            text = redact(text, token)
        return without_query(without_password(text))


def command(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a function with a `Run` as its first argument a command that has some of the shared options, and --debug."""

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        def called(**values: Any) -> None:
            run = Run(**{name: values.pop(name) for name in (*names, "debug")})
            function(run, **values)

        _, *own = inspect.signature(function, eval_str=True).parameters.values()
        kind = inspect.Parameter.KEYWORD_ONLY
        parameters = [each.replace(kind=kind) for each in own]
        for name in (*names, "debug"):
            annotation, default = SHARED[name]
            parameters.append(inspect.Parameter(name, kind, annotation=annotation, default=default))
        vars(called)["__signature__"] = inspect.Signature(parameters)
        called.__name__, called.__doc__ = function.__name__, function.__doc__
        return called

    return decorate
