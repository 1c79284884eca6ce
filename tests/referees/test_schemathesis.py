"""Schemathesis judges the mock on its real port: every check, valid and invalid requests, and the document's link."""

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from attrs import evolve
from nano_banana_edit_mock import MockServer, MockService, Outcome, Request, Response, load
from nano_banana_edit_mock.tools.proxy import Proxy

from . import LIMITS, with_limit

pytestmark = pytest.mark.server

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "schemathesis.cli", "--no-color", "--config-file"]
CONFIG = ROOT / "tests/referees/schemathesis.toml"
SHIPPED = ROOT / "openapi.yaml"
ADMIN = ROOT / "mock_server/nano_banana_edit_mock/admin/admin.yaml"
ALL = "examples,coverage,fuzzing,stateful"
OPERATIONS = {operation.id for operation in load().operations}
OUTCOMES = [
    Outcome(),
    Outcome(result_form="file"),
    Outcome(status="failed", error_code="blocked", error_msg="No."),
    Outcome(status="archived"),
]


def run(
    service: MockService,
    base: str = "",
    *,
    phases: str = ALL,
    options: tuple[str, ...] = (),
    document: Path = SHIPPED,
    config: Path = CONFIG,
) -> tuple[int, str]:
    """Let Schemathesis judge a service by a document, and return its exit code and what it says."""
    with MockServer(service) as server:
        done = subprocess.run(
            [*COMMAND, config, "run", document, "--url", server.url + base, "--phases", phases, *options],
            cwd=ROOT,
            env=os.environ | {"NO_PROXY": "127.0.0.1", "PYTHONHASHSEED": "0"},
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=120,
        )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("base", "operations"),
    [pytest.param("", OPERATIONS, id="root"), pytest.param("/v1", {"createEdit", "getTask"}, id="base-path")],
)
def test_finds_nothing(base: str, operations: set[str]) -> None:
    """No check fails on valid or invalid requests to any operation, with and without the base path of its server."""
    service = MockService(token="secret", polls=1)
    for outcome in OUTCOMES * 100:
        service.next(outcome)
    names = [part for name in sorted(operations) for part in ("--include-operation-id", name)]
    code, said = run(service, base, options=tuple(names))
    assert (0, True) == (code, "No issues found" in said), said

    reached = Counter((entry.operation, bool(entry.violations)) for entry in service.calls if entry.operation)
    assert {(name, spoilt) for name in operations for spoilt in (True, False)} == reached.keys()
    assert {200, 204, 400, 401, 404, 405, 415} == {entry.status for entry in service.calls}

    ids = {edit.task_id for edit in service.edits}
    looks = Counter(entry.path.rpartition("/")[2] for entry in service.calls if entry.operation == "getTask")
    followed = [looks[task_id] for task_id in ids if looks[task_id]]
    assert len(followed) >= len(OUTCOMES), "links followed"
    assert max(followed) > 1, "a task looked at until it is finished"


def test_finds_nothing_through_a_proxy() -> None:
    """What passes through the proxy is as documented on both sides, and the proxy says so of every answer."""
    with MockServer(MockService(token="secret", polls=1)) as upstream:
        proxy = Proxy(load(), f"{upstream.url}/v1", upstream.url)
        service = MockService(upstream=proxy)
        code, said = run(service, phases="examples,coverage")
        proxy.close()
    assert (0, True) == (code, "No issues found" in said), said
    assert upstream.service.edits
    assert [] == [entry for entry in service.calls if entry.answer_violations or entry.undeclared]


def test_finds_nothing_under_mock(tmp_path: Path) -> None:
    """No check fails on what is under `/__mock__/`, but that a script may be refused for what no schema says."""
    said_of_all, _, _ = CONFIG.read_text().partition("[[operations]]")
    config = tmp_path / "schemathesis.toml"
    config.write_text(said_of_all.replace("fail-on = true", "fail-on = false"))
    options = ("--exclude-operation-id", "followCalls", "--exclude-checks", "positive_data_acceptance")
    phases = "examples,coverage,fuzzing"
    code, said = run(MockService(), "/__mock__", phases=phases, options=options, document=ADMIN, config=config)
    assert (0, 1) == (code, len(re.findall(r"(\d{3,}) generated, \1 passed", said))), said


class Liar(MockService):
    """Answers a look at a task without its status."""

    def handle(self, request: Request) -> Response:
        response = super().handle(request)
        return evolve(response, body=response.body.replace(b'"status"', b'"states"'))


def shifted(name: str, step: int) -> MockService:
    """The service by a document in which one limit lies elsewhere."""
    return MockService(token="secret", contract=with_limit(name, LIMITS[name].value + step))


@pytest.mark.parametrize(
    ("service", "phases", "operation", "check"),
    [
        pytest.param(
            lambda: shifted("EditRequest.prompt.maxLength", +1),
            "coverage",
            "POST /generate/k/nano-banana-edit",
            "Schema-violating request accepted",
            id="lax",
        ),
        pytest.param(
            lambda: shifted("EditRequest.image_urls.maxItems", -1),
            "coverage",
            "POST /generate/k/nano-banana-edit",
            "Schema-valid request rejected",
            id="strict",
        ),
        pytest.param(lambda: Liar(token="secret"), "stateful", "X GET ", "Response violates schema", id="lying"),
        pytest.param(
            MockService,
            "examples",
            "POST /generate/k/nano-banana-edit",
            "API accepts invalid authentication",
            id="open",
        ),
    ],
)
def test_finds_what_is_wrong(service, phases: str, operation: str, check: str) -> None:
    """A mock that is one step too lax or strict, lies or lets anyone in is found out, by operation and check."""
    code, said = run(service(), phases=phases, options=("--max-examples", "10"))
    assert 1 == code, said
    assert operation in said
    assert check in said
