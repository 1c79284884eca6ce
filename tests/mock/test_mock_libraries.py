"""Callers on httpx and on httpx2 in the same process: both are served, and each sees its own library alone."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import anyio
import httpx
import httpx2
import httpx_aiohttp
import httpx_aiohttp.httpx2
import pytest
import respx
from nano_banana_edit_mock import Fault, MockService, Outcome, Reply, mock_router, mock_transport

AUTHORIZATION = {"Authorization": "Bearer secret"}
API = "https://api.sinancode.com/v1"
ELSEWHERE = "https://elsewhere.test/"
LIBRARIES = [httpx, httpx2]
INSTEAD = {
    Fault.REFUSED: "ConnectError",
    Fault.RESET_BEFORE: "ReadError",
    Fault.EMPTY: "RemoteProtocolError",
    Fault.GARBAGE: "RemoteProtocolError",
    Fault.DRIBBLE: "ReadTimeout",
    Fault.SILENCE: "ReadTimeout",
}
WITHIN = {
    Fault.RESET_DURING: "ReadError",
    Fault.TRUNCATED: "RemoteProtocolError",
    Fault.MALFORMED_CHUNK: "RemoteProtocolError",
}
WHOLE = {Fault.RESET_AFTER: 1, Fault.WRONG_LENGTH: 2}  # and the part that arrives: the whole, or half of it

every_library = pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.__name__)
every_door = pytest.mark.parametrize("door", ["router", "transport"])
every_way = pytest.mark.parametrize("way", ["sync", "async"])


@pytest.fixture
def call(library, door, way, service):
    """Send a request by a library, through a door, sync or async, and collect the parts of the answer."""
    options = {"transport": mock_transport(service)} if door == "transport" else {}

    async def send(parts, *args, **kwargs):
        async with library.AsyncClient(**options) as client, client.stream(*args, **kwargs) as response:
            async for part in response.aiter_bytes():
                parts.append(part)
            return response

    def call(parts, *args, **kwargs):
        if way == "async":
            return anyio.run(lambda: send(parts, *args, **kwargs))
        with library.Client(**options) as client, client.stream(*args, **kwargs) as response:
            parts.extend(response.iter_bytes())
            return response

    if door == "transport":
        yield call
    else:
        with mock_router(service):
            yield call


@every_library
@every_door
@every_way
def test_answers(call, library, service, edit_body, url):
    """A request is answered by a response of its library, with the head and body that the service gives."""
    service.script([Reply(207, body={"a": "é"}, headers=[("X-Two", "1"), ("X-Two", "2")])])
    parts = []
    response = call(parts, "POST", url("createEdit"), json=edit_body, headers=AUTHORIZATION)
    assert isinstance(response, library.Response)
    assert (207, {"a": "é"}) == (response.status_code, json.loads(b"".join(parts)))
    assert ["1", "2"] == response.headers.get_list("X-Two")
    assert ["content-type", "x-two", "content-length"] == [*response.headers]
    (entry,) = service.calls
    assert (edit_body, True) == (entry.body, entry.authorization)


@every_library
@every_door
@every_way
@pytest.mark.parametrize("fault", INSTEAD)
def test_faults_instead_of_an_answer(call, library, service, url, fault):
    """A fault that leaves no answer is the exception of the caller's library."""
    service.next(fault)
    with pytest.raises(getattr(library, INSTEAD[fault]), match=f"scripted fault: {fault}") as raised:
        call([], "GET", url("getTask", id="t"), headers=AUTHORIZATION)
    assert isinstance(raised.value.request, library.Request)


@every_library
@every_door
@every_way
@pytest.mark.parametrize("fault", WITHIN)
def test_faults_within_a_body(call, library, service, url, fault):
    """A body that breaks off gives its first half, and then the exception of the caller's library."""
    whole, parts = [], []
    call(whole, "GET", url("getTask", id="t"), headers=AUTHORIZATION)
    service.next(fault)
    with pytest.raises(getattr(library, WITHIN[fault]), match=f"scripted fault: {fault}"):
        call(parts, "GET", url("getTask", id="t"), headers=AUTHORIZATION)
    assert b"".join(whole)[: len(whole[0]) // 2] == b"".join(parts)


@every_library
@every_door
@every_way
@pytest.mark.parametrize(("fault", "share"), [(Fault.RESET_AFTER, 1), (Fault.WRONG_LENGTH, 2)])
def test_faults_after_a_body(call, service, url, fault, share):
    """An answer that is reset afterwards is whole; one of a wrong length is its first half."""
    whole, parts = [], []
    call(whole, "GET", url("getTask", id="t"), headers=AUTHORIZATION)
    service.next(fault)
    response = call(parts, "GET", url("getTask", id="t"), headers=AUTHORIZATION)
    left = b"".join(whole)[: len(whole[0]) // share]
    assert (left, str(len(left))) == (b"".join(parts), response.headers["Content-Length"])


@every_way
@every_library
def test_foreign_hosts(library, way):
    """A request to a foreign host fails the test, also if somebody catches the error."""

    async def get():
        async with library.AsyncClient() as client:
            await client.get(ELSEWHERE)

    said = r"elsewhere\.test.* not mocked! The nearest route is "
    with pytest.raises(AssertionError, match=said), mock_router(), suppress(AssertionError):
        anyio.run(get) if way == "async" else library.get(ELSEWHERE)


class Waited(httpx.ReadTimeout):
    """An exception of a test, which httpx2 knows the base of."""


@every_way
@every_library
def test_own_routes(library, way):
    """A route of a test's own answers both libraries: a response, a stream, an exception, a function."""

    class Parts(httpx.SyncByteStream, httpx.AsyncByteStream):
        closed = 0

        def __iter__(self) -> Iterator[bytes]:
            yield from (b"a", b"b")

        async def __aiter__(self) -> AsyncIterator[bytes]:
            for part in self:
                yield part

        def close(self) -> None:
            self.closed += 1

        async def aclose(self) -> None:
            self.closed += 1

    async def run(path):
        async with library.AsyncClient() as client:
            return await client.request("POST", f"{ELSEWHERE}{path}", json={"a": 1})

    def ask(path):
        return anyio.run(run, path) if way == "async" else library.post(f"{ELSEWHERE}{path}", json={"a": 1})

    seen, parts = [], Parts()
    with mock_router() as router:
        router.post(ELSEWHERE + "plain", json__a=1).respond(201, json={"b": 2})
        router.post(ELSEWHERE + "stream").respond(stream=parts)
        router.post(ELSEWHERE + "waits").mock(side_effect=Waited)
        router.post(ELSEWHERE + "refuses").mock(side_effect=httpx.ConnectError("no"))
        router.post(ELSEWHERE + "asks").mock(side_effect=lambda request: seen.append(request) or httpx.Response(204))
        assert (201, {"b": 2}) == (ask("plain").status_code, ask("plain").json())
        assert (b"ab", 1) == (ask("stream").content, parts.closed)
        with pytest.raises(library.ReadTimeout):
            ask("waits")
        with pytest.raises(library.ConnectError, match="no"):
            ask("refuses")
        assert 204 == ask("asks").status_code
        (request,) = seen
        assert isinstance(request, httpx.Request)
        assert b'{"a":1}' == request.content
        assert router.calls.call_count == 6


@every_library
def test_another_router_of_respx(library):
    """A router of respx that is entered beside ours answers both libraries, and is not asked after ours is left."""
    with respx.mock(using="httpx") as other:
        other.get(ELSEWHERE).respond(204)
        with mock_router():
            assert 204 == library.get(ELSEWHERE).status_code
            assert 401 == library.get(f"{API}/tasks/t").status_code
        assert httpx2.Client._transport_for_url.__module__ == "httpx2._client"


@pytest.mark.parametrize(
    ("client", "raised"),
    [
        (httpx_aiohttp.HttpxAiohttpClient, httpx.ReadError),
        (httpx_aiohttp.httpx2.Httpx2AiohttpClient, httpx2.ReadError),
        (lambda: httpx2.AsyncClient(transport=httpx_aiohttp.httpx2.AiohttpTransport()), httpx2.ReadError),
        (lambda: httpx2.AsyncClient(transport=httpx2.AsyncHTTPTransport()), httpx2.ReadError),
        (lambda: httpx2.AsyncClient(mounts={"https://": mock_transport(MockService(seed=9))}), httpx2.ReadError),
    ],
)
def test_any_transport(client, raised, service, edit_body, url):
    """The router answers whatever the transport of the client, those of aiohttp too."""

    async def run():
        async with client() as http:
            first = await http.post(url("createEdit"), json=edit_body, headers=AUTHORIZATION)
            service.next(Fault.RESET_BEFORE)
            with pytest.raises(raised):
                await http.post(url("createEdit"), json=edit_body, headers=AUTHORIZATION)
            return first

    with mock_router(service):
        answer = anyio.run(run)
    assert [answer.json()["task_id"]] == [edit.task_id for edit in service.edits][:1]


def wsgi(environ, start_response):
    start_response("200 OK", [])
    return [b"application: " + environ["wsgi.input"].read()]


async def asgi(scope, receive, send):
    body = (await receive())["body"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"application: " + body})


@every_library
def test_the_application_is_asked(library):
    """A request to the application under test goes on to the transport of its client."""

    async def run():
        async with library.AsyncClient(transport=library.ASGITransport(asgi), base_url="http://test") as client:
            return (await client.post("/", content=b"hello")).content

    with mock_router() as router:
        with library.Client(transport=library.WSGITransport(wsgi), base_url="http://testserver") as client:
            assert b"application: hello" == client.post("/", content=b"hello").content
        assert b"application: hello" == anyio.run(run)
        assert 0 == router.calls.call_count


class Assistant:
    """A client of another service, on httpx2 as that of openai is."""

    def __init__(self, http: httpx2.Client) -> None:
        self._http = http

    def caption(self, image: str) -> str:
        answer = self._http.post("https://assistant.test/v1/responses", json={"input": image})
        return str(answer.raise_for_status().json()["output"])


def test_an_application_on_both(edit_body, url):
    """An application whose clients are on both libraries sees one service, and another one as its test says."""
    service = MockService(polls=0)
    service.next(Outcome(result_form="file"))
    with mock_router(service) as router, httpx.Client(headers=AUTHORIZATION) as old, httpx2.Client() as new:
        router.post("https://assistant.test/v1/responses").respond(json={"output": "snow"})
        task_id = old.post(url("createEdit"), json=edit_body).json()["task_id"]
        task = new.get(url("getTask", id=task_id), headers=AUTHORIZATION).json()
        image = new.get(task["result"][0]["url"]).content
        assert "snow" == Assistant(new).caption(task["result"][0]["url"])
        assert image == old.get(task["result"][0]["url"]).content
        assert 1 == router["createEdit"].call_count == router["getTask"].call_count
    assert ["createEdit", "getTask", None, None] == [entry.operation for entry in service.calls]


def test_all_is_put_back():
    """After the router is left, clients of httpx2 are as they were, also where two routers were entered."""
    before = httpx2.Client._transport_for_url, httpx2.AsyncClient._transport_for_url
    with mock_router():
        with mock_router():
            assert 401 == httpx2.get(f"{API}/tasks/t").status_code
        assert 401 == httpx2.get(f"{API}/tasks/t").status_code
    assert before == (httpx2.Client._transport_for_url, httpx2.AsyncClient._transport_for_url)


def test_a_library_that_moved_is_not_reached():
    """If httpx2 had no such method any more, the router could not be had, and so no request would leave."""
    code = "import httpx2; del httpx2.Client._transport_for_url; import nano_banana_edit_mock.doors.router"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "AttributeError" in done.stderr
