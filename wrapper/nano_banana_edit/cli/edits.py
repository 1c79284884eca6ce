"""The commands of edits: `edit`, `submit`, `wait` and `get`."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from itertools import count
from pathlib import Path
from typing import Annotated, Any, get_args

import httpx2
import typer
from nano_banana_edit_client.models import ImageSize, OutputFormat
from nano_banana_edit_client.types import UNSET

from .. import _media
from .._download import check_target, write
from .._errors import InvalidRequest, InvalidResponse, about
from .._redaction import visible
from ..client import NanoBananaEdit
from ..results import Edit, FormatWarning
from ._common import LedgerOption, TokenFile, check_standard_output, errors_in_one_line, opened, read_token, say, tell
from .mocking import mock_package

_FORMATS: tuple[str, ...] = get_args(OutputFormat)
_STANDARD_OUTPUT = Path("-")


def _path(text: str) -> Path:
    if not text:
        raise typer.BadParameter("it is empty; name a file.")
    return Path(text)


def _some(images: list[str]) -> list[str]:
    if not images:  # a single argument is taken for the prompt
        raise typer.BadParameter("give at least one image and then the prompt, such as: photo.png 'make it snow'")
    return images


Images = Annotated[
    list[str],
    typer.Argument(
        help="URLs or paths of the images, at least one.",
        default_factory=list,
        callback=_some,
        show_default=False,
        metavar="images...",
    ),
]
Prompt = Annotated[str, typer.Argument(help="The instruction.", show_default=False)]
TaskId = Annotated[str, typer.Argument(help="Id of the task.", show_default=False)]
Output = Annotated[
    Path,
    typer.Option(
        "-o", "--output", help="File to write; - is stdout.", show_default=False, parser=_path, metavar="FILE"
    ),
]
Size = Annotated[str | None, typer.Option(help=f"Shape: {', '.join(get_args(ImageSize))}.")]
Format = Annotated[str | None, typer.Option(help=f"Format: {', '.join(_FORMATS)}; default: from the file extension.")]
Key = Annotated[
    str | None, typer.Option(help="Your own key: one edit is submitted per key, as --ledger says.", show_default=False)
]
AnyFormat = Annotated[str | None, typer.Option(help=f"Format: {', '.join(_FORMATS)}.")]
Strict = Annotated[bool, typer.Option("--strict", help="Refuse a result of another format than asked for.")]
Timeout = Annotated[float, typer.Option(help="Maximum seconds to wait.")]


def edit(
    images: Images,
    prompt: Prompt,
    output: Output,
    size: Size = None,
    format: Format = None,  # noqa: A002 - the option's name
    timeout: Timeout = 600.0,
    strict: Strict = False,
    key: Key = None,
    ledger: LedgerOption = None,
    token_file: TokenFile = None,
    mock: Annotated[bool, typer.Option("--mock", help="Use an embedded mock server, offline.")] = False,
) -> None:
    """Edit images and write the result to a file.

    Set SINANCODE_API_KEY to your API token. Every accepted edit is billed, except with --mock. Further results are
    written beside the first one, as NAME-2, NAME-3 and so on. A result of another format gets the extension of its
    format; the paths that are printed are those that were written.
    """
    saved: list[Path] = []
    try:
        with (
            errors_in_one_line(to_go_on=None if mock else output, submits=True) as stages,
            _client(token_file, mock, key, ledger) as client,
        ):
            asked = _format_of(output, format)
            options = _options(size, asked)
            finished = client.edit(list(images), prompt, timeout=timeout, on_progress=stages, key=key, **options)
            _save(finished, output, _media.of_format(asked) if asked else None, strict, saved)
    finally:  # when the spinner is gone, and also for results that were saved before a failure
        for path in saved:
            tell(path)


def submit(
    images: Images,
    prompt: Prompt,
    size: Size = None,
    format: AnyFormat = None,  # noqa: A002
    timeout: Annotated[float, typer.Option(help="Maximum seconds for the uploads and the submission.")] = 600.0,
    key: Key = None,
    ledger: LedgerOption = None,
    token_file: TokenFile = None,
) -> None:
    """Submit an edit and print the id of its task, without waiting. Every accepted edit is billed.

    `nano-banana-edit wait` fetches the result. To try both offline, run `nano-banana-edit mock` in another shell, and
    set SINANCODE_BASE_URL to its URL; the mock of `edit --mock` ends with that command.
    """
    with errors_in_one_line(submits=True) as stages, _client(token_file, False, key, ledger) as client:
        options = _options(size, format)
        task = client.submit(list(images), prompt, timeout=timeout, on_progress=stages, key=key, **options)
    tell(visible(task.task_id))


def wait(
    task_id: TaskId, output: Output, timeout: Timeout = 600.0, strict: Strict = False, token_file: TokenFile = None
) -> None:
    """Wait for an edit that was submitted before, and write the result to a file, as `edit` does.

    Its format was chosen when it was submitted. If the file's extension is that of another one, the result is saved
    with its own extension, and with a number if such a file exists: out.jpg becomes out.png, or else out-2.png.
    """
    saved: list[Path] = []
    try:
        with errors_in_one_line(to_go_on=output) as stages, _client(token_file) as client:
            _check(output)
            finished = client.wait(task_id, timeout=timeout, on_progress=stages)
            _save(finished, output, _media.of_name(output.name), strict, saved)
    finally:
        for path in saved:
            tell(path)


def get(task_id: TaskId, token_file: TokenFile = None) -> None:
    """Poll a task once. Print its status, and the URL of each result in a line of its own; results expire."""
    with errors_in_one_line(), _client(token_file) as client:
        task = client.get_task(task_id)
    reason = task.error_msg or task.error_code
    tell(visible(f"{task.status}: {reason}" if reason else str(task.status)))
    for file in task.files:
        tell(visible(file.url))


def _options(size: str | None, asked: str | None) -> dict[str, Any]:
    return {"image_size": UNSET if size is None else size, "output_format": UNSET if asked is None else asked}


def _check(output: Path) -> None:
    """Raise InvalidRequest if the output cannot be written."""
    if output != _STANDARD_OUTPUT:
        check_target(str(output))
        return
    check_standard_output("--output - writes")
    if sys.stdout.isatty():
        raise InvalidRequest("--output - writes to standard output, which is a terminal; redirect it, or name a file.")


def _format_of(output: Path, asked: str | None) -> str | None:
    """Return the format to ask for: what the option says, or else the name of the file."""
    _check(output)
    named = _media.of_name(output.name)
    made = {_media.of_format(each): each for each in _FORMATS}
    if named is None or (asked is not None and (asked not in _FORMATS or _media.of_format(asked) == named)):
        return asked
    if asked is not None:
        raise InvalidRequest(f"--output {output} is {named} by its name, but --format is {asked}; choose one of them.")
    if named not in made:
        endings = " or ".join(str(_media.extension(str(each))) for each in made)
        raise InvalidRequest(
            f"--output {output} is {named} by its name, which the service does not make; use {endings}."
        )
    return made[named]


def _save(edit: Edit, output: Path, asked: str | None, strict: bool, saved: list[Path]) -> None:
    """Write the results of an edit, each under a name that says what it is."""
    with about(edit.task_id):
        for number, image in enumerate(edit.images, start=1):
            with warnings.catch_warnings(action="ignore", category=FormatWarning):  # what they say is said below
                content = image.bytes()
            found = _media.of_content(content)
            surprise = f"{asked} was asked for, but the result is {found or 'no known image'}"
            if asked in (None, found):
                surprise = ""
            elif strict:
                way = "without it the result is saved as it is"
                raise InvalidResponse(f"{surprise}. Nothing was written, as --strict is given; {way}")
            if output == _STANDARD_OUTPUT:
                typer.echo(content, nl=False)
                more = len(edit.images) - 1
                for text in (surprise, f"{more} more of the results: use --output FILE" if more else ""):
                    if text:
                        say(f"Warning: {text}.")
                return
            path = _named(output if number == 1 else output.with_stem(f"{output.stem}-{number}"), found)
            write(check_target(str(path)), content)
            saved.append(path)
            if surprise:
                say(f"Warning: {surprise}. It is saved as {path}.")
            elif path.suffix and _media.of_name(path.name) is None:
                say(f"Warning: {path} is {found or 'no known image'}, which its name does not say.")


def _named(path: Path, media_type: str | None) -> Path:
    """Return a path, or if it has the extension of another media type, a free one with the right extension."""
    extension = _media.extension(media_type or "")
    if extension is None or _media.of_name(path.name) in (None, media_type):
        return path
    right = path.with_suffix(extension)
    numbered = (path.with_name(f"{path.stem}-{number}{extension}") for number in count(2))
    return right if not right.exists() else next(other for other in numbered if not other.exists())


@contextmanager
def connected(token_file: Path | None, mock: bool = False) -> Iterator[dict[str, Any]]:
    """Yield the settings of a client of the service, or of a mock server that runs as long."""
    if not mock:
        yield {"token": read_token(token_file)}
        return
    with mock_package().MockServer() as server:
        yield {"token": "mock", "base_url": server.url, "poll_interval": 0.4}


@contextmanager
def _client(
    token_file: Path | None, mock: bool = False, key: str | None = None, ledger: str | None = None
) -> Iterator[NanoBananaEdit]:
    """Yield a client, with a ledger if there is a key."""
    if mock and key is not None:
        raise InvalidRequest("--key is for edits that are kept; leave out --mock, or the key.")
    with (
        connected(token_file, mock) as settings,
        httpx2.Client(trust_env=False) if mock else nullcontext() as http,  # no proxy: offline means offline
        opened(ledger) if key is not None else nullcontext() as known,
        NanoBananaEdit(**settings, http_client=http, ledger=known) as client,
    ):
        yield client
