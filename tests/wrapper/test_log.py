"""What the client says of itself, and what it never says."""

from __future__ import annotations

import logging
import re
import subprocess
import sys

import httpx2
import pytest
from nano_banana_edit import ServerError, SubmissionUnknown, _log

from .. import promises
from .conftest import PNG, TOKEN, Face, Script, accepted, fetch, image, task, uploaded

SECRET = "a prompt that nobody else reads"
RESULT = "https://cdn.example.test/out.png?signature=s3cr3t"


def echo(request: httpx2.Request) -> httpx2.Response:
    """A service that says back all it was sent."""
    text = f"{dict(request.headers)} {request.content!r}"
    return httpx2.Response(503, json={"message": text, "error_code": request.headers.get("authorization")})


@promises.OBSERVED
def test_stages_and_repetitions_are_told(face: Face, caplog: pytest.LogCaptureFixture) -> None:
    """At info each stage and each repetition is a line, at debug each answer as well."""
    caplog.set_level(logging.DEBUG, "nano_banana_edit")
    result = task(result=[RESULT])
    script = Script([uploaded(), httpx2.ConnectError("refused"), accepted(), task("pending"), result, image()])
    face.call(script, "edit", PNG, SECRET, then=fetch)
    lines = [(record.levelname, record.getMessage()) for record in caplog.records if record.name == "nano_banana_edit"]
    told = [text.partition(" after ")[0] for level, text in lines if level == "INFO" and "again" not in text]
    assert ["upload:", "submit:", "wait: task t-1 is pending,", "wait: task t-1 is completed,"] == told
    assert [True] == [
        text.startswith("createEdit: APIConnectionError, sent again in") for _, text in lines if "again" in text
    ]
    debug = [text.partition(",")[0] for level, text in lines if level == "DEBUG"]
    answers = [
        "uploadFile: 200",
        "createEdit: no response",
        "createEdit: 200",
        "getTask: 200",
        "getTask: 200",
        "result: 200",
    ]
    assert answers == debug
    assert ("DEBUG", "createEdit: no response, ConnectError") in lines
    assert ("DEBUG", f"result: 200, {len(PNG)} bytes, 0.00 s") in lines


@promises.TOKEN_HIDDEN
def test_no_secret_is_logged(face: Face, caplog: pytest.LogCaptureFixture) -> None:
    """At no level does anybody's line have the token, the prompt or a signed URL, whatever the service says back."""
    for name in (None, "nano_banana_edit", "stamina"):
        caplog.set_level(logging.DEBUG, name)
    with pytest.raises(SubmissionUnknown):
        face.call(Script([uploaded(), echo]), "edit", PNG, SECRET)
    with pytest.raises(ServerError):
        face.call(Script([echo] * 4), "get_task", "t-1")
    ours = [record for record in caplog.records if record.name in ("nano_banana_edit", "stamina")]
    said = " ".join(f"{record.getMessage()} {vars(record)}" for record in ours)
    assert ours
    assert not any(secret in said for secret in (TOKEN, SECRET, "s3cr3t"))
    assert TOKEN not in " ".join(record.getMessage() for record in caplog.records)


@pytest.mark.parametrize(
    ("asked", "level"), [("debug", logging.DEBUG), (" INFO ", logging.INFO), ("yes", logging.INFO)]
)
def test_a_level_is_set(monkeypatch: pytest.MonkeyPatch, asked: str, level: int) -> None:
    """The level that the environment names is set, whatever its case; where it names none nothing is."""
    logger = logging.Logger("of a test")
    monkeypatch.setattr(_log, "logger", logger)
    _log.turn_on()
    assert (logging.NOTSET, []) == (logger.level, logger.handlers)
    monkeypatch.setenv(_log.VARIABLE, asked)
    _log.turn_on()
    assert (level, 1, False) == (logger.level, len(logger.handlers), logger.propagate)


@pytest.mark.parametrize("asked", ["info", "warning", "error", "loud"])
def test_lines_say_when_and_what(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], asked: str
) -> None:
    """A line on stderr has time, logger, level and text; a word that is no level is told, with the variable's name."""
    monkeypatch.setattr(_log, "logger", logging.Logger("of a test"))
    monkeypatch.setenv(_log.VARIABLE, asked)
    _log.turn_on()
    _log.logger.error("text")
    *told, last = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d [\d:,]+ of a test ERROR text", last)
    complaint = "of a test WARNING NANO_BANANA_EDIT_LOG is 'LOUD'; it must be debug, info, warning or error"
    assert [True] * (asked == "loud") == [complaint in line for line in told]


@pytest.mark.parametrize(
    ("asked", "said"),
    [("", []), ("info", ["INFO an info"]), ("DEBUG", ["INFO an info", "DEBUG a debug"]), ("yes", ["WARNING", "INFO"])],
)
def test_the_environment_turns_it_on(asked: str, said: list[str]) -> None:
    """NANO_BANANA_EDIT_LOG writes to stderr at its level; a word that is no level is info, and says so."""
    code = (
        "import logging, nano_banana_edit; logger = logging.getLogger('nano_banana_edit');"
        "logger.info('an info'); logger.debug('a debug')"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"NANO_BANANA_EDIT_LOG": asked}
    )
    lines = run.stderr.splitlines()
    assert len(said) == len(lines)
    assert all(wanted in line for wanted, line in zip(said, lines, strict=True))
