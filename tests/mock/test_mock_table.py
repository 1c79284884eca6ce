"""Every row of the table of verdicts, through every door."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import httpx
import pytest
from attrs import evolve
from nano_banana_edit_mock import MockServer, MockService, Request, mock_router, mock_transport

from .raw_door import Answer, Wire, as_bytes
from .verdict_rows import EDIT, GOOD, LARGEST, UPLOAD, Row, text
from .verdict_table import TABLE

ORIGIN = "http://127.0.0.1:4010"
HOSTS = {
    UPLOAD: "https://files-api.sinancode.com",
    "/files": "https://nano-banana-edit.test",
    "/results": "https://nano-banana-edit.test",
}
FREE = {"service", "transport", "router"}
SAID = {  # what a reason names beside the field
    "minItems /image_urls": "has 0 items; the limit is 1 to 10.",
    "maxItems /image_urls": "has 11 items; the limit is 1 to 10.",
    "minLength /prompt": "has 0 characters; the limit is 1 to 5000.",
    "maxLength /prompt": "has 5001 characters; the limit is 1 to 5000.",
    "maxLength /file": "has 50000001 bytes; the maximum is 50000000.",
    "enum /image_size": '"1:1", "9:16", "16:9", "3:4", "4:3", "3:2", "2:3", "5:4", "4:5", "21:9", "auto".',
    "enum /output_format": 'it must be one of "png", "jpeg".',
    "type /image_urls": "it must be an array.",
    "type /prompt": "it must be a string.",
    "security ": "use Bearer <token>.",
}


def aim(row: Row, task: str) -> str:
    return row.target.replace("{task}", task).replace("{encoded}", "".join(f"%{ord(letter):x}" for letter in task))


def address(row: Row, task: str, origin: str = ORIGIN) -> str:
    target = aim(row, task)
    return origin + target if target.startswith("/") else target


def of_httpx(response: httpx.Response) -> Answer:
    return Answer(response.status_code, dict(response.headers), response.content)


def service_door(service: MockService, row: Row, task: str) -> Answer:
    response = service.handle(Request(row.method, address(row, task), row.headers, row.body))
    return Answer(response.status, {name.lower(): value for name, value in response.headers}, response.body)


def transport_door(service: MockService, row: Row, task: str) -> Answer:
    request = httpx.Request(row.method, address(row, task), headers=row.headers, content=row.body)
    with httpx.Client(transport=mock_transport(service)) as client:
        return of_httpx(client.send(request))


def router_door(service: MockService, row: Row, task: str) -> Answer:
    origin = next((host for path, host in HOSTS.items() if row.target.startswith(path)), "https://api.sinancode.com")
    request = httpx.Request(row.method, address(row, task, origin), headers=row.headers, content=row.body)
    with mock_router(service), httpx.Client(transport=mock_transport(MockService(seed=9))) as client:
        return of_httpx(client.send(request))


class Port:
    """A port, and a connection to it that is kept for as long as the port keeps it."""

    def __init__(self, server: MockServer) -> None:
        self.server = server
        self.wire: Wire | None = None

    def __call__(self, service: MockService, row: Row, task: str) -> Answer:
        self.server.service = service
        wire, self.wire = self.wire or Wire(self.server), None
        wire.send(as_bytes(row, aim(row, task), self.server.url.removeprefix("http://")))
        answer = Answer(*wire.answer(row.method))
        if answer.headers.get("connection") == "close":
            wire.close()
        else:
            self.wire = wire
        return answer


@pytest.fixture(scope="module")
def port(running) -> Iterator[Port]:
    port = Port(running)
    yield port
    if port.wire:
        port.wire.close()


@pytest.fixture(
    params=[pytest.param(door, marks=[] if door in FREE else pytest.mark.server) for door in sorted(FREE | {"port"})]
)
def door(request: pytest.FixtureRequest) -> tuple[str, Callable[[MockService, Row, str], Answer]]:
    name = request.param
    return name, globals()[f"{name}_door"] if name in FREE else request.getfixturevalue(name)


@pytest.mark.parametrize("row", TABLE, ids=[row.name for row in TABLE])
def test_verdict(row, door, send, service):
    """A request has its verdict: status, headers, reasons in the header and the journal, and a text for a reader."""
    name, through = door
    if name not in row.doors:
        pytest.skip("this door cannot carry it")
    task = send("createEdit").json()["task_id"]
    answer = through(service, row, task)
    headers = answer.headers
    assert row.status == answer.status
    assert row.answer == {header: headers.get(header) for header in row.answer}
    assert [row.status == 401, row.status in {204, 405}] == [name in headers for name in ("www-authenticate", "allow")]
    said = json.loads(headers.get("mock-violations", "[]"))
    assert sorted(row.wrong) == sorted(f"{one['location']} {one['keyword']} {one['pointer']}" for one in said)
    if row.status == 501 or row.target == "*":
        return  # which is none of the API's, and not in its journal
    found = service.calls[-1].violations
    assert said == [{"location": one.location, "pointer": one.pointer, "keyword": one.keyword} for one in found]
    assert (row.method, row.status) == (service.calls[-1].method, service.calls[-1].status)
    if row.method == "HEAD" or row.status == 204:
        assert b"" == answer.body
    elif not row.accepted:
        assert {"message", "error_code"} == json.loads(answer.body).keys()
        for violation in found:
            assert violation.message in json.loads(answer.body)["message"]
            assert SAID.get(f"{violation.keyword} {violation.pointer}", "") in violation.message
            assert violation.field is None or violation.field in violation.message or "nested" in violation.message


def test_head_is_get_without_a_body(door):
    """HEAD has the status and the headers of GET, its length among them, whether or not there is something."""
    _, through = door
    service = MockService(polls=0)
    task = json.loads(through(service, Row("edit", 200, body=text(GOOD)), "").body)["task_id"]
    for row in TABLE:
        if row.method == "GET" and row.target in {"/v1/tasks/x", "/v1/nothing", "/v1/tasks/{task}"}:
            get, head = (through(service, evolve(row, method=method), task) for method in ("GET", "HEAD"))
            dates = {"date": get.headers.get("date")} if "date" in get.headers else {}
            assert (get.status, get.headers, b"") == (head.status, head.headers | dates, head.body)
            assert str(len(get.body)) == head.headers["content-length"]


def test_more_reasons_than_a_header_holds(door, service):
    """A pointer that is too long for a header is in the journal and the message, and not in the header."""
    _, through = door
    key = "k" * 5000
    content = f'{{"image_urls": ["x"], "prompt": "x", "{key}": 1, "{key}": 2}}'.encode()
    answer = through(service, Row("long key", 400, body=content), "")
    assert (400, "[]") == (answer.status, answer.headers["mock-violations"])
    assert [f"/{key}"] == [violation.pointer for violation in service.calls[-1].violations]
    assert key in json.loads(answer.body)["message"]


def test_the_table_is_large_and_each_row_is_named():
    """A row can be told by its name, refusals are as many as acceptances or more, and few bodies are large."""
    assert len(TABLE) == len({row.name for row in TABLE}) > 300
    assert sum(not row.accepted for row in TABLE) > len(TABLE) / 2
    assert {EDIT, UPLOAD} < {row.target for row in TABLE}
    assert 3 == sum(len(row.body) >= LARGEST for row in TABLE)
