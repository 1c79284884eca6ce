"""Every row of the table of verdicts, through every door."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator

import httpx
import pytest
from nano_banana_edit_mock import MockServer, MockService, Request, mock_router, mock_transport
from nano_banana_edit_mock.app import create_app

from .raw_door import Answer, send_raw
from .verdict_table import EDIT, TABLE, UPLOAD, Row

ORIGIN = "http://127.0.0.1:4010"
HOSTS = {
    UPLOAD: "https://files-api.sinancode.com",
    "/files": "https://nano-banana-edit.test",
    "/results": "https://nano-banana-edit.test",
}
FREE = {"service", "transport", "router", "app"}


def address(row: Row, task: str, origin: str = ORIGIN) -> str:
    target = row.target.replace("{task}", task)
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


def app_door(service: MockService, row: Row, task: str) -> Answer:
    async def send() -> Answer:
        request = httpx.Request(row.method, address(row, task), headers=row.headers, content=row.body)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(create_app(service))) as client:
            return of_httpx(await client.send(request))

    return asyncio.run(send())


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    with MockServer() as server:
        yield server


@pytest.fixture(
    params=[pytest.param(door, marks=[] if door in FREE else pytest.mark.server) for door in sorted(FREE | {"port"})]
)
def door(request: pytest.FixtureRequest) -> tuple[str, Callable[[MockService, Row, str], Answer]]:
    if request.param != "port":
        return request.param, globals()[f"{request.param}_door"]
    server = request.getfixturevalue("server")

    def port_door(service: MockService, row: Row, task: str) -> Answer:
        server.service = service
        host, _, port = server.url.removeprefix("http://").rpartition(":")
        return send_raw(host, int(port), row, row.target.replace("{task}", task))

    return "port", port_door


@pytest.mark.parametrize("row", TABLE, ids=[row.name for row in TABLE])
def test_verdict(row, door, send, service):
    """A request has its verdict: status, headers, reasons in the header and the journal, and a text for a reader."""
    name, through = door
    if name not in row.doors:
        pytest.skip("this door cannot carry it")
    task = send("createEdit").json()["task_id"]
    answer = through(service, row, task)
    assert row.status == answer.status
    assert row.answer == {header: answer.headers.get(header) for header in row.answer}
    said = json.loads(answer.headers.get("mock-violations", "[]"))
    assert sorted(row.wrong) == sorted(f"{one['location']} {one['keyword']} {one['pointer']}" for one in said)
    if row.status == 501:
        return
    found = service.calls[-1].violations
    assert said == [{"location": one.location, "pointer": one.pointer, "keyword": one.keyword} for one in found]
    if row.method == "HEAD" or row.status == 204:
        assert b"" == answer.body
    elif not row.accepted:
        assert {"message", "error_code"} == json.loads(answer.body).keys()
        for violation in found:
            assert violation.message in json.loads(answer.body)["message"]
            assert violation.field is None or violation.field in violation.message or "nested" in violation.message


def test_the_table_is_large_and_each_row_is_named():
    """A row can be told by its name, and refusals are as many as acceptances or more."""
    assert len(TABLE) == len({row.name for row in TABLE}) > 180
    assert sum(not row.accepted for row in TABLE) > len(TABLE) / 2
    assert {EDIT, UPLOAD} < {row.target for row in TABLE}
