"""The commands of edits: `edit`, `submit`, `wait`, `status` and `upload`."""

from __future__ import annotations

import glob
import os
import re
import sys
from pathlib import Path, PurePosixPath
from subprocess import DEVNULL, Popen
from typing import Any
from urllib.parse import unquote, urlsplit

from nano_banana_edit_client.constraints import shorten

from .. import _media
from .._errors import InvalidRequest
from .._operations import Progress
from .._redaction import visible
from ..client import NanoBananaEdit
from ._common import Run, command
from ._options import (
    AnyFile,
    AnyFormat,
    File,
    Force,
    Format,
    Given,
    Key,
    LedgerOption,
    Open,
    Output,
    PromptFile,
    Size,
    Strict,
    TaskId,
    Timeout,
)
from ._streams import check_standard_output, say
from ._target import Target
from ._words import wait_command

_ALL = ("token_file", "mock", "as_json", "quiet")


@command(*_ALL)
def edit(
    run: Run,
    given: Given,
    output: Output,
    prompt_file: PromptFile = None,
    size: Size = None,
    format: Format = None,  # noqa: A002 - the option's name
    timeout: Timeout = 600.0,
    any_file: AnyFile = False,
    strict: Strict = False,
    force: Force = False,
    open_: Open = False,
    key: Key = None,
    ledger: LedgerOption = None,
) -> None:
    """Edit images and write the result to a file. Every accepted edit is billed, except with --mock.

    Set SINANCODE_API_KEY to your API token. Further results are written beside the first one, as NAME-2, NAME-3 and so
    on; in a folder they are named after the first image. A result of another format gets the ending of its format. No
    file is replaced without --force. The last lines are the paths of the files that were written.
    """
    with run.errors(to_go_on=run.to_go_on(output, force=force), submits=True) as stages:
        if run.as_json:
            check_standard_output("--json writes")
        paths, prompt = _split(run, given, prompt_file)
        images = [_image(run, path, any_file) for path in paths]
        target = Target(output, _name(paths[0]), force, [*paths, *_files(run, prompt_file, ledger)])
        target.check(run, open_)
        asked = target.format(format)
        with run.client(timeout=timeout, key=key, ledger=ledger) as client:
            options: dict[str, Any] = {"image_size": size, "output_format": asked}
            task = client.submit(images, prompt, on_progress=stages, key=key, **options)
            stages(Progress("wait", 0, task.task_id, "submitted"))  # before anything else can go wrong
            finished = client.wait(task, on_progress=stages)
            target.save(run, finished, _media.of_format(asked) if asked else None, strict=strict)
        _open(run, open_)


@command(*_ALL)
def submit(
    run: Run,
    given: Given,
    prompt_file: PromptFile = None,
    size: Size = None,
    format: AnyFormat = None,  # noqa: A002
    timeout: Timeout = 600.0,
    any_file: AnyFile = False,
    key: Key = None,
    ledger: LedgerOption = None,
) -> None:
    """Submit an edit and print the id of its task, without waiting. Every accepted edit is billed.

    `nano-banana-edit wait` fetches the result. With --mock, the task is the one that `wait --mock` knows.
    """
    with run.errors(to_go_on=run.to_go_on(), submits=True) as stages:
        check_standard_output("The id of the task is written")
        paths, prompt = _split(run, given, prompt_file)
        images = [_image(run, path, any_file) for path in paths]
        with run.client(timeout=timeout, key=key, ledger=ledger) as client:
            options: dict[str, Any] = {"image_size": size, "output_format": format}
            task = client.submit(images, prompt, on_progress=stages, key=key, **options)
        run.facts = {"task_id": task.task_id, "status": task.status}
        run.lines.append(visible(task.task_id))
        to_go_on = run.to_go_on()
        run.way_on = f". To go on: {wait_command(task.task_id, to_go_on)}" if to_go_on else ""


@command(*_ALL)
def wait(
    run: Run,
    task_id: TaskId,
    output: Output,
    timeout: Timeout = 600.0,
    strict: Strict = False,
    force: Force = False,
    open_: Open = False,
) -> None:
    """Wait for an edit that was submitted before, and write the result to a file, as `edit` does.

    Its format was chosen when it was submitted. If the file's ending is that of another one, the result is saved with
    its own ending, and with a number if such a file exists: out.jpg becomes out.png, or else out-2.png. In a folder it
    is named after the task.
    """
    with run.errors(to_go_on=run.to_go_on(output, force=force)) as stages:
        target = Target(output, _plain(task_id), force, _files(run))
        target.check(run, open_)
        with run.client(timeout=timeout) as client:
            _play(run, client, task_id)
            finished = client.wait(task_id, on_progress=stages)
            target.save(run, finished, _media.of_name(output), strict=strict)
        _open(run, open_)


@command(*_ALL)
def status(run: Run, task_id: TaskId) -> None:
    """Poll a task once. Print its status, and the URL of each result in a line of its own; results expire."""
    with run.errors(), run.client() as client:
        _play(run, client, task_id)
        task = client.get_task(task_id)
        reason = task.error_msg or task.error_code
        urls = [file.url for file in task.files]
        run.facts = {"task_id": task.task_id, "status": task.status, "reason": reason, "urls": urls}
        run.lines += map(visible, (f"{task.status}: {reason}" if reason else str(task.status), *urls))


@command(*_ALL)
def upload(
    run: Run,
    file: File,
    timeout: Timeout = 600.0,
    any_file: AnyFile = False,
) -> None:
    """Upload an image and print its URL, to edit it many times. Uploads are temporary, and not billed."""
    with run.errors(), run.client(timeout=timeout) as client:
        check_standard_output("The URL is written")
        stored = client.upload(_image(run, file, any_file))
        run.facts = {**stored.raw, "url": stored.url}
        run.lines.append(visible(stored.url))


def _split(run: Run, given: list[str], prompt_file: str | None) -> tuple[list[str], str]:
    """Return the images, and the prompt, which is the last argument if there is no file of it."""
    if len(given) < (2 if prompt_file is None else 1):
        ways = "such as: photo.png 'make it snow'; or name a file with the prompt: --prompt-file FILE"
        raise InvalidRequest(f"Give at least one image and then the prompt, {ways}.")
    if prompt_file is not None:
        images, prompt = given, run.text(prompt_file, "--prompt-file")
        if not _names_files(given[-1]):
            problem = f"but {shorten(given[-1])} does not exist; leave it out, or check the path"
            raise InvalidRequest(f"With --prompt-file all arguments are images, {problem}.")
    else:
        *images, prompt = given
        if _names_files(prompt):
            problem = f"but {shorten(prompt)} is a path, a pattern, a URL or -"
            remedy = "add the prompt in quotes, or use --prompt-file FILE"
            raise InvalidRequest(f"The last argument must be the prompt, {problem}; {remedy}.")
    return [path for image in images for path in _matches(image)], prompt


def _matches(image: str) -> list[str]:
    """Return the files that a pattern matches, sorted, if this is one that the shell has left alone."""
    if _is_url(image) or os.path.lexists(image) or glob.escape(image) == image:
        return [image]
    found = sorted(glob.glob(image, recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
    if not found:
        raise InvalidRequest(f"{image} matches no file; check the pattern.")
    return found


def _names_files(argument: str) -> bool:
    """Return whether an argument is an image, or looks as if it was to be one, rather than a prompt."""
    is_like_a_path = re.search(r"[/*?\[\\]", argument) or _media.of_name(argument)
    is_word = not re.search(r"\s", argument)
    return argument == "-" or _is_url(argument) or os.path.lexists(argument) or bool(is_word and is_like_a_path)


def _is_url(text: str) -> bool:
    return re.match(r"[a-z+.-]+://\S*$|data:[^,\s]*,", text, re.IGNORECASE) is not None


def _image(run: Run, path: str, any_file: bool) -> Any:
    """Return an image as the client takes it."""
    if path == "-":
        if sys.stdin is not None and sys.stdin.isatty():
            raise InvalidRequest("The image - is standard input, which is a terminal; redirect it, or name a file.")
        name, content = "image", run.read(path, "the image")
    elif any_file and os.path.isfile(path):  # noqa: PTH113
        name, content = Path(path).name, Path(path).read_bytes()
    else:
        return path
    known = _media.of_content(content) or not any_file
    return (name, content) if known else (name, content, _media.of_name(name) or "application/octet-stream")


def _name(image: str) -> str:
    """Return what a result in a folder is called, without an ending."""
    if _is_url(image):
        return _plain(PurePosixPath(unquote(urlsplit(image).path)).stem if "://" in image else "")
    return _short(Path(image).stem if image != "-" else "")


def _plain(text: str) -> str:
    return _short(re.sub(r"[^\w.-]+", "_", text).strip("._-"))


def _short(name: str) -> str:
    """Return a name in UTF-8 that leaves room for a number and an ending."""
    return name.encode(errors="ignore")[:200].decode(errors="ignore") or "image"


def _files(run: Run, prompt_file: str | None = None, ledger: str | None = None) -> list[str]:
    """Return the files that a command reads or keeps, beside images."""
    at = os.path.join(ledger, "ledger.db") if ledger else None  # noqa: PTH118 - it may be a URL
    return [str(each) for each in (run.token_file, prompt_file, ledger, at) if each]


def _play(run: Run, client: NanoBananaEdit, task_id: str) -> None:
    """Let the mock know the task that `submit --mock` printed: each mock starts with the same ids, also of uploads."""
    for _ in range(11 if run.mock else 0):
        if client.submit("https://example.com/photo.png", "make it snow").task_id == task_id:
            break


def _open(run: Run, wanted: bool) -> None:
    """Open the results with a program of the system. It gets no stream, as a pipe would end only when it does."""
    program = {"darwin": "open", "win32": "explorer"}.get(sys.platform, "xdg-open")
    for path in run.lines if wanted else ():
        try:
            Popen([program, path], stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL, start_new_session=True)  # noqa: S603
        except OSError as error:
            say(f"Warning: {path} cannot be opened ({error}).")
