"""The journal: what it has of a request and its answer, what it does not keep, and the log made of it."""

import itertools
import json
import os
import pickle
import re
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime

import httpx
import pytest
from nano_banana_edit_mock import Fault, MockService, Reply, Request
from nano_banana_edit_mock.doors.log import Log

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
SECRETS = ("Authorization", "Cookie", "X-Api-Key", "Proxy-Authorization", "X-Auth-Token", "My-Secret")


def at_noon(**options):
    """A service at noon, that takes half a second for each answer."""
    return MockService(clock=itertools.count(0, 0.5).__next__, now=lambda: NOON, **options)


def test_what_is_kept_of_a_request_and_its_answer(send):
    """An entry has the headers of both sides, the files, the fault, the time of day and the duration."""
    service = at_noon()
    service.on("uploadFile", Fault.RESET_BEFORE)
    send("uploadFile", to=service, X_Trace="1")
    (entry,) = service.calls
    assert ("X-Trace", "1") in entry.headers
    assert ("Content-Type", "application/json") in entry.answer_headers
    assert [("file", "a.bin", None, 3)] == [(f.name, f.filename, f.content_type, f.size) for f in entry.files]
    assert (Fault.RESET_BEFORE, 200, NOON, 0.5) == (entry.fault, entry.status, entry.when, entry.seconds)


@pytest.mark.parametrize("name", SECRETS)
def test_no_token_is_kept(ask, service, send, name):
    """A header that may carry a token is listed without its value, whatever its case, and the value is nowhere."""
    send("getTask", **{name: "Bearer not-to-be-seen", name.lower(): "Bearer not-to-be-seen"})
    assert (name, "(hidden)") in service.calls[0].headers
    assert (name.lower(), "(hidden)") in service.calls[0].headers
    assert b"not-to-be-seen" not in pickle.dumps(service.calls) + ask("GET", "/calls").body


def test_headers_weigh(service):
    """However long headers are, a bounded number of bytes is kept."""
    for _ in range(600):
        service.handle(Request("GET", "https://x.test/", {"A": "x" * 65_000, "Origin": "y"}))
    assert 400 < len(service.calls) < 600


def test_a_request_without_headers(service):
    """A request may have no headers."""
    service.handle(Request("GET", "https://x.test/"))
    assert () == service.calls[0].headers


def test_billed_at_most(service, send):
    """Edits count that were accepted, whatever arrived of the answer; the message lists them with their prompts."""
    service.assert_billed_at_most(0)
    send("createEdit", {"prompt": ""})
    service.script([Reply.rate_limited(), Fault.RESET_BEFORE])
    for _ in range(2):
        send("createEdit")
    send("createEdit", {"image_urls": ["https://x.test"], "prompt": "long " * 500})
    service.assert_billed_at_most(2)
    with pytest.raises(AssertionError) as raised:
        service.assert_billed_at_most(1)
    head, first, second = str(raised.value).splitlines()
    assert "2 edits accepted, each of which is billed; expected at most 1." == head
    assert f"  'Make it snow.', task {service.edits[0].task_id}" == first
    assert re.fullmatch(r"  'long .{54}…, task .{36}", second)
    service.reset()
    service.assert_billed_at_most(0)


def test_billed_at_most_lists_ten(service, send):
    """A message lists ten edits and counts the others."""
    for _ in range(12):
        send("createEdit")
    with pytest.raises(AssertionError, match=r"12 edits accepted(.|\n)*  and 2 more$"):
        service.assert_billed_at_most(11)


@pytest.mark.parametrize(("most", "said"), [(-1, "most is -1; the minimum is 0"), (True, "most is true"), ("1", '"1"')])
def test_what_is_no_number_of_edits(service, most, said):
    """A number of edits is a whole number of at least 0."""
    with pytest.raises(ValueError, match=said):
        service.assert_billed_at_most(most)


def test_a_line_of_the_log(send):
    """A line has the time, the request, the status or the fault, the duration, the task, and what is wrong first."""
    service = at_noon(polls=1)
    log = Log()
    task_id = send("createEdit", to=service).json()["task_id"]
    send("getTask", to=service, task_id=task_id)
    send("createEdit", {}, to=service)
    service.script([Fault.EMPTY, Reply(429)])
    send("getTask", to=service, task_id=task_id)
    send("createEdit", to=service)
    edit, poll = "/v1/generate/k/nano-banana-edit", f"/v1/tasks/{task_id}"
    noon = f"{NOON.astimezone():%H:%M:%S}"
    assert [
        f"{noon} POST {edit} 200 500.0 ms task {task_id}",
        f"{noon} GET {poll} 200 500.0 ms pending",
        f"{noon} POST {edit} 400 500.0 ms image_urls is missing; it is required. And 1 more.",
        f"{noon} GET {poll} empty scripted 500.0 ms completed",
        f"{noon} POST {edit} 429 scripted 500.0 ms",
    ] == log.read(service).splitlines()
    assert "" == log.read(service)


def test_a_log_shows_control_characters(service):
    """What a terminal would obey or turn round is escaped, and a long text is cut."""
    poll = "https://api.sinancode.com/v1/tasks/%1B[2J%E2%80%AE" + "x" * 900
    service.handle(Request("GET", poll, {"Authorization": "Bearer t"}))
    line = Log().read(service)
    assert r"task \x1b[2J\u202exxx" in line
    assert len(line) < 600
    assert "\n" == re.sub(r"[ -~]", "", line)


def test_a_log_that_is_read_late(service, send):
    """Requests that the journal no longer has are counted in the log, also over a reset."""
    log = Log()
    send("getTask")
    log.read(service)
    for _ in range(1_200):
        send("getTask")
    first, *others = log.read(service).splitlines()
    assert ("200 requests came too fast to be listed", 1_000) == (first, len(others))
    service.reset()
    send("getTask")
    assert 1 == len(log.read(service).splitlines())


@contextmanager
def running(*options, **streams):
    """The command in a process of its own, which ends with the test."""
    command = [sys.executable, "-m", "nano_banana_edit_mock", *options]
    with subprocess.Popen(command, text=True, **streams) as process:
        try:
            yield process
        finally:
            process.kill()


def task_of(process):
    """The URL of a task, on the free port that the process prints."""
    return f"{json.loads(process.stdout.readline())['url']}/v1/tasks/x"


def stop(process):
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


@pytest.mark.server
@pytest.mark.parametrize("quiet", [False, True])
def test_the_log_of_the_command(quiet):
    """The command logs on standard error, up to its end, unless it is told to be quiet."""
    with running("--port=0", *["--quiet"] * quiet, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        httpx.get(task_of(process), trust_env=False)
        code, out, err = stop(process)
    assert (0, "") == (code, out)
    assert bool(quiet) == (err == "") == ("GET /v1/tasks/x 401" not in err)


@pytest.mark.server
@pytest.mark.parametrize("closed", ["stdout", "stderr"])
def test_an_output_that_nobody_reads(closed):
    """The mock goes on, and ends as usual, if the reader of an output has gone."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]  # as nobody reads it
    reader, writer = os.pipe()
    os.close(reader)
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, closed: writer}
    with (
        running(f"--port={port}", **streams) as process,
        httpx.Client(transport=httpx.HTTPTransport(retries=6)) as client,
    ):
        os.close(writer)
        for _ in range(4):
            assert 401 == client.get(f"http://127.0.0.1:{port}/v1/tasks/x").status_code
        assert 0 == stop(process)[0]


@pytest.mark.server
def test_a_log_that_is_not_read():
    """A full pipe holds up neither requests nor the end."""
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with running("--port=0", **streams) as process, httpx.Client(trust_env=False) as client:
        url = task_of(process)
        for _ in range(1_500):  # more than a pipe has room for
            assert 401 == client.get(url).status_code
        process.send_signal(signal.SIGTERM)
        assert 0 == process.wait(20)
