"""The pages of the docs tell the truth: each of their Python blocks runs against the mock on its port."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from nano_banana_edit_mock import MockServer, MockService
from opentelemetry import trace
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from .test_public import ROOT

pytestmark = pytest.mark.server

TOKEN = "token-that-must-not-leak"
BLOCKS = [
    pytest.param(text, id=f"{page.stem}-{number}")
    for page in sorted((ROOT / "docs").glob("*.md"))
    for number, text in enumerate(re.findall(r"^```python\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL))
]


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MockService]:
    """A service on a port that the environment names, and a folder with a photo, as the reader has."""
    (tmp_path / "photo.png").write_bytes((ROOT / "examples/valley.jpg").read_bytes())
    monkeypatch.chdir(tmp_path)
    with MockServer(MockService(polls=0)) as server:
        monkeypatch.setenv("SINANCODE_API_KEY", TOKEN)
        monkeypatch.setenv("SINANCODE_BASE_URL", server.url)
        yield server.service


@pytest.fixture(scope="session")
def spans() -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return exporter


@pytest.mark.parametrize("text", BLOCKS)
def test_python(text: str, service: MockService, spans: InMemorySpanExporter) -> None:
    """A block runs as it stands and makes one edit; where it traces, each request is a span without the token."""
    spans.clear()
    names: dict[str, Any] = {}
    try:
        exec(text, names)
    finally:
        if HTTPXClientInstrumentor().is_instrumented_by_opentelemetry:
            HTTPXClientInstrumentor().uninstrument()
    assert 1 == len(service.edits)
    seen = [span.to_json() for span in spans.get_finished_spans()]
    assert (["POST", "POST", "GET"] if "opentelemetry" in text else []) == [
        span.name for span in spans.get_finished_spans()
    ]
    assert not any(TOKEN in span for span in seen)
