"""Where results are written: to a file, into a folder, or to standard output. What is there already is not lost."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterable, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import typer
from attrs import define

from .. import _media
from .._download import check_target, write
from .._errors import InvalidRequest, InvalidResponse, about
from ..results import Edit, FormatWarning
from ._common import Run
from ._options import FORMAT_OF, FORMATS
from ._streams import check_standard_output, say


@define
class Target:
    """Where the results of an edit are written.

    Args:
        output: A file, a folder, which need not exist if it ends in a slash, or - for standard output.
        name: The name, without an ending, of a file in a folder.
        force: Whether a file that exists is replaced.
        inputs: Paths of what the command reads or keeps, which is never replaced.
    """

    output: str
    name: str
    force: bool = False
    inputs: Sequence[str] = ()

    @property
    def _is_folder(self) -> bool:
        return bool(self.output) and (self.output.endswith(("/", os.sep)) or os.path.isdir(self.output))  # noqa: PTH112

    @property
    def path(self) -> Path:
        return Path(self.output, self.name) if self._is_folder else Path(self.output)

    def check(self, run: Run, opens: bool) -> None:
        """Raise InvalidRequest if nothing can be written, before anything is billed."""
        if self.output == "-":
            for option, given in (("--json", run.as_json), ("--open", opens)):
                if given:
                    raise InvalidRequest(f"{option} cannot be used with --output -; name a file.")
            check_standard_output("--output - writes")
            if sys.stdout.isatty() and not self.force:
                remedy = "redirect it, name a file, or use --force"
                raise InvalidRequest(f"--output - writes to standard output, which is a terminal; {remedy}.")
            return
        try:
            self.output.encode()  # the path is printed, for programs as well
        except UnicodeEncodeError:
            raise InvalidRequest(f"--output {self.output!r} is not UTF-8; choose another name.") from None
        if self._is_folder:
            folder = next(each for each in (self.path.parent, *self.path.parent.parents) if os.path.lexists(each))
            check_target(f"{folder / self.name}.png")
        else:
            check_target(self.output)
            if is_one_of(self.path, self.inputs):
                problem = "is a file that the command uses, and never replaces; choose another name"
                raise InvalidRequest(f"--output {self.output} {problem}.")
            if os.path.lexists(self.path) and not self.force:
                raise InvalidRequest(f"--output {self.output} exists; choose another name, or use --force.")

    def format(self, asked: str | None) -> str | None:
        """Return the format to ask for: what the option says, or else the ending of the file."""
        ending = Path(self.output).suffix
        if self.output == "-" or self._is_folder or not ending:
            return asked
        named = _media.of_name(self.output)
        if named not in FORMAT_OF:
            endings = sorted({str(_media.extension(str(each))) for each in FORMAT_OF})
            problem = f"ends in {ending}, but the service makes only {' and '.join(endings)}"
            raise InvalidRequest(f"--output {self.output} {problem}. Use one of them, or no ending.")
        if asked in FORMATS and _media.of_format(asked) != named:
            raise InvalidRequest(f"--output {self.output} is {named} by its name, but --format is {asked}.")
        return FORMAT_OF[named] if asked is None else asked

    def save(self, run: Run, edit: Edit, asked: str | None, *, strict: bool) -> None:
        """Write the results of an edit, each under a name that says what it is."""
        images: list[dict[str, Any]] = [{"url": each.url, "path": None, "media_type": None} for each in edit.images]
        run.facts = {"task_id": edit.task_id, "status": "completed", "images": images}
        for number, (image, facts) in enumerate(zip(edit.images, images, strict=True), start=1):
            with about(edit.task_id):
                with warnings.catch_warnings(action="ignore", category=FormatWarning):  # what they say is said below
                    content = image.bytes()
                found = facts["media_type"] = _media.of_content(content)
                surprise = f"{asked} was asked for, but the result is {found or 'no known image'}"
                surprise = "" if asked in (None, found) else surprise
                if strict and surprise:
                    way = "without it the result is saved as it is"
                    raise InvalidResponse(f"{surprise}. Nothing was written, as --strict is given; {way}")
                if self.output == "-":
                    typer.echo(content, nl=False)
                    more = len(edit.images) - 1
                    for text in (surprise, f"{more} more of the results: use --output FILE" if more else ""):
                        if text:
                            say(f"Warning: {text}.")
                    return
                path = self._write(number, found, content)
                facts["path"] = str(path)
                run.lines.append(str(path))
                if surprise:
                    say(f"Warning: {surprise}. It is saved as {path}.")
                elif path.suffix and _media.of_name(path.name) is None:
                    say(f"Warning: {path} is {found or 'no known image'}, which its name does not say.")

    def _write(self, number: int, media_type: str | None, content: bytes) -> Path:
        """Write a file under its name, with the ending of its media type, or with the next number that is free."""
        path = wanted = self.path
        extension = _media.extension(media_type or "")
        named = _media.of_name(wanted.name)
        if extension and named not in (None, media_type):
            path = wanted.with_suffix(extension)
        elif extension and named is None and self._is_folder:
            path = wanted.with_name(f"{wanted.name}{extension}")
        if self._is_folder:
            path.parent.mkdir(parents=True, exist_ok=True)
        # A name that nobody has given may be that of anything.
        replaces = self.force and (path == wanted or self._is_folder) and not is_one_of(path, self.inputs)
        saved = write_result(path, content, number=number, replaces=replaces, follows=True)
        if number == 1 and saved != path == wanted and not self._is_folder:
            say(f"Warning: {path} exists, and is not replaced.")
        return saved


def is_one_of(path: Path, files: Iterable[str | Path | None]) -> bool:
    """Return whether a path leads to one of the files that a command uses, or to what standard input is read from."""
    used = [each for each in (0, *files) if each is not None and os.path.exists(each)]  # noqa: PTH110 - or a URL
    return path.exists() and any(os.path.samefile(path, each) for each in used)  # noqa: PTH121 - of a descriptor


def write_result(path: Path, content: bytes, *, number: int, replaces: bool, follows: bool = False) -> Path:
    """Write a result that is paid for, whole, and return its file.

    Args:
        path: The file of the first result; further ones have their number in their names.
        content: The result.
        number: Which result it is, from 1.
        replaces: Whether a first result replaces the file. If not, and for further results, a name that is taken gives
            way to the next number that is free.
        follows: Whether it is the file that a link leads to which is replaced; default False replaces the link.
    """
    endings = (f"-{each}" if each > 1 else "" for each in count(number))
    replaces = replaces and number == 1
    while True:
        at = path.with_stem(f"{path.stem}{next(endings)}")
        try:
            write(Path(os.path.realpath(at)) if replaces and follows else at, content, durable=True, replaces=replaces)
        except (FileExistsError, IsADirectoryError):
            replaces = False
        else:
            return at
