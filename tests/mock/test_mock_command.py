"""The command of the mock: what it serves, what its help says, and the census that it prints as a table."""

import io
import json
import re
import sys

import pytest
import yaml
from nano_banana_edit_mock import MockService, __main__
from nano_banana_edit_mock.__main__ import main

DOCUMENT = {
    "servers": [{"url": "/"}],
    "openapi": "3.1.0",
    "paths": {
        "/": {
            "post": {
                "operationId": "make",
                "requestBody": {
                    "content": {
                        "application/json": {
                            "schema": {
                                "title": "Thing",
                                "properties": {"size": {"enum": ["é|b"]}, "count": {"type": "integer", "maximum": 3}},
                            }
                        }
                    }
                },
            }
        }
    },
}
HEAD = ["| constraint | value | accepted | refused | pointer |", "| --- | --- | --- | --- | --- |"]


def test_table_to_the_letter(tmp_path, capsys):
    """A row names constraint, value, the cases on either side and place; a bar in a cell stays inside it."""
    at = "/paths/~1/post/requestBody/content/application~1json/schema/properties"
    rows = [
        f'| Thing.size.enum | ["é&#124;b"] | "é&#124;b" | "é&#124;b "; "É&#124;B"; ""; null | {at}/size/enum |',
        '| Thing.count.type | "integer" | 1; as documented | null; true; 1.5; "text"; an array; an object '
        f"| {at}/count/type |",
        f"| Thing.count.maximum | 3 | 2; 3; as documented | 4 | {at}/count/maximum |",
    ]
    file = tmp_path / "document.yaml"
    file.write_text(yaml.safe_dump(DOCUMENT, sort_keys=False), "utf-8")
    main(["contract", str(file)])
    assert [*HEAD, *rows] == capsys.readouterr().out.splitlines()


def test_options_reach_the_service(send, monkeypatch):
    """The service is served on port 4010 of this machine as it is by default, and otherwise as the options say."""
    served = []
    monkeypatch.setattr(__main__, "serve", lambda **settings: served.append(settings))
    main([])
    main(["--host", "::1", "--port", "5", "--seed", "3", "--polls", "0"])

    def played(service):
        task_id = json.loads(send("createEdit", to=service).body)["task_id"]
        looks = [json.loads(send("getTask", to=service, task_id=task_id).body)["status"] for _ in range(4)]
        return task_id, looks

    assert [("127.0.0.1", 4010), ("::1", 5)] == [(settings["host"], settings["port"]) for settings in served]
    expected = [played(MockService()), played(MockService(seed=3, polls=0))]
    assert expected == [played(settings["service"]) for settings in served]


def served_by(monkeypatch, *options):
    """The service, and what else is told, that the command would serve."""
    served = []
    monkeypatch.setattr(__main__, "serve", lambda **settings: served.append(settings))
    main([*map(str, options)])
    (settings,) = served
    return settings.pop("service"), settings


def test_the_service_is_told_its_ways(send, monkeypatch):
    """A token, the status of a bad body, and the time of a task are those of the options."""
    service, _ = served_by(monkeypatch, "--token", "right", "--invalid-status", "422", "--seconds", "60")
    statuses = [
        send("createEdit", body, to=service, Authorization=f"Bearer {token}").status
        for body, token in (
            (None, "wrong"),
            ({}, "right"),
            (None, "right"),
        )
    ]
    service.advance(59)
    look = send("getTask", to=service, task_id=service.edits[0].task_id, Authorization="Bearer right")
    assert ([401, 422, 200], "processing") == (statuses, look.json()["status"])


@pytest.mark.parametrize("written", [yaml.safe_dump, json.dumps, lambda steps: yaml.safe_dump({"steps": steps})])
def test_a_script_is_said(send, monkeypatch, tmp_path, written):
    """The steps in a file happen in order, whichever way they are written."""
    file = tmp_path / "script"
    steps = [{"reply": {"status": 503}}, {"outcome": {"status": "failed", "polls": 0}}]
    file.write_text(written(steps), "utf-8")
    service, _ = served_by(monkeypatch, "--script", file)
    assert 503 == send("createEdit", to=service).status
    task_id = send("createEdit", to=service).json()["task_id"]
    assert "failed" == send("getTask", to=service, task_id=task_id).json()["status"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "script is not YAML (while"),
        ("\xff", "script is not YAML ("),
        ("steps: 3", "script has no list of steps. See admin.yaml."),
        ("5", "script has no list of steps. "),
        ("- reply: {status: 99}", "script: steps[0].reply.status is 99; the limit is 200 to 599."),
    ],
)
def test_a_script_that_is_none(monkeypatch, tmp_path, capsys, text, message):
    """A file that says nothing that could happen ends the command with the reason."""
    file = tmp_path / "script"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(SystemExit, match="2"):
        served_by(monkeypatch, "--script", file)
    assert message in capsys.readouterr().err


def test_another_document(send, monkeypatch, tmp_path, document):
    """A changed document is the one that requests are held to."""
    document["components"]["schemas"]["EditRequest"]["properties"]["prompt"] |= {"maxLength": 3, "example": "abc"}
    file = tmp_path / "changed.yaml"
    file.write_text(yaml.safe_dump(document), "utf-8")
    service, _ = served_by(monkeypatch, "--spec", file)
    assert "prompt has 13 characters; the limit is 1 to 3." in send("createEdit", to=service).json()["message"]


@pytest.mark.parametrize("stderr", [True, False])
def test_a_document_without_an_operation_that_is_played(monkeypatch, tmp_path, capsys, document, stderr):
    """A document is served whose operations have other names, and a line names the operations that are not played."""
    document["paths"]["/generate/k/nano-banana-edit"]["post"]["operationId"] = "makeEdit"
    file = tmp_path / "renamed.yaml"
    file.write_text(yaml.safe_dump(document), "utf-8")
    if not stderr:
        monkeypatch.setattr(sys, "stderr", None)
    served_by(monkeypatch, "--spec", file)
    what = (
        "the mock plays createEdit, getTask, uploadFile by these operationIds, and answers any other operation by its"
    )
    line = f"python -m nano_banana_edit_mock: warning: {file} has no createEdit; {what} example.\n"
    assert (line if stderr else "") == capsys.readouterr().err


def test_the_token_of_the_environment(monkeypatch):
    """The token for other machines may be given."""
    monkeypatch.setenv("NANO_BANANA_EDIT_MOCK_TOKEN", "chosen")
    _, settings = served_by(monkeypatch)
    assert "chosen" == settings["admin_token"]
    monkeypatch.setenv("NANO_BANANA_EDIT_MOCK_TOKEN", "")
    _, settings = served_by(monkeypatch)
    assert settings["admin_token"] is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--port", "65536"], "65536 is not a port; the limit is 0 to 65535"),
        (["--port", "x"], "argument --port: x is not a port; the limit is 0 to 65535"),
        (["--prot", "3"], "error: --prot is not an option. Did you mean --port?"),
        (["--zzz=3"], "error: --zzz is not an option.\n"),
        (["--invalid-status", "200"], "--invalid-status is 200; the limit is 400 to 599."),
        (["--token", ""], "error: --token is not a bearer token; use letters, digits and -._~+/, with = at the end."),
        (["--seconds", "-1"], "--seconds is -1.0; the limit is 0 to 1000000000."),
        (["--spec", "no/such/file"], "error: no/such/file cannot be read (No such file or directory)."),
    ],
)
def test_wrong_options(monkeypatch, capsys, options, message):
    """What cannot be is a usage error that says why, and nothing is served."""
    with pytest.raises(SystemExit, match="2"):
        served_by(monkeypatch, *options)
    assert message in capsys.readouterr().err


def test_a_file_that_is_wrong_is_one_line(monkeypatch, tmp_path, capsys):
    """An invalid file is told in one line, without the usage."""
    file = tmp_path / "script"
    file.write_text("5")
    with pytest.raises(SystemExit, match="2"):
        served_by(monkeypatch, "--script", file)
    line = f"python -m nano_banana_edit_mock: error: {file} has no list of steps. See admin.yaml.\n"
    assert line == capsys.readouterr().err


@pytest.mark.parametrize(("arguments", "shown"), [(["--por", "5"], 5), (["--token", "-", "--port", "6"], 6)])
def test_an_option_is_known_by_its_beginning(monkeypatch, arguments, shown):
    """An option may be shortened, and a value is not taken for an option."""
    _, settings = served_by(monkeypatch, *arguments)
    assert shown == settings["port"]


@pytest.mark.parametrize(
    ("command", "named"),
    [
        (
            [],
            {"--host HOST", "--port PORT", "--seed SEED", "--polls POLLS", "--seconds SECONDS", "--token TOKEN"}
            | {"--invalid-status N", "--script FILE", "--spec FILE", "--quiet", "contract", "diff", "compare"}
            | {"--proxy URL", "--proxy-files URL", "--proxy-errors", "--record FOLDER", "--record-content"}
            | {"--replay TAPE", "--replay-timing"},
        ),
        (["contract"], {"document", "--json"}),
        (["diff"], {"old", "new"}),
        (["compare"], {"tape"}),
    ],
)
def test_help_explains_everything(command, named, monkeypatch, capsys):
    """Each option, argument and command has its line in the help, with a default where there is one."""
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit, match="0"):
        main([*command, "--help"])
    shown = capsys.readouterr().out
    explained = dict(re.findall(r"^ +(\S.*?) {2,}(\S.*)$", shown, re.MULTILINE))
    assert named | {"-h, --help"} == explained.keys()
    assert shown.startswith(f"usage: {' '.join(['python -m nano_banana_edit_mock', *command])} ")
    if not command:
        assert "\n\nPlay nano-banana-edit offline, with a page at / that shows the requests.\n\n" in shown
        assert "\ninstead of serving:\n" in shown
        defaults = {name: re.findall(r"\(default: (.+)\)", text) for name, text in explained.items()}
        assert [["127.0.0.1"], ["4010"], ["0"], ["2"], ["any"], ["400"], ["the one shipped"]] == [
            found for found in defaults.values() if found
        ]


def test_output_in_any_encoding(tmp_path, monkeypatch):
    """What the terminal cannot show is escaped, and the command goes on."""
    path = tmp_path / "document.yaml"
    path.write_text(yaml.safe_dump(DOCUMENT), "utf-8")
    written = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", written)
    main(["contract", str(path)])
    written.seek(0)
    assert '| ["\\xe9&#124;b"] |' in written.read()


@pytest.mark.parametrize("stderr", [True, False])
@pytest.mark.parametrize("command", [["contract"], ["diff", "a.yaml", "b.yaml"]])
def test_a_closed_standard_output(command, stderr, monkeypatch, capsys):
    """A report that cannot be written is refused in one line, if there is something to write that to."""
    monkeypatch.setattr(sys, "stdout", None)
    if not stderr:
        monkeypatch.setattr(sys, "stderr", None)
    with pytest.raises(SystemExit, match="2"):
        main(command)
    message = f"error: standard output is closed, and {command[0]} writes to it. Open it.\n"
    assert capsys.readouterr().err.endswith(message if stderr else "")
