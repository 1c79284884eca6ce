"""Tapes that are damaged, or none."""

from __future__ import annotations

import json
import os

import pytest
from nano_banana_edit_mock import MockService
from nano_banana_edit_mock.engine.tape import Tape

from .test_mock_tape import edit, recorded


def test_a_pipe_on_a_tape(tmp_path):
    """A pipe in place of a file is damage; loading the tape does not wait for it."""
    edit(recorded(tmp_path / "tape", content=True))
    (file, *_) = (tmp_path / "tape" / "files").iterdir()
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(ValueError, match=f"files/{file.name} is damaged or missing"):
        Tape.load(tmp_path / "tape")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("tape.json", None, "tape.json cannot be read"),
        ("tape.json", "{", "tape.json: The body is not JSON"),
        ("tape.json", "[]", "tape.json is damaged"),
        ("tape.json", '{"format": 2}', "format is 2; it must be 1"),
        ("0002-createEdit.json", "[]", "0002-createEdit.json is damaged"),
        ("0002-createEdit.json", "{}", "operation is damaged or missing"),
        ("files", "x", "files/[0-9a-f]{64} is damaged or missing"),
        ("files", None, "files/[0-9a-f]{64} is damaged or missing"),
    ],
)
def test_a_damaged_tape(tmp_path, name, text, message):
    """A tape that is damaged is refused with the name of its file."""
    edit(recorded(tmp_path / "tape", content=True))
    for file in (tmp_path / "tape" / name).iterdir() if name == "files" else [tmp_path / "tape" / name]:
        file.unlink() if text is None else file.write_text(text)
    with pytest.raises((OSError, ValueError), match=message):
        MockService.replay(tmp_path / "tape")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("operation", 3),
        ("at", True),
        ("path", {"id": 5}),
        *(("status", status) for status in (0, True, 100, 99_999)),
        ("headers", [["date"]]),
        ("headers", [["Date", "x\r\nSet-Cookie: y"]]),
        ("headers", [["Content-Length", "3"]]),
        *(("answer", answer) for answer in ({"xml": "<a/>"}, {"text": 5}, {"file": "../../etc/passwd"})),
        ("answer", {"json": 1, "file": "sha256:../../pipe"}),
        ("violations", [1]),
        ("undeclared", None),
        ("authorized", "yes"),
    ],
)
def test_a_damaged_exchange(tmp_path, name, value):
    """An exchange that cannot be played is refused with its file and what is wrong in it."""
    edit(recorded(tmp_path / "tape"))
    file = tmp_path / "tape" / "0003-getTask.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {name: value}))
    with pytest.raises(ValueError, match=rf"0003-getTask\.json: {name} is damaged or missing\."):
        MockService.replay(tmp_path / "tape")


def test_not_a_tape(tmp_path):
    """A folder without a tape, a tape without exchanges, a part of a tape and what is not a path are refused."""
    tape = tmp_path / "tape"
    with pytest.raises(OSError, match="cannot be read"):
        MockService.replay(tmp_path)
    edit(recorded(tape))
    with pytest.raises(ValueError, match=r"0001-uploadFile.json is a part of a tape. Name its folder, .*tape\."):
        MockService.replay(tape / "0001-uploadFile.json")
    for exchange in tape.glob("0*"):
        exchange.unlink()
    with pytest.raises(ValueError, match="has no exchanges"):
        MockService.replay(tape)
    for wrong in (7, ""):
        with pytest.raises(ValueError, match=rf"^tape is {wrong!r}; it must be the path of a tape, "):
            MockService.replay(wrong)
