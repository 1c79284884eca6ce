"""The pages of the docs tell the truth: each of their Python blocks runs.

A block that defines a test brings its own mock, and the test is called; any other runs against the mock on its port.
The page of recipes is left to `test_recipes.py`, the tutorials to `test_tutorials.py`.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import create_autospec

import httpx
import pytest
from nano_banana_edit import NanoBananaEdit, batch, cli, ledger
from nano_banana_edit_mock import Fault, MockServer, MockService, Outcome, Reply, load, mock_router, mock_transport
from nano_banana_edit_mock.tools.proxy import Proxy
from nano_banana_edit_mock.tools.recorder import Recorder
from opentelemetry import trace
from opentelemetry.instrumentation.httpx import HTTPX2ClientInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from typer.testing import CliRunner

from . import promises
from .blocks import blocks
from .test_public import ROOT

pytestmark = pytest.mark.server

API, FILES = "https://api.sinancode.com/v1", "https://files-api.sinancode.com"
TOKEN = "token-that-must-not-leak"
BLOCKS = {
    f"{page.relative_to(ROOT / 'docs').with_suffix('')}-{number}": text
    for page in sorted((ROOT / "docs").rglob("*.md"))
    if page.stem != "recipes" and page.parent.name != "tutorials"
    for number, text in enumerate(blocks(page.read_text(), "python"))
}
TESTS = {name: text for name, text in BLOCKS.items() if re.search(r"^def test_", text, re.MULTILINE)}
WITH_FIXTURES = {name: text for name, text in TESTS.items() if re.search(r"^def test_\w+\(\w", text, re.MULTILINE)}
SCRIPTS = {name: text for name, text in BLOCKS.items() if name not in TESTS}


@pytest.fixture(autouse=True)
def _somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a photo, as the reader has."""
    (tmp_path / "photo.png").write_bytes((ROOT / "examples/valley.jpg").read_bytes())
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[MockService]:
    """A service on a port that the environment names."""
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


def test_with_fixtures(pytester: pytest.Pytester, tmp_path: Path) -> None:
    """Each block whose test takes fixtures passes where pytest finds them by itself."""
    files = {f"test_{re.sub(r'[^a-z0-9]+', '_', name)}": text for name, text in WITH_FIXTURES.items()}
    pytester.makepyfile(**files)
    shutil.copy(tmp_path / "photo.png", pytester.path)
    _record(pytester.path / "tape")
    pytester.runpytest_subprocess(
        "-p", "no:schemathesis", "-p", "no:hypothesispytest", "-p", "no:xdist"
    ).assert_outcomes(passed=len(WITH_FIXTURES))
    assert len(files) == len(WITH_FIXTURES)


def _record(folder: Path) -> None:
    """Write the tape that the reader has, by the edit on the page."""
    (line,) = re.findall("^nano-banana-edit edit .+$", (ROOT / "docs/how-to/proxy.md").read_text(), re.MULTILINE)
    upstream = mock_transport(MockService(polls=0))
    proxy = Proxy(load(), API, FILES, recorder=Recorder(folder, load()), transport=upstream)
    with MockServer(MockService(upstream=proxy)) as server:
        env = {"SINANCODE_API_KEY": TOKEN, "SINANCODE_BASE_URL": server.url}
        assert 0 == CliRunner().invoke(cli.app, shlex.split(line)[1:], env=env).exit_code


@pytest.mark.parametrize("text", [text for name, text in TESTS.items() if name not in WITH_FIXTURES])
def test_test(text: str) -> None:
    """A block that is a test passes without a server, a token or anything else of the environment."""
    names: dict[str, Any] = {}
    exec(text, names)
    for test in [value for name, value in names.items() if name.startswith("test_")]:
        test()


@promises.OBSERVED
@pytest.mark.parametrize("text", SCRIPTS.values(), ids=SCRIPTS)
def test_python(text: str, service: MockService, spans: InMemorySpanExporter) -> None:
    """A block runs as it stands and makes one edit, if no mock of its own answers; each traced request is a span."""
    spans.clear()
    names: dict[str, Any] = {}
    try:
        exec(text, names)
    finally:
        if HTTPX2ClientInstrumentor().is_instrumented_by_opentelemetry:
            HTTPX2ClientInstrumentor().uninstrument()
    assert ("nano_banana_edit_mock" not in text) == len(service.edits)
    seen = [span.to_json() for span in spans.get_finished_spans()]
    assert (["POST", "POST", "GET"] if "opentelemetry" in text else []) == [
        span.name for span in spans.get_finished_spans()
    ]
    assert not any(TOKEN in span for span in seen)


def test_what_needs_a_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """A block that needs PostgreSQL, and runs for ever, calls what there is with arguments that it takes."""
    (text,) = blocks((ROOT / "docs/how-to/workers.md").read_text(), "py")
    for module, name in [(batch, "Batch"), (batch, "enqueue"), (batch, "run_worker"), (ledger, "Ledger")]:
        monkeypatch.setattr(module, name, create_autospec(getattr(module, name)), raising=False)
    exec(text, {})
    assert (batch.enqueue.call_count, batch.run_worker.call_count) == (1, 1)


MOCK = (ROOT / "docs/how-to/mock.md").read_text()


@pytest.mark.parametrize("call", re.findall(r"`((?:next|on|outage)\(.+?\))`(?:,| \|)", MOCK))
def test_what_the_page_says_beforehand(call: str) -> None:
    """Each call in the table is one that the mock accepts, and it says something."""
    service = MockService()
    names = {"service": service, "Fault": Fault, "Outcome": Outcome, "Reply": Reply, "jpeg": b"\xff\xd8\xff"}
    eval(f"service.{call}", names)
    with pytest.raises(AssertionError, match="used 0 of"):
        service.assert_all_scripted_used()


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_what_the_page_says_to_a_shell() -> None:
    """Each curl on the page is answered by a mock on a port, and none is refused."""
    lines = re.findall(r"^curl .+$", MOCK, re.MULTILINE)
    with MockServer() as server:
        for line in lines:
            there = line.replace("http://127.0.0.1:4010", server.url).replace("curl -s", "curl --noproxy '*' -sf")
            subprocess.run(shlex.split(there), check=True, capture_output=True)
    assert 5 == len(lines)


def test_what_the_page_writes_down(tmp_path: Path) -> None:
    """The script file on the page is one."""
    (text,) = blocks(MOCK, "yaml")
    (tmp_path / "script.yaml").write_text(text)
    service = MockService()
    service.script(tmp_path / "script.yaml")
    with pytest.raises(AssertionError, match="used 0 of"):
        service.assert_all_scripted_used()


def test_what_the_page_says_of_a_verdict() -> None:
    """The refusal on the page is that of an empty prompt."""
    text = blocks(MOCK, "text")[0]
    with httpx.Client(transport=mock_transport()) as client:
        url, body = "https://api.sinancode.com/v1/generate/k/nano-banana-edit", {"image_urls": ["x"], "prompt": ""}
        answer = client.post(url, json=body, headers={"Authorization": "Bearer any"})
    head = f"HTTP/1.1 {answer.status_code} {answer.reason_phrase}\nMock-Violations: {answer.headers['Mock-Violations']}"
    assert text == f"{head}\n\n{answer.text}\n"


def test_what_the_page_says_of_a_failure() -> None:
    """The message on the page is that of an assertion that fails so."""
    _, text = blocks(MOCK, "text")
    service = MockService()
    with mock_router(service), NanoBananaEdit(token=TOKEN) as client:
        client.submit("https://example.com/a.png", "make it rain")
        client.submit("https://example.com/a.png", "turn day into night")
    with pytest.raises(AssertionError) as failure:
        service.assert_called_once_with(prompt="make it snow", image_size="16:9")
    assert text.strip() == str(failure.value)
