"""Faults: what is said of them happens, on a port and in process alike."""

import anyio
import httpx
import pytest
from nano_banana_edit import APIConnectionError, NanoBananaEdit
from nano_banana_edit_mock import (
    Fault,
    MockServer,
    MockService,
    Reply,
    Request,
    Response,
    mock_router,
    mock_transport,
)
from nano_banana_edit_mock.doors import faults
from nano_banana_edit_mock.doors.app import create_app

AUTHORIZATION = {"Authorization": "Bearer any"}
RAISED = {
    Fault.REFUSED: (httpx.ConnectError, httpx.ReadError),
    Fault.RESET_BEFORE: (httpx.ReadError, httpx.ReadError),
    Fault.RESET_DURING: (httpx.ReadError, httpx.ReadError),
    Fault.EMPTY: (httpx.RemoteProtocolError, httpx.RemoteProtocolError),
    Fault.TRUNCATED: (httpx.RemoteProtocolError, httpx.RemoteProtocolError),
    Fault.MALFORMED_CHUNK: (httpx.RemoteProtocolError, httpx.RemoteProtocolError),
    Fault.GARBAGE: (httpx.RemoteProtocolError, httpx.RemoteProtocolError),
    Fault.DRIBBLE: (httpx.ReadTimeout, None),
    Fault.SILENCE: (httpx.ReadTimeout, httpx.ReadTimeout),
}


def faulty(fault: Fault) -> MockService:
    """A service whose every answer goes wrong in one way."""
    service = MockService()
    service.on(None, fault, times=None)
    return service


@pytest.fixture
def edit(url, edit_body):
    """An edit as keyword arguments of httpx, on a documented host or on another."""
    path = httpx.URL(url("createEdit")).path

    def edit(origin: str = "") -> dict:
        return {"url": origin + path if origin else url("createEdit"), "json": edit_body, "headers": AUTHORIZATION}

    return edit


@pytest.mark.parametrize("fault", RAISED)
def test_in_process(edit, fault):
    """In process a fault is what httpx raises for it, sync and async, through the router and the transport."""
    expected, _ = RAISED[fault]
    service = faulty(fault)
    with mock_router(service), pytest.raises(expected):
        httpx.post(**edit())
    with httpx.Client(transport=mock_transport(service)) as client, pytest.raises(expected):
        client.post(**edit())

    async def run() -> None:
        async with httpx.AsyncClient() as client:
            await client.post(**edit())

    with mock_router(service), pytest.raises(expected):
        anyio.run(run)
    assert (0 if fault is Fault.REFUSED else 3) == len(service.edits)


@pytest.mark.parametrize("fault", RAISED)
def test_under_any_server(edit, fault):
    """As an ASGI app, without a port of its own, a fault is that exception too."""
    expected, _ = RAISED[fault]

    async def run() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(create_app(faulty(fault)))) as client:
            await client.post(**edit())

    with pytest.raises(expected):
        anyio.run(run)


@pytest.mark.server
@pytest.mark.parametrize("fault", [fault for fault, (_, raised) in RAISED.items() if raised])
def test_on_a_port(edit, fault, caplog):
    """On a port a fault breaks the connection as it says, and the server goes on, without a word in its log."""
    service = faulty(fault)
    _, expected = RAISED[fault]
    with MockServer(service) as server, httpx.Client(trust_env=False, timeout=1) as client:
        with pytest.raises(expected):
            client.post(**edit(server.url))
        service.reset()
        assert 200 == client.post(**edit(server.url)).status_code
    assert [] == caplog.records


@pytest.mark.parametrize("door", ["router", pytest.param("port", marks=pytest.mark.server)])
def test_whole_and_then_reset(edit, door):
    """An answer that is reset afterwards is there, whole."""
    service = faulty(Fault.RESET_AFTER)
    if door == "router":
        with mock_router(service):
            assert "task_id" in httpx.post(**edit()).json()
    else:
        with MockServer(service) as server:
            assert "task_id" in httpx.post(**edit(server.url), trust_env=False).json()


@pytest.mark.parametrize("door", ["router", pytest.param("port", marks=pytest.mark.server)])
def test_cut_by_its_length(edit, door):
    """An answer whose length is too small is cut, and cannot be told from a short one."""
    service = faulty(Fault.WRONG_LENGTH)
    if door == "router":
        with mock_router(service):
            answer = httpx.post(**edit())
    else:
        with MockServer(service) as server:
            answer = httpx.post(**edit(server.url), trust_env=False)
    whole = len(MockService().handle(request(edit)).body)
    assert (200, whole // 2) == (answer.status_code, len(answer.content))


@pytest.mark.server
def test_byte_by_byte(edit, monkeypatch):
    """A dribbled answer is whole in the end; whoever leaves before is not waited for."""
    service = faulty(Fault.DRIBBLE)
    with MockServer(service) as server, httpx.Client(trust_env=False, timeout=5) as client:
        with pytest.raises(httpx.ReadTimeout):
            client.post(**edit(server.url), timeout=0.05)
        monkeypatch.setattr(faults, "DRIBBLE_EVERY", 0.0001)
        assert 200 == client.post(**edit(server.url)).status_code


def request(edit) -> Request:
    built = httpx.Request("POST", **edit())
    return Request("POST", str(built.url), built.headers.multi_items(), built.read())


def test_a_fault_that_was_said_and_did_not_happen(service):
    """A fault is a step like any other, and is named by what it is."""
    service.script([Fault.EMPTY])
    with pytest.raises(AssertionError, match="any operation, request 1 and on: empty, used 0 of 1 times"):
        service.assert_all_scripted_used()
    with pytest.raises(ValueError, match="do is 'boom'; the mock accepts an Outcome, a Reply or a Fault"):
        service.next("boom")


def test_what_is_left_in_process(edit):
    """Of an answer that breaks off the head and the first half are there, of a wrong length the first half alone."""
    whole = httpx.Client(transport=mock_transport()).post(**edit()).content
    for fault, left in {Fault.WRONG_LENGTH: whole[: len(whole) // 2], Fault.RESET_AFTER: whole}.items():
        answer = httpx.Client(transport=mock_transport(faulty(fault))).post(**edit())
        assert ("application/json", str(len(left)), left) == (
            answer.headers["Content-Type"],
            answer.headers["Content-Length"],
            answer.content,
        )
    for fault in (Fault.TRUNCATED, Fault.RESET_DURING, Fault.MALFORMED_CHUNK):
        with httpx.Client(transport=mock_transport(faulty(fault))).stream("POST", **edit()) as answer:
            assert (200, "application/json") == (answer.status_code, answer.headers["Content-Type"])
            assert "Content-Length" not in answer.headers
            parts = []
            with pytest.raises(RAISED[fault][0]):
                parts.extend(answer.iter_raw())
            assert [] == parts or whole[: len(whole) // 2] == b"".join(parts)


def test_what_goes_over_the_wire():
    """A fault is written as it says, byte by byte."""
    response = Response(200, [("Content-Type", "text/plain"), ("Content-Length", "4")], b"abcd")
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
    chunked = head + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\nno number\r\ncd"
    assert {
        Fault.TRUNCATED: [head + b"Content-Length: 4\r\n\r\nab"],
        Fault.RESET_DURING: [head + b"Content-Length: 4\r\n\r\nab"],
        Fault.RESET_AFTER: [head + b"Content-Length: 4\r\n\r\nabcd"],
        Fault.WRONG_LENGTH: [head + b"Content-Length: 2\r\n\r\nabcd"],
        Fault.MALFORMED_CHUNK: [chunked],
        Fault.EMPTY: [],
        Fault.REFUSED: [],
        Fault.RESET_BEFORE: [],
        Fault.SILENCE: [None],
    } == {fault: [*faults.wire(response, fault)] for fault in Fault if fault not in {Fault.GARBAGE, Fault.DRIBBLE}}
    (garbage,) = faults.wire(response, Fault.GARBAGE)
    assert not garbage.startswith(b"HTTP")
    assert [faults.DRIBBLE_EVERY, b"H"] == [*faults.wire(response, Fault.DRIBBLE)][:2]


def test_files_have_rules_of_their_own(service, send):
    """A result and an upload are answered otherwise, and go wrong, where a rule names them, and only there."""
    link, task_id = send("uploadFile").json()["url"], send("createEdit").json()["task_id"]
    result = f"{link.partition('/files/')[0]}/results/{task_id}/0.png"
    service.script([Reply(503), Fault.EMPTY])
    service.on("getResult", Fault.TRUNCATED, nth=2)
    service.script([{"reply": {"status": 410}, "operation": "getFile"}])
    answers = [service.handle(Request(method, url)) for url in (link, result) for method in ("GET", "HEAD", "GET")]
    assert [410, 200, 200, 200, 200, 200] == [answer.status for answer in answers]
    assert [Fault.TRUNCATED if number == 4 else None for number in range(6)] == [answer.fault for answer in answers]
    assert [(None, True), (None, False)] == [(call.operation, call.scripted) for call in service.calls[-6:-4]]
    with pytest.raises(AssertionError, match=r"Reply\(503\).*\n.*empty.*"):
        service.assert_all_scripted_used()


def test_a_result_that_is_cut_off(tmp_path):
    """A download that breaks off is made again, and a picture is saved whole or not at all."""
    service = MockService(polls=0)
    with mock_router(service), NanoBananaEdit(token="t", poll_interval=0, max_retries=1) as client:
        image = client.edit("https://images.test/a.png", "p").images[0]
        service.on("getResult", Fault.TRUNCATED)
        assert image.save(tmp_path / "whole.png").read_bytes() == image.bytes()
        service.on("getResult", Fault.TRUNCATED, times=None)
        with pytest.raises(APIConnectionError):
            image.save(tmp_path / "cut.png")
    assert ["whole.png"] == [file.name for file in tmp_path.iterdir()]
    service.assert_all_scripted_used()
