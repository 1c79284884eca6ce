"""Clients made of documents in memory, as the generator makes them without `make`."""

from __future__ import annotations

import copy
import importlib
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from jinja2 import FileSystemBytecodeCache
from openapi_python_client import Project
from openapi_python_client.config import Config, ConfigFile, MetaType
from openapi_python_client.parser import GeneratorData
from openapi_python_client.parser.errors import GeneratorError

from ..document import CONTRACT
from ..test_public import ROOT

TEMPLATES = ROOT / "generated/templates"
OPTIONS = ROOT / "generated/config.yaml"
COMPILED = ROOT / "build/templates"
_NUMBERS = count()


def refusal_of_the_generator(document: dict[str, Any], folder: Path) -> str:
    """The generator's errors; nothing if it makes the client, in `client`."""
    source = folder / "openapi.json"
    source.write_text(json.dumps(document), "utf-8")
    options = ConfigFile.load_from_path(OPTIONS)
    options.post_hooks = []
    config = Config.from_sources(options, MetaType.NONE, source, "utf-8", True, folder / "client")
    errors = _generate(json.loads(source.read_bytes()), config)
    return " ".join(f"{error.header} {error.detail or ''}".strip() for error in errors)


def _generate(document: dict[str, Any], config: Config) -> Sequence[GeneratorError]:
    """What `openapi_python_client.generate` does, with templates that are compiled once: that is most of its work."""
    parsed = GeneratorData.from_dict(document, config=config)
    if isinstance(parsed, GeneratorError):
        return [parsed]
    project = Project(openapi=parsed, config=config, custom_template_path=TEMPLATES)
    COMPILED.mkdir(parents=True, exist_ok=True)
    project.env.bytecode_cache = FileSystemBytecodeCache(str(COMPILED))
    return project.build()


@contextmanager
def client_of(document: dict[str, Any]) -> Iterator[ModuleType]:
    """The package that the generator makes of a document, for as long as it is needed."""
    name = f"made_client_{next(_NUMBERS)}"
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        refused = refusal_of_the_generator(document, Path(folder))
        assert "" == refused, refused
        (Path(folder) / "client").rename(Path(folder) / name)
        patch.syspath_prepend(folder)
        for module in ("api", "errors", "models", "types"):
            importlib.import_module(f"{name}.{module}")
        yield sys.modules[name]
        for module in [module for module in sys.modules if module.startswith(name)]:
            del sys.modules[module]


def with_schemas(**schemas: Any) -> dict[str, Any]:
    """Our document with other schemas."""
    document = copy.deepcopy(dict(CONTRACT.document))
    document["components"]["schemas"] |= schemas
    return document


def with_properties(**properties: Any) -> dict[str, Any]:
    """Our document with more properties in the body of createEdit."""
    document = copy.deepcopy(dict(CONTRACT.document))
    document["components"]["schemas"]["EditRequest"]["properties"] |= properties
    return document
