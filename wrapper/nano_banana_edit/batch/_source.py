from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from attrs import frozen

from .._errors import must_be

Source: TypeAlias = Any


@frozen
class Job:
    key: str
    images: tuple[str, ...]
    prompt: str
    options: dict[str, Any]
    extra_body: dict[str, Any] | None
    output: str
    line: int = 0

    def spec(self) -> dict[str, Any]:
        return {
            "images": list(self.images),
            "prompt": self.prompt,
            "options": self.options,
            "extra_body": self.extra_body,
            "output": self.output,
        }

    @classmethod
    def of(cls, key: str, spec: Mapping[str, Any]) -> Job:
        return cls(key, **{**spec, "images": tuple(spec["images"])})


@frozen
class Flaw:
    line: int
    error: Any


def read(source: Any, **_: Any) -> Iterator[Job | Flaw]:
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        if path.suffix != ".jsonl":
            raise must_be("a folder, or a file that ends in .jsonl, .ndjson or .csv", "source", str(source))
        source = map(json.loads, path.read_text().splitlines())
    for i, r in enumerate(source, 1):
        yield Job(r["key"], (r["image"],), r.get("prompt") or "hi", {}, None, r["key"], i)


@contextmanager
def checked(jobs: Iterator[Job | Flaw]) -> Iterator[Iterator[Job]]:
    yield iter([j for j in jobs if isinstance(j, Job)])
