"""A document that is not as it ought to be: what OpenAPI fills in, and what is refused by file and place."""

import json
import re

import httpx
import pytest
import yaml
from nano_banana_edit_mock import MockServer, MockService, Request, load
from nano_banana_edit_mock.__main__ import main
from nano_banana_edit_mock.contract import parse
from nano_banana_edit_mock.contract.census import resolve

CREATE = "/paths/~1generate~1k~1nano-banana-edit/post"
BODY = f"{CREATE}/requestBody/content/application~1json/schema"
SCHEMAS = "/components/schemas"
PROMPT = f"{SCHEMAS}/EditRequest/properties/prompt"
SIZE = f"{SCHEMAS}/EditRequest/properties/image_size"
ID = "/paths/~1tasks~1{id}/get/parameters/0"
WHOLE = "it must be a whole number, 0 or more."
BROKEN = [
    (
        CREATE,
        {"operationId": None},
        f"{CREATE}/operationId is null; it must be text.",
    ),
    (BODY, {"$ref": f"#{SCHEMAS}/No"}, f"{BODY}/$ref is #{SCHEMAS}/No, which is not in the document."),
    (BODY, {"$ref": "#EditRequest"}, f"{BODY}/$ref is #EditRequest, which is not in the document."),
    (BODY, {"$ref": 5}, f"{BODY}/$ref: $ref 5 leads out of the document; move its target inside."),
    (SIZE, {"allOf": [{"$ref": "#/no"}]}, f"{SIZE}/allOf/0/$ref is #/no, which is not in the document."),
    (BODY, {"$ref": f"#{CREATE}/tags/5"}, f"{BODY}/$ref is #{CREATE}/tags/5, which is not in the document."),
    (BODY, {"$ref": f"#{CREATE}/tags/x"}, f"{BODY}/$ref is #{CREATE}/tags/x, which is not in the document."),
    (
        BODY,
        {"$ref": f"#{CREATE}/operationId/x"},
        f"{BODY}/$ref is #{CREATE}/operationId/x, which is not in the document.",
    ),
    (ID, {"$ref": f"#{ID.replace('{id}', '%7Bid%7D')}"}, f"{ID} refers to itself."),
    (ID, {"$ref": f"#{ID}"}, f"{ID}/$ref: $ref '#{ID}' has '{{', which no URI has. Write %7B."),
    (BODY, {"$ref": "#/a%b"}, f"{BODY}/$ref: $ref '#/a%b' has '%', which no URI has. Write %25."),
    (
        SIZE,
        {"$ref": f"#{SIZE}"},
        "image_size at /components/schemas/EditRequest/properties/image_size is not supported. It refers",
    ),
    ("", {"type": "object"}, "type at /type is not supported. Leave it out, or begin it with x-."),
    (
        CREATE,
        {"security": [{"no/such": []}]},
        f"{CREATE}/security/0/no~1such is not a known scheme. Define /components/securitySchemes/no~1such.",
    ),
    ("", {"servers": [{"url": "/"}, {}]}, "/servers/1 has no url; it is required."),
    (CREATE, {"servers": [{"url": 5}]}, f"{CREATE}/servers/0/url is 5; it must be text."),
    (PROMPT, {"pattern": "["}, f'{PROMPT}/pattern is "["; it must be a regular expression that '),
    (PROMPT, {"pattern": "é" * 60 + "["}, f'{PROMPT}/pattern is "{"é" * 58}…; it must be '),
    (
        PROMPT,
        {"type": "strin"},
        f'{PROMPT}/type is "strin"; it must be array, boolean, integer, null, number, object, string, or a list ',
    ),
    (PROMPT, {"type": ["string", "string"]}, f'{PROMPT}/type is ["string", "string"]; '),
    (PROMPT, {"maxLength": "5000"}, f'{PROMPT}/maxLength is "5000"; {WHOLE}'),
    (PROMPT, {"minLength": -1}, f"{PROMPT}/minLength is -1; {WHOLE}"),
    (PROMPT, {"maxItems": None}, f"{PROMPT}/maxItems is null; {WHOLE}"),
    (PROMPT, {"minItems": 0.5}, f"{PROMPT}/minItems is 0.5; {WHOLE}"),
    (PROMPT, {"exclusiveMaximum": True}, f"{PROMPT}/exclusiveMaximum is true; it must be a number."),
    (PROMPT, {"multipleOf": 0}, f"{PROMPT}/multipleOf is 0; it must be a number above 0."),
    (PROMPT, {"enum": "a"}, f'{PROMPT}/enum is "a"; it must be a list.'),
    (PROMPT, {"uniqueItems": 1}, f"{PROMPT}/uniqueItems is 1; it must be true or false."),
    (PROMPT, {"required": "a"}, f'{PROMPT}/required is "a"; it must be a list of names, each once.'),
    (PROMPT, {"properties": []}, f"{PROMPT}/properties is []; it must be an object of schemas."),
    (
        PROMPT,
        {"additionalProperties": "a"},
        f'{PROMPT}/additionalProperties is "a"; it must be true, false or a schema.',
    ),
    (f"{CREATE}/responses", {2.5: {}}, f"{CREATE}/responses has the key 2.5; put it in quotes."),
    ("", {1: {}}, "The document has the key 1; "),
    (SIZE, {"x-limit": -(10**400)}, f"{SIZE}/x-limit is -inf; it must be a number that a double can hold."),
    (PROMPT, {"minLength": 10**9}, f"{PROMPT}/minLength is 1e+09; the limit is 10000000."),
    (PROMPT, {"properties": {"": {}}}, f"{PROMPT}/properties has a property without a name. Give it one."),
    (SIZE, {"x-limit": float("inf")}, f"{SIZE}/x-limit is inf; it must be a number that a double can hold."),
]


@pytest.mark.parametrize("servers", [{}, {"servers": []}])
def test_servers_by_default(document, send, servers):
    """Where a document names no server, it is / by OpenAPI, and its operations are found on every host."""
    del document["servers"]
    del document["paths"]["/api/upload/file"]["servers"]
    contract = parse(document | servers)
    assert {("/",)} == {operation.servers for operation in contract.operations}
    path = "/generate/k/nano-banana-edit"
    headers = {"Authorization": "Bearer any", "Content-Type": "application/json"}
    body = {"image_urls": ["https://images.test/a.png"], "prompt": "p"}
    request = Request("POST", f"https://any.test{path}", headers, json.dumps(body).encode())
    assert 200 == MockService(contract=contract).handle(request).status


@pytest.mark.server
def test_servers_by_default_on_a_port(document):
    """A port serves a document without servers."""
    del document["servers"]
    with MockServer(MockService(contract=parse(document))) as server:
        answer = httpx.get(f"{server.url}/tasks/x", headers={"Authorization": "Bearer any"}, trust_env=False)
    assert (404, "not_found") == (answer.status_code, answer.json()["error_code"])


@pytest.mark.parametrize(("at", "change", "message"), BROKEN)
def test_what_is_broken_is_named_by_its_place(document, at, change, message):
    """A document whose requests cannot be understood is refused with a pointer, the value and a remedy."""
    resolve(document, at).update(change)
    with pytest.raises(ValueError, match=rf"^{re.escape(message)}") as caught:
        parse(document)
    assert "\n" not in str(caught.value)


def test_dates_and_statuses_are_text(tmp_path):
    """What YAML takes for a date, or for a number that is a key, is text, as in JSON."""
    file = tmp_path / "spec.yaml"
    file.write_text("openapi: 3.1.0\npaths: {}\nx-since: 2024-01-01\nx-says: {200: {404: 5}}", "utf-8")
    document = load(file).document
    assert ("2024-01-01", {"200": {"404": 5}}) == (document["x-since"], document["x-says"])


@pytest.fixture
def told(document, tmp_path, monkeypatch, capsys):
    """What a command says of a document that is changed somewhere, as `file`, beside one that is not, as `other`."""

    def told(command, at, change):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "other").write_text(yaml.safe_dump(document), "utf-8")
        resolve(document, at).update(change)
        (tmp_path / "file").write_text(yaml.safe_dump(document), "utf-8")
        with pytest.raises(SystemExit, match=r"^2$"):
            main(command)
        return capsys.readouterr().err.splitlines()[-1]

    return told


@pytest.mark.parametrize(
    ("at", "change", "message"),
    [
        *(BROKEN[index] for index in (0, 1, 10, 12)),
        (PROMPT, {"not": {}}, f"not at {PROMPT}/not is not supported. "),
        (CREATE, {"requestBody": {}}, f"{CREATE}/requestBody has no content; it is required."),
    ],
)
@pytest.mark.parametrize("command", [["--spec", "file"], ["contract", "file"], ["diff", "file", "other"]])
def test_the_command_names_the_document(told, command, at, change, message):
    """Whatever is wrong with a document that the command is told of comes in one line, after its name."""
    assert told(command, at, change).startswith(f"python -m nano_banana_edit_mock: error: file: {message}")


@pytest.mark.parametrize(
    ("at", "change", "message"),
    [
        ("/info", {"version": "1.0-beta"}, '/info/version is "1.0-beta"; use numbers with dots, such as 1.0.0.'),
        ("/info", {"version": 1}, "/info/version is 1; use numbers with dots, such as 1.0.0."),
        ("", {"info": {}}, "/info/version is null; "),
        (
            CREATE,
            {"responses": {"200": {"$ref": "#/no"}}},
            f"{CREATE}/responses/200/$ref is #/no, which is not in the document.",
        ),
        (f"{SCHEMAS}/Task", {"$ref": "#/no"}, f"{SCHEMAS}/Task/$ref is #/no, which is not in the document."),
    ],
)
@pytest.mark.parametrize("command", [["diff", "file", "other"], ["diff", "other", "file"]])
def test_what_cannot_be_compared(told, command, at, change, message):
    """Of two documents the one is named that has no version, or whose answers lead nowhere."""
    assert f"error: file: {message}" in told(command, at, change)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"\xff", " is not YAML ("),
        (b"[" * 2_000, ": The document is nested too deeply; the limit is 128 levels."),
        (b"- " * 2_000, ": The document is nested too deeply; the limit is 128 levels."),
    ],
    ids=["bytes", "JSON", "YAML"],
)
def test_what_cannot_be_read(tmp_path, text, message):
    """A file that cannot be read is named, in the same words on every version of Python."""
    file = tmp_path / "spec.yaml"
    file.write_bytes(text)
    with pytest.raises(ValueError, match=rf"^{re.escape(str(file) + message)}"):
        load(file)
