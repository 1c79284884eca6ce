"""The options and arguments of the command line, each once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, get_args

import typer
from nano_banana_edit_client.models import ImageSize, OutputFormat

from .. import _media

SIZES: tuple[str, ...] = get_args(ImageSize)
FORMATS: tuple[OutputFormat, ...] = get_args(OutputFormat)
FORMAT_OF: dict[str | None, OutputFormat] = {_media.of_format(each): each for each in FORMATS}  # by media type
LEDGER_VARIABLE = "NANO_BANANA_EDIT_LEDGER"


def _option(text: str, *names: str, **how: Any) -> Any:
    return typer.Option(*names, help=text, show_default=False, **how)


Given = Annotated[
    list[str],
    typer.Argument(
        help="Paths, patterns such as 'photos/*.png', URLs, or - for an image on standard input; the last argument is "
        "the prompt, unless --prompt-file names it.",
        show_default=False,
        metavar="IMAGE... PROMPT",
    ),
]
TaskId = Annotated[str, typer.Argument(help="Id of the task.", show_default=False)]
File = Annotated[str, typer.Argument(help="Path of the image; - is standard input.", show_default=False)]
Output = Annotated[
    str,
    _option(
        "File to write, or folder, which may end in / and be new; - is standard output.",
        "-o",
        "--output",
        metavar="FILE|FOLDER|-",
    ),
]
PromptFile = Annotated[str | None, _option("File with the prompt; - is standard input.", metavar="FILE|-")]
Size = Annotated[str | None, _option(f"Shape: {', '.join(SIZES)}.", autocompletion=lambda: [*SIZES])]
Format = Annotated[
    str | None,
    _option(f"Format: {', '.join(FORMATS)}; default: by the file's ending.", autocompletion=lambda: [*FORMATS]),
]
AnyFormat = Annotated[str | None, _option(f"Format: {', '.join(FORMATS)}.", autocompletion=lambda: [*FORMATS])]
Timeout = Annotated[float, typer.Option(help="Maximum seconds to wait; 0 is no limit.")]
AnyFile = Annotated[bool, _option("Also send files that are not recognised as images.", "--any-file")]
Strict = Annotated[bool, _option("Refuse a result of another format than asked for.", "--strict")]
Force = Annotated[
    bool, _option("Replace the file, but never one that the command uses; write to a terminal.", "--force")
]
Open = Annotated[bool, _option("Open the results when they are saved.", "--open")]
Key = Annotated[str | None, _option("Your own key: one edit is submitted per key, as --ledger says.")]
LedgerOption = Annotated[
    str | None,
    _option(
        "SQLite file, folder with a ledger.db, or PostgreSQL URL, that keeps what was submitted.",
        "--ledger",
        envvar=LEDGER_VARIABLE,
        metavar="FILE|URL",
    ),
]

TokenFile = Annotated[
    Path | None,
    _option("File with the API token; - is standard input; default: SINANCODE_API_KEY.", metavar="FILE|-"),
]
SHARED: dict[str, tuple[Any, Any]] = {  # by the name of the argument: the option, and its default
    "token_file": (TokenFile, None),
    "mock": (Annotated[bool, _option("Use an embedded mock server, offline, without a token.", "--mock")], False),
    "as_json": (Annotated[bool, _option("Print JSON, also of an error.", "--json")], False),
    "quiet": (Annotated[bool, _option("Write no progress, only warnings and errors.", "-q", "--quiet")], False),
    "debug": (Annotated[bool, _option("After an error, show where it was raised; no token.", "--debug")], False),
}

SOURCE = "JSONL or CSV file with a row for each edit, or a folder of images."
BatchName = Annotated[str | None, _option("Only rows of this batch.", "--batch")]
NewName = Annotated[str | None, _option("Name in the ledger; default: that of SOURCE without its ending.", "--batch")]
RowPrompt = Annotated[str | None, _option("Instruction of rows that have none: 'Put {name} on ice'.")]
RowKey = Annotated[str | None, _option("Key of rows that have none; default: a digest.")]
FileName = Annotated[str | None, _option("Name of a row's file: '{sku}/{scene}'.")]
RetryFailed = Annotated[bool, _option("Submit failed edits again, billed again.", "--retry-failed")]
InFlight = Annotated[int, typer.Option(help="Submissions at a time. A crash leaves at most so many rows unknown.")]
PerMinute = Annotated[float | None, _option("Maximum submissions in a minute.")]
