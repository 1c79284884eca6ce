"""The mock under a changed document: it plays what the document allows, to the end."""

import json
from typing import Any

import httpx
import pytest
from nano_banana_edit_mock import MockServer, MockService, Request, mock_transport
from nano_banana_edit_mock.contract import parse
from nano_banana_edit_mock.engine.state import State

HEADERS = {"Authorization": "Bearer any", "Content-Type": "application/json"}


def changed(document: dict[str, Any], name: str, schema: dict[str, Any]) -> MockService:
    """A service whose document has another schema for a property of an edit."""
    document["components"]["schemas"]["EditRequest"]["properties"][name] = schema
    return MockService(contract=parse(document), polls=0)


@pytest.mark.parametrize(
    ("name", "schema", "value", "ending"),
    [
        ("image_size", {"type": ["string", "null"]}, None, ".png"),
        ("image_size", {"type": ["integer", "null"]}, 7, ".png"),
        ("prompt", {"type": ["string", "null"]}, None, ".png"),
        ("prompt", {"type": "array", "items": {"type": "string"}}, ["make", "it"], ".png"),
        ("image_urls", {"type": "array", "items": {"type": "object"}}, [{"url": "https://images.test/a.png"}], ".png"),
        ("image_urls", {"type": "array", "items": {"type": ["string", "null"]}}, [None], ".png"),
        ("output_format", {"type": ["string", "null"]}, None, ".png"),
        ("output_format", {"type": "string", "enum": ["image/png", "a b?#"]}, "image/png", ".image%2Fpng"),
        ("output_format", {"type": "string", "enum": ["image/png", "a b?#"]}, "a b?#", ".a%20b%3F%23"),
    ],
)
def test_an_edit_is_played_to_its_end(document, edit_body, url, name, schema, value, ending):
    """What the document allows is accepted, and its picture is where the task says."""
    service = changed(document, name, schema)
    accepted = service.handle(
        Request("POST", url("createEdit"), HEADERS, json.dumps(edit_body | {name: value}).encode())
    )
    task = service.handle(Request("GET", url("getTask", id=accepted.json()["task_id"]), HEADERS)).json()
    (link,) = task["result"]
    result = service.handle(Request("GET", link))
    assert (200, True) == (result.status, link.endswith(ending))
    assert result.header("Content-Type").startswith("image/")


@pytest.mark.server
def test_a_service_that_fails_says_so(edit_body, caplog, monkeypatch):
    """Where the mock itself fails, a server answers 500 in the shape of the API, and the log has the traceback."""
    service = MockService()
    monkeypatch.setattr(State, "add_edit", lambda *_: 1 / 0)
    sent = {"json": edit_body, "headers": HEADERS}
    path = "/v1/generate/k/nano-banana-edit"

    with MockServer(service) as server, httpx.Client(base_url=server.url, trust_env=False) as client:
        answers = [client.post(path, **sent), client.get("/v1/tasks/t-1", headers=HEADERS)]
    assert [500, 404] == [answer.status_code for answer in answers]
    assert {"message": "The mock failed; its log says why.", "error_code": "internal"} == answers[0].json()
    records = [record for record in caplog.records if record.name == "nano_banana_edit_mock"]
    assert [ZeroDivisionError] == [record.exc_info[0] for record in records if record.exc_info]
    with pytest.raises(ZeroDivisionError), httpx.Client(transport=mock_transport(service)) as client:
        client.post(f"https://api.sinancode.com{path}", **sent)
