"""Steps written down: what is no JSON is refused by its place, from a file as from Python."""

from datetime import date
from types import MappingProxyType

import pytest
import yaml
from nano_banana_edit_mock import Fault, MockService


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
            "steps[0].outcome.error_msg is the date 2024-01-01; the mock accepts what JSON has. "
            "Write it as text, in quotes.",
        ),
        (
            "- fault: empty\n- reply: {status: 200, body: [!!binary aGk=]}",
            "steps[1].reply.body[0] is the bytes b'hi'; ",
        ),
        (
            "- reply: {status: 429, headers: {1: 2}}",
            "steps[0].reply.headers has the key 1; the mock accepts text. Put it in quotes.",
        ),
        ("- 1: 2", "steps[0] has the key 1; "),
        ("- on: 2", "steps[0] has the key True; "),
        (
            "- &a {reply: *a}",
            "steps[0] is nested too deep; the mock accepts 128 levels. Flatten it.",
        ),
        ("- &a {reply: [*a, *a]}", "steps[0] is nested too deep; "),
        (
            "- outcome: {seconds: .inf}",
            "steps[0].outcome.seconds is inf; the mock accepts finite numbers. Choose one.",
        ),
        ("- reply: {status: 200, body: {a: .nan}}", "steps[0].reply.body.a is nan; "),
    ],
)
def test_what_is_no_json_is_refused(service, text, message):
    """YAML has dates, keys that are no text, and values within themselves; each is named with its place."""
    with pytest.raises(ValueError, match=r"^steps\[") as caught:
        service.script(yaml.safe_load(text))
    assert str(caught.value).startswith(message)
    assert [] == service._store.rules


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ({"outcome": {"error_msg": date(2024, 1, 1)}}, "steps[0].outcome.error_msg is the date 2024-01-01; "),
        ({"reply": MappingProxyType({})}, "steps[0].reply is the mappingproxy {}; "),
        (
            {"reply": {"status": 200, "body": b"x" * 58}},
            f"steps[0].reply.body is the bytes b'{'x' * 57}…; ",
        ),
        ({"reply": {"status": 200, "body": b"x" * 57}}, f"steps[0].reply.body is the bytes b'{'x' * 57}'; "),
        ({("y" * 61): {1, 2}}, f"steps[0].{'y' * 61} is the set "),
        (nested(129), "steps[0] is nested too deep; "),
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
    assert 1 == len(service._store.rules)
