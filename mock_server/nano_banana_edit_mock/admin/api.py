"""The API under `/__mock__/`, as admin.yaml describes it, and the page that shows it."""

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from attrs import asdict, evolve

from ..contract import Contract, Operation
from ..contract.document import load_admin
from ..contract.files import write_yaml
from ..engine.answers import allowed, content, refuse, refused, reply
from ..engine.cors import share
from ..engine.journal import MAX_KEPT, Reader
from ..engine.records import Entry, Request, Response
from ..engine.referee import Referee, astray
from ..engine.routes import Routes
from ..engine.rules import Rule
from ..engine.service import MockService

PREFIX = "/__mock__/"
DOCUMENT = "/openapi.yaml"  # the one in use
_ADMIN = re.compile(rf"(?i:https?)://[^/]*(?:{PREFIX[:-1]}(?=[/?]|$)|(?:/|{re.escape(DOCUMENT)})?(?:\?|$))")
_PASSED_ON = re.compile(r"(?i)forwarded|via|x-real-ip|x-forwarded-.*")
TOKEN_VARIABLE = "NANO_BANANA_EDIT_MOCK_TOKEN"  # noqa: S105 - the name of one, in the environment
_WHICH = f"The mock printed it at its start, unless {TOKEN_VARIABLE} was set."
EVENTS = "text/event-stream"
_ID = re.compile(r"([0-9a-f]{8})-([0-9]{1,18})")  # of an event
_RAW = {"_headers", "_answer_headers", "content", "answered"}  # of an entry
EVENTS_AT_ONCE = 20  # so that a stream holds nobody up
READ_ONLY = ("GET", "HEAD", "OPTIONS")

_PAGE = Path(__file__).with_name("page")
_MEDIA_TYPES = {".css": "text/css", ".html": "text/html", ".js": "text/javascript"}
# Nothing from other origins, and no frame in another site.
_STRICT = (
    ("Content-Security-Policy", "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; form-action 'none'"),
    ("Cache-Control", "no-cache"),
)


_ANYWHERE = ("Access-Control-Allow-Origin", "*")


def is_admin(url: str) -> bool:
    """Return whether a URL belongs to the mock itself, and not to the API that it plays."""
    return _ADMIN.match(url) is not None


def trusted(request: Request, peer: str | None) -> bool:
    """Return whether a request comes from this machine directly, and not from another site's web page.

    The host in the URL must be this machine, too, because any name can resolve to it.
    """
    url = urlsplit(request.url)
    own = request.header("Origin") in {None, f"{url.scheme}://{url.netloc}"}
    direct = not any(_PASSED_ON.fullmatch(name) for name, _ in request.headers)
    return own and direct and is_loopback(peer) and is_loopback(url.hostname)


def is_loopback(host: str | None) -> bool:
    """Return whether a name or an address is the loopback of this machine."""
    try:
        address = ip_address(host or "")
    except ValueError:
        return host == "localhost"
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return address.is_loopback


def administer(service: MockService, request: Request, *, token: str, peer: str | None) -> Response:
    """Answer a request to the mock itself. A request that is not trusted needs the token; any web page may send it.

    For a stream of events this is the head of the answer; `Feed` has the events.
    """
    route = _own()[0].find(request.method, request.url)
    path = route.url.path
    if public := _open(path, service):
        return public if request.method in {"GET", "HEAD"} else _stray(request.method, path, READ_ONLY)
    if route.operation is None or route.name is None:
        return share(request, _stray(request.method, path, route.allow))
    operation = evolve(route.operation, bearer=not trusted(request, peer))
    return share(request, _answer(service, request, operation, token))


def wanted(request: Request, *, token: str, peer: str | None) -> int:
    """Return how many bytes of the body of a request to the mock itself are read; -1 if its head is refused."""
    routes, referee = _own()
    operation = routes.find(request.method, request.url).operation
    if operation is None:
        return -1
    operation = evolve(operation, bearer=not trusted(request, peer))
    return -1 if referee.authorize(operation, request, token) else referee.max_body


def _answer(service: MockService, request: Request, operation: Operation, token: str) -> Response:
    verdict = _own()[1].judge(operation, request, token)
    if verdict.status == 401:
        (violation,) = verdict.violations
        verdict = evolve(verdict, violations=(evolve(violation, message=f"{violation.message} {_WHICH}"),))
    if verdict.violations:
        return refused(verdict, (), 400)
    try:
        return _OPERATIONS[operation.id](service, verdict.value)
    except ValueError as error:
        return refuse(400, str(error))


@cache
def _own() -> tuple[Routes, Referee]:
    return Routes(load_admin()), Referee(load_admin())


def _stray(method: str, path: str, allow: Collection[str]) -> Response:
    verdict = astray(method, path, allow, "the admin API, which /__mock__/openapi.json documents")
    return refused(verdict, allow, 400) if verdict.violations else allowed(allow)


class Feed:
    """The events of one stream: first those after the last event id, then the new ones at each read.

    An event id is the era and the number of the last request sent, so that an id from another run, or from before a
    reset, is known as such. Nobody knows which rules the client has seen, so the first read says that they changed.
    """

    def __init__(self, last: str | None = None) -> None:
        known = _ID.fullmatch(last or "")
        self._reader = Reader(known[1], int(known[2])) if known else Reader(last or None)
        self._rules: tuple[Rule, ...] | None = None

    def read(self, service: MockService) -> bytes:
        """Return the next events since the last read, at most twenty of requests; empty if there are none."""
        reset, entries = self._reader.read(service.journal, EVENTS_AT_ONCE)
        era, count = str(self._reader.era), self._reader.after
        known, self._rules = self._rules, service.rules
        first = [_event("reset", era, 0, {})] if reset else []
        last = [_event("script", era, count, {})] if known is not self._rules else []
        return b"".join(first + [_event("call", era, call["number"], call) for call in _calls(count, entries)] + last)


def _event(name: str, era: str, number: int, data: dict[str, Any]) -> bytes:
    return f"event: {name}\nid: {era}-{number}\ndata: {json.dumps(data)}\n\n".encode("ascii")


def _calls(count: int, entries: Sequence[Entry]) -> Iterator[dict[str, Any]]:
    """Yield the last of `count` requests, with their numbers."""
    for number, entry in enumerate(entries, count - len(entries) + 1):
        known = asdict(entry, filter=lambda attribute, _: attribute.name not in _RAW)
        parsed = {name: getattr(entry, name) for name in ("headers", "answer_headers", "body", "answer")}
        yield {"number": number, **known, **parsed, "when": entry.when.isoformat()}


def _listing(name: str, items: Iterable[Any], **further: int) -> Response:
    """Return a list as JSON, of which one item at a time is a value: values take far more memory than their text."""
    texts = [json.dumps(item) for item in items]
    start = "".join(f'"{key}": {value}, ' for key, value in further.items())
    return content(200, "application/json", f'{{{start}"{name}": [{", ".join(texts)}]}}'.encode("ascii"))


def _list_calls(service: MockService, _: Any) -> Response:
    _, count, entries = service.journal.latest()
    return _listing("calls", _calls(count, entries), count=count)


def _list_tasks(service: MockService, _: Any) -> Response:
    now = service.time
    edits = {edit.task_id: edit for edit in service.edits if edit.content and len(edit.content) <= MAX_KEPT}
    tasks = (
        {
            "task_id": job.task_id,
            "body": edits[job.task_id].body if job.task_id in edits else None,
            "polls": job.polls,
            "at": job.born,
            "seconds": job.seconds,
            "progress": min(1, job.progress(job.polls, now)),
            "status": job.status(job.progress(job.polls, now)),
        }
        for job in service.jobs
    )
    return _listing("tasks", tasks)


def _rules(service: MockService, value: Any) -> Response:
    """List the rules, after those of a new script are added."""
    if value is not None:
        service.script(value["steps"])
    rules = [{"text": str(rule), "used": rule.used, "left": rule.left} for rule in service.rules]
    return reply(200, {"rules": rules})


def _clock(service: MockService, value: Any) -> Response:
    """Return the time, after the clock is advanced."""
    if value is not None:
        service.advance(value["seconds"])
    return reply(200, {"seconds": service.time})


def _reset(service: MockService, _: Any) -> Response:
    service.reset()
    return Response(204)


def _verify(service: MockService, value: Any) -> Response:
    arguments = [value[name] for name in ("operation", "most") if name in value]
    try:
        getattr(service, f"assert_{value['assertion']}")(*arguments, **value.get("properties", {}))
    except AssertionError as difference:
        return reply(200, {"holds": False, "message": str(difference)})
    except TypeError as error:
        raise ValueError(f"{value['assertion']} has other arguments; see admin.yaml.") from error
    return reply(200, {"holds": True})


_OPERATIONS: Mapping[str, Callable[[MockService, Any], Response]] = {
    "addScript": _rules,
    "advanceClock": _clock,
    "followCalls": lambda *_: Response(200, [("Content-Type", EVENTS), ("Cache-Control", "no-cache")]),
    "getClock": _clock,
    "listCalls": _list_calls,
    "listRules": _rules,
    "listTasks": _list_tasks,
    "reset": _reset,
    "verify": _verify,
}


@lru_cache(1)
def _as_yaml(contract: Contract) -> bytes:
    return write_yaml(contract.document).encode()


def _open(path: str, service: MockService) -> Response | None:
    """Return what needs no token: the page, the documents, and files, which leave no entry in the journal."""
    documents = {f"{PREFIX}openapi.json": load_admin(), f"{PREFIX}api.json": service.contract}
    if path in documents:
        return reply(200, documents[path].document, _ANYWHERE)
    if path == DOCUMENT:
        return content(200, "application/yaml", _as_yaml(service.contract), _ANYWHERE)
    if path.startswith((f"{PREFIX}files/", f"{PREFIX}results/")):
        return service.get_file(path.removeprefix(PREFIX[:-1]))
    # Compared with the names that there are, because a system refuses to look for some names.
    file = next(
        (file for file in _PAGE.iterdir() if path in {PREFIX + file.name, "/" * (file.name == "index.html")}), None
    )
    if file and file.suffix in _MEDIA_TYPES:
        text = file.read_bytes().replace(b'"soft">mock<', f'"soft">{service.kind}<'.encode())
        return content(200, f"{_MEDIA_TYPES[file.suffix]}; charset=utf-8", text, *_STRICT)
    return None
