"""The command of the mock as a proxy, a recorder, a player of tapes, and beside one."""

from __future__ import annotations

import json
import re
from urllib.parse import urlsplit

import httpx2
import pytest
from nano_banana_edit_mock import MockServer, MockService, Proxy, Request, __main__, load
from nano_banana_edit_mock.__main__ import main

from .test_mock_tape import API, EDIT, HEADERS, Clock, edit, recorded

POST = Request("POST", EDIT, HEADERS, json.dumps({"prompt": "p", "image_urls": ["https://a.example/b"]}).encode())


def served_by(monkeypatch, *options) -> MockService:
    """The service that the command would serve."""
    served = []
    monkeypatch.setattr(__main__, "serve", lambda **settings: served.append(settings["service"]))
    main([*map(str, options)])
    return served[0]


@pytest.mark.server
def test_a_proxy_that_records(monkeypatch, tmp_path, capsys):
    """The options make a proxy that writes a tape, and strictly refuses what the document does not allow."""
    with MockServer() as upstream:
        files = upstream.url.replace("127.0.0.1", "localhost")
        options = ["--proxy", f"{upstream.url}/v1", "--proxy-files", files]
        options += ["--record", tmp_path / "tape", "--record-content", "--proxy-errors", "--invalid-status", "422"]
        service = served_by(monkeypatch, *options)
        hosts = [urlsplit(url).netloc for url in (upstream.url, files)]
        billed = "Requests are passed on to {}, uploads to {}. Edits are billed there.".format(*hosts)
        assert f"{billed} The tape is written to {tmp_path / 'tape'}.\n" == capsys.readouterr().err
        assert 200 == service.handle(POST).status
        assert 422 == service.handle(Request("POST", EDIT, HEADERS, b"{}")).status
    assert 1 == len(upstream.service.calls)
    assert {"tape.json", "files", "0001-createEdit.json"} == {file.name for file in (tmp_path / "tape").iterdir()}
    assert '"prompt": "p"' in (tmp_path / "tape" / "0001-createEdit.json").read_text()


def test_a_tape_is_played(monkeypatch, tmp_path, capsys):
    """A tape answers; how it differs from the document is a warning each."""
    clock = Clock()
    recording = recorded(tmp_path / "tape", clock=clock)
    task_id = recording.handle(POST).json()["task_id"]
    for _ in range(2):
        recording.handle(Request("GET", f"{API}/tasks/{task_id}", HEADERS[:1]))
        clock.seconds += 5
    service = served_by(monkeypatch, "--replay", tmp_path / "tape", "--replay-timing")
    assert task_id == service.handle(POST).json()["task_id"]
    assert f"Answers are those of {tmp_path / 'tape'}. No request is passed on.\n" == capsys.readouterr().err
    file = tmp_path / "tape" / "0001-createEdit.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"violations": ["once"]}))
    served_by(monkeypatch, "--replay", tmp_path / "tape")
    assert "Exchange 1, createEdit: now allowed: once" in capsys.readouterr().err
    monkeypatch.setattr("sys.stderr", None)
    served_by(monkeypatch, "--replay", tmp_path / "tape")


@pytest.mark.server
def test_the_page_says_what_answers(tmp_path):
    """The head of the page names a mock, a tape, or a proxy, whose edits are billed."""
    edit(recorded(tmp_path / "tape"))
    proxy = Proxy(load(), "https://api.example")
    services = [MockService(), MockService.replay(tmp_path / "tape"), MockService(upstream=proxy)]
    told = []
    for service in services:
        with MockServer(service) as server, httpx2.Client() as http:
            told += re.findall('"soft">(.+?)</span>', http.get(server.url).text)[:1]
    assert ["mock", "tape", "proxy; edits are billed"] == told


def test_a_tape_beside_another_document(monkeypatch, tmp_path, capsys, document):
    """A tape is played and compared by a document that the mock itself could not answer."""
    edit(recorded(tmp_path / "tape"))
    answer = document["paths"]["/tasks/{id}"]["get"]["responses"]
    answer["200"] = {"description": "", "content": {"text/plain": {}}}
    (tmp_path / "new.json").write_text(json.dumps(document))
    served_by(monkeypatch, "--spec", tmp_path / "new.json", "--replay", tmp_path / "tape")
    assert "Exchange 3, getTask: now wrong: Content-Type is application/json" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["--spec", str(tmp_path / "new.json")])
    del document["paths"]["/tasks/{id}"]
    (tmp_path / "new.json").write_text(json.dumps(document))
    with pytest.raises(SystemExit, match="1"):
        main(["--spec", str(tmp_path / "new.json"), "compare", str(tmp_path / "tape")])
    assert "Exchange 3, getTask: the document has no such operation." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--record", "x"], "--record needs --proxy."),
        (["--proxy-files", "https://x"], "--proxy-files needs --proxy."),
        (["--proxy-errors"], "--proxy-errors needs --proxy."),
        (["--proxy", "https://x", "--record-content"], "--record-content needs --record."),
        (["--replay-timing"], "--replay-timing needs --replay."),
        (["--proxy", "https://x", "--replay", "x"], "--proxy and --replay exclude each other. Use one of them."),
        (["--proxy", "http://x"], "error: --proxy is http://x; use a URL with https"),
        (["--proxy", "https://x", "--proxy-files", "ftp://x"], "error: --proxy-files is ftp://x; use a URL with https"),
        (["--proxy", ""], "argument --proxy: it is empty; name one, or leave the option out"),
        (["--proxy", "https://x", "--proxy-files", " "], "argument --proxy-files: it is empty;"),
        (["--replay", ""], "argument --replay: it is empty;"),
        (["--proxy", "https://x", "--record", ""], "argument --record: it is empty;"),
        (["--replay", "x", "--polls", "0"], "error: --polls has no effect with --replay. Leave it out."),
        (["--proxy", "https://x", "--seed", "3"], "error: --seed has no effect with --proxy. Leave it out."),
        (["--proxy", "https://x", "--proxy-errors", "--seconds", "3"], "--seconds has no effect with --proxy."),
        (["--proxy", "https://x", "--invalid-status", "422"], "--invalid-status has no effect with --proxy."),
        (["--proxy", "https://x", "--record", "."], "--record: . is not empty. Name a new folder for the tape."),
        (["--replay", "x", "--token", "3"], "error: --token has no effect with --replay. Leave it out."),
        (["--proxy", "https://x", "--record", __file__], f"{__file__} cannot be written (it is a file)."),
        (["--replay", "nothing"], "nothing does not exist. Name a tape, or a cassette of vcrpy."),
        (["compare", "nothing"], "nothing does not exist. Name a tape, or a cassette of vcrpy."),
    ],
)
def test_wrong_options(monkeypatch, capsys, options, message):
    """An option that needs another one, and a tape or URL that cannot be used, are one line."""
    monkeypatch.setattr(__main__, "serve", lambda **settings: pytest.fail("it serves"))
    with pytest.raises(SystemExit, match="2"):
        main(options)
    assert message in capsys.readouterr().err


def test_certificates_that_cannot_be_read(monkeypatch, tmp_path, capsys):
    """The variable for certificates is named if it leads nowhere."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "nothing"))
    with pytest.raises(SystemExit, match="2"):
        served_by(monkeypatch, "--proxy", "https://x")
    assert (
        "Certificates cannot be read (No such file or directory). Correct SSL_CERT_FILE of the environment."
        in capsys.readouterr().err
    )


def test_compare(tmp_path, capsys):
    """A tape of the mock has no difference to it; one of another service has a line for each, and status 1."""
    edit(recorded(tmp_path / "tape"))
    main(["compare", str(tmp_path / "tape")])
    assert "Exchanges: 6. Compared: 5. Differences: 0.\n" == capsys.readouterr().out
    other = httpx2.MockTransport(lambda request: httpx2.Response(200, json={"task_id": "t", "credits": 3}))
    recorded(tmp_path / "other", upstream=other).handle(POST)
    with pytest.raises(SystemExit, match="1"):
        main(["compare", str(tmp_path / "other")])
    line, total = capsys.readouterr().out.splitlines()
    assert "Exchange 1, createEdit: /credits is only in the service's answer." == line
    assert "Exchanges: 1. Compared: 1. Differences: 1." == total


def test_the_marker(pytester, tmp_path):
    """A test is answered from the tape that its marker names; a tape that cannot be read fails it in one line."""
    edit(recorded(tmp_path / "tape"), "snow")
    pytester.makepyfile(
        f"""
        import pytest
        from nano_banana_edit import NanoBananaEdit, NotFound

        TAPE = {str(tmp_path / "tape")!r}

        @pytest.mark.nano_banana_edit_mock(tape=TAPE)
        def test_tape(nano_banana_edit_mock):
            photo = ("photo.png", {chr(98)}"\\x89PNG\\r\\n\\x1a\\ngrandmother's face")
            with NanoBananaEdit(poll_interval=0) as client:
                assert client.edit(photo, "snow", output_format="png").images[0].bytes()
                with pytest.raises(NotFound, match="not on the tape"):
                    client.edit(photo, "rain", output_format="png")

        @pytest.mark.nano_banana_edit_mock(tape=TAPE, timing=True)
        def test_timing(nano_banana_edit_mock):
            test_tape(nano_banana_edit_mock)

        @pytest.mark.nano_banana_edit_mock(tape="nothing")
        def test_nothing(nano_banana_edit_mock):
            pass
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:schemathesis", "-p", "no:hypothesispytest", "-p", "no:xdist")
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*nano_banana_edit_mock: nothing does not exist. Name a tape*"])
