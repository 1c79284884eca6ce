"""The replay: answers from a tape."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from threading import Lock
from typing import Any

from ..contract import Contract
from ..contract.census import point
from ..contract.wording import cut, show
from .answers import content, refuse
from .hiding import DIGEST, Hiding
from .links import Links, key_of
from .records import Request, Response
from .referee import Verdict
from .routes import FILE, Route
from .tape import Exchange, Tape, ask, key

_SHOWN = 3  # differences to the nearest request
_MISSING = object()


class Replay:
    """Answers each request as the tape does; one that is repeated gets its answers in their order, and then the last.

    With `timing`, a poll gets the answer that it had so many seconds after the first one of its task.
    """

    waits = False

    def __init__(self, tape: Tape, contract: Contract, *, timing: bool = False) -> None:
        self._tape, self._timing = tape, timing
        self._hiding = Hiding(contract.document, content=tape.content)
        self._exchanges: dict[str, list[Exchange]] = {}
        # An answer that took longer than a later one was written behind it.
        exchanges = sorted(tape.exchanges, key=lambda exchange: exchange.at)
        self._first = dict(_same_uploads(self._hiding, exchanges))
        for exchange in exchanges:
            self._exchanges.setdefault(key(exchange.operation, self._compared(exchange.asked)), []).append(exchange)
        files = [exchange for exchange in tape.exchanges if exchange.operation == FILE.id]
        # A result that came once is not lost since it expired later.
        self._files = {e.path.get("url", ""): e for e in sorted(files, key=lambda e: e.status == 200)}
        self._keys = {key_of(url): url for url in self._files}
        self.reset()

    def reset(self) -> None:
        """Begin again."""
        self._lock = Lock()
        self._played: Counter[str] = Counter()
        self._began: dict[str, float] = {}
        self._links = Links()

    def begin_relay(self, *_: object) -> None:
        """Wait for the body."""

    def answer(self, route: Route, request: Request, verdict: Verdict, now: float) -> Response:
        """Return the answer to a request; 404 with the nearest one if it is not on the tape."""
        if route.operation == FILE:
            return self._file(route)
        name, asked = str(route.name), self._compared(ask(self._hiding, route, request, verdict))
        found = self._exchanges.get(key(name, asked))
        if not found:
            return refuse(404, f"{name} is not on the tape. {self._nearest(name, asked)}")
        response = self._tape.response(self._next(found, now))
        return self._links.change(response, route.origin) if name == "getTask" else response

    def _compared(self, value: Any) -> Any:
        """Return what a request is compared by, in which the URLs of one photo are the first one that it got."""
        if isinstance(value, dict):
            return {name: self._compared(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._compared(inner) for inner in value]
        return self._first.get(value, value) if isinstance(value, str) else value

    def _next(self, found: list[Exchange], now: float) -> Exchange:
        with self._lock:
            first = found[0]
            if self._timing and first.operation == "getTask":
                since = now - self._began.setdefault(first.key, now)
                return next(one for one in reversed(found) if one is first or one.at - first.at <= since)
            played = self._played[first.key]
            self._played[first.key] += 1
            return found[min(played, len(found) - 1)]

    def _file(self, route: Route) -> Response:
        key = route.path["key"]
        url = self._keys.get(key) or self._links.url(key) or ""
        if url and url not in self._files:  # it was signed anew at each poll, and fetched once
            same = [one for one in self._files if one.partition("?")[0] == url.partition("?")[0]]
            url = same[0] if len(same) == 1 else ""
        exchange = self._files.get(url)
        if exchange is None:
            return refuse(404, f"{route.url.path} is not on the tape.")
        response = self._tape.response(exchange)
        if response.body or exchange.status != 200:
            return response
        from .drawing import render  # noqa: PLC0415 - Pillow is slow to load

        suffix = key.rpartition(".")[2]
        form = suffix if suffix in {"png", "jpeg"} else "jpeg" if suffix == "jpg" else "png"
        kind, drawn = render("The tape has no content.", size="1:1", output_format=form, source=None, seed=exchange.key)
        return content(200, kind, drawn)

    def _nearest(self, name: str, asked: Mapping[str, Any]) -> str:
        """Say which request of the tape is nearest, and where it differs."""
        differing = [
            (_differences(asked, self._compared(exchange.asked)), exchange.number)
            for exchange in self._tape.exchanges
            if exchange.operation == name
        ]
        if not differing:
            return f"None of its {len(self._tape.exchanges)} exchanges is of this operation."
        texts, number = min(differing, key=lambda pair: len(pair[0]))
        return f"The nearest is exchange {number}; {'; '.join(texts[:_SHOWN])}."


def _same_uploads(hiding: Hiding, exchanges: Iterable[Exchange]) -> Iterator[tuple[str, str]]:
    """Yield each URL of an upload as it is compared, and the first one that the same files got."""
    first: dict[tuple[str, str], str] = {}
    for exchange in exchanges:
        accepted = exchange.operation == "uploadFile" and exchange.status < 300
        answer = exchange.answer.get("json")
        # Without the digests of its files nobody knows whether a form is the same.
        if accepted and exchange.body and isinstance(exchange.body, dict) and isinstance(answer, dict):
            for name in ("cn_url", "url"):
                if isinstance(answer.get(name), str):
                    url = hiding.url(answer[name], compared=False)
                    yield url, first.setdefault((exchange.key, name), url)


def _differences(here: Any, there: Any, path: tuple[str | int, ...] = ()) -> list[str]:
    """Return where two JSON values differ."""
    if isinstance(here, dict) and isinstance(there, dict):
        names: Any = {**here, **there}
        pairs = [(name, here.get(name, _MISSING), there.get(name, _MISSING)) for name in names]
    elif isinstance(here, list) and isinstance(there, list) and len(here) == len(there):
        pairs = [(index, one, other) for index, (one, other) in enumerate(zip(here, there, strict=True))]
    else:
        return [] if here == there else [f"{point(path)} is {_show(here)}, there {_show(there)}"]
    return [text for name, one, other in pairs for text in _differences(one, other, (*path, name))]


def _show(value: Any) -> str:
    match value:
        case list():
            return f"an array of {len(value)}"
        case str() if DIGEST.fullmatch(value):
            return f"{value[:15]}…"
        case str():
            return f'"{cut(value)}"'
    return "missing" if value is _MISSING else show(value)
