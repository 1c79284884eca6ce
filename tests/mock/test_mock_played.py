"""Documents that change what the mock plays: it plays them, or refuses them by the place that differs."""

import json
import re

import pytest
import yaml
from nano_banana_edit_mock import MockService, Request
from nano_banana_edit_mock.__main__ import main
from nano_banana_edit_mock.contract import parse
from nano_banana_edit_mock.contract.census import resolve

CREATE, TASK = "/paths/~1generate~1k~1nano-banana-edit/post", "/paths/~1tasks~1{id}/get"
UPLOAD = "/paths/~1api~1upload~1file/post"
FORM = f"{UPLOAD}/requestBody/content/multipart~1form-data/schema"
SCHEMAS = "/components/schemas"
FILE = 'name="file"; filename="a.png"'
NO_FORM = f"{UPLOAD} must require a form with a file in it, as the mock plays uploadFile."
OTHER = [
    (f"{SCHEMAS}/EditAccepted", "required", ["id"], f"{SCHEMAS}/EditAccepted/required does not allow what the mock "),
    (f"{SCHEMAS}/Task/properties/id", "type", "integer", f"{SCHEMAS}/Task/properties/id/type does not allow what the "),
    (f"{SCHEMAS}/Task/properties/status", "enum", ["pending"], f"{SCHEMAS}/Task/properties/status/enum does not "),
    (f"{SCHEMAS}/Task/properties/error_msg", "maxLength", 1, f"{SCHEMAS}/Task/properties/error_msg/maxLength does "),
    (f"{SCHEMAS}/Task/properties/result", "maxItems", 0, f"{SCHEMAS}/Task/properties/result/maxItems does not "),
    (
        f"{SCHEMAS}/EditAccepted/properties/task_id",
        "maxLength",
        5,
        f"{SCHEMAS}/EditAccepted/properties/task_id/maxLeng",
    ),
    (f"{SCHEMAS}/Task/properties/id", "maxLength", 35, f"{SCHEMAS}/Task/properties/id/maxLength does not allow what "),
    (f"{SCHEMAS}/UploadedFile/properties/key", "maxLength", 9, f"{SCHEMAS}/UploadedFile/properties/key/maxLength does"),
    (f"{SCHEMAS}/UploadedFile/properties/url", "maxLength", 40, f"{SCHEMAS}/UploadedFile/properties/url/maxLength doe"),
    (f"{SCHEMAS}/UploadedFile/properties/size", "type", "string", f"{SCHEMAS}/UploadedFile/properties/size/type "),
    (f"{SCHEMAS}/Error", "required", ["reason"], f"{SCHEMAS}/Error/required does not allow what the mock answers to "),
    (
        f"{SCHEMAS}/Error",
        "pattern",
        "(",
        "/components/responses/Error/content/application~1json/schema is not a schema (",
    ),
    (
        f"{CREATE}/responses/200",
        "content",
        {"text/plain": {}},
        f"{CREATE}/responses/200/content has no application/json, in which the mock answers createEdit.",
    ),
    (f"{UPLOAD}/responses", "200", {"$ref": "#/no"}, f"{UPLOAD}/responses/200/$ref is #/no, which is not in the "),
    (
        f"{UPLOAD}/responses",
        "200",
        {"$ref": f"#{UPLOAD}/responses/200"},
        f"{UPLOAD}/responses/200 refers to itself.",
    ),
    (UPLOAD, "responses", {"204": {}}, f"{UPLOAD}/responses/204 has no body, in which the mock answers uploadFile."),
    (f"{CREATE}/requestBody", "required", False, f"{CREATE} must require a JSON object, as the mock plays createEdit."),
    (f"{SCHEMAS}/EditRequest", "type", ["object", "null"], f"{CREATE} must require a JSON object, "),
    (
        CREATE,
        "requestBody",
        {"required": True, "content": {"application/json": {"schema": {}}}},
        f"{CREATE} must require a JSON object, ",
    ),
    (
        UPLOAD,
        "operationId",
        "getFile",
        f"{UPLOAD}/operationId is getFile, as the mock calls its own files. Use another ",
    ),
    (f"{UPLOAD}/requestBody", "required", False, NO_FORM),
    (FORM, "required", [], NO_FORM),
    (FORM, "properties", {"file": {"type": "string"}}, NO_FORM),
    (FORM, "properties", {"file": {"type": "array", "items": {"type": "string", "format": "binary"}}}, NO_FORM),
]


@pytest.mark.parametrize(("at", "key", "value", "message"), OTHER, ids=[row[3][-60:] for row in OTHER])
def test_what_the_mock_cannot_play(document, at, key, value, message):
    """A document that needs another answer, or a request without what the mock works on, is refused by its place."""
    resolve(document, at)[key] = value
    contract = parse(document)
    with pytest.raises(ValueError, match=rf"^{re.escape(message)}"):
        MockService(contract=contract)


@pytest.mark.parametrize(
    ("name", "field", "keyword", "value"),
    [
        ("EditAccepted", "task_id", "maxLength", 36),
        ("Task", "id", "pattern", "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"),
        ("UploadedFile", "url", "minLength", 60),
        ("UploadedFile", "size", "minimum", 1),
    ],
)
def test_what_real_answers_are(document, name, field, keyword, value):
    """A document that asks of an answer what those of the mock have is played."""
    document["components"]["schemas"][name]["properties"][field][keyword] = value
    MockService(contract=parse(document))


@pytest.mark.parametrize("path", ["/tasks/latest", "/{org}/tasks/{id}"])
def test_a_task_has_one_id(document, path):
    """A poll without the id of a task, or with another parameter beside it, is refused."""
    item = document["paths"].pop("/tasks/{id}")
    parameter = item["get"]["parameters"][0]
    item["get"]["parameters"] = [{**parameter, "name": name} for name in re.findall(r"{(\w+)}", path)]
    document["paths"][path] = item
    contract = parse(document)
    with pytest.raises(
        ValueError, match=r"/get must have one path parameter, the task id, as the mock plays getTask\."
    ):
        MockService(contract=contract)


@pytest.mark.parametrize("command", [["--spec"], ["contract"], ["contract", "--json"]])
@pytest.mark.parametrize(
    ("at", "change", "message"),
    [
        (
            f"{SCHEMAS}/EditAccepted",
            {"required": ["id"], "properties": {"id": {}}},
            f"{SCHEMAS}/EditAccepted/required ",
        ),
        ("", {"openapi": "3.0.3"}, '/openapi is "3.0.3"'),
        (
            f"{SCHEMAS}/EditRequest/properties/prompt",
            {"maxLength": 3},
            f"{SCHEMAS}/EditRequest/properties/prompt/example has ",
        ),
    ],
)
def test_every_command_refuses_alike(document, tmp_path, capsys, command, at, change, message):
    """What `make generate` refuses, `--spec` refuses in the same words."""
    resolve(document, at).update(change)
    file = tmp_path / "spec.yaml"
    file.write_text(yaml.safe_dump(document), "utf-8")
    with pytest.raises(SystemExit, match=r"^2$"):
        main([*command, str(file)])
    assert f"error: {file}: {message}" in capsys.readouterr().err.splitlines()[-1]


def test_two_versions_are_compared_whatever_is_played(document, tmp_path, capsys):
    """A version whose answers the mock does not know can be compared all the same."""
    old, new = tmp_path / "old.yaml", tmp_path / "new.yaml"
    old.write_text(yaml.safe_dump(document), "utf-8")
    document["components"]["schemas"]["EditAccepted"] = {"type": "object", "required": ["id"], "properties": {"id": {}}}
    new.write_text(yaml.safe_dump(document), "utf-8")
    with pytest.raises(SystemExit, match=r"^1$"):
        main(["diff", str(old), str(new)])
    assert "Version bump: needs major" in capsys.readouterr().out


def test_the_document_for_a_generator(tmp_path, capsys):
    """The document is printed as it was read: without what YAML has beside JSON, and whole numbers as integers."""
    file = tmp_path / "spec.yaml"
    file.write_text(
        "{openapi: 3.1.0, paths: {x-a: 1}, x-b: &b [no, 0100, 5e3, 2024-01-01, {200: é}], x-c: *b}", "utf-8"
    )
    main(["contract", "--json", str(file)])
    values = ["no", 100, 5000, "2024-01-01", {"200": "é"}]
    printed = capsys.readouterr().out
    assert {"openapi": "3.1.0", "paths": {}, "x-b": values, "x-c": values} == json.loads(printed)
    assert "5000," in printed


@pytest.mark.parametrize("status", ["201", "202", "2XX"])
def test_other_statuses(document, send, status):
    """An answer has the status that the document gives it."""
    for at in (CREATE, TASK, UPLOAD):
        responses = resolve(document, f"{at}/responses")
        responses[status] = responses.pop("200")
    service = MockService(contract=parse(document))
    created = send("createEdit", to=service)
    polled = send("getTask", to=service, task_id=created.json()["task_id"])
    expected = int(status.replace("XX", "00"))
    assert [expected] * 3 == [created.status, polled.status, send("uploadFile", to=service).status]


def test_the_required_file_is_the_upload(document, send, form):
    """Of several files the required one is kept; a file that may be left out may be sent."""
    resolve(document, FORM)["properties"] = {"mask": {"type": "string", "format": "binary"}} | resolve(document, FORM)[
        "properties"
    ]
    service = MockService(contract=parse(document))
    both = form(('name="mask"; filename="m.png"', b"mask"), (FILE, b"file"))
    assert [200, 200] == [send("uploadFile", body, to=service).status for body in (both, form((FILE, b"only")))]
    assert [b"file", b"only"] == [upload.body for upload in service.uploads]


def test_what_the_answers_need_not_promise(document, send):
    """A response without a content or a schema promises nothing, and the mock answers as ever."""
    resolve(document, f"{CREATE}/responses")["200"] = {"description": "d"}
    del resolve(document, f"{TASK}/responses/200/content/application~1json")["schema"]
    del resolve(document, UPLOAD)["responses"]
    service = MockService(contract=parse(document), polls=0)
    task_id = send("createEdit", to=service).json()["task_id"]
    assert "completed" == send("getTask", to=service, task_id=task_id).json()["status"]
    assert 200 == send("uploadFile", to=service).status


@pytest.mark.parametrize("images", [5, "text", [5], None])
def test_images_of_any_type(document, url, images):
    """An edit is drawn whatever the document lets stand for its images."""
    resolve(document, f"{SCHEMAS}/EditRequest/properties")["image_urls"] = {
        "type": ["integer", "string", "array", "null"]
    }
    service = MockService(contract=parse(document), polls=0)
    headers = {"Authorization": "Bearer t", "Content-Type": "application/json"}
    body = json.dumps({"image_urls": images, "prompt": "p"}).encode()
    created = service.handle(Request("POST", url("createEdit"), headers, body))
    task = service.handle(Request("GET", url("getTask", id=created.json()["task_id"]), headers)).json()
    assert 200 == service.handle(Request("GET", task["result"][0])).status
