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
    mock_router,
    mock_transport,
)
from nano_banana_edit_mock.doors import faults

from .raw_door import GET

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


@pytest.mark.server
@pytest.mark.parametrize("fault", [fault for fault, (_, raised) in RAISED.items() if raised])
def test_on_a_port(edit, fault, caplog):
    """On a port a fault breaks the connection as it says, and the server goes on, without a word in its log."""
    service = faulty(fault)
    _, expected = RAISED[fault]
    with MockServer(service) as server, httpx.Client(trust_env=False, timeout=30) as client:
        with pytest.raises(expected):
            client.post(**edit(server.url), timeout=0.3 if fault is Fault.SILENCE else 30)
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
    with MockServer(service) as server, httpx.Client(trust_env=False, timeout=30) as client:
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
    with pytest.raises(ValueError, match="do is 'boom'; use an Outcome, a Reply or a Fault"):
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


@pytest.mark.server
@pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.DRIBBLE])
def test_what_goes_over_the_wire(server, wire, fault):
    """A fault is written as it says, byte by byte, and the connection ends as it says."""
    server.service.on("getTask", fault)
    wire.send(GET.replace(b"x HTTP", b"x?y HTTP"))
    whole = MockService().handle(Request("GET", "http://mock/v1/tasks/x", AUTHORIZATION))
    half = len(whole.body) // 2
    broken = b"%x\r\n%s\r\nno number\r\n%s" % (half, whole.body[:half], whole.body[half:])
    framing, rest, end = {
        Fault.TRUNCATED: (f"Content-Length: {len(whole.body)}", whole.body[:half], "end"),
        Fault.RESET_DURING: (f"Content-Length: {len(whole.body)}", whole.body[:half], "reset"),
        Fault.RESET_AFTER: (f"Content-Length: {len(whole.body)}", whole.body, "reset"),
        Fault.WRONG_LENGTH: (f"Content-Length: {half}", whole.body, "end"),
        Fault.MALFORMED_CHUNK: ("Transfer-Encoding: chunked", broken, "end"),
        Fault.GARBAGE: (None, bytes(range(0x80, 0x100)) + b"\r\n\r\n", "end"),
        Fault.EMPTY: (None, b"", "end"),
        Fault.REFUSED: (None, b"", "reset"),
        Fault.RESET_BEFORE: (None, b"", "reset"),
        Fault.SILENCE: (None, b"", "silence"),
    }[fault]
    came = b""
    wire.socket.settimeout(0.2 if end == "silence" else 30)
    ended = None
    while not ended:
        try:
            piece = wire.socket.recv(65_536)
            came += piece
            ended = "" if piece else "end"
        except TimeoutError:
            ended = "silence"
        except ConnectionResetError:
            ended = "reset"
    if framing:
        head, _, came = came.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        others = [f"{name}: {value}" for name, value in whole.headers if name != "Content-Length"]
        assert ("HTTP/1.1 404 Not Found", [*others, framing]) == (first, lines[:-1])
        assert lines[-1].startswith("Date: ")
    assert (rest, end) == (came, ended)


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
