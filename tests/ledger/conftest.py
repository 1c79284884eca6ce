"""A ledger on each database, and a client with it: both clients behind one face, a service on script, a clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from attrs import define
from nano_banana_edit.ledger import Ledger, Row
from sqlalchemy import create_engine, make_url, text

from ..wrapper.conftest import URL, Face, Script, clock, face

__all__ = ["clock", "face"]

REQUEST = {"prompt": "p", "image_urls": [URL]}
DIGEST = "d" * 64


def execute(database: str, statement: str, **values: Any) -> int:
    """Run SQL of the test's own on the database of a ledger; return the number of rows."""
    is_url = "://" in database
    url = make_url(database).set(drivername="postgresql+psycopg") if is_url else f"sqlite:///{database}"
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            return connection.execute(text(statement), values).rowcount
    finally:
        engine.dispose()


def expire(database: str, key: str = "k") -> None:
    """Let the lease of a key be over."""
    assert 1 == execute(database, "UPDATE nano_banana_edit_edits SET lease = 1 WHERE key = :key", key=key)


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    with Ledger(database) as ledger:
        yield ledger


@define
class Caller:
    """A client of one kind with a ledger, on a service that gives answers in their order."""

    face: Face
    ledger: Ledger

    def __call__(self, script: Script, method: str = "edit", images: Any = URL, prompt: str = "p", **how: Any) -> Any:
        options = {"ledger": self.ledger, "poll_interval": 0, **how.pop("options", {})}
        return self.face.call(script, method, images, prompt, options=options, **{"key": "k", **how})

    def row(self, key: str = "k") -> Row:
        row = self.ledger.get(key)
        assert row is not None
        return row


@pytest.fixture
def call(face: Face, ledger: Ledger) -> Caller:
    return Caller(face, ledger)


def claimed(ledger: Ledger, key: str = "k", owner: str = "host/7/other") -> Row:
    """Claim a key as another process would."""
    return ledger.claim(key, owner, DIGEST, REQUEST)


@define(slots=False)
class Hooked:
    """Called before and after one method of a ledger."""

    name: str
    before: Callable[[], object] = lambda: None
    after: Callable[[], object] = lambda: None


class HookedLedger(Ledger):
    hook = Hooked("")

    def _run(self, name: str, *args: Any, **how: Any) -> Any:
        mine, self.hook = (self.hook, Hooked("")) if self.hook.name == name else (Hooked(""), self.hook)
        mine.before()
        result = getattr(super(), name)(*args, **how)
        mine.after()
        return result

    def claim(self, *args: Any, **how: Any) -> Row:
        return self._run("claim", *args, **how)

    def sent(self, *args: Any, **how: Any) -> bool:
        return self._run("sent", *args, **how)

    def released(self, *args: Any, **how: Any) -> bool:
        return self._run("released", *args, **how)

    def finished(self, *args: Any, **how: Any) -> bool:
        return self._run("finished", *args, **how)
