"""Cassettes of vcrpy: exchanges of this API that an application recorded, as a tape."""

from pathlib import Path
from typing import Any

import yaml
from attrs import evolve

from ..contract import Contract
from .hiding import plain_url
from .records import Request, Response
from .referee import Referee, Verdict
from .routes import FILE, Routes
from .tape import MAX_FILE, Exchange, Tape, answered, asked


def read_tape(path: Path, contract: Contract) -> Tape:
    """Read a tape, which is a folder, or import a cassette, which is a file.

    Raises:
        OSError: It cannot be read.
        ValueError: It is neither, or damaged; the message names the file.
    """
    return _read_cassette(path, contract) if path.is_file() else Tape.load(path)


def _read_cassette(path: Path, contract: Contract) -> Tape:
    """Read a cassette in YAML or JSON. It has no times; requests to other services, results apart, are left out."""
    try:
        with path.open("rb") as file:
            text = file.read(MAX_FILE + 1)
        if len(text) > MAX_FILE:
            raise ValueError(f"{path} has more than {MAX_FILE} bytes.")
        interactions = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))["interactions"]  # noqa: S506 - safe
        pairs = [(_request(one["request"]), _response(one["response"])) for one in interactions]
    except (AttributeError, LookupError, TypeError, yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"{path} is not a cassette of vcrpy ({type(error).__name__}).") from error
    routes, referee = Routes(contract), Referee(contract)
    exchanges: list[Exchange] = []
    files: dict[str, bytes] = {}
    for request, response in pairs:
        route = routes.find(request.method, request.url)
        operation = route.operation if route.name and route.url.hostname in routes.by_host else None
        verdict = referee.judge(operation, request, None) if operation else Verdict()
        body, hiding = asked(request, verdict, content=True)
        exchange = Exchange(
            operation=operation.id if operation else FILE.id,
            at=0.0,
            path=dict(route.path) if operation else {"url": plain_url(request.url)},
            body=body,
            status=response.status,
            headers=hiding.headers(response.headers),
            answer=answered(response, hiding),
        )
        if "file" in exchange.answer:
            files[exchange.answer["file"]] = response.body
        if operation or "file" in exchange.answer:
            exchanges.append(exchange)
    if not any(exchange.operation != FILE.id for exchange in exchanges):
        raise ValueError(f"{path} has no exchange of this API.")
    return evolve(Tape(exchanges=tuple(exchanges), content=True), kept=files)


def _request(value: dict[str, Any]) -> Request:
    return Request(str(value["method"]), str(value["uri"]), _headers(value["headers"]), _bytes(value.get("body")))


def _response(value: dict[str, Any]) -> Response:
    body = value["body"]
    content = _bytes(body.get("string") if isinstance(body, dict) else body)
    return Response(int(value["status"]["code"]), _headers(value["headers"]), content)


def _headers(value: dict[str, Any]) -> list[tuple[str, str]]:
    lists = ((str(name), given if isinstance(given, list) else [given]) for name, given in value.items())
    return [(name, str(one)) for name, given in lists for one in given]


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value or "").encode()
