"""`doctor` names what is wrong: of token, hosts, certificates, proxies, extras and the ledger, and bills nothing."""

from __future__ import annotations

import json
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from nano_banana_edit import __version__
from nano_banana_edit.ledger import Ledger
from nano_banana_edit_mock import MockServer, MockService, Reply

from ..hostile.conftest import Certificates
from ..hostile.server import Hostile, answer, says
from .running import run

TOKEN = "token-that-must-not-leak"


@pytest.fixture(autouse=True)
def _somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SINANCODE_API_KEY", TOKEN)


def examined(*arguments: object) -> tuple[int, dict[str, list[tuple[bool, str]]]]:
    """Return the exit status, and what is found, by name."""
    result = run("doctor", *arguments, "--json")
    assert TOKEN not in result.output
    found: dict[str, list[tuple[bool, str]]] = {}
    for finding in json.loads(result.stdout)["findings"]:
        found.setdefault(finding["name"], []).append((finding["ok"], finding["text"]))
    return result.exit_code, found


def test_all_is_well(service: MockService, monkeypatch: pytest.MonkeyPatch) -> None:
    """It names versions, extras, hosts, and where the token comes from, and makes no edit; the status is 0."""
    monkeypatch.setenv("SINANCODE_API_KEY", TOKEN)
    status, found = examined()
    assert (0, ()) == (status, service.edits)
    assert [(True, "from SINANCODE_API_KEY"), (True, "not refused by https://api.sinancode.com/v1")] == found["token"]
    assert f"nano-banana-edit {__version__}, httpx2 " in found["packages"][0][1]
    assert found["Python"][0][1].startswith(sys.version.partition(" ")[0])
    assert ["https://api.sinancode.com/v1 answers 404"] == [text for _, text in found["edits"]]
    assert ["https://files-api.sinancode.com answers 404"] == [text for _, text in found["uploads"]]
    lines = run("doctor").stdout.splitlines()
    assert {"✓"} == {line[0] for line in lines}


def test_no_token(service: MockService, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a token it says where to put one, and looks at the rest; the status is 1."""
    monkeypatch.delenv("SINANCODE_API_KEY")
    status, found = examined()
    assert (1, [(False, "none: use --token-file, or set SINANCODE_API_KEY")]) == (status, found["token"])
    assert {"edits", "uploads"} <= found.keys()
    assert "✗ token     none" in run("doctor").stdout


@pytest.mark.parametrize(("code", "ok"), [(401, False), (403, False), (500, False), (400, True), (404, True)])
def test_a_refused_token(service: MockService, code: int, ok: bool) -> None:
    """A token that the service refuses is found, with its reason."""
    service.on("getTask", Reply(code, body={"message": "no such token"}), times=None)
    status, found = examined()
    assert (not ok, ok) == (bool(status), found["token"][1][0])
    assert ok or "no such token" in found["token"][1][1]


@pytest.mark.parametrize(
    ("variable", "value", "text"),
    [
        ("SINANCODE_BASE_URL", "localhost:1", "SINANCODE_BASE_URL is 'localhost:1'; it must be an absolute http"),
        ("SINANCODE_API_KEY", "Bearer x", "token begins with 'Bearer'"),
    ],
)
def test_bad_settings(monkeypatch: pytest.MonkeyPatch, variable: str, value: str, text: str) -> None:
    """A setting that cannot be used is named."""
    monkeypatch.setenv(variable, value)
    status, found = examined()
    assert (1, False) == (status, found["settings"][0][0])
    assert found["settings"][0][1].startswith(text)


def test_proxies(service: MockService, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy in use is named without its password, and one that cannot be used is found."""
    monkeypatch.setenv("HTTPS_PROXY", "http://me:hunter2@proxy.test:3128")
    _, found = examined()
    assert found["edits"][0][1].endswith(" answers 404, through the proxy http://proxy.test:3128")
    monkeypatch.setenv("HTTPS_PROXY", "odd://me:hunter2@proxy.test")
    status, found = examined()
    assert (1, False) == (status, found["edits"][0][0])
    assert found["edits"][0][1].startswith("HTTPS_PROXY cannot be used as a proxy")
    assert "hunter2" not in str(found)


def test_ledger(service: MockService) -> None:
    """A ledger that is named is opened, and not made."""
    with Ledger("edits.db") as ledger:
        ledger.add("edits", {"k": {}})
    assert [(True, "edits.db has 1 rows, 0 billed")] == examined("--ledger", "edits.db")[1]["ledger"]
    status, found = examined("--ledger", "none.db")
    assert (1, [(False, "--ledger none.db does not exist; check the path.")]) == (status, found["ledger"])


def test_extras(service: MockService, monkeypatch: pytest.MonkeyPatch) -> None:
    """An extra that is not installed is named, and is no fault."""
    version = metadata.version

    def without(name: str) -> str:
        if name in ("mcp", "aiohttp"):
            raise metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(metadata, "version", without)
    status, found = examined()
    ((ok, text),) = found["extras"]
    assert (0, True, True) == (status, ok, text.endswith("; not installed: aiohttp, mcp"))
    assert {"cli", "images", "ledger", "mock", "workers"} == {*text.partition(";")[0].split(", ")}


@pytest.mark.server
def test_a_mock() -> None:
    """With --mock it looks at the embedded mock server."""
    status, found = examined("--mock")
    assert (0, (True, "from the mock")) == (status, found["token"][0])


@pytest.mark.server
def test_a_host_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that does not answer is named, with the reason."""
    with MockServer() as server:
        url = server.url
    monkeypatch.setenv("SINANCODE_BASE_URL", url)
    status, found = examined()
    assert (1, False) == (status, found["edits"][0][0])
    assert found["edits"][0][1].startswith(f"{url} cannot be reached (ConnectError: ")


@pytest.mark.server
@pytest.mark.parametrize(("name", "ok"), [("good", True), ("expired", False)])
def test_certificates(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, ok: bool) -> None:
    """Who has signed the certificate of a host is told, and until when it holds; one that does not is found."""
    certificates: Any = Certificates.made_in(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority))
    with Hostile([says(answer(b"", status="404 Not Found"))] * 3, tls=certificates.of(name)) as server:
        monkeypatch.setenv("SINANCODE_BASE_URL", server.url)
        _, found = examined()
    assert ok == found["edits"][0][0], found
    text = " answers 404, TLSv1.3, certificate of authority until " if ok else "certificate has expired"
    assert text in found["edits"][0][1]
