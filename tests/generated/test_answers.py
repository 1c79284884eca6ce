"""Answers: what the document composes is read as one object, and what the service adds later breaks nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import httpx2
import pytest

from .generating import client_of, with_schemas


def kind(name: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": ["kind"], "properties": {"kind": {"const": name}, **properties}}


TEXT, NUMBER = {"type": "string", "description": "A text."}, {"type": "integer"}
SCHEMAS = {
    "Base": {
        "type": "object",
        "required": ["id"],
        "properties": {"id": TEXT, "size": {"$ref": "#/components/schemas/Size"}},
    },
    "Size": {"type": "string", "enum": ["small", "large"]},
    "Task": {
        "required": ["status", "at"],
        "allOf": [
            {"$ref": "#/components/schemas/Base"},
            {"type": "object", "properties": {"status": TEXT, "more": {"type": ["string", "null"]}}},
            {"properties": {"at": {"type": "string", "format": "date"}}},
        ],
        "properties": {
            "sizes": {"type": "array", "items": {"$ref": "#/components/schemas/Size"}},
            "either": {"anyOf": [{"$ref": "#/components/schemas/Size"}, {"$ref": "#/components/schemas/Base"}]},
            "part": {"oneOf": [kind("text", text=TEXT), kind("number", number=NUMBER)]},
            "maybe": {"type": ["string", "null"], "enum": ["a", None]},
            "yes": {"const": True},
        },
    },
}
TASK: dict[str, Any] = {"id": "a", "status": "b", "at": "2026-01-02"}


@pytest.fixture(scope="module")
def client() -> Iterator[ModuleType]:
    with client_of(with_schemas(**SCHEMAS)) as client:
        yield client


def parsed(client: ModuleType, task: dict[str, Any]) -> Any:
    """The answer as the operation reads it."""
    get = __import__(f"{client.__name__}.api.edits.get_task", fromlist=["parse_response"])
    response = httpx2.Response(200, content=json.dumps(task))
    return get.parse_response(client=client.Client(base_url="https://a.test"), response=response).parsed


def test_all_of_is_one_object(client: ModuleType) -> None:
    """The properties of every part, and those beside them, are attributes of one class, with their documentation."""
    task = parsed(client, TASK | {"more": "c", "size": "small", "sizes": ["large"]})
    assert ("a", "b", "c", "small", ["large"]) == (task.id, task.status, task.more, task.size, task.sizes)
    assert (2026, client.models.Task) == (task.at.year, type(task))
    assert "status (str): A text" in task.__doc__
    assert TASK == parsed(client, TASK).to_dict()


@pytest.mark.parametrize("name", ["status", "at", "id"])
def test_what_a_part_requires_is_required(client: ModuleType, name: str) -> None:
    """A property that any part requires is missed by its name."""
    with pytest.raises(client.errors.UnreadableResponse, match=f"{name} is missing; it is required"):
        parsed(client, {key: value for key, value in TASK.items() if key != name})


@pytest.mark.parametrize(
    "more",
    [{"size": "huge"}, {"sizes": ["small", "huge", None]}, {"either": "huge"}, {"maybe": "b"}, {"yes": False}],
    ids=str,
)
def test_new_values_are_read(client: ModuleType, more: dict[str, Any]) -> None:
    """A value that the service adds tomorrow to an enum, wherever it stands, comes as it is."""
    assert TASK | more == parsed(client, TASK | more).to_dict()


@pytest.mark.parametrize(
    ("part", "name"), [({"kind": "text", "text": "t"}, "text"), ({"kind": "number", "number": 1}, "number")]
)
def test_a_const_tells_objects_apart(client: ModuleType, part: dict[str, Any], name: str) -> None:
    """Of several objects the one is made whose const the answer has, though the others' properties are optional."""
    read = parsed(client, TASK | {"part": part}).part
    assert part[name] == getattr(read, name)
    assert {} == read.additional_properties
