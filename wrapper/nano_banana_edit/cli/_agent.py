"""The tools that an agent gets: edits of the images of a folder, each billed once however often it is asked for."""

from __future__ import annotations

import hashlib
import inspect
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import Annotated, Any, TypeAlias, get_args

import anyio
from anyio.to_thread import run_sync
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
from .._download import check_target, write
from .._errors import EditFailed, InvalidRequest, NanoBananaEditError, SubmissionUnknown, WaitTimeout, about, is_over
from .._images import read_image
from .._operations import Progress
from .._pillow import preview
from .._version import __version__
from ..client import AsyncNanoBananaEdit
from ..ledger import Ledger
from ..models import Task
from ._common import said

_PREVIEW = 512  # pixels; such a JPEG is far below 1 MB, at which agents drop an answer
_LONGEST = 60  # characters of a file's name, each of up to four bytes; file systems take 255 bytes
_SHORTEST = 1.0  # seconds to wait for an edit, however long its uploads took
_FORMATS: dict[str | None, OutputFormat] = {_media.of_format(each): each for each in get_args(OutputFormat)}
_ENDINGS = " or ".join(str(_media.extension(str(media_type))) for media_type in _FORMATS)

Answer: TypeAlias = list[str | Image]
Report: TypeAlias = Callable[[Progress], Awaitable[None]]
Output = Annotated[
    str | None,
    Field(description=f"File in the folder to save to, ending in {_ENDINGS}. Default: a new name, as PNG."),
]
Overwrite = Annotated[bool, Field(description="Whether `output` may replace a file.")]
TaskId = Annotated[str, Field(description="The task, as edit_image named it.")]


class Agent:
    """The tools, over one client, ledger and folder."""

    def __init__(
        self, client: AsyncNanoBananaEdit, ledger: Ledger, folder: Path, *, max_edits: int, wait: float
    ) -> None:
        self._client, self._ledger, self._wait = client, ledger, wait
        self._folder = Path(os.path.realpath(folder))
        self._max = self._left = max_edits

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
        """Edit images by an instruction, save the result in the folder, and show a preview. An edit costs money.

        Called again with the same images, prompt, size, format and variant, it goes on waiting for the same edit, or
        returns its file: nothing is billed again. To get another result for the same arguments, change `variant`.
        If the edit is not finished in time, the answer says how to go on.
        """
        until, report = Deadline(self._wait), _reporter(context)
        with self._errors():
            asked: OutputFormat = _FORMATS[_media.of_name(self._target(output).name)] if output else "png"
            parsed = await run_sync(lambda: [self._image(image) for image in images])
            names = [image if isinstance(image, str) else _sha256(image[1]) for image in parsed]
            request = {"images": names, "prompt": prompt, "image_size": image_size, "output_format": asked}
            key = key or f"mcp-{_requests.digest(request)}"
            key = key if variant == 1 else f"{key}/{variant}"
            stem = next((Path(image[0]).stem for image in parsed if not isinstance(image, str)), "edit")
            target = self._target(output or f"{stem[:_LONGEST]}-{_sha256(key.encode())[:8]}.{asked}")
            row = await run_sync(self._ledger.get, key)
            saved = Path(row.output) if row and row.state == "saved" and row.output else None
            if saved and not (saved.is_file() and saved.with_suffix("") == target.with_suffix("")):
                saved = None
            if not saved:
                self._check_free(target, overwrite)
            submit = partial(self._client.submit, parsed, prompt, image_size=image_size, output_format=asked)
            submit = partial(submit, key=key, on_progress=report)  # which sends nothing if the ledger has a task
            task = await self._billed(submit, is_new=row is None or row.state in ("new", "refused"))
            if saved:
                return await self._shown(f"Task {task.task_id} was saved before; nothing was billed now.", [saved])
            return await self._finished(task, target, overwrite, report, until)

    async def wait_for_edit(
        self, context: Context[Any, Any], task_id: TaskId, output: Output = None, overwrite: Overwrite = False
    ) -> Answer:
        """Wait for an edit that was not finished in time, save its result in the folder, and show a preview.

        Nothing is billed. If the edit is still not finished, call it again.
        """
        until, report = Deadline(self._wait), _reporter(context)
        with self._errors():
            target = self._target(output or f"edit-{_sha256(task_id.encode())[:8]}.png")
            self._check_free(target, overwrite)
            return await self._finished(Task(task_id), target, overwrite, report, until)

    async def get_edit(self, task_id: TaskId) -> str:
        """Return the status of an edit, without waiting. Nothing is billed."""
        with self._errors():
            task = await self._client.get_task(task_id)
        files = f" It has {len(task.files)} result: call wait_for_edit to save it." if task.files else ""
        return f"Task {task_id} is {task.error_msg or task.error_code or task.status}.{files}"

    async def _billed(self, submit: Callable[[], Awaitable[Task]], *, is_new: bool) -> Task:
        """Submit, within the limit of this run. A call that is cancelled submits to its end, for the ledger's sake."""
        if is_new and not self._left:
            raise ToolError(
                f"The {self._max} edits that this run may submit are used up; nothing was sent. Ask the person who "
                "runs this server to start it again, perhaps with a higher --max-edits."
            )
        self._left -= is_new
        try:
            with anyio.CancelScope(shield=True):
                task = await submit()
        except NanoBananaEditError as error:
            if not (isinstance(error, SubmissionUnknown) or error.task_id):
                self._left += is_new
            raise
        return task

    async def _finished(self, task: Task, target: Path, overwrite: bool, report: Report, until: Deadline) -> Answer:
        timeout = max(round(until.remaining(), 1), _SHORTEST)
        with about(task.task_id):
            try:
                edit = await self._client.wait(task, timeout=timeout, on_progress=report)
            except WaitTimeout as error:
                way = f"call wait_for_edit with task_id {task.task_id!r} and output {self._name(target)!r}"
                return [f"{error.args[0]} It goes on and is paid for. To get it, {way}."]
            saved = []
            for number, image in enumerate(edit.images, start=1):
                content = await image.bytes()
                path = target if number == 1 else target.with_stem(f"{target.stem}-{number}")
                if image.media_type != _media.of_name(path.name):
                    path = path.with_suffix(_media.extension(image.media_type or "") or ".bin")
                await run_sync(partial(write, path, content, durable=True, replaces=overwrite))
                saved.append(path)
            files = [{"url": image.url, "type": image.type} for image in edit.images]
            await run_sync(self._ledger.saved, edit.task_id, str(saved[0]), {"files": files})
            return await self._shown(f"Task {edit.task_id} is completed.", saved)

    async def _shown(self, text: str, saved: list[Path]) -> Answer:
        """Return the answer with a preview of the first file, if it can be shown: it is there in any case."""
        text = f"{text} Saved: {', '.join(map(self._name, saved))}"
        try:
            small = await run_sync(lambda: preview(saved[0].read_bytes(), _PREVIEW))
        except Exception as error:  # noqa: BLE001 - of Pillow
            return [f"{text}. There is no preview: {error}"]
        return [text, Image(data=small, format="jpeg")]

    def _image(self, text: str) -> str | tuple[str, bytes]:
        """Return an image as its URL, or as its name and content, which alone is sent, whatever its path is later."""
        if text.strip().lower().startswith(("http://", "https://")):
            return text.strip()
        path = self._inside(text, "images")
        if not path.is_file():
            raise _refusal("images", text, f"is no file in the folder {self._folder}; check the name")
        return path.name, read_image(path)

    def _target(self, output: str) -> Path:
        path = check_target(self._inside(output, "output"), "output")
        if _media.of_name(path.name) not in _FORMATS:
            raise _refusal("output", output, f"must end in {_ENDINGS}")
        return path

    def _inside(self, text: str, field: str) -> Path:
        """Return a path in the folder. Links are followed first, so that none leads out of it."""
        try:
            path = Path(os.path.realpath(self._folder / text))
        except ValueError as error:
            raise _refusal(field, text, f"is not a path ({error})") from error
        if self._folder in path.parents:
            return path
        raise _refusal(field, text, f"is not in the folder {self._folder}, in which all files must be")

    def _check_free(self, target: Path, overwrite: bool) -> None:
        if target.exists() and not overwrite:
            raise _refusal("output", self._name(target), "exists; name another file, or pass overwrite")

    def _name(self, path: Path) -> str:
        return path.relative_to(self._folder).as_posix()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Say what failed, and what the agent must not do about it."""
        try:
            yield
        except (NanoBananaEditError, OSError) as error:
            text = "\n".join([said(error, {"key": "key"}), *getattr(error, "__notes__", ())])
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


def server(client: AsyncNanoBananaEdit, ledger: Ledger, folder: Path, *, max_edits: int, wait: float) -> MCPServer:
    """Return the server with the tools, which closes the client when it ends."""

    @asynccontextmanager
    async def lifespan(_: MCPServer) -> AsyncIterator[None]:
        async with client:
            yield

    agent = Agent(client, ledger, folder, max_edits=max_edits, wait=wait)
    about_it = f"Edits images of the folder {folder}. An edit costs money; this run may submit {max_edits} of them."
    made: MCPServer = MCPServer(
        "nano-banana-edit", instructions=about_it, version=__version__, log_level="WARNING", lifespan=lifespan
    )
    saves = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=True)
    for tool in (agent.edit_image, agent.wait_for_edit):
        made.add_tool(tool, description=inspect.getdoc(tool), annotations=saves, structured_output=False)
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


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _refusal(field: str, value: str, problem: str) -> InvalidRequest:
    return InvalidRequest(f"{field} {shorten(value)} {problem}.", field=field, value=value)
