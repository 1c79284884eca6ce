"""A tape: a folder of exchanges with a server, one readable JSON file each, and of the files in them.

Of a request the tape keeps what it is compared by when it is played: operation, path and body. What it may not keep is
in `hiding`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import asdict, evolve, field, fields, frozen

from ..contract import Contract, Operation
from ..contract.reading import Flaw, read_json
from ..contract.wording import cut, undeclared
from .answer_referee import AnswerReferee
from .hiding import DIGEST, Hiding, digest, is_kept
from .records import Request, Response
from .referee import Verdict
from .routes import FILE, Route

FORMAT = 1
HEAD = "tape.json"
FILES = "files"
MAX_FILE = 64_000_000  # bytes of one file of a tape
_LONG = 1_000_000  # bytes of an exchange that nobody reads
_NAME = re.compile(r"(\d{1,9})-[\w.-]{1,100}\.json", re.ASCII)


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
        answer: Its body as `json`, as `text`, or as the digest of a `file`; empty if it has none.
        violations: What was wrong with the answer when it was recorded.
        undeclared: The properties of the answer that the document did not name.
        request_violations: What was wrong with the request: the property or header, and the keyword.
        authorized: Whether the request had an Authorization header.
        number: The number of its file, or its place in a cassette.
    """

    operation: str
    at: float
    path: Mapping[str, str]
    body: Any
    status: int
    headers: list[list[str]]
    answer: Mapping[str, Any]
    violations: list[str] = field(factory=list)
    undeclared: list[str] = field(factory=list)
    request_violations: list[str] = field(factory=list)
    authorized: bool = True
    number: int = field(default=0, eq=False)

    @property
    def key(self) -> str:
        """What equal requests share."""
        return key(self.operation, self.asked)

    @property
    def asked(self) -> dict[str, Any]:
        """What a request is compared by."""
        return {"authorized": self.authorized, "path": {**self.path}, "body": self.body}

    def to_json(self) -> bytes:
        """Return the file of the exchange; a large one in one line, as indents would multiply it."""
        kept = asdict(self, filter=lambda attribute, _: attribute.name != "number")
        text = _dump(kept, indent=2)
        return (text if len(text) <= _LONG else _dump(kept)) + b"\n"


def _dump(value: Any, **options: Any) -> bytes:
    """Return readable JSON; a lone surrogate is escaped, as JSON does it."""
    return json.dumps(value, ensure_ascii=False, **options).encode(errors="backslashreplace")


def key(operation: str, asked: Mapping[str, Any]) -> str:
    """Return what equal requests share."""
    return json.dumps([operation, asked], sort_keys=True, ensure_ascii=False)


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
        found = ((_NAME.fullmatch(file.name), file) for file in folder.iterdir() if file.is_file())
        numbered = sorted((int(name[1]), file) for name, file in found if name)
        if not numbered:
            raise ValueError(f"{folder} has no exchanges, such as 0001-createEdit.json.")
        exchanges = tuple(_exchange(file, number) for number, file in numbered)
        content = head.get("content") is True
        tape = cls(exchanges=exchanges, title=str(head.get("title", "")), content=content, folder=folder)
        for name in {str(one.answer["file"]) for one in exchanges if "file" in one.answer} if content else ():
            if tape.file(name) is None:
                raise ValueError(f"{folder / FILES / name[7:]} is damaged or missing.")
        return tape

    def file(self, name: str) -> bytes | None:
        """Return the file of a digest; None if it is not on the tape, or no longer what it was."""
        if self.folder is None:
            return self.kept.get(name)
        path = self.folder / FILES / name[7:]
        if not (DIGEST.fullmatch(name) and path.is_file()):  # a pipe has no end
            return None
        content = path.read_bytes()  # each time, as a tape may have many
        return content if digest(content) == name else None

    def response(self, exchange: Exchange) -> Response:
        """Return the answer of an exchange; a file that is not on the tape is empty."""
        body = b""
        match exchange.answer:
            case {"json": value}:
                body = _dump(value)
            case {"text": str(text)}:
                body = text.encode()
            case {"file": str(name)}:
                body = self.file(name) or b""
        headers = [(name, value) for name, value in exchange.headers]
        return Response(exchange.status, (*headers, ("Content-Length", str(len(body)))), body)

    def judge(self, referee: AnswerReferee, operation: Operation, exchange: Exchange) -> Exchange:
        """Return an exchange with what a document says to its answer, as far as that is on the tape."""
        verdict = referee.judge(operation, self.response(exchange))
        violations = [violation.message for violation in verdict.violations]
        return evolve(exchange, violations=violations, undeclared=[*verdict.undeclared])

    def differences(self, contract: Contract) -> Iterator[str]:
        """Yield what a document says to the answers today, and did not when they were recorded, or reversed."""
        referee = AnswerReferee(contract)
        operations = {operation.id: operation for operation in contract.operations}
        title = contract.document["info"]["title"]
        if self.title not in {"", title}:
            yield f"The tape is of the document {self.title!r}; this one is {title!r}."
        for exchange in self.exchanges:
            about = f"Exchange {exchange.number}, {exchange.operation}"
            if exchange.operation == FILE.id:
                continue
            if exchange.operation not in operations:
                yield f"{about}: the document has no such operation."
                continue
            now, then = map(_said, (self.judge(referee, operations[exchange.operation], exchange), exchange))
            yield from (f"{about}: now wrong: {text}" for text in now if text not in then)
            yield from (f"{about}: now allowed: {text}" for text in then if text not in now)


def make_exchange(
    hiding: Hiding, route: Route, request: Request, verdict: Verdict, response: Response, *, url: str = ""
) -> Exchange:
    """Return what a tape keeps of a request and its answer; `url` is that of a file."""
    operation = None if url else route.operation
    asked = ask(hiding, route, request, verdict)
    violations = [f"{hiding.name(one.field or one.location)}: {one.keyword}" for one in verdict.violations]
    return Exchange(
        operation=operation.id if operation else FILE.id,
        at=0.0,
        path={"url": hiding.url(url)} if url else asked["path"],
        body=asked["body"],
        status=response.status,
        headers=hiding.headers(response.headers),
        answer=hiding.answered(operation, response),
        request_violations=violations,
        authorized=asked["authorized"],
    )


def ask(hiding: Hiding, route: Route, request: Request, verdict: Verdict) -> dict[str, Any]:
    """Return what a request is compared by, as far as a tape keeps it."""
    files = {file.name: {"file": digest(file.content), "bytes": len(file.content)} for file in verdict.files}
    body = files or hiding.asked(route.operation, request.body)
    return {"authorized": request.header("Authorization") is not None, "path": hiding.path(route.path), "body": body}


def _said(exchange: Exchange) -> list[str]:
    return [*exchange.violations, *map(undeclared, exchange.undeclared)]


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


def _exchange(file: Path, number: int) -> Exchange:
    value = _read(file)
    headers, path, status = value.get("headers"), value.get("path"), value.get("status")
    sound = {
        "operation": isinstance(value.get("operation"), str),
        "at": type(value.get("at")) in {int, float},
        "path": isinstance(path, dict) and all(isinstance(text, str) for text in path.values()),
        "body": "body" in value,
        "status": type(status) is int and 200 <= status <= 999,
        "headers": isinstance(headers, list) and all(map(_is_header, headers)),
        "answer": _is_answer(value.get("answer")),
        "authorized": isinstance(value.get("authorized"), bool),
        **{name: _are_texts(value.get(name)) for name in ("violations", "undeclared", "request_violations")},
    }
    if damaged := [name for name, is_sound in sound.items() if not is_sound]:
        raise ValueError(f"{file}: {damaged[0]} is damaged or missing.")
    return Exchange(**{one.name: value[one.name] for one in fields(Exchange) if one.name != "number"}, number=number)


def _is_header(pair: Any) -> bool:
    return _are_texts(pair) and len(pair) == 2 and is_kept(pair)


def _is_answer(answer: Any) -> bool:
    match answer:
        case {"file": str(name)}:
            return DIGEST.fullmatch(name) is not None
        case {"json": _} | {"text": str()}:
            return "file" not in answer
    return bool(answer == {})


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)
