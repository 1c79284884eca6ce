"""Every door to the service gives the same answers: router and transport."""

import asyncio
import re
import subprocess
import sys
from contextlib import suppress
from typing import Any

import anyio
import httpx
import nano_banana_edit_mock
import pytest
import respx
from nano_banana_edit import NanoBananaEdit, SubmissionUnknown
from nano_banana_edit_mock import MockService, mock_router, mock_transport
from nano_banana_edit_mock.contract import parse

JSON = {"Content-Type": "application/json"}
AUTHORIZATION = {"Authorization": "Bearer secret"}


@pytest.fixture
def script(url, edit_body):
    """Requests as keyword arguments of httpx, good and bad."""
    create, upload = url("createEdit"), url("uploadFile")
    return [
        {"method": "POST", "url": create, "json": edit_body, "headers": AUTHORIZATION},
        {"method": "POST", "url": create, "json": edit_body},
        {"method": "POST", "url": create, "json": {}, "headers": AUTHORIZATION},
        {"method": "POST", "url": create, "content": b"{", "headers": AUTHORIZATION},
        {"method": "POST", "url": create, "content": b"{", "headers": {**AUTHORIZATION, **JSON}},
        {"method": "GET", "url": create, "headers": AUTHORIZATION},
        {"method": "POST", "url": upload, "files": {"file": ("a.txt", b"abc", "text/plain")}, "headers": AUTHORIZATION},
        {"method": "GET", "url": url("getTask", id="a%2Fb?limit=%FF"), "headers": AUTHORIZATION},
        {"method": "HEAD", "url": url("getTask", id="a"), "headers": AUTHORIZATION},
        {"method": "GET", "url": "https://api.sinancode.com/v1"},
        {"method": "GET", "url": "https://nano-banana-edit.test/files/none"},
    ]


def facts(response: httpx.Response) -> tuple[Any, ...]:
    skipped = ("expires_at",)
    body = response.json() if response.content else None
    headers = {key: value for key, value in response.headers.items() if key not in {"date", "server"}}
    if isinstance(body, dict):
        body = {key: value for key, value in body.items() if key not in skipped}
    return response.status_code, headers, body


@pytest.fixture
def expected(script):
    with httpx.Client(transport=mock_transport()) as client:
        return [facts(client.request(**request)) for request in script]


def test_statuses(expected):
    """The script meets every kind of answer."""
    assert [status for status, _, _ in expected] == [200, 401, 400, 415, 400, 405, 200, 404, 404, 404, 404]


def test_router(script, expected):
    """The router answers a sync client as the transport does, whatever the client's transport."""
    for transport in (None, httpx.HTTPTransport(), mock_transport(MockService(seed=9))):
        with mock_router(), httpx.Client(transport=transport) as client:
            assert expected == [facts(client.request(**request)) for request in script]


async def send_all(client: httpx.AsyncClient, script: list[dict[str, Any]]) -> list[Any]:
    async with client:
        return [facts(await client.request(**request)) for request in script]


def test_async_router(script, expected):
    """The router answers an async client too, entered either way."""

    async def run() -> list[Any]:
        async with mock_router():
            return await send_all(httpx.AsyncClient(), script)

    assert expected == asyncio.run(run())


def test_async_transport(script, expected):
    """The transport answers an async client too."""
    assert expected == asyncio.run(send_all(httpx.AsyncClient(transport=mock_transport()), script))


def test_named_routes(service, script):
    """The router has one named route per operation, which counts its calls."""
    with mock_router(service) as router, httpx.Client() as client:
        for request in script:
            client.request(**request)
        assert {name: router[name].call_count for name in ("createEdit", "getTask", "uploadFile")} == {
            "createEdit": 5,
            "getTask": 1,
            "uploadFile": 1,
        }
        assert len(script) == router.calls.call_count == len(service.calls)


def test_each_server_has_the_named_routes(document, edit_body):
    """An operation on several servers is one route."""
    document["servers"].append({"url": "https://other.test/api"})
    with mock_router(MockService(contract=parse(document))) as router, httpx.Client(headers=AUTHORIZATION) as client:
        for server in document["servers"]:
            path = f"{server['url']}/generate/k/nano-banana-edit"
            assert client.post(path, json=edit_body).status_code == 200
        assert 2 == router["createEdit"].call_count


NEAREST = {
    "https://api.sinancode.example/v1/tasks/t-1": "GET https://api.sinancode.com/v1/tasks/{id}",
    "https://files.sinancode.com/api/upload/file": "POST https://files-api.sinancode.com/api/upload/file",
}


@pytest.mark.parametrize(("asked", "nearest"), NEAREST.items())
def test_foreign_hosts_are_unmatched(asked, nearest):
    """A request to any other host fails, as with respx, and names the route that is nearest."""
    said = f"not mocked! The nearest route is {re.escape(nearest)}."
    with pytest.raises(AssertionError, match=said), mock_router():
        httpx.request(nearest.split()[0], asked)

    async def run() -> None:
        async with httpx.AsyncClient() as client:
            await client.request(nearest.split()[0], asked)

    with pytest.raises(AssertionError, match=said), mock_router():
        anyio.run(run)


def swallow() -> None:
    for url in NEAREST:
        with suppress(Exception):
            httpx.get(url)


def swallow_unknown() -> None:
    """As an application that leaves an unknown submission to a human."""
    with NanoBananaEdit(token="t", base_url="https://api.sinancode.example/v1") as client, suppress(SubmissionUnknown):
        client.submit("https://images.test/a.png", "p")


@pytest.mark.parametrize("application", [swallow, swallow_unknown])
def test_what_is_unmatched_cannot_be_swallowed(application):
    """A request that nobody answered fails the test when the router is left, whoever caught the failure before."""
    with pytest.raises(AssertionError, match="The nearest route is ") as caught, mock_router() as router:
        application()
    assert len(str(caught.value).splitlines()) == (2 if application is swallow else 1)
    with router:
        assert 401 == httpx.get("https://api.sinancode.com/v1/tasks/t-1").status_code


def test_another_failure_is_not_hidden():
    """A router that is left by an exception says nothing of its own."""

    def fail() -> None:
        swallow()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), mock_router():
        fail()


def test_another_router_may_answer():
    """What a router that was entered later answers is no failure."""
    with mock_router(), respx.mock(using="httpx") as other:
        other.get("https://elsewhere.test/").respond(204)
        assert 204 == httpx.get("https://elsewhere.test/").status_code
        assert 401 == httpx.get("https://api.sinancode.com/v1/tasks/t-1").status_code


def test_hosts_of_ones_own_may_be_routed():
    """A route that is added to the router answers other hosts."""
    with mock_router() as router:
        router.get("https://elsewhere.test/").respond(204)
        assert 204 == httpx.get("https://elsewhere.test/").status_code


def wsgi(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [])
    return [b"application: " + environ["wsgi.input"].read()]


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    body = (await receive())["body"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"application: " + body})


@pytest.mark.parametrize("host", ["testserver", "test"])
def test_the_application_is_asked(host):
    """A request to the application under test reaches it, with its body, through the transport of its client."""

    async def run() -> bytes:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(asgi), base_url=f"http://{host}") as client:
            return (await client.post("/", content=b"hello")).content

    with mock_router() as router:
        with httpx.Client(transport=httpx.WSGITransport(wsgi), base_url=f"https://{host}:8000") as client:
            assert b"application: hello" == client.post("/", content=b"hello").content
        assert b"application: hello" == anyio.run(run)
        assert 0 == router.calls.call_count


def test_a_route_comes_before_the_application():
    """A route answers in place of the application, whether it is the router's own or that of another one."""
    with httpx.Client(transport=httpx.WSGITransport(wsgi), base_url="http://testserver") as client:
        with mock_router() as router:
            router.get("http://testserver/").respond(204)
            assert 204 == client.get("/").status_code
        with mock_router(), respx.mock(using="httpx") as other:
            other.get("http://testserver/").respond(204)
            assert 204 == client.get("/").status_code


def test_fetching_a_result(edit_body, url):
    """The link in a result leads through the router to the image."""
    with mock_router(MockService(polls=0)), httpx.Client() as client:
        task_id = client.post(url("createEdit"), json=edit_body, headers=AUTHORIZATION).json()["task_id"]
        (link,) = client.get(url("getTask", id=task_id), headers=AUTHORIZATION).json()["result"]
        assert client.get(link).content.startswith(b"\x89PNG")


def test_all_is_sorted_and_complete():
    """Every public name is there, in order."""
    names = nano_banana_edit_mock.__all__
    assert sorted(names) == names
    assert all(getattr(nano_banana_edit_mock, name) for name in names)
    with pytest.raises(AttributeError, match="no attribute 'MockServers'"):
        _ = nano_banana_edit_mock.MockServers


def test_in_process_needs_no_server():
    """Importing the package imports no server."""
    code = "import sys, nano_banana_edit_mock; sys.exit('httptools' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
