"""The words of the command line: what the library says, and the commands that go on."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence

from .._errors import InvalidRequest, NanoBananaEditError, is_over
from .._redaction import without_password
from ._options import LEDGER_VARIABLE

PROGRAM = "nano-banana-edit"
# What the command line calls the arguments of the library.
ARGUMENTS = {
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
    "pass (name, content, 'image/...') to send it": "use --any-file to send it",
    ", or pass an http_client": "",
    "at least 0, or None for no limit": "above 0, or 0 for no limit",
    ", or None for no limit": "",
    "a path, bytes, a file opened in binary mode, (name, content), a data: URL or a PIL image": "a path or a data: URL",
    "pass overwrite=True": "use --force",
    "use Path.expanduser": "write the path out",
    "call ledger.resolve with its task_id, or with resend=True": f"run {PROGRAM} batch resolve",
    "call ledger.resolve with resend=True": f"run {PROGRAM} batch resolve with --resend",
    "task_id, resend and cancelled": "--task-id, --resend and --cancel",
    "True or False, in SINANCODE_ALLOW_HTTP 1 or 0": "1 or 0",
}


def command_line(*arguments: str) -> str:
    """Return a command that a shell understands, without passwords: logs are kept, and read by others."""
    return shlex.join([PROGRAM, *map(without_password, arguments)])


def ledger_option(location: str | None) -> list[str]:
    """Return the option with which another command has the same ledger; none if the environment names it."""
    return [] if location == os.environ.get(LEDGER_VARIABLE) else ["--ledger", str(location)]


def said(error: Exception, options: Mapping[str, str]) -> str:
    """Return what an error says, in the words of the command line."""
    options = {**ARGUMENTS, **options}
    message = str(error.args[0] if isinstance(error, NanoBananaEditError) else error)
    field = error.field if isinstance(error, InvalidRequest) else ""
    if field in options and message.startswith(f"{field} "):
        message = options[field] + message.removeprefix(field)
    for theirs, ours in _WORDS.items():
        message = message.replace(theirs, ours)
    if field.startswith(("images", "file")):
        message = f"{message.partition(', or pass ')[0].rstrip('.')}."  # what else Python takes: bytes, open files
    return message


def with_way_on(
    message: str,
    error: BaseException,
    task_id: str | None,
    to_go_on: Sequence[str] | None = None,
    variables: str = "",
) -> str:
    """Return a message that names the task, with the command that fetches its result if there is one."""
    if not task_id:
        return message
    if to_go_on is None or is_over(error) or getattr(error, "status_code", None) in (404, 410):  # it has expired
        return message if task_id in message else f"{message} (task {task_id})"
    return f"{message.rstrip('.')}. To go on: {variables}{wait_command(task_id, to_go_on)}"


def wait_command(task_id: str, options: Sequence[str]) -> str:
    """Return the command that fetches a result, also of a task whose id looks like an option."""
    arguments = [*options, "--", task_id] if task_id.startswith("-") else [task_id, *options]
    return command_line("wait", *arguments)
