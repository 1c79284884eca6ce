"""A task's life, what the service remembers, its routes and its files."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from io import BytesIO
from typing import Any, cast
from uuid import UUID

import pytest
from jsonschema_rs import Draft202012Validator
from nano_banana_edit_mock import MockService, Outcome, Request
from nano_banana_edit_mock.contract import parse
from nano_banana_edit_mock.engine import drawing
from PIL import Image

LOCAL = "http://127.0.0.1:4010"


@pytest.fixture
def looks(send):
    """Create an edit, look at it some times, and return the answers."""

    def look(service: MockService, times: int):
        task_id = send("createEdit", to=service).json()["task_id"]
        answers = [send("getTask", to=service, task_id=task_id) for _ in range(times)]
        assert {(200, task_id)} == {(answer.status, answer.json()["id"]) for answer in answers}
        return [answer.json() for answer in answers]

    return look


@pytest.fixture
def conforms(contract):
    """Judge an answer by the document's schema of it."""

    def check(name: str, answer) -> bool:
        schema = {**contract.document, "$ref": f"#/components/schemas/{name}"}
        return Draft202012Validator(schema, validate_formats=True).is_valid(answer)

    return check


@pytest.mark.parametrize(
    ("polls", "statuses"),
    [
        (0, ["completed", "completed"]),
        (1, ["pending", "completed"]),
        (2, ["pending", "processing", "completed", "completed"]),
        (3, ["pending", "pending", "processing", "completed"]),
        (4, ["pending", "pending", "processing", "processing", "completed"]),
    ],
)
def test_life_by_polls(looks, polls, statuses):
    """A task is pending for the first half of its looks, then processing, then finished for good."""
    assert statuses == [task["status"] for task in looks(MockService(polls=polls), len(statuses))]


def test_defaults(looks):
    """A service that is told nothing lives by two looks, and numbers its tasks as seed 0 does."""
    assert looks(MockService(), 3) == looks(MockService(polls=2, seed=0), 3)


def test_life_by_clock(send):
    """With seconds a task lives by the clock, however often it is looked at."""
    now = [100.0]
    service = MockService(seconds=10, clock=lambda: now[0])
    task_id = send("createEdit", to=service).json()["task_id"]
    lived = []
    for now[0] in (100, 100, 104.9, 105, 109.9, 110, 1000):
        lived.append(send("getTask", to=service, task_id=task_id).json()["status"])
    assert ["pending"] * 3 + ["processing"] * 2 + ["completed"] * 2 == lived


def test_no_seconds(looks):
    """A task of no seconds is finished at the first look."""
    assert "completed" == looks(MockService(seconds=0), 1)[0]["status"]


@pytest.mark.parametrize("option", ["polls", "seconds"])
def test_negative_life_is_refused(option):
    """A task cannot live shorter than not at all."""
    with pytest.raises(ValueError, match=f"{option} is -1; the (minimum is 0|limit is 0 to 1000000000)"):
        cast("Any", MockService)(**{option: -1})


def test_outcomes(looks, conforms):
    """Queued outcomes are used in order, each once, and then edits are completed again."""
    service = MockService(polls=0)
    service.next(Outcome(status="failed", error_code="nsfw", error_msg="Not that."))
    service.next(Outcome(status="archived"))
    service.next(Outcome(result_form="file"))
    answers = [looks(service, 1)[0] for _ in range(4)]
    assert all(conforms("Task", answer) for answer in answers)
    ids = [edit.task_id for edit in service.edits]
    assert {4} == {UUID(task_id).version for task_id in ids}
    links = [f"https://nano-banana-edit.test/results/{task_id}/0.png" for task_id in ids]
    assert [
        {"id": ids[0], "status": "failed", "error_code": "nsfw", "error_msg": "Not that."},
        {"id": ids[1], "status": "archived"},
        {"id": ids[2], "status": "completed", "result": [{"type": "image", "url": links[2]}]},
        {"id": ids[3], "status": "completed", "result": [links[3]]},
    ] == answers


def test_edits_are_kept_as_received(send, service, edit_body):
    """An edit is remembered without defaults, and its id is the answer."""
    body = {**edit_body, "seed": 7}
    answer = send("createEdit", body).json()
    (edit,) = service.edits
    assert ({"task_id": edit.task_id}, body) == (answer, edit.body)


def test_seed(send):
    """The same seed gives the same ids, after a reset too; another seed gives others."""

    def ids(service: MockService) -> list[str]:
        return [send("createEdit", to=service).json()["task_id"] for _ in range(3)]

    service = MockService(seed=1)
    first = ids(service)
    assert first == ids(MockService(seed=1))
    assert first != ids(MockService(seed=2))
    service.next(Outcome(status="failed"))
    send("uploadFile", to=service)
    service.reset()
    assert ((), (), ()) == (service.edits, service.uploads, service.calls)
    assert first == ids(service)


def test_upload(send, url, conforms):
    """An upload is answered with all documented fields, and remembered."""
    service = MockService(now=lambda: datetime(2030, 1, 1, tzinfo=UTC))
    answer = send("uploadFile", to=service).json()
    (upload,) = service.uploads
    assert conforms("UploadedFile", answer)
    assert upload.key.endswith(".bin")
    assert {
        "url": f"https://nano-banana-edit.test/files/{upload.key}",
        "cn_url": f"https://nano-banana-edit.test/files/{upload.key}",
        "key": upload.key,
        "md5": "ba7816bf8f01cfea414140de5dae2223",
        "size": 3,
        "content_type": "application/octet-stream",
        "expires_at": "2030-01-02T00:00:00+00:00",
    } == answer
    assert (
        upload.filename,
        upload.content_type,
        upload.body,
        upload.size,
    ) == ("a.bin", "application/octet-stream", b"abc", 3)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("image/png", "image/png"),
        ("image/svg+xml", "image/svg+xml"),
        ("image/png; x=y", "application/octet-stream"),
        ("\N{SNOWMAN}", "application/octet-stream"),
    ],
)
def test_upload_media_type(send, service, sent, kept):
    """An upload is served as the media type it came with, if that is one."""
    head = f'--frontier\r\nContent-Disposition: form-data; name="file"; filename="å"\r\nContent-Type: {sent}\r\n\r\n'
    answer = send("uploadFile", head.encode() + b"abc\r\n--frontier--").json()
    response = service.handle(Request("GET", answer["url"]))
    assert (kept, b"abc", "3") == (response.header("content-type"), response.body, response.header("Content-Length"))
    assert "å" == service.uploads[0].filename
    assert 4 == UUID(answer["key"]).version


def test_upload_without_a_name(send, service, form):
    """A file whose name is empty keeps that name."""
    send("uploadFile", form(('name="file"; filename=""', b"abc")))
    assert "" == service.uploads[0].filename


def test_journal(send, service, edit_body):
    """The journal has each request with its verdict, and no token."""
    send("createEdit")
    send("createEdit", {**edit_body, "prompt": ""})
    send("createEdit", b"{")
    send("createEdit", Authorization="Bearer top-secret!")
    send("uploadFile")
    service.handle(Request("GET", "https://api.sinancode.com/nowhere?x=1"))
    assert [
        ("createEdit", "POST", 200, edit_body, True, []),
        ("createEdit", "POST", 400, {**edit_body, "prompt": ""}, True, ["minLength"]),
        ("createEdit", "POST", 400, None, True, ["content"]),
        ("createEdit", "POST", 401, None, True, ["security"]),
        ("uploadFile", "POST", 200, None, True, []),
        (None, "GET", 404, None, False, ["paths"]),
    ] == [
        (e.operation, e.method, e.status, e.body, e.authorization, [v.keyword for v in e.violations])
        for e in service.calls
    ]
    assert "/nowhere" == service.calls[-1].path
    assert "secret" not in repr(service.calls)


def test_files_need_no_token_and_tell_of_one(send, service):
    """A file is served without authorization, and the journal shows a token that was sent to it."""
    link = send("uploadFile").json()["url"]
    service.handle(Request("GET", link))
    service.handle(Request("GET", link, {"authorization": "Bearer leaked"}))
    assert [(None, 200, False), (None, 200, True)] == [
        (entry.operation, entry.status, entry.authorization) for entry in service.calls[1:]
    ]


@pytest.mark.parametrize(
    ("status", "method", "url"),
    [
        (200, "POST", "https://api.sinancode.com/v1/generate/k/nano-banana-edit"),
        (200, "POST", "https://API.sinancode.com:443/v1/generate/k/nano-banana-edit?x=y"),
        (200, "POST", f"{LOCAL}/v1/generate/k/nano-banana-edit"),
        (200, "POST", f"{LOCAL}/generate/k/nano-banana-edit"),
        (404, "POST", "https://api.sinancode.com/generate/k/nano-banana-edit"),
        (404, "POST", "https://files-api.sinancode.com/v1/generate/k/nano-banana-edit"),
        (404, "POST", "https://nano-banana-edit.test/v1/generate/k/nano-banana-edit"),
        (404, "POST", f"{LOCAL}/v1/v1/generate/k/nano-banana-edit"),
        (404, "POST", f"{LOCAL}/v1/generate/k/nano-banana-edit/"),
        (404, "POST", f"{LOCAL}/v1/generate/k/nano-banana-edit2"),
        (404, "GET", f"{LOCAL}/v1/tasks/"),
        (404, "GET", f"{LOCAL}/v1/tasks/a/b"),
        (404, "GET", LOCAL),
        (405, "GET", f"{LOCAL}/v1/generate/k/nano-banana-edit"),
        (405, "HEAD", f"{LOCAL}/v1/generate/k/nano-banana-edit"),
        (405, "DELETE", f"{LOCAL}/v1/tasks/a"),
        (404, "DELETE", f"{LOCAL}/v1/tasks/a/b"),
        (204, "OPTIONS", f"{LOCAL}/files/a"),
        (404, "GET", f"{LOCAL}/files/a"),
        (404, "GET", f"{LOCAL}/results/a/0.png"),
    ],
)
def test_routes(service, edit_body, status, method, url):
    """A documented host has the documented paths, any other has all of them with and without the base path."""
    headers = {"Authorization": "Bearer t", "Content-Type": "application/json"}
    response = service.handle(Request(method, url, headers, json.dumps(edit_body).encode()))
    assert status == response.status
    if status in {204, 405}:
        assert ("OPTIONS, POST" if "generate" in url else "GET, HEAD, OPTIONS") == response.header("Allow")


def test_all_methods_are_allowed(rich_service):
    """A wrong method is answered with all that the path has."""
    response = rich_service.handle(Request("DELETE", "https://things.test/api/things/a"))
    assert (405, "GET, HEAD, OPTIONS, POST, PUT") == (response.status, response.header("Allow"))


def test_path_parameters_are_decoded(service):
    """A path parameter is one segment, percent-decoded."""
    response = service.handle(Request("GET", f"{LOCAL}/tasks/a%2Fb%20c", {"Authorization": "Bearer t"}))
    assert "a/b c is not a task." == response.json()["message"]


def test_own_origin(send, service, form, edit_body):
    """A request to another host than the documented ones is answered with links to that host."""
    headers = {"Authorization": "Bearer t", "Content-Type": "multipart/form-data; boundary=frontier"}
    body = form(('name="file"; filename="a"', b"abc"))
    answer = service.handle(Request("POST", f"{LOCAL}/api/upload/file", headers, body)).json()
    assert f"{LOCAL}/files/{answer['key']}" == answer["url"] == answer["cn_url"]


def test_head(send, service):
    """HEAD answers as GET does, without the body."""
    link = send("uploadFile").json()["url"]
    got, head = (service.handle(Request(method, link)) for method in ("GET", "HEAD"))
    assert (got.status, got.headers, b"") == (head.status, head.headers, head.body)


def test_results(send, edit_body):
    """The result is the image that was asked for, drawn on the upload, and only under its own name."""
    service = MockService(polls=0)
    file = BytesIO()
    Image.new("RGB", (300, 200), (250, 0, 0)).save(file, "PNG")
    head = b'--frontier\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
    link = send("uploadFile", head + file.getvalue() + b"\r\n--frontier--", to=service).json()["url"]
    images = ["https://elsewhere.test/a.png", "http://[", f"{link}?x=a/b#c"]
    body = {**edit_body, "image_urls": images, "image_size": "auto", "output_format": "jpeg", "task_id": "extra"}
    task_id = send("createEdit", body, to=service).json()["task_id"]
    (result,) = send("getTask", to=service, task_id=task_id).json()["result"]
    assert result.endswith(f"/results/{task_id}/0.jpeg")
    response = service.handle(Request("GET", result))
    assert (200, "image/jpeg") == (response.status, response.header("Content-Type"))
    image = Image.open(BytesIO(response.body))
    assert ((300, 200), "JPEG") == (image.size, image.format)
    red, green, blue = cast("tuple[int, ...]", image.getpixel((5, 100)))
    assert red > 200 > 60 > max(green, blue)
    assert response == service.handle(Request("GET", result))
    assert 404 == service.handle(Request("GET", result.replace("jpeg", "png"))).status


def test_a_result_is_drawn_once(looks, monkeypatch):
    """A download that is repeated costs no second drawing."""
    drawn = []
    monkeypatch.setattr(drawing, "render", lambda *_, **settings: drawn.append(settings) or ("image/png", b"drawn"))
    service = MockService(polls=0)
    (task,) = looks(service, 1)
    answers = [service.handle(Request("GET", task["result"][0])).body for _ in range(2)]
    assert ([b"drawn"] * 2, 1) == (answers, len(drawn))


def test_default_size(send, document, edit_body):
    """A result has the shape that the document gives as default."""
    document["components"]["schemas"]["EditRequest"]["properties"]["image_size"]["default"] = "16:9"
    service = MockService(contract=parse(document), polls=0)
    task_id = send("createEdit", edit_body, to=service).json()["task_id"]
    (result,) = send("getTask", to=service, task_id=task_id).json()["result"]
    assert (1024, 576) == Image.open(BytesIO(service.handle(Request("GET", result)).body)).size


def test_no_default_size(send, document, edit_body, form):
    """Where the document gives no default, a result has the shape of the input."""
    del document["components"]["schemas"]["EditRequest"]["properties"]["image_size"]["default"]
    service = MockService(contract=parse(document), polls=0)
    file = BytesIO()
    Image.new("RGB", (30, 20)).save(file, "PNG")
    part = ('name="file"; filename="a.png"', file.getvalue())
    edit_body["image_urls"] = [send("uploadFile", form(part), to=service).json()["url"]]
    task_id = send("createEdit", edit_body, to=service).json()["task_id"]
    (result,) = send("getTask", to=service, task_id=task_id).json()["result"]
    assert (30, 20) == Image.open(BytesIO(service.handle(Request("GET", result)).body)).size


@pytest.mark.parametrize("left_out", ["image_urls", "prompt"])
def test_less_required(send, document, edit_body, left_out):
    """An edit without what a changed document no longer requires has a result all the same."""
    document["components"]["schemas"]["EditRequest"]["required"].remove(left_out)
    service = MockService(contract=parse(document), polls=0)
    del edit_body[left_out]
    task_id = send("createEdit", edit_body, to=service).json()["task_id"]
    (link,) = send("getTask", to=service, task_id=task_id).json()["result"]
    assert service.handle(Request("GET", link)).header("Content-Type") == "image/png"


def test_no_prompt_is_an_empty_one(send, document, edit_body):
    """Where a prompt may be left out, the result is that of an empty one."""
    request = document["components"]["schemas"]["EditRequest"]
    request["required"].remove("prompt")
    request["properties"]["prompt"]["minLength"] = 0
    contract, images = parse(document), []
    for body in (edit_body | {"prompt": ""}, {"image_urls": edit_body["image_urls"]}):
        service = MockService(contract=contract, polls=0)
        task_id = send("createEdit", body, to=service).json()["task_id"]
        (link,) = send("getTask", to=service, task_id=task_id).json()["result"]
        images.append(service.handle(Request("GET", link)).body)
    assert images[0] == images[1]


def test_failed_edits_have_no_image(send):
    """There is no file of an edit that is not completed."""
    service = MockService()
    service.next(Outcome(status="failed"))
    task_id = send("createEdit", to=service).json()["task_id"]
    assert 404 == service.handle(Request("GET", f"{LOCAL}/results/{task_id}/0.png")).status


def test_threads(send, service):
    """Edits of many threads get as many ids, and none is lost."""
    with ThreadPoolExecutor(8) as pool:
        ids = {future.result().json()["task_id"] for future in [pool.submit(send, "createEdit") for _ in range(200)]}
    assert ids == {edit.task_id for edit in service.edits}
    assert 200 == len(ids) == len(service.calls)
