"""Steps written down, in a file or in Python: what is refused is named with its place."""

import re
from datetime import date
from types import MappingProxyType

import pytest
import yaml
from nano_banana_edit_mock import Fault, MockService
from nano_banana_edit_mock.engine import script


def nested(levels):
    """A step in whose body containers lie within each other, so many that the innermost is at a level."""
    value = None
    for _ in range(levels - 4):  # around the body are the step, its reply, the list of steps, and what holds that
        value = [value]
    return {"reply": {"status": 200, "body": value}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "- outcome: {error_msg: 2024-01-01}",
            "steps[0].outcome.error_msg is the date 2024-01-01; JSON has no such type. Write it as text.",
        ),
        (
            "- fault: empty\n- reply: {status: 200, body: [!!binary aGk=]}",
            "steps[1].reply.body[0] is the bytes b'hi'; ",
        ),
        (
            "- reply: {status: 429, headers: {1: 2}}",
            "steps[0].reply.headers has the key 1; put it in quotes.",
        ),
        ("- 1: 2", "steps[0] has the key 1; "),
        ("- on: 2", "steps[0] has the key True; "),
        (
            "- &a {reply: *a}",
            "steps[0] is nested too deeply; the limit is 128 levels.",
        ),
        ("- &a {reply: [*a, *a]}", "steps[0] is nested too deeply; "),
        (
            "- outcome: {seconds: .inf}",
            "steps[0].outcome.seconds is inf; it must be a number that a double can hold.",
        ),
        ("- reply: {status: 200, body: {a: .nan}}", "steps[0].reply.body.a is nan; "),
    ],
)
def test_what_is_no_json_is_refused(service, text, message):
    """YAML has dates, keys that are no text, and values within themselves; each is named with its place."""
    with pytest.raises(ValueError, match=r"^steps\[") as caught:
        service.script(yaml.safe_load(text))
    assert str(caught.value).startswith(message)
    assert () == service.rules


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (
            {"outcome": {"error_msg": date(2024, 1, 1)}},
            "steps[0].outcome.error_msg is the date 2024-01-01; JSON has no such type.",
        ),
        ({"reply": MappingProxyType({})}, "steps[0].reply is the mappingproxy {}; "),
        (
            {"reply": {"status": 200, "body": b"x" * 58}},
            f"steps[0].reply.body is the bytes b'{'x' * 57}…; ",
        ),
        ({"reply": {"status": 200, "body": b"x" * 57}}, f"steps[0].reply.body is the bytes b'{'x' * 57}'; "),
        ({("y" * 61): {1, 2}}, f"steps[0].{'y' * 61} is the set "),
        (nested(129), "steps[0] is nested too deeply; "),
    ],
)
def test_what_is_no_json_is_refused_from_python(service, step, message):
    """A mapping given from Python is read as one in a file."""
    with pytest.raises(ValueError, match=r"^steps\[0\]") as caught:
        service.script([step])
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    "step",
    [
        {"fault": Fault.EMPTY},
        MappingProxyType({"reply": {"status": 503}}),
        {"reply": {"status": 200, "body": (None, True, 1, 1.5, "a", {"b": []})}},
        nested(128),
    ],
)
def test_what_is_json_is_accepted(step):
    """What JSON has is a step in whichever of Python's types it is written, as deep as a body may be."""
    service = MockService()
    service.script([step])
    assert 1 == len(service.rules)


def test_a_file_is_a_script(service, send, tmp_path):
    """The path of a file stands for the steps in it."""
    file = tmp_path / "script.yaml"
    file.write_text("- reply: {status: 503}", "utf-8")
    service.script(file)
    assert [503, 404] == [send("getTask").status for _ in range(2)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a: 2024-13-01", ": steps[0].a is unknown; "),
        ("[" * 2_000, ": steps is nested too deeply; the limit is 128 levels."),
        ("[", " is not YAML ("),
        ("3", " has no list of steps. See admin.yaml."),
        (
            "- fault: empty\n- empty",
            ': steps[1] is "empty"; it must be an object.',
        ),
        ("- 1: 2", ": steps[0].1 is unknown; "),
        ("- fault: empties", ': steps[0].fault is "empties"; it must be one of '),
        ("- {fault: empty, operation: edit}", ": steps[0]: operation is 'edit'; it must be one of "),
        ("- {fault: empty, outage: {requests: 1}}", ": steps[0]: the step has fault and outage; use one of "),
        ("[fault: empty, fault: empty, fault: empty]", ": the script has 3 rules; the limit is 2. "),
    ],
)
def test_what_is_wrong_with_a_file_names_it(service, monkeypatch, tmp_path, text, message):
    """Whatever is refused of a file comes after its name, once, and none of its steps is said."""
    monkeypatch.setattr(script, "MAX_RULES", 2)
    file = tmp_path / "script.yaml"
    file.write_text(text, "utf-8")
    with pytest.raises(ValueError, match=rf"^{re.escape(str(file) + message)}") as caught:
        service.script(file)
    assert 1 == str(caught.value).count(str(file))
    assert () == service.rules


def test_a_file_that_is_not_there(service, tmp_path):
    """A file that cannot be read is the system's own error, which names it."""
    with pytest.raises(FileNotFoundError, match=r"nothing\.yaml"):
        service.script(tmp_path / "nothing.yaml")


def test_whole_numbers_written_as_floats(service, tmp_path):
    """A count such as 2.0 or 1e1 is a whole number, as in JSON Schema."""
    file = tmp_path / "script.json"
    file.write_text('[{"reply": {"status": 429.0}, "nth": 2.0, "times": 3e0}, {"outage": {"requests": 1e1}}]', "utf-8")
    service.script(file)
    told = [str(rule) for rule in service.rules]
    assert "any operation, request 2 and on: Reply(429), used 0 of 3 times" == told[0]
    assert "any operation, request 1 and on: Reply(503), used 0 of 10 times" == told[1]


@pytest.mark.parametrize("kind", [str, lambda path: path])
def test_a_path_of_any_kind(service, tmp_path, kind):
    """A path may be text, and one that leads nowhere is named."""
    file = tmp_path / "script.yaml"
    file.write_text("- fault: empty")
    service.script(kind(file))
    assert [Fault.EMPTY] == [rule.do for rule in service.rules]
    with pytest.raises(FileNotFoundError, match=r"^no/such\.yaml cannot be read \(No such file or directory\)\.$"):
        service.script("no/such.yaml")


@pytest.mark.parametrize("step", [Fault.EMPTY, {"fault": "empty"}])
def test_a_script_of_one_step(service, step):
    """A step need not be in a list."""
    service.script(step)
    assert [Fault.EMPTY] == [rule.do for rule in service.rules]


def test_what_is_no_script(service):
    """What has no steps is refused with what has."""
    with pytest.raises(ValueError, match=r"^script is 5; use a list of steps, or the path of a script file\.$"):
        service.script(5)
