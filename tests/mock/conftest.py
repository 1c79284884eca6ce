"""What the tests of the mock share: a service, and requests to it that are right unless a test spoils them."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from nano_banana_edit_mock import MockServer, MockService, Request, Response, load, mock_transport
from nano_banana_edit_mock.admin.api import administer
from nano_banana_edit_mock.contract import parse
from nano_banana_edit_mock.contract.document import load_admin

from .raw_door import Wire

BOUNDARY = "frontier"
SHIPPED = load()
ADMIN = load_admin()
ORIGIN = "http://127.0.0.1:4010"  # of a mock that is told and asked without a port


@pytest.fixture
def contract():
    return SHIPPED


@pytest.fixture
def document() -> dict[str, Any]:
    """A copy of the document, to be changed."""
    return copy.deepcopy(dict(SHIPPED.document))


@pytest.fixture
def limit():
    """The value of a constraint, by its id."""
    return {constraint.id: constraint.value for constraint in SHIPPED.constraints}


@pytest.fixture
def service() -> MockService:
    return MockService()


@pytest.fixture
def edit_body() -> dict[str, Any]:
    return {"image_urls": ["https://images.test/a.png"], "prompt": "Make it snow."}


@pytest.fixture
def url():
    """The documented URL of an operation."""
    urls = {operation.id: operation.servers[0] + operation.path for operation in SHIPPED.operations}
    return lambda operation, **path: urls[operation].format(**path)


@pytest.fixture
def form():
    """A multipart body of (headers, content) pairs; a plain string stands for the disposition's parameters."""

    def build(*parts: tuple[str, bytes]) -> bytes:
        lines = b""
        for disposition, content in parts:
            lines += f"--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n".encode()
            lines += content + b"\r\n"
        return lines + f"--{BOUNDARY}--\r\n".encode()

    return build


@pytest.fixture
def send(service, url, edit_body, form):
    """Send a request that is right except for what is given."""
    methods = {operation.id: operation.method for operation in SHIPPED.operations}
    bodies = {
        "createEdit": ("application/json", json.dumps(edit_body).encode()),
        "getTask": (None, b""),
        "uploadFile": (f"multipart/form-data; boundary={BOUNDARY}", form(('name="file"; filename="a.bin"', b"abc"))),
    }

    def call(
        operation: str, body: Any = None, *, to: MockService = service, task_id: str = "x", **headers: Any
    ) -> Response:
        media_type, content = bodies[operation]
        if body is not None:
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
        values = {"Authorization": "Bearer secret", "Content-Type": media_type}
        values |= {name.replace("_", "-"): value for name, value in headers.items()}
        given = {name: value for name, value in values.items() if value is not None}
        return to.handle(Request(methods[operation], url(operation, id=task_id), given, content))

    return call


@pytest.fixture
def rich() -> dict[str, Any]:
    """A document with every keyword that the shipped one does not use."""
    return {
        "openapi": "3.1.0",
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "paths": {
            "/things/{thing-id}": {
                "servers": [{"url": "https://things.test/api/"}],
                "get": {
                    "operationId": "getThing",
                    "security": [{"bearer": []}, {}],
                    "parameters": [
                        {"$ref": "#/components/parameters/Thing"},
                    ],
                },
                "put": {
                    "operationId": "putThing",
                    "parameters": [{"$ref": "#/components/parameters/Thing"}],
                    "requestBody": {"$ref": "#/components/requestBodies/Thing"},
                },
                "post": {
                    "operationId": "postThing",
                    "security": [],
                    "parameters": [{"$ref": "#/components/parameters/Thing"}],
                    "requestBody": {
                        "required": True,
                        "content": {
                            "multipart/form-data": {
                                "schema": {"properties": {"note": {"type": "string", "minLength": 2}}}
                            }
                        },
                    },
                },
            }
        },
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "Bearer"}},
            "parameters": {"Thing": {"name": "thing-id", "in": "path", "required": True, "schema": {"type": "string"}}},
            "requestBodies": {
                "Thing": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}}
            },
            "schemas": {
                "Small": {"type": "number", "exclusiveMaximum": 10, "x-note": 1},
                "Thing": {
                    "type": "object",
                    "properties": {
                        "a/b": {"const": 1},
                        "small": {"allOf": [{"$ref": "#/components/schemas/Small"}], "exclusiveMinimum": 0},
                        "even": {"type": ["integer", "null"], "multipleOf": 2, "minimum": 0},
                        "tags": {"type": "array", "uniqueItems": True, "maxItems": 3, "items": {}},
                        "code": {"type": "string", "pattern": "^[A-Z]+$", "minLength": 2},
                        "inner": {
                            "type": "object",
                            "required": ["deep"],
                            "properties": {"deep": {"type": "string"}},
                            "additionalProperties": False,
                        },
                        "labels": {"type": "object", "additionalProperties": {"type": "string", "maxLength": 2}},
                    },
                },
            },
        },
    }


@pytest.fixture
def rich_service(rich) -> MockService:
    return MockService(contract=parse(rich))


@pytest.fixture
def transport(service):
    return mock_transport(service)


@pytest.fixture(scope="module")
def running() -> Iterator[MockServer]:
    """A server for many tests."""
    with MockServer() as server:
        yield server


@pytest.fixture
def server(running, service) -> MockServer:
    """A server whose service is new."""
    running.service = service
    return running


@pytest.fixture
def wire(server) -> Iterator[Wire]:
    wire = Wire(server)
    yield wire
    wire.close()


@pytest.fixture
def ask(service):
    """Ask the mock from this machine, unless told otherwise; what it answers is as its document says."""
    operations = {(operation.method, operation.path): operation.id for operation in ADMIN.operations}

    def ask(method, path, body=None, *, origin=ORIGIN, peer="127.0.0.1", **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            headers["Content-Type"] = "application/json"
        content = b"" if body is None else json.dumps(body).encode()
        request = Request(method, f"{origin}/__mock__{path}", headers, content)
        response = administer(service, request, token="secret", peer=peer)
        answers = ADMIN.document["paths"].get(path, {}).get(method.lower(), {}).get("responses", {})
        answer = answers.get(str(response.status), {}).get("content", {}).get("application/json")
        if answer:
            assert (method, path) in operations
            schema = {**ADMIN.document, **answer["schema"]}
            assert [] == [*Draft202012Validator(schema).iter_errors(response.json())]
        return response

    return ask


@pytest.fixture
def waited(monkeypatch):
    """The seconds that a run would have waited."""
    waits = []
    monkeypatch.setattr("time.sleep", waits.append)
    return waits
