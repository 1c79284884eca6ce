"""The recorder: writes a tape while requests pass."""

import json
import logging
import re
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

from attrs import evolve

from ..contract import Contract
from ..engine.answer_referee import AnswerReferee
from ..engine.hiding import Hiding, digest, secrets_of, signs_of
from ..engine.records import Request, Response
from ..engine.referee import Verdict
from ..engine.routes import Route
from ..engine.tape import FILES, FORMAT, HEAD, Tape, make_exchange

_LOG = logging.getLogger("nano_banana_edit_mock")


class Recorder:
    """Writes each exchange into a folder, whole or not at all, without tokens and what signs a URL.

    Args:
        folder: The folder; it is made if it does not exist, and must be empty. Nothing is written into it before the
            first exchange.
        contract: The contract that the answers are held to.
        content: Whether texts, paths of URLs and files are kept; default False keeps a digest of each.

    Raises:
        OSError: The folder cannot be written.
        ValueError: The folder is not empty.
    """

    def __init__(self, folder: Path | str, contract: Contract, *, content: bool = False) -> None:
        folder = Path(folder)
        self._folder = folder.absolute()  # whatever becomes the current folder
        self._hiding, self._content = Hiding(contract.document, content=content), content
        self._referee, self._lock = AnswerReferee(contract), Lock()
        self._count, self._began = 0, 0.0
        self._stopped = False
        self._head: Path | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if any(folder.iterdir()):
                raise ValueError(f"{folder} is not empty. Name a new folder for the tape.")
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            reason = "it is a file" if isinstance(error, FileExistsError) else error.strerror
            raise type(error)(f"{folder} cannot be written ({reason}).") from error

    def record(
        self, route: Route, request: Request, verdict: Verdict, response: Response, now: float, url: str = ""
    ) -> None:
        """Write an exchange; `url` is that of a file. After a failure, which is logged, nothing more is written.

        An answer to HEAD has no body, and is not that to GET.
        """
        if request.method == "HEAD":
            return
        hiding = evolve(self._hiding, secrets=secrets_of(request), signs=signs_of(request.url, url))
        kept = make_exchange(hiding, route, request, verdict, response, url=url)
        if route.operation and not url:
            tape = Tape(exchanges=(), kept={kept.answer.get("file", ""): response.body} if self._content else {})
            kept = tape.judge(self._referee, route.operation, kept)
        files = [file.content for file in verdict.files] + [response.body] * ("file" in kept.answer)
        with self._lock:
            if self._stopped:
                return
            self._began = self._began if self._count else now
            kept = evolve(kept, at=round(now - self._began, 3))
            try:
                if not self._count:
                    self._begin()
                for content in files if self._content else ():
                    self._write(f"{FILES}/{digest(content).removeprefix('sha256:')}", content)
                name = re.sub(r"[^\w.-]", "-", kept.operation)[:100]
                self._write(f"{self._count + 1:04}-{name}.json", kept.to_json())
                self._count += 1
            except OSError as error:
                self._stopped = True
                if self._head and not self._count:
                    self._head.unlink(missing_ok=True)
                where = f"{self._folder} cannot be written ({error.strerror})"
                _LOG.error("The tape ends before exchange %s: %s.", self._count + 1, where)

    def _begin(self) -> None:
        """Write the head of the tape; another recorder may have taken the folder meanwhile."""
        info = self._hiding.document["info"]
        head = {"format": FORMAT, "title": info["title"], "version": info["version"], "content": self._content}
        head["recorded"] = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        with (self._folder / HEAD).open("x", encoding="utf-8") as file:
            self._head = self._folder / HEAD
            file.write(f"{json.dumps(head, ensure_ascii=False, indent=2)}\n")
        if self._content:
            (self._folder / FILES).mkdir()

    def _write(self, name: str, content: bytes) -> None:
        """Write a file whole or not at all."""
        handle, temporary = tempfile.mkstemp(dir=self._folder, prefix=".", suffix=".part")
        try:
            with open(handle, "wb") as file:  # noqa: PTH123 - of a descriptor
                file.write(content)
            Path(temporary).replace(self._folder / name)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
