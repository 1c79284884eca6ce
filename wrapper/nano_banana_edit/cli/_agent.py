"""The tools that an agent gets: edits of the images of a folder, each billed once however often it is asked for."""

from __future__ import annotations

import inspect
import os
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from itertools import count
from pathlib import Path
from threading import Lock
from typing import Annotated, Any, TypeAlias

import anyio
from anyio.to_thread import run_sync
from attrs import evolve, field, frozen
from nano_banana_edit_client.constraints import shorten
from nano_banana_edit_client.models import ImageSize, OutputFormat

try:
    from mcp.server.mcpserver import Context, Image, MCPServer
    from mcp.server.mcpserver.exceptions import ToolError
    from mcp.types import ToolAnnotations
    from pydantic import Field
except ModuleNotFoundError as missing:
    hint = f"The MCP server needs {missing.name}: pip install 'nano-banana-edit[mcp]'"
    raise ModuleNotFoundError(hint, name=missing.name) from missing

from .. import _media, _requests
from .._clock import Deadline
from .._download import check_target
from .._errors import (
    EditFailed,
    InvalidRequest,
    LedgerError,
    NanoBananaEditError,
    SubmissionUnknown,
    WaitTimeout,
    about,
    is_over,
)
from .._images import read_image
from .._operations import Progress
from .._pillow import preview
from .._version import __version__
from ..client import AsyncNanoBananaEdit
from ..ledger import Ledger
from ..models import Task
from ..results import AsyncEdit
from ._options import FORMAT_OF
from ._target import is_one_of, write_result

_PREVIEW = 512  # pixels; such a JPEG is far below 1 MB, at which agents drop an answer
_LONGEST = 60  # characters of a file's name, each of up to four bytes; file systems take 255 bytes
_SHORTEST = 1.0  # seconds to wait for an edit, however long its uploads took
_ANY_IMAGE = "https://any.invalid/"  # stands for each image while the rest is checked
# What a program does, and an agent cannot.
_PYTHON = re.compile(r"(, or (pass|call ledger)| Look at the account|To go on, call| Once its row is).*", re.DOTALL)
_ENDINGS = " or ".join(str(_media.extension(str(media_type))) for media_type in FORMAT_OF)

Answer: TypeAlias = list[str | Image]
Report: TypeAlias = Callable[[Progress], Awaitable[None]]
Output = Annotated[
    str | None,
    Field(description=f"File in the folder to save to, ending in {_ENDINGS}. Default: a new name, as PNG."),
]
Overwrite = Annotated[bool, Field(description="Whether `output` may replace a file.")]
TaskId = Annotated[str, Field(description="The task, as edit_image named it.")]


@frozen
class Saving:
    """Where a call saves an edit, and what of."""

    target: Path
    key: str | None = None  # of the edit, if it is known
    inputs: Sequence[Path] = ()  # which are never replaced
    is_named: bool = field(kw_only=True)  # whether the agent named the target; another file is not replaced either
    overwrite: bool = field(kw_only=True)


class Agent:
    """The tools, over one client, ledger and folder."""

    def __init__(
        self, client: AsyncNanoBananaEdit, ledger: Ledger, folder: Path, *, max_edits: int, wait: float
    ) -> None:
        self._client, self._ledger, self._wait = client, ledger, wait
        self._folder = Path(os.path.realpath(folder))
        self._max = self._left = max_edits
        self._tasks: dict[str, Saving] = {}  # of this run
        self._locks: defaultdict[str, anyio.Lock] = defaultdict(anyio.Lock)  # by key
        self._writes = Lock()

    async def edit_image(
        self,
        context: Context[Any, Any],
        images: Annotated[
            list[str], Field(description="Files in the folder, or http(s) URLs, in the order of the prompt.")
        ],
        prompt: Annotated[str, Field(description="What to change.")],
        output: Output = None,
        image_size: Annotated[ImageSize | None, Field(description="Shape of the result.")] = None,
        variant: Annotated[int, Field(ge=1, description="Another number is another edit, billed anew.")] = 1,
        key: Annotated[str | None, Field(description="Your own id of the edit. Default: from its arguments.")] = None,
        overwrite: Overwrite = False,
    ) -> Answer:
        """Edit images by an instruction, save the result in the folder, and show a preview.

        Called again with the same images, prompt, size, format and variant, it goes on waiting for the same edit, or
        returns its file: nothing is billed again. To get another result for the same arguments, change `variant`.
        If the edit is not finished in time, the answer says how to go on.
        """
        until, report = Deadline(self._wait), _reporter(context)
        with self._errors():
            asked: OutputFormat = FORMAT_OF[_media.of_name(self._named(output).name)] if output else "png"
            options = {"image_size": image_size, "output_format": asked}
            request = _requests.edit_request([_ANY_IMAGE] * len(images), prompt, options, None)  # before any is read
            parsed = await run_sync(lambda: [self._image(image) for image in images])
            inputs = [image[0] for image in parsed if not isinstance(image, str)]
            names = [image if isinstance(image, str) else _requests.sha256(image[1]) for image in parsed]
            key = key or f"mcp-{_requests.digest({**request.to_dict(), 'image_urls': names})}"
            key = key if variant == 1 else f"{key}/{variant}"
            stem = next((path.stem for path in inputs), "edit")
            target = self._target(output or f"{stem[:_LONGEST]}-{_requests.sha256(key.encode())[:8]}.{asked}")
            saving = Saving(target, key, inputs, is_named=output is not None, overwrite=overwrite)
            kept, gone = await run_sync(self._kept, saving)
            if not kept:
                self._check_free(saving, gone)
            submit = partial(self._client.submit, parsed, prompt, image_size=image_size, output_format=asked, key=key)
            async with self._locks[key]:  # so that the same call at the same time is not counted as another edit
                task = await self._submitted(submit, key, report)
            self._tasks[task.task_id] = saving
            if kept:
                return await self._shown(f"Task {task.task_id} was saved before; nothing was billed now.", kept)
            return await self._finished(task, saving, report, until, gone)

    async def wait_for_edit(
        self, context: Context[Any, Any], task_id: TaskId, output: Output = None, overwrite: Overwrite = False
    ) -> Answer:
        """Wait for an edit that was not finished in time, save its result in the folder, and show a preview.

        Nothing is billed. If the edit is still not finished, call it again.
        """
        until, report = Deadline(self._wait), _reporter(context)
        with self._errors():
            target = self._target(output or f"edit-{_requests.sha256(task_id.encode())[:8]}.png")
            saving = Saving(target, is_named=output is not None, overwrite=overwrite)
            if known := self._tasks.get(task_id):
                saving = evolve(saving, key=known.key, inputs=known.inputs)
            kept, gone = await run_sync(self._kept, saving)
            if kept:
                return await self._shown(f"Task {task_id} was saved before.", kept)
            self._check_free(saving, gone)
            return await self._finished(Task(task_id), saving, report, until, gone)

    async def get_edit(self, task_id: TaskId) -> str:
        """Return the status of an edit, without waiting. Nothing is billed."""
        with self._errors():
            task = await self._client.get_task(task_id)
        files = f" It has {len(task.files)} result: call wait_for_edit to save it." if task.files else ""
        return f"Task {task_id} is {task.error_msg or task.error_code or task.status}.{files}"

    async def _submitted(self, submit: Callable[..., Awaitable[Task]], key: str, report: Report) -> Task:
        """Submit, within the limit of this run. From the submission on, a call that is cancelled goes on to its end."""
        counted = False

        async def begins(progress: Progress) -> None:  # which is not called for what the ledger knows
            nonlocal counted
            if not (counted or self._left):
                raise ToolError(
                    f"The {self._max} edits that this run may submit are used up; nothing was sent. Ask the person who "
                    "runs this server to start it again, perhaps with a higher --max-edits."
                )
            self._left -= not counted
            counted = True
            scope.shield = progress.stage == "submit"
            await report(progress)

        try:
            with anyio.CancelScope() as scope:
                task = await submit(on_progress=begins)
        except BaseException:
            if counted:
                with anyio.CancelScope(shield=True), suppress(LedgerError):
                    row = await run_sync(self._ledger.get, key)
                    self._left += row is None or row.state in ("new", "refused")  # else it may have been accepted
            raise
        return task

    async def _finished(self, task: Task, saving: Saving, report: Report, until: Deadline, gone: bool) -> Answer:
        timeout = max(round(until.remaining(), 1), _SHORTEST)
        with about(task.task_id):
            try:
                edit = await self._client.wait(task, timeout=timeout, on_progress=report)
            except WaitTimeout as error:
                way = f"call wait_for_edit with task_id {task.task_id!r} and output {self._name(saving.target)!r}"
                return [f"{error.args[0]} It goes on and is paid for. To get it, {way}."]
            contents = [await image.bytes() for image in edit.images]
            saved = await run_sync(self._saved, edit, contents, saving)  # to its end, also if the call is cancelled
            again = " Its file was changed or removed since it was saved." if gone else ""
            return await self._shown(f"Task {edit.task_id} is completed.{again}", saved)

    def _saved(self, edit: AsyncEdit, contents: list[bytes], saving: Saving) -> list[Path]:
        """Write the results, unless the same call has just done so, and return their files."""
        with self._writes:
            kept, _ = self._kept(saving)
            if kept:
                return kept
            digests = {}
            for number, (image, content) in enumerate(zip(edit.images, contents, strict=True), start=1):
                target, path = saving.target, saving.target
                if image.media_type != _media.of_name(target.name):
                    path = target.with_suffix(_media.extension(image.media_type or "") or ".bin")
                replaces = path == target and saving.is_named and saving.overwrite
                path = write_result(path, content, number=number, replaces=replaces)
                digests[self._name(path)] = _requests.sha256(content)
            outcome = {
                "files": [{"url": image.url, "type": image.type} for image in edit.images],
                "saved": {**self._digests(saving.key), self._name(saving.target): digests},
            }
            saved = [self._folder / name for name in digests]
            self._ledger.saved(edit.task_id, str(saved[0]), outcome)
            return saved

    def _kept(self, saving: Saving) -> tuple[list[Path], bool]:
        """Return the files that an edit was saved to, if they are still its own, and whether there were any others."""
        name = self._name(saving.target)
        there = self._digests(saving.key)
        found = [digests for target, digests in there.items() if target == name or not saving.is_named]
        for digests in found:
            files = {self._folder / name: digest for name, digest in digests.items()}
            if all(path.is_file() and _requests.sha256(path.read_bytes()) == digest for path, digest in files.items()):
                return [*files], False
        return [], bool(found)

    def _digests(self, key: str | None) -> dict[str, dict[str, str]]:
        """Return the SHA-256 of the files that an edit was saved to, by the file's name, by what it was to be saved to.

        Names are those in the folder, which may be moved.
        """
        row = self._ledger.get(key) if key else None
        digests: dict[str, dict[str, str]] = ((row and row.outcome) or {}).get("saved", {})
        return digests

    async def _shown(self, text: str, saved: list[Path]) -> Answer:
        """Return the answer with a preview of the first file, if it can be shown: it is there in any case."""
        text = f"{text} Saved: {', '.join(map(self._name, saved))}"
        try:
            small = await run_sync(lambda: preview(saved[0].read_bytes(), _PREVIEW))
        except Exception as error:  # noqa: BLE001 - of Pillow
            return [f"{text}. There is no preview: {error}"]
        return [text, Image(data=small, format="jpeg")]

    def _image(self, text: str) -> str | tuple[Path, bytes]:
        """Return an image as its URL, or as its path and content, which alone is sent, whatever its path is later."""
        if text.strip().lower().startswith(("http://", "https://")):
            return text.strip()
        path = self._inside(text, "images")
        if not path.is_file():
            raise _refusal("images", text, f"is no file in the folder {self._folder}; check the name")
        return path, read_image(path)

    def _named(self, output: str) -> Path:
        path = self._inside(output, "output")
        if _media.of_name(path.name) not in FORMAT_OF:
            raise _refusal("output", output, f"must end in {_ENDINGS}")
        return path

    def _target(self, output: str) -> Path:
        path = self._named(output)
        with suppress(OSError):  # which is told below
            path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return check_target(str(path), "output")
        except InvalidRequest as error:
            raise InvalidRequest(error.args[0].replace(shorten(str(path)), shorten(output)), field="output") from error

    def _inside(self, text: str, field: str) -> Path:
        """Return a path in the folder. Links are followed first, so that none leads out of it."""
        try:
            path = Path(os.path.realpath(self._folder / text))
        except ValueError as error:
            raise _refusal(field, text, f"is not a path ({error})") from error
        if self._folder in path.parents:
            return path
        raise _refusal(field, text, f"is not in the folder {self._folder}, in which all files must be")

    def _check_free(self, saving: Saving, gone: bool) -> None:
        target = saving.target
        if not (saving.is_named and target.exists()):
            return
        if is_one_of(target, saving.inputs):
            raise _refusal("output", self._name(target), "is one of the images, which are never replaced; name another")
        if not saving.overwrite:
            problem = "exists, and is no longer what this edit saved" if gone else "exists"
            raise _refusal("output", self._name(target), f"{problem}; name another file, or set overwrite to true")

    def _name(self, path: Path) -> str:
        return path.relative_to(self._folder).as_posix()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Say what failed, and what the agent must not do about it."""
        try:
            yield
        except (NanoBananaEditError, OSError) as error:
            message = error.args[0] if isinstance(error, NanoBananaEditError) else error
            texts = [_PYTHON.sub("", str(text)) for text in (message, *getattr(error, "__notes__", ()))]
            text = "\n".join(f"{text.rstrip('.')}." for text in texts if text)
            task_id = vars(error).get("task_id")
            if isinstance(error, SubmissionUnknown):
                text += (
                    "\nDo not ask for this edit again, nor for another variant of it: it may be billed twice. Tell the "
                    "person who runs this server: nano-banana-edit batch resolve lists it."
                )
            elif isinstance(error, EditFailed):
                text += "\nTo try it again, which is billed again, change `variant`."
            elif task_id and not is_over(error):
                text += f"\nDo not edit again, as it is paid for. Call wait_for_edit with task_id {task_id!r}."
            raise ToolError(text) from error


def server(
    client: AsyncNanoBananaEdit, ledger: Ledger, folder: Path, *, max_edits: int, wait: float, mock: bool = False
) -> MCPServer:
    """Return the server with the tools, which closes the client when it ends."""

    @asynccontextmanager
    async def lifespan(_: MCPServer) -> AsyncIterator[None]:
        async with client:
            yield

    agent = Agent(client, ledger, folder, max_edits=max_edits, wait=wait)
    cost = "A mock makes test pictures, for free." if mock else "An edit costs money."
    about_it = f"Edits images of the folder {folder}. {cost} This run may submit {max_edits} edits."
    made: MCPServer = MCPServer(
        "nano-banana-edit", instructions=about_it, version=__version__, log_level="WARNING", lifespan=lifespan
    )
    saves = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=True)
    for tool, note in ((agent.edit_image, f"\n\n{cost}"), (agent.wait_for_edit, "")):
        described = f"{inspect.getdoc(tool)}{note}"
        made.add_tool(tool, description=described, annotations=saves, structured_output=False)
    looks = ToolAnnotations(read_only_hint=True, open_world_hint=True)
    made.add_tool(agent.get_edit, annotations=looks, structured_output=False)
    return made


def _reporter(context: Context[Any, Any]) -> Report:
    """Return what tells the agent of each stage and poll; many agents wait longer if they hear something."""
    numbers = count(1)

    async def report(progress: Progress) -> None:
        status = f" {progress.task_id}: {progress.status}" if progress.task_id else ""
        await context.report_progress(next(numbers), message=f"{progress.stage}{status}")

    return report


def _refusal(field: str, value: str, problem: str) -> InvalidRequest:
    return InvalidRequest(f"{field} {shorten(value)} {problem}.", field=field, value=value)
