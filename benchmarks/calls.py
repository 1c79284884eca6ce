"""What one call costs, one at a time and 100 at once, over the same call by raw httpx2 or httpx.

All contenders of a row are in the same environment.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from . import environments
from .harness import Contender, over, race
from .table import NOT_MEASURED, Row

_OURS, _HTTPX, _HTTPX2, _GENERATED = "nano_banana_edit", "raw httpx", "raw httpx2", "generated operation"
_WITH_AIOHTTP = "nano_banana_edit with aiohttp"
_ABREAST = 100
_ALONE = {"calls": 20, "turns": 6, "rounds": 12}
_EDIT = {"calls": 4, "turns": 5, "rounds": 10}
_TOGETHER = {"abreast": _ABREAST, "calls": 2 * _ABREAST, "turns": 3, "rounds": 8}
_WAYS = ("sync", "async")


def sequential(python: Path, url: str) -> Iterator[Row]:
    """One call after the other: CPU of each over that of `httpx2.Client().get(...).json()`, or `post`."""
    for way in _WAYS:
        seconds = race(_common(python, way), "get", url, **_ALONE)
        yield Row(f"`get_task` {way}, CPU over raw httpx2", over(seconds[_OURS], seconds[_HTTPX2]), at_most=1.1)
        yield from _others(seconds, f"get {way}", _HTTPX, _GENERATED)
    for operation in "get completed", "submit":
        for way in _WAYS:
            seconds = race(_common(python, way), operation, url, **_ALONE)
            yield from _others(seconds, f"{operation} {way}", _OURS, _HTTPX, _GENERATED)


def edits(python: Path, url: str) -> Iterator[Row]:
    """A whole edit: an upload, a submission, six polls and a download. Raw httpx2 keeps its connection."""
    for way in _WAYS:
        contenders = [_httpx2(python, way), _ours(python, way), _httpx(python, way)]
        seconds = race(contenders, "edit", url, **_EDIT)
        what = f"A whole edit {way}, CPU over raw httpx2"
        yield Row(what, over(seconds[_OURS], seconds[_HTTPX2]), at_most=1.5)
        yield from _others(seconds, f"edit {way}", _HTTPX)


def sequential_peers(python: Path, url: str) -> Iterator[Row]:
    """The same calls by openai, `models.retrieve` and `post`."""
    for operation in "get", "submit":
        for way in _WAYS:
            contenders = [_httpx2(python, way), *_peers(python, way, "openai")]
            seconds = race(contenders, operation, url, **_ALONE)
            yield from _others(seconds, f"{operation} {way}", *list(seconds)[1:])


def concurrent(python: Path, url: str) -> Iterator[Row]:
    """100 callers on one event loop, each posting one edit after the other: calls per CPU second."""
    contenders = [_httpx(python, "async"), _httpx2(python, "async"), _ours(python, "async")]
    with_aiohttp = environments.has_aiohttp(python)
    if with_aiohttp:
        contenders.append(Contender(_WITH_AIOHTTP, "ours_aiohttp_async", python))
    if environments.has(python, "import httpx_aiohttp"):
        contenders.append(Contender("raw httpx with httpx-aiohttp", "httpx_aiohttp_async", python))
    seconds = race(contenders, "submit", url, **_TOGETHER)
    what = f"{_ABREAST} concurrent `submit`, calls per CPU second over"
    yield Row(f"{what} raw httpx", over(seconds[_HTTPX], seconds[_OURS]), at_least=1.5)
    yield Row(f"{what} raw httpx2", over(seconds[_HTTPX2], seconds[_OURS]), at_least=1.0)
    figure = over(seconds[_HTTPX], seconds[_WITH_AIOHTTP]) if with_aiohttp else NOT_MEASURED
    yield Row(f"{what} raw httpx, `aiohttp_client()`", figure, at_least=4)
    yield from _others_together(seconds, {_HTTPX, _OURS, _WITH_AIOHTTP})


def concurrent_peers(python: Path, url: str) -> Iterator[Row]:
    """The same by the peers, each posting its own kind of job, and by this client beside them."""
    contenders = [*_common(python, "async"), *_peers(python, "async", "openai", "fal-client", "replicate")]
    yield from _others_together(race(contenders, "submit", url, **_TOGETHER), {_HTTPX})


def _others(seconds: dict[str, list[float]], what: str, *titles: str) -> Iterator[Row]:
    for title in titles:
        yield Row(f"… {title}, {what}", over(seconds[title], seconds[_HTTPX2]))


def _others_together(seconds: dict[str, list[float]], without: set[str]) -> Iterator[Row]:
    for title, each in seconds.items():
        if title not in without:
            yield Row(f"… {title}, {_ABREAST} concurrent, over raw httpx", over(seconds[_HTTPX], each))


def _common(python: Path, way: str) -> list[Contender]:
    generated = Contender(_GENERATED, f"generated_{way}", python)
    return [_httpx2(python, way), _ours(python, way), _httpx(python, way), generated]


def _httpx(python: Path, way: str) -> Contender:
    return Contender(_HTTPX, f"httpx_{way}", python)


def _httpx2(python: Path, way: str) -> Contender:
    return Contender(_HTTPX2, f"httpx2_{way}", python)


def _ours(python: Path, way: str) -> Contender:
    return Contender(_OURS, f"ours_{way}", python)


def _peers(python: Path, way: str, *names: str) -> list[Contender]:
    return [
        Contender(name, f"{name.removesuffix('-client')}_{way}", python)
        for name in names
        if environments.has(python, f"import {name.replace('-', '_')}")
    ]
