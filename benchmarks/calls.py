"""What one call costs, alone and among a hundred, over the same call by raw httpx in the same environment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from . import environments
from .harness import Contender, over, race
from .table import NOT_MEASURED, Row

OURS, RAW = "nano_banana_edit", "raw httpx"
_WITH_TRANSPORT = "nano_banana_edit with aiohttp"
_ABREAST = 100


def sequential(python: Path, url: str) -> Iterator[Row]:
    """One call after the other: CPU of each over that of `httpx.Client().get(...).json()`, or `post`."""
    for operation, name in ("get", "get_task"), ("submit", "submit"):
        for way in "sync", "async":
            contenders = _common(python, way)
            seconds = race(contenders, operation, url, calls=200, generations=2, rounds=4)
            yield Row(f"`{name}` {way}, CPU per call", over(seconds[OURS], seconds[RAW]), at_most=1.05)
            yield Row(f"… generated operation {way}", over(seconds["generated"], seconds[RAW]))


def sequential_peers(python: Path, url: str) -> Iterator[Row]:
    """The same of openai, `models.retrieve` and `post`."""
    for operation in "get", "submit":
        for way in "sync", "async":
            contenders = [_raw(python, way), *_peers(python, way, "openai")]
            seconds = race(contenders, operation, url, calls=200, generations=2, rounds=3)
            for title in list(seconds)[1:]:
                yield Row(f"… {title} {operation} {way}", over(seconds[title], seconds[RAW]))


def concurrent(python: Path, url: str) -> Iterator[Row]:
    """100 callers on one event loop, each posting one edit after the other: calls per CPU second."""
    contenders = _common(python, "async")
    if with_transport := environments.has(python, "import httpx_aiohttp; from nano_banana_edit import aiohttp_client"):
        contenders.append(Contender(_WITH_TRANSPORT, "ours_aiohttp_async", python))
    if environments.has(python, "import httpx_aiohttp"):
        contenders.append(Contender("raw httpx with httpx-aiohttp", "httpx_aiohttp_async", python))
    seconds = race(contenders, "submit", url, abreast=_ABREAST, calls=400, generations=2, rounds=3)
    what = f"{_ABREAST} concurrent `submit`, calls per CPU second"
    yield Row(what, over(seconds[RAW], seconds[OURS]), at_least=2.5)
    figure = over(seconds[RAW], seconds[_WITH_TRANSPORT]) if with_transport else NOT_MEASURED
    yield Row(f"{what}, `aiohttp_client()`", figure, at_least=6)
    for title in [title for title in seconds if title not in {RAW, OURS, _WITH_TRANSPORT}]:
        yield Row(f"… {title}", over(seconds[RAW], seconds[title]))


def concurrent_peers(python: Path, url: str) -> Iterator[Row]:
    """The same of the peers, each posting what it has in the place of an edit."""
    contenders = [_raw(python, "async"), *_peers(python, "async", "openai", "fal-client", "replicate")]
    seconds = race(contenders, "submit", url, abreast=_ABREAST, calls=400, generations=2, rounds=3)
    for title in list(seconds)[1:]:
        yield Row(f"… {title}", over(seconds[RAW], seconds[title]))


def _raw(python: Path, way: str) -> Contender:
    return Contender(RAW, f"httpx_{way}", python)


def _common(python: Path, way: str) -> list[Contender]:
    return [
        _raw(python, way),
        Contender(OURS, f"ours_{way}", python),
        Contender("generated", f"generated_{way}", python),
    ]


def _peers(python: Path, way: str, *names: str) -> list[Contender]:
    return [
        Contender(name, f"{name.removesuffix('-client')}_{way}", python)
        for name in names
        if environments.has(python, f"import {name.replace('-', '_')}")
    ]
