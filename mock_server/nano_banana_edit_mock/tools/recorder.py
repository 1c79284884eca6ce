"""The recorder: writes a tape while requests pass."""

import json
import logging
import tempfile
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

from attrs import evolve

from ..contract import Contract
from ..engine.answer_referee import AnswerReferee
from ..engine.hiding import Hiding, digest, plain_url
from ..engine.records import Request, Response
from ..engine.referee import Verdict
from ..engine.routes import FILE, Route
from ..engine.tape import FILES, FORMAT, HEAD, Exchange, Tape, answered, asked

_REMEMBERED = 1_000  # private texts, which the answers to later requests may repeat
_LOG = logging.getLogger("nano_banana_edit_mock")


class Recorder:
    """Writes each exchange into a folder, whole or not at all, without tokens and what signs a URL.

    Args:
        folder: The folder; it is made if it does not exist, and must be empty.
        contract: The contract that the answers are held to.
        content: Whether prompts and files are kept; default False keeps a digest of each.

    Raises:
        OSError: The folder cannot be written.
        ValueError: The folder is not empty.
    """

    def __init__(self, folder: Path, contract: Contract, *, content: bool = False) -> None:
        self._folder, self._content = folder, content
        self._referee, self._lock = AnswerReferee(contract), Lock()
        self._tape = Tape(exchanges=(), folder=folder)
        self._count, self._began = 0, 0.0
        self._stopped = False
        self._private: deque[str] = deque(maxlen=_REMEMBERED)
        info = contract.document["info"]
        head = {"format": FORMAT, "title": info["title"], "version": info["version"], "content": content}
        head["recorded"] = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if any(folder.iterdir()):
                raise ValueError(f"{folder} is not empty. Name a new folder for the tape.")
            if content:
                (folder / FILES).mkdir()
            self._write(HEAD, f"{json.dumps(head, ensure_ascii=False, indent=2)}\n".encode())
        except OSError as error:
            raise type(error)(f"{folder} cannot be written ({error.strerror}).") from error

    def record(
        self, route: Route, request: Request, verdict: Verdict, response: Response, now: float, url: str = ""
    ) -> None:
        """Write an exchange; `url` is that of a file. After a failure, which is logged, nothing more is written."""
        operation = route.operation
        name = FILE.id if url or operation is None else operation.id
        with self._lock:
            if self._stopped:
                return
            earlier = tuple(self._private)
            body, hiding = (None, Hiding()) if url else asked(request, verdict, content=self._content, earlier=earlier)
            self._private.extend(text for text in hiding.private if text not in earlier)
            self._began = self._began if self._count else now
            self._count += 1
            exchange = Exchange(
                operation=name,
                at=round(now - self._began, 3),
                path={"url": plain_url(url)} if url else dict(route.path),
                body=body,
                status=response.status,
                headers=hiding.headers(response.headers),
                answer=answered(response, hiding),
            )
            try:
                for content in self._contents(verdict, response, exchange):
                    self._write(f"{FILES}/{digest(content).removeprefix('sha256:')}", content)
                if operation and not url:
                    exchange = evolve(exchange, violations=self._tape.wrong(self._referee, operation, exchange))
                self._write(f"{self._count:04}-{name}.json", exchange.to_json().encode())
            except OSError as error:
                self._stopped = True
                where = f"{self._folder} cannot be written ({error.strerror})"
                _LOG.error("The tape ends after %s exchanges: %s.", self._count - 1, where)

    def _contents(self, verdict: Verdict, response: Response, exchange: Exchange) -> Iterator[bytes]:
        """Yield the files of an exchange, if they are kept."""
        if self._content:
            yield from (file.content for file in verdict.files)
            if "file" in exchange.answer:
                yield response.body

    def _write(self, name: str, content: bytes) -> None:
        """Write a file whole or not at all."""
        handle, temporary = tempfile.mkstemp(dir=self._folder, prefix=".", suffix=".part")
        try:
            with open(handle, "wb") as file:  # noqa: PTH123 - of a descriptor
                file.write(content)
            Path(temporary).chmod(0o644)
            Path(temporary).replace(self._folder / name)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
