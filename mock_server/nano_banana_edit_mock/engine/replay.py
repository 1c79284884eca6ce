"""The replay: answers from a tape."""

from collections import Counter
from collections.abc import Mapping
from difflib import SequenceMatcher
from threading import Lock
from typing import Any

from ..contract.census import point
from ..contract.wording import show
from .answers import content, refuse
from .links import Links, key_of
from .records import Request, Response
from .referee import Verdict
from .routes import FILE, Route
from .tape import Exchange, Tape, asked, key

_RELATED = 0.4  # of the letters of two requests; less is chance
_SHOWN = 3  # differences to the nearest request


class Replay:
    """Answers each request as the tape does; one that is repeated gets its answers in their order, and then the last.

    With `timing`, a request that is repeated gets the answer that it had so many seconds after it was first sent.
    """

    waits = False

    def __init__(self, tape: Tape, *, timing: bool = False) -> None:
        self._tape, self._timing = tape, timing
        self._exchanges: dict[str, list[Exchange]] = {}
        for exchange in tape.exchanges:
            self._exchanges.setdefault(exchange.key, []).append(exchange)
        self._files = {key_of(str(e.path.get("url"))): e for e in tape.exchanges if e.operation == FILE.id}
        self.reset()

    def reset(self) -> None:
        """Begin again."""
        self._lock = Lock()
        self._played: Counter[str] = Counter()
        self._began: dict[str, float] = {}
        self._links = Links()

    def answer(self, route: Route, request: Request, verdict: Verdict, now: float) -> Response:
        """Return the answer to a request; 404 with the nearest one if it is not on the tape."""
        if route.operation == FILE:
            return self._file(route)
        body, _ = asked(request, verdict, content=self._tape.content)
        name, path = str(route.name), dict(route.path)
        found = self._exchanges.get(key(name, path, body))
        if not found:
            return refuse(404, f"{name} is not on the tape. {self._nearest(name, path, body)}")
        response = self._tape.response(self._next(found, now))
        return self._links.change(response, route.origin) if name == "getTask" else response

    def _next(self, found: list[Exchange], now: float) -> Exchange:
        with self._lock:
            first = found[0]
            if self._timing:
                since = now - self._began.setdefault(first.key, now)
                return next(one for one in reversed(found) if one is first or one.at - first.at <= since)
            played = self._played[first.key]
            self._played[first.key] += 1
            return found[min(played, len(found) - 1)]

    def _file(self, route: Route) -> Response:
        exchange = self._files.get(route.path["key"])
        if exchange is None:
            return refuse(404, f"{route.url.path} is not on the tape.")
        response = self._tape.response(exchange)
        if response.body or exchange.status != 200:
            return response
        from .drawing import render  # noqa: PLC0415 - Pillow is slow to load

        suffix = route.path["key"].rpartition(".")[2]
        form = suffix if suffix in {"png", "jpeg"} else "jpeg" if suffix == "jpg" else "png"
        kind, drawn = render("The tape has no content.", size="1:1", output_format=form, source=None, seed=exchange.key)
        return content(200, kind, drawn)

    def _nearest(self, name: str, path: Mapping[str, str], body: Any) -> str:
        """Say which request of the tape is nearest, and where it differs."""
        wanted = key(name, path, body)[:2_000]
        rated = [
            (SequenceMatcher(None, wanted, exchange.key[:2_000]).ratio(), -number)
            for number, exchange in enumerate(self._tape.exchanges)
            if exchange.operation == name
        ]
        ratio, number = max(rated, default=(0, 0))
        if ratio < _RELATED:
            return f"The tape has no request like it among its {len(self._tape.exchanges)}."
        nearest = self._tape.exchanges[-number]
        differing = _differences({"path": path, "body": body}, {"path": dict(nearest.path), "body": nearest.body})
        return f"The nearest is exchange {1 - number}; {'; '.join(differing[:_SHOWN])}."


def _differences(here: Any, there: Any, path: tuple[str | int, ...] = ()) -> list[str]:
    """Return where two JSON values differ."""
    if isinstance(here, dict) and isinstance(there, dict):
        names = {**here, **there}
        return [text for name in names for text in _differences(here.get(name), there.get(name), (*path, name))]
    return [] if here == there else [f"{point(path)} is {show(here)}, there {show(there)}"]
