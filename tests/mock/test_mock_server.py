"""The service on a real port of this machine."""

import contextlib
import errno
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import httpx
import pytest
from nano_banana_edit_mock import MockServer, MockService
from nano_banana_edit_mock.__main__ import main
from nano_banana_edit_mock.doors import port as doors_port
from nano_banana_edit_mock.doors.port import serve

from .raw_door import GET, Wire

pytestmark = pytest.mark.server


@pytest.fixture
def client():
    with httpx.Client(headers={"Authorization": "Bearer secret"}, timeout=10, trust_env=False) as client:
        yield client


def test_edit_on_a_port(client, edit_body):
    """An edit goes from upload to image on one port, and every link stays there."""
    with MockServer(MockService(polls=1)) as server:
        upload = client.post(f"{server.url}/api/upload/file", files={"file": b"abc"}).json()
        assert upload["url"].startswith(f"{server.url}/files/")
        assert client.get(upload["url"]).content == b"abc"
        task_id = client.post(f"{server.url}/v1/generate/k/nano-banana-edit", json=edit_body).json()["task_id"]
        task = f"{server.url}/v1/tasks/{task_id}"
        assert [client.get(task).json()["status"] for _ in range(2)] == ["pending", "completed"]
        (link,) = client.get(task).json()["result"]
        assert link.startswith(f"{server.url}/results/")
        assert client.get(link).content.startswith(b"\x89PNG")
        assert [edit_body] == [edit.body for edit in server.service.edits]
        head = client.head(link)
        assert (head.status_code, head.headers["content-type"], head.content) == (200, "image/png", b"")


def test_server_leaves_nothing(client):
    """A left server has no thread and no port, and can be entered again."""
    before = set(threading.enumerate())
    server = MockServer()
    with server:
        client.get(server.url)
        first = server.url
    assert before == set(threading.enumerate())
    with pytest.raises(httpx.ConnectError):
        client.get(first)
    with server:
        assert client.get(server.url).status_code == 200


@pytest.mark.skipif(not hasattr(socket, "TCP_QUICKACK"), reason="only Linux lets a client acknowledge late")
def test_answers_are_not_held_back(server):
    """The second of two small answers is sent at once, without waiting for an acknowledgement of the first."""
    taken = []
    for _ in range(10):
        wire = Wire(server)
        wire.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
        begun = time.perf_counter()
        wire.send(GET * 2)
        assert [404] * 2 == wire.statuses(2)
        taken.append(time.perf_counter() - begun)
        wire.close()
    assert min(taken) < 0.03


def test_servers_side_by_side():
    """Each server has a port of its own, unless told otherwise, and no URL before it is entered."""
    assert "" == MockServer().url
    with MockServer() as one, MockServer() as other:
        assert one.url != other.url


def test_leaving_at_once():
    """A server that was never asked closes as well."""
    for _ in range(3):
        with MockServer():
            pass


def test_taken_port():
    """A taken port is an error that names it."""
    with MockServer() as server:
        port = int(server.url.rpartition(":")[2])
        with pytest.raises(OSError, match=rf"cannot listen on 127\.0\.0\.1, port {port} \(.+\)\. Stop") as caught:
            MockServer(port=port).__enter__()
        assert errno.EADDRINUSE == caught.value.errno
        with pytest.raises(SystemExit, match="1"):
            main(["--port", str(port)])


def test_no_such_host():
    """A host that is none is an error that does not speak of ports."""
    with pytest.raises(OSError, match=r"cannot listen on nowhere\.invalid, port 0 \(.+\)\. Choose others\."):
        MockServer(host="nowhere.invalid").__enter__()


@pytest.mark.parametrize("token", ["", "two words", "#", "\xe5"])
@pytest.mark.parametrize(
    "make",
    [
        lambda token: MockService(token=token),
        lambda token: MockServer(admin_token=token),
        lambda token: serve(port=0, admin_token=token),
    ],
)
def test_a_token_that_nobody_can_send(make, token):
    """A token that no header can carry is refused, and not shown."""
    with pytest.raises(ValueError, match=r"token is not a bearer token; use letters, digits and ") as caught:
        make(token)
    assert not token or token not in str(caught.value).replace("no bearer token", "")


def test_every_address():
    """What listens on every address is reached by IPv4 and IPv6 alike."""
    if not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6, or cannot listen on both")
    with MockServer(host="::") as server, httpx.Client(trust_env=False) as client:
        for host in ("127.0.0.1", "[::1]"):
            assert 200 == client.get(f"http://{host}:{server.url.rpartition(':')[2]}/__mock__/clock").status_code


def test_ipv6():
    """An IPv6 address stands in brackets in the URL."""
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    with MockServer(host="::1") as server, httpx.Client(trust_env=False) as client:
        assert server.url.startswith("http://[::1]:")
        assert client.get(server.url).status_code == 200


def test_odd_requests(client):
    """Odd bytes in a request line or header are answered, and never with an error of the mock."""
    with MockServer() as server:
        host, port = server.url.removeprefix("http://").split(":")
        for line in (
            b"GET /v1/tasks/\xff?\xff=1 HTTP/1.1",
            b"GET //x HTTP/1.1",
            b"OPTIONS * HTTP/1.1",
            b"X / HTTP/1.0",
        ):
            for header in (b"Host: [::1", b"Host: a b:c", b"Content-Type: \xff", b"X: y"):
                with socket.create_connection((host, int(port)), timeout=10) as connection:
                    connection.sendall(line + b"\r\nConnection: close\r\n" + header + b"\r\n\r\n")
                    status = int(connection.makefile("rb").readline().split()[1])
                    assert 400 <= status < 500 or (line, status) == (b"X / HTTP/1.0", 501)


class Interrupter:
    """A standard output that asks the announced server once, and then interrupts it as Ctrl-C does."""

    def __init__(self) -> None:
        self.text = ""
        self.status = 0

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None:
        self.thread = threading.Thread(target=self.interrupt)
        self.thread.start()

    def interrupt(self) -> None:
        try:
            url = json.loads(self.text)["url"] if self.text.startswith("{") else self.text.split()[3].rstrip(",")
            self.status = httpx.get(url, timeout=10, trust_env=False).status_code
        finally:
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("start", [lambda: serve(port=0), lambda: main(["--port", "0", "--seed", "3", "--polls", "0"])])
def test_serve_until_interrupted(start):
    """On a free port the command says as JSON where it listens, ends quietly on an interrupt, and leaves no handler."""
    interrupter = Interrupter()
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with contextlib.redirect_stdout(interrupter):  # type: ignore[type-var]  # write and flush are all it needs
        start()
    interrupter.thread.join()
    assert handlers == [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    assert (interrupter.status, interrupter.text.count("\n")) == (200, 1)
    said = json.loads(interrupter.text)
    assert {"url": f"http://127.0.0.1:{said['port']}", "port": said["port"]} == said


def serve_and_interrupt(**options):
    """What the command says, and how its page is answered."""
    interrupter = Interrupter()
    with contextlib.redirect_stdout(interrupter):  # type: ignore[type-var]  # write and flush are all it needs
        serve(**options)
    interrupter.thread.join()
    assert 200 == interrupter.status
    return interrupter.text


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def unread():
    """A stream whose reader has gone."""
    reader, writer = os.pipe()
    os.close(reader)
    return os.fdopen(writer, "w")


@pytest.mark.parametrize("make", [lambda: None, unread])
def test_a_closed_output(monkeypatch, make):
    """Without outputs, as in a daemon, or with some that nobody reads, the mock serves all the same."""
    port, statuses = free_port(), []

    def ask() -> None:
        while not statuses:
            with contextlib.suppress(httpx.ConnectError):
                statuses.append(httpx.get(f"http://127.0.0.1:{port}/v1/tasks/x", trust_env=False).status_code)
        os.kill(os.getpid(), signal.SIGINT)

    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, make())
    thread = threading.Thread(target=ask)
    thread.start()
    main(["--port", str(port)])
    thread.join()
    for output in filter(None, (sys.stdout, sys.stderr)):
        output.close()
    assert [401] == statuses


def test_what_a_reader_is_told(monkeypatch):
    """On a port that was chosen the line is for a reader; where others may come in, it has the token that lets them."""
    port = free_port()
    assert f"nano-banana-edit mock on http://127.0.0.1:{port}\n" == serve_and_interrupt(port=port)
    monkeypatch.setattr(doors_port, "is_loopback", lambda host: False)
    url = f"http://127.0.0.1:{port}"
    expected = f"nano-banana-edit mock on {url}, with its page on {url}/#token=secret\n"
    assert expected == serve_and_interrupt(port=port, admin_token="secret")
    said = [json.loads(serve_and_interrupt(port=0))["admin_token"] for _ in range(2)]
    assert len({*said}) == 2
    assert min(map(len, said)) > 30


def test_wrong_option(capsys):
    """A wrong option ends the command with its reason."""
    with pytest.raises(SystemExit, match="2"):
        main(["--polls", "-1"])
    assert "polls is -1; the minimum is 0." in capsys.readouterr().err


def test_module_is_a_command():
    """`python -m nano_banana_edit_mock` is the command."""
    command = [sys.executable, "-m", "nano_banana_edit_mock", "--help"]
    assert "--polls POLLS" in subprocess.run(command, capture_output=True, text=True, check=True).stdout
