"""What one call costs, alone and among a hundred, over the same call by raw httpx in the same environment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from . import environments
from .harness import Contender, over, race
from .table import NOT_MEASURED, Row

_OURS, _RAW = "nano_banana_edit", "raw httpx"
_WITH_TRANSPORT = "nano_banana_edit with aiohttp"
_ABREAST = 100
_ALONE = {"calls": 20, "turns": 8, "rounds": 10}
_ALONE_PEERS = _ALONE | {"rounds": 6}
_TOGETHER = {"abreast": _ABREAST, "calls": 2 * _ABREAST, "turns": 3, "rounds": 6}


def sequential(python: Path, url: str) -> Iterator[Row]:
    """One call after the other: CPU of each over that of `httpx.Client().get(...).json()`, or `post`."""
    for operation, name in ("get", "get_task"), ("submit", "submit"):
        for way in "sync", "async":
            contenders = _common(python, way)
            seconds = race(contenders, operation, url, **_ALONE)
            yield Row(f"`{name}` {way}, CPU over raw httpx", over(seconds[_OURS], seconds[_RAW]), at_most=1.05)
            yield Row(f"… generated operation, {operation} {way}", over(seconds["generated operation"], seconds[_RAW]))


def sequential_peers(python: Path, url: str) -> Iterator[Row]:
    """The same of openai, `models.retrieve` and `post`."""
    for operation in "get", "submit":
        for way in "sync", "async":
            contenders = [_raw(python, way), *_peers(python, way, "openai")]
            seconds = race(contenders, operation, url, **_ALONE_PEERS)
            for title in list(seconds)[1:]:
                yield Row(f"… {title}, {operation} {way}", over(seconds[title], seconds[_RAW]))


def concurrent(python: Path, url: str) -> Iterator[Row]:
    """100 callers on one event loop, each posting one edit after the other: calls per CPU second."""
    contenders = [_raw(python, "async"), _ours(python, "async")]
    if with_transport := environments.has_transport(python):
        contenders.append(Contender(_WITH_TRANSPORT, "ours_aiohttp_async", python))
    if environments.has(python, "import httpx_aiohttp"):
        contenders.append(Contender("raw httpx with httpx-aiohttp", "httpx_aiohttp_async", python))
    seconds = race(contenders, "submit", url, **_TOGETHER)
    what = f"{_ABREAST} concurrent `submit`, calls per CPU second over raw httpx"
    yield Row(what, over(seconds[_RAW], seconds[_OURS]), at_least=2.5)
    figure = over(seconds[_RAW], seconds[_WITH_TRANSPORT]) if with_transport else NOT_MEASURED
    yield Row(f"{what}, `aiohttp_client()`", figure, at_least=6)
    for title in [title for title in seconds if title not in {_RAW, _OURS, _WITH_TRANSPORT}]:
        yield Row(f"… {title}, the same", over(seconds[_RAW], seconds[title]))


def concurrent_peers(python: Path, url: str) -> Iterator[Row]:
    """The same of the peers, each posting what it has in the place of an edit, and of the client beside them."""
    contenders = [*_common(python, "async"), *_peers(python, "async", "openai", "fal-client", "replicate")]
    seconds = race(contenders, "submit", url, **_TOGETHER)
    for title in list(seconds)[1:]:
        yield Row(f"… {title}, the same", over(seconds[_RAW], seconds[title]))


def _raw(python: Path, way: str) -> Contender:
    return Contender(_RAW, f"httpx_{way}", python)


def _common(python: Path, way: str) -> list[Contender]:
    return [_raw(python, way), _ours(python, way), Contender("generated operation", f"generated_{way}", python)]


def _ours(python: Path, way: str) -> Contender:
    return Contender(_OURS, f"ours_{way}", python)


def _peers(python: Path, way: str, *names: str) -> list[Contender]:
    return [
        Contender(name, f"{name.removesuffix('-client')}_{way}", python)
        for name in names
        if environments.has(python, f"import {name.replace('-', '_')}")
    ]
