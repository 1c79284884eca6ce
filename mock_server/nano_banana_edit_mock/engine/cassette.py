"""Cassettes of vcrpy: exchanges of this API that an application recorded, as a tape."""

from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx2
import yaml
from attrs import evolve

from ..contract import Contract
from ..contract.wording import cut
from .bodies import decoded
from .hiding import Hiding, secrets_of, signs_of
from .links import links_in
from .records import Request, Response
from .referee import Referee, Verdict
from .routes import Routes
from .tape import HEAD, MAX_FILE, Exchange, Tape, make_exchange


class _Coded(Exception):
    """An answer has a content coding that cannot be read, which is the message."""


def read_tape(tape: Path | str, contract: Contract) -> Tape:
    """Read a tape, which is a folder, or import a cassette, which is a file.

    Raises:
        OSError: It cannot be read.
        ValueError: It is neither, or damaged; the message names the file.
    """
    if not isinstance(tape, Path | str) or not tape:
        raise ValueError(f"tape is {tape!r}; it must be the path of a tape, or of a cassette of vcrpy.")
    path = Path(tape)
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist. Name a tape, or a cassette of vcrpy.")
    if (path.parent / HEAD).is_file() and path.is_file():
        raise ValueError(f"{path} is a part of a tape. Name its folder, {path.parent}.")
    return _read_cassette(path, contract) if path.is_file() else Tape.load(path)


def _read_cassette(path: Path, contract: Contract) -> Tape:
    """Read a cassette in YAML or JSON. It has no times; requests to other services, results apart, are left out."""
    routes, referee = Routes(contract), Referee(contract)
    results: dict[str, str] = {}  # URLs of results as polls have them, by other ways to write them
    hiding = Hiding(contract.document, content=True)
    exchanges: list[Exchange] = []
    files: dict[str, bytes] = {}
    with path.open("rb") as file:
        text = file.read(MAX_FILE + 1)
    if len(text) > MAX_FILE:
        raise ValueError(f"{path} has more than {MAX_FILE} bytes.")
    try:
        interactions = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))["interactions"]  # noqa: S506 - safe
        pairs = [(_request(one["request"]), _response(one["response"])) for one in interactions]
        sent = [routes.find(request.method, request.url) for request, _ in pairs]
        # Against a server of its own, an application has other hosts than the document.
        known = any(route.url.hostname in routes.by_host for route in sent)
        for route, (request, response) in zip(sent, pairs, strict=True):
            operation = route.operation if route.name and (route.url.hostname in routes.by_host or not known) else None
            url = "" if operation else results.get(request.url) or results.get(_plain(request.url), "")
            if url and 300 <= response.status < 400 and (to := response.header("Location")):
                results[_plain(urljoin(request.url, to))] = url
            elif url or operation:
                verdict = referee.judge(operation, request, None) if operation else Verdict()
                hiding = evolve(hiding, secrets=secrets_of(request), signs=signs_of(request.url))
                made = make_exchange(hiding, route, request, verdict, response, url=url)
                exchanges.append(evolve(made, authorized=True, number=len(exchanges) + 1))
                for link in links_in(response.body):
                    results[link] = results[_plain(link)] = link
                files |= {exchanges[-1].answer.get("file", ""): response.body}
    except _Coded as error:
        raise ValueError(
            f"{path} has an answer in the coding {error}. Use decode_compressed_response of vcrpy."
        ) from None
    except (AttributeError, LookupError, TypeError, ValueError, yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"{path} is not a cassette of vcrpy. If you have a tape, name its folder.") from error
    if not exchanges:
        raise ValueError(f"{path} has no exchange of this API: no request has a path of the document.")
    return Tape(exchanges=tuple(exchanges), content=True, kept=files)


def _request(value: dict[str, Any]) -> Request:
    method, uri = _content(value["method"]).decode(), _content(value["uri"]).decode()
    # Most cassettes are written without the token; a form is read only with one.
    token = [("Authorization", "Bearer token")] * ("authorization" not in map(str.lower, value["headers"]))
    return Request(method, uri, [*_headers(value["headers"]), *token], _content(value.get("body")))


def _response(value: dict[str, Any]) -> Response:
    body, status = value["body"], int(value["status"]["code"])
    content = _content(body.get("string") if isinstance(body, dict) else body)
    response = Response(status, _headers(value["headers"]), content)
    if not 100 <= status <= 599:
        raise ValueError(f"{status} is not a status")
    coding = response.header("Content-Encoding") or "identity"
    plain = decoded(content, coding, MAX_FILE)
    if plain is None and coding.lower() not in {"identity", "gzip", "x-gzip", "deflate"}:
        raise _Coded(cut(coding))
    return response if plain is None else evolve(response, body=plain)  # vcrpy may have decoded it


def _plain(url: str) -> str:
    """Return what the spellings of a URL have in common, also if its query was taken out."""
    try:
        return str(httpx2.URL(url).copy_with(query=None, fragment=None))
    except httpx2.InvalidURL:
        return url


def _headers(value: dict[str, Any]) -> list[tuple[str, str]]:
    lists = ((str(name), given if isinstance(given, list) else [given]) for name, given in value.items())
    return [(name, _content(one).decode("latin-1")) for name, given in lists for one in given]


def _content(value: Any) -> bytes:
    if not isinstance(value, bytes | str | int | None):  # aliases of YAML make a large value of a small file
        raise TypeError(f"{type(value)} is not a text")
    return value if isinstance(value, bytes) else ("" if value is None else str(value)).encode()
