"""A tape: a folder of exchanges with a server, one readable JSON file each, and of the files in them.

Of a request the tape keeps what it is compared by when it is played: operation, path and body. On a tape without
content, a digest stands for each prompt and file.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import asdict, field, fields, frozen

from ..contract import Contract, Operation
from ..contract.reading import Flaw, read_json
from ..contract.wording import cut
from .answer_referee import AnswerReferee
from .hiding import Hiding, digest
from .records import Request, Response
from .referee import Verdict
from .routes import FILE

FORMAT = 1
HEAD = "tape.json"
FILES = "files"
MAX_FILE = 64_000_000  # bytes of one file of a tape
_NAME = re.compile(r"(\d{1,9})-[\w-]{1,100}\.json", re.ASCII)
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_FILE_KINDS = ("image/", "video/", "audio/", "application/octet-stream")


@frozen(kw_only=True)
class Exchange:
    """One request and its answer, as a tape keeps them.

    Attributes:
        operation: The operationId; `getFile` for a file of a result.
        at: Seconds from the beginning of the tape to the request.
        path: The values of the path; `url` for a file.
        body: What stands for the body of the request: a JSON value; for a form its files, each by its digest; the
            digest of anything else; None if there is none.
        status: The status of the answer.
        headers: Its headers, as pairs, as far as they are kept.
        answer: Its body as `json`, as `text` or as the digest of a `file`; empty if it has none.
        violations: What was wrong with the answer when it was recorded.
    """

    operation: str
    at: float
    path: Mapping[str, str]
    body: Any
    status: int
    headers: list[list[str]]
    answer: Mapping[str, Any]
    violations: list[str] = field(factory=list)

    @property
    def key(self) -> str:
        """What equal requests share."""
        return key(self.operation, self.path, self.body)

    def to_json(self) -> str:
        """Return the file of the exchange."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=2) + "\n"


def key(operation: str, path: Mapping[str, str], body: Any) -> str:
    """Return what equal requests share."""
    return json.dumps([operation, {**path}, body], sort_keys=True, ensure_ascii=False)


@frozen(kw_only=True)
class Tape:
    """The exchanges of a tape, in the order in which they were recorded.

    Attributes:
        exchanges: The exchanges.
        title: The title of the document that they were recorded with; empty if that is not known.
        content: Whether prompts and files are on it.
        folder: Where its files are; None if they are not in a folder.
        kept: Its files by digest, if they are not in a folder.
    """

    exchanges: tuple[Exchange, ...]
    title: str = ""
    content: bool = False
    folder: Path | None = None
    kept: Mapping[str, bytes] = field(factory=dict, repr=False)

    @classmethod
    def load(cls, folder: Path) -> "Tape":
        """Read a tape.

        Raises:
            OSError: It cannot be read.
            ValueError: It is not a tape, or one of its files is damaged; the message names the file.
        """
        head = _read(folder / HEAD)
        if head.get("format") != FORMAT:
            raise ValueError(f"{folder / HEAD}: format is {cut(head.get('format'))}; it must be {FORMAT}.")
        found = ((_NAME.fullmatch(file.name), file) for file in folder.iterdir())
        numbered = sorted((int(name[1]), file) for name, file in found if name)
        if not numbered:
            raise ValueError(f"{folder} has no exchanges, such as 0001-createEdit.json.")
        exchanges = tuple(_exchange(file) for _, file in numbered)
        return cls(
            exchanges=exchanges, title=str(head.get("title", "")), content=head.get("content") is True, folder=folder
        )

    def file(self, name: str) -> bytes | None:
        """Return the file of a digest; None if it is not on the tape."""
        if name in self.kept:
            return self.kept[name]
        found = _DIGEST.fullmatch(name)
        path = self.folder / FILES / found[1] if found and self.folder else None
        return path.read_bytes() if path and path.is_file() else None

    def response(self, exchange: Exchange) -> Response:
        """Return the answer of an exchange; a file that is not on the tape is empty."""
        body = b""
        match exchange.answer:
            case {"json": value}:
                body = json.dumps(value, ensure_ascii=False).encode()
            case {"text": str(text)}:
                body = text.encode()
            case {"file": str(name)}:
                body = self.file(name) or b""
        headers = [(name, value) for name, value in exchange.headers]
        return Response(exchange.status, (*headers, ("Content-Length", str(len(body)))), body)

    def wrong(self, referee: AnswerReferee, operation: Operation, exchange: Exchange) -> list[str]:
        """Return what a document says to an answer, as far as it is on the tape."""
        verdict = referee.judge(operation, self.response(exchange))
        undeclared = (f"{place} is not in the document." for place in verdict.undeclared)
        return [*(violation.message for violation in verdict.violations), *undeclared]

    def differences(self, contract: Contract) -> Iterator[str]:
        """Yield what a document says to the answers today, and did not when they were recorded, or reversed."""
        referee = AnswerReferee(contract)
        operations = {operation.id: operation for operation in contract.operations}
        title = contract.document["info"]["title"]
        if self.title not in {"", title}:
            yield f"The tape is of the document {self.title!r}; this one is {title!r}."
        for number, exchange in enumerate(self.exchanges, start=1):
            about = f"Exchange {number}, {exchange.operation}"
            if exchange.operation == FILE.id:
                continue
            if exchange.operation not in operations:
                yield f"{about}: the document has no such operation."
                continue
            now = self.wrong(referee, operations[exchange.operation], exchange)
            yield from (f"{about}: now wrong: {text}" for text in now if text not in exchange.violations)
            yield from (f"{about}: now allowed: {text}" for text in exchange.violations if text not in now)


def asked(request: Request, verdict: Verdict, *, content: bool, earlier: Iterable[str] = ()) -> tuple[Any, Hiding]:
    """Return what a tape keeps of the body of a request, and what hides the same in its answer.

    An answer may also repeat private texts of `earlier` requests, as the error of a task does.
    """
    _, _, token = (request.header("Authorization") or "").rpartition(" ")
    if verdict.files:
        files = {file.name: {"file": digest(file.content), "bytes": len(file.content)} for file in verdict.files}
        return files, Hiding([token], earlier)
    try:
        value = read_json(request.body) if request.body else None
    except Flaw:
        return digest(request.body), Hiding([token], earlier)
    hiding = Hiding([token], () if content else (*earlier, *_private(value)))
    return hiding.value(value), hiding


def answered(response: Response, hiding: Hiding) -> dict[str, Any]:
    """Return what a tape keeps of the body of an answer: of a file, its digest."""
    if not response.body:
        return {}
    kind = (response.header("Content-Type") or "").strip().lower()
    if kind.startswith(_FILE_KINDS):
        return {"file": digest(response.body)}
    try:
        return {"json": hiding.value(read_json(response.body))}
    except Flaw:
        return {"text": hiding.text(response.body.decode(errors="replace"))}


def _private(value: Any) -> Iterator[str]:
    """Yield the texts of a body that are content: the prompt, and images within their URLs."""
    if isinstance(value, dict):
        urls = value.get("image_urls")
        for text in (value.get("prompt"), *(urls if isinstance(urls, list) else ())):
            if isinstance(text, str) and text and (text == value.get("prompt") or text[:5].lower() == "data:"):
                yield text


def _read(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as opened:
            text = opened.read(MAX_FILE + 1)
        value = read_json(text)
    except OSError as error:
        raise type(error)(f"{file} cannot be read ({error.strerror}).") from error
    except Flaw as flaw:
        raise ValueError(f"{file}: {flaw.explain()}") from flaw
    if not isinstance(value, dict) or len(text) > MAX_FILE:
        raise ValueError(f"{file} is damaged; it must be a JSON object of at most {MAX_FILE} bytes.")
    return value


def _exchange(file: Path) -> Exchange:
    value = _read(file)
    kinds: dict[str, Any] = {
        "operation": str,
        "at": int | float,
        "path": dict,
        "body": object,
        "status": int,
        "headers": list,
        "answer": dict,
        "violations": list,
    }
    for name, kind in kinds.items():
        if not isinstance(value.get(name), kind):
            raise ValueError(f"{file}: {name} is damaged or missing.")  # noqa: TRY004 - of a file
    if not all(
        isinstance(pair, list) and len(pair) == 2 and all(isinstance(one, str) for one in pair)
        for pair in value["headers"]
    ):
        raise ValueError(f"{file}: headers is damaged; it must be pairs of name and value.")
    return Exchange(**{one.name: value[one.name] for one in fields(Exchange)})
