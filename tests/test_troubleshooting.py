"""The page on troubleshooting tells the truth: each message that it quotes is provoked, and each exception is on it."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import httpx2
import nano_banana_edit
import pytest
import stamina
from nano_banana_edit import FormatWarning, NanoBananaEdit, NanoBananaEditError, Progress
from nano_banana_edit.batch import Batch
from nano_banana_edit.ledger import Ledger
from nano_banana_edit_mock import Fault, MockService, Outcome, Reply, __main__, mock_router, mock_transport

from .blocks import blocks
from .cli.running import PHOTO as FILE
from .cli.running import run
from .test_public import ROOT

pytestmark = pytest.mark.server

PAGE = (ROOT / "docs/troubleshooting.md").read_text()
SECTIONS = dict(re.findall(r"^##+ (.+?)\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL))
BY_SOURCE = "Agents, installation and make"  # whose messages are looked up, as they need other machines
PHOTO = "https://example.com/photo.png"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(24)
HTML = {"Content-Type": "text/html"}
JPEG = Reply(200, body=b"\xff\xd8\xff\xe0" + bytes(9), headers={"Content-Type": "image/jpeg"})

Case = Callable[[NanoBananaEdit, MockService], object]


def edit(step: Any = None, operation: str | None = None, **arguments: Any) -> Case:
    """A case in which an edit meets a step of the script."""

    def case(client: NanoBananaEdit, service: MockService) -> Any:
        if step is not None:
            service.on(operation, step, times=None) if operation else service.next(step)
        return client.edit(**{"images": PHOTO, "prompt": "make it snow"} | arguments)

    return case


def result(step: Any, **how: Any) -> Case:
    """A case in which a result meets a step of the script."""
    return lambda client, service: edit(step, "getResult", output_format="png")(client, service).images[0].bytes(**how)


def again_with_key(first: Case, prompt: str) -> Case:
    """A case in which a key is used again."""

    def case(client: NanoBananaEdit, service: MockService) -> None:
        with Ledger("edits.db") as ledger, NanoBananaEdit(token="any", ledger=ledger) as keeping:
            with suppress(NanoBananaEditError):
                first(keeping, service)
            edit(key="order-1841", prompt=prompt)(keeping, service)

    return case


def proxied(client: NanoBananaEdit, service: MockService) -> None:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("HTTPS_PROXY", "http://user:p@ss#word@proxy:3128")
        NanoBananaEdit(token="any").get_task("any")


def warned(client: NanoBananaEdit, service: MockService) -> None:
    with pytest.warns(FormatWarning) as warnings:
        result(JPEG)(client, service)
    raise warnings[0].message  # type: ignore[misc]


def closed(client: NanoBananaEdit, service: MockService) -> None:
    client.close()
    client.get_task("any")


def polled(client: NanoBananaEdit, service: MockService) -> None:
    def stop(progress: Progress) -> None:
        if progress.stage == "wait":
            raise KeyError

    try:
        edit(on_progress=stop)(client, service)
    except KeyError as error:
        raise KeyError(*error.__notes__) from None


def hooked(client: NanoBananaEdit, service: MockService) -> None:
    def stop(response: httpx2.Response) -> None:
        raise KeyError

    with httpx2.Client(event_hooks={"response": [stop]}) as http:
        try:
            NanoBananaEdit(token="any", http_client=http).submit(PHOTO, "make it snow")
        except KeyError as error:
            raise KeyError(*error.__notes__) from None


def shell(*arguments: object) -> Case:
    """A case in which a command fails."""

    def case(client: NanoBananaEdit, service: MockService) -> None:
        raise RuntimeError(run(*arguments).stderr.splitlines()[-1])

    return case


def late(client: NanoBananaEdit, service: MockService) -> None:
    Path("token").write_text("any")
    service.on("getTask", Reply(200, body={"id": "7", "status": "pending"}, retry_after=60))
    shell("wait", "7", "-o", "out.png", "--timeout", "5", "--token-file", "token")(client, service)


def mocked(path: str, **request: Any) -> Case:
    """A case in which the mock answers a request."""

    def case(client: NanoBananaEdit, service: MockService) -> None:
        with httpx.Client(transport=mock_transport(service)) as http:
            raise RuntimeError(http.post(f"https://api.sinancode.com/v1/{path}", **request).text)

    return case


def batch(call: Callable[[Batch], object]) -> Case:
    """A case in which something is done with a batch of one row, which has no prompt."""

    def case(client: NanoBananaEdit, service: MockService) -> None:
        with Ledger("edits.db") as ledger:
            call(Batch([{"key": "sku-1", "image": PHOTO}], "out", ledger=ledger, name="winter"))

    return case


def unknown_key(client: NanoBananaEdit, service: MockService) -> None:
    with Ledger("edits.db") as ledger:
        ledger.resolve("sku-9", resend=True)


async def in_a_loop(batch: Batch) -> None:
    batch.run()


def unused(client: NanoBananaEdit, service: MockService) -> None:
    service.next(Reply.rate_limited())
    service.assert_all_scripted_used()


def other_host(client: NanoBananaEdit, service: MockService) -> None:
    with mock_router(service):
        httpx2.get("https://photos.example.com/1")


def taken(client: NanoBananaEdit, service: MockService) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        __main__.main(["--port", str(other.getsockname()[1])])


def old(client: NanoBananaEdit, service: MockService) -> None:
    Path("old.yaml").write_text("openapi: 3.0.0\n")
    __main__.main(["--spec", "old.yaml"])


CREATE = "generate/k/nano-banana-edit"
CASES: dict[str, list[Case]] = {
    "InvalidRequest": [
        edit(prompt=""),
        edit(images=[]),
        edit(image_size="square"),
        edit(timeout=-1),
        edit(images="foto.jpg"),
        edit(images=b"hello"),
        lambda client, service: edit()(client, service).images[0].save("missing/out.png"),
        edit(extra_body={"prompt": "make it rain"}),
        lambda client, service: NanoBananaEdit(),
        lambda client, service: NanoBananaEdit(token="Bearer abc"),
        lambda client, service: NanoBananaEdit(token="any", base_url="http://example.com"),
        proxied,
        lambda client, service: NanoBananaEdit(token="any", http_client=httpx.Client(transport=mock_transport())),
        edit(key="order-1841"),
        again_with_key(edit(key="order-1841"), "make it rain"),
    ],
    "APIConnectionError": [edit(Fault.REFUSED, "createEdit")],
    "APITimeout": [edit(Fault.SILENCE, "uploadFile", images=PNG), edit(timeout=0)],
    "APIStatusError": [
        edit(Reply.out_of_credit()),
        edit(Reply.error(422, "The image is too small.")),
        result(Reply(410, body="")),
    ],
    "AuthenticationError": [edit(Reply.error(401, "The token is invalid."))],
    "PermissionDenied": [edit(Reply.error(403, "Your plan has no edits."))],
    "NotFound": [lambda client, service: client.get_task("unknown")],
    "RateLimited": [edit(Reply.rate_limited(retry_after=20))],
    "ServerError": [edit(Reply.error(503, "Maintenance."), "uploadFile", images=PNG)],
    "SubmissionUnknown": [
        edit(Fault.RESET_BEFORE, "createEdit"),
        edit(Reply(502, body="<h1>Bad gateway</h1>", headers=HTML), "createEdit"),
        again_with_key(edit(Fault.RESET_BEFORE, "createEdit", key="order-1841"), "make it snow"),
    ],
    "InvalidResponse": [
        edit(Reply(200, body="<h1>Welcome</h1>", headers=HTML), "uploadFile", images=PNG),
        result(Reply(200, body="<h1>Sorry</h1>", headers=HTML)),
        result(JPEG, strict=True),
    ],
    "EditFailed": [
        edit(Outcome(status="failed", error_msg="No face was found.")),
        edit(Outcome(status="expired"), stop_on=["expired"]),
    ],
    "WaitTimeout": [edit(Outcome(polls=99), timeout=5), edit(Reply.unavailable(), "getTask", timeout=5)],
    "LedgerError": [lambda client, service: Ledger("missing/edits.db")],
    "FormatWarning": [warned],
    "NanoBananaEditError": [closed],
    "Your own exceptions": [polled, hooked],
    "The command line": [
        shell("edit", FILE, "make it snow", "-o", "out.png"),
        shell("edit", FILE, "make it snow", "-o", "out.png", "--size", "square", "--mock"),
        shell("edit", FILE, "make it snow", "-o", "out.webp", "--mock"),
        shell("batch", "resolve"),
        late,
    ],
    "A batch": [batch(Batch.load), unknown_key, batch(lambda each: asyncio.run(in_a_loop(each)))],
    "The mock": [
        mocked(CREATE, json={"prompt": ""}, headers={"Authorization": "Bearer any"}),
        mocked(CREATE, json={}),
        mocked("task/1"),
        lambda client, service: service.assert_called_once_with(prompt="make it snow"),
        unused,
        other_host,
        taken,
        old,
    ],
}


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MockService]:
    """A service for the clients of this process, which have no token of the environment."""
    monkeypatch.chdir(tmp_path)
    for name in ("SINANCODE_API_KEY", "SINANCODE_BASE_URL", "NANO_BANANA_EDIT_LEDGER"):
        monkeypatch.delenv(name, raising=False)
    service = MockService(polls=0)
    with stamina.set_testing(True, attempts=1, cap=True), mock_router(service):
        yield service


def quoted(section: str) -> list[str]:
    """The messages that a section quotes: a line each, and the indented lines that belong to it."""
    texts = blocks(SECTIONS[section], "text")
    return [message.strip() for block in texts for message in re.split(r"\n(?=[^ C])", block)]


@pytest.mark.parametrize("section", CASES)
def test_each_message_is_provoked(
    section: str, service: MockService, capsys: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    """Each message of a section is what a case of it raises, and no case raises anything else."""
    for message, case in zip(quoted(section), CASES[section], strict=True):
        pattern = re.escape(message).replace("…", "(?s:.*)")
        client = NanoBananaEdit(token="any", poll_interval=60)  # a wait ends after its first poll
        with client, pytest.raises(BaseException) as failure:  # noqa: PT011 - compared below
            case(client, service)
        error = failure.value
        text = capsys.readouterr().err.strip() if isinstance(error, SystemExit) else str(error)
        text = str(*error.args) if isinstance(error, KeyError) else text
        assert re.fullmatch(pattern, text), f"quoted: {message}\nraised: {text}"
        if section in nano_banana_edit.__all__:
            assert section == type(error).__name__
        service.reset()


def test_messages_of_an_installation_are_in_the_source() -> None:
    """Each message that needs another machine is one of a file of this project."""
    files = [ROOT / "Makefile", *(ROOT / "wrapper").rglob("*.py"), *(ROOT / "mock_server").rglob("*.py")]
    source = "\n".join(file.read_text() for file in files)
    for message in quoted(BY_SOURCE):
        parts = [part for part in message.split("…") if len(part) > 8]
        assert parts
        assert [] == [part for part in parts if part not in source]


def test_each_exception_is_on_the_page() -> None:
    """Each exception and warning that the package exports has a section, and each section is one that is tested."""
    public = [getattr(nano_banana_edit, name) for name in nano_banana_edit.__all__]
    kinds = {kind.__name__ for kind in public if isinstance(kind, type) and issubclass(kind, Exception)}
    assert kinds <= set(SECTIONS)
    assert {*CASES, BY_SOURCE} == set(SECTIONS)
