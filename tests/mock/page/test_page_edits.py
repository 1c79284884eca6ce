"""The page of the mock, in a real browser: edits made, looked at and shown, right and wrong."""

import re

import httpx
import pytest
from nano_banana_edit import EditFailed
from nano_banana_edit_mock import Outcome, Reply, Request
from playwright.sync_api import expect

from .pages import ELSEWHERE, FAILED, NEEDS, PHOTO, calls, create, operation, request, tasks, width_of

pytestmark = NEEDS


def test_an_edit_is_tried_out(page):
    """An edit made with the form appears, is polled, and ends with its picture beside its input."""
    _, form = operation(page, "Create an edit")
    form.get_by_label("Upload an image and add its URL").set_input_files(PHOTO)
    expect(form.get_by_label("image_urls")).to_have_value(re.compile(rf"^{page.url.partition('#')[0]}files/[^\n]+$"))
    form.get_by_label("prompt", exact=True).fill("make it snow")
    form.get_by_label("output_format").select_option("jpeg")
    form.get_by_role("button", name="Send createEdit").click()
    expect(form.locator(".status")).to_have_text("✓ 200 OK")
    expect(calls(page).first).to_have_text(re.compile("createEdit.*valid.*200"))
    form.get_by_role("button", name="Continue with getTask").click()
    expect(page.get_by_role("form", name="Try getTask").locator(".answer")).to_contain_text('"status": "pending"')
    page.get_by_role("link", name="Tasks", exact=True).click()
    tasks(page).get_by_role("button", name="Poll now").click()
    expect(tasks(page).locator(".life li > span:nth-child(2)")).to_have_text(["accepted", "pending", "completed"])
    result = page.get_by_alt_text("Result: make it snow")
    assert (1024, ".jpeg") == (width_of(result), result.get_attribute("src")[-5:])
    assert width_of(page.get_by_alt_text("Input 1")) > 0


def test_looking_on_leaves_no_trace(page, server, client):
    """What the page fetches is in no journal."""
    client.edit(PHOTO, "make it snow")
    assert width_of(page.get_by_alt_text("Result: make it snow")) > 0
    assert ["uploadFile", "createEdit", "getTask", "getTask"] == [call.operation for call in server.service.calls]


def test_what_is_refused_says_why(page, server):
    """An invalid request shows the violated constraint at once; opened by keyboard alone, all of them."""
    create(server, {"prompt": ""})
    line = calls(page).first
    expect(line.locator(".status")).to_have_text("400")
    expect(line.locator(".verdict")).to_contain_text("✕ required /image_urls and 1 more")
    expect(line.locator(".why")).to_have_text("image_urls is missing; it is required.")
    page.keyboard.press("Tab")
    for _ in range(20):
        if line.locator("summary").evaluate("summary => summary === document.activeElement"):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(line.locator(".violations li")).to_have_text(
        [
            re.compile("^required in the body /image_urls"),
            "minLength in the body /promptprompt has 0 characters; the limit is 1 to 5000.",
        ]
    )
    expect(line.get_by_role("group", name="Body")).to_contain_text('"prompt": ""')
    expect(line.get_by_role("group", name="Answer")).to_contain_text('"error_code": "invalid_request"')
    expect(page.locator("#counts")).to_have_text("1 request, 1 invalid")
    assert "not-to-be-seen" not in page.content()


def test_the_form_lets_anything_be_sent(page, server):
    """What the document forbids is sent as it is typed, and the form shows what the mock says of it."""
    _, form = operation(page, "Create an edit")
    form.get_by_label("image_urls").fill("")
    form.get_by_label("prompt", exact=True).fill("")
    form.get_by_role("button", name="Send createEdit").click()
    expect(form.locator(".violations li")).to_have_text(
        ["minItems in the body /image_urls", "minLength in the body /prompt"]
    )
    form.get_by_label("Body to send").fill("{oh")
    form.get_by_label("Bearer token").fill("")
    form.get_by_role("button", name="Send createEdit").click()
    expect(form.locator(".answer")).to_contain_text("WWW-Authenticate: Bearer")
    form.get_by_label("Bearer token").fill("any")
    form.get_by_role("button", name="Send createEdit").click()
    expect(form.locator(".answer")).to_contain_text("The body is not JSON")
    expect(calls(page).locator(".verdict b")).to_have_text(["content", "security", "minItems"])


def test_waiting_can_be_stopped(page, server):
    """A form whose request is never answered can be stopped, and sends again."""
    server.service.script([{"fault": "silence", "operation": "getTask"}])
    _, form = operation(page, "Get a task")
    form.get_by_role("button", name="Send getTask").click()
    form.get_by_role("button", name="Stop waiting").click()
    expect(form.get_by_role("status")).to_have_text("! No answer: you stopped waiting")
    form.get_by_role("button", name="Send getTask").click()
    expect(form.locator(".answer")).to_contain_text("is not a task")


def test_what_goes_wrong_is_shown(page, server, client):
    """The page shows a failure and its reason, an unknown status, and a poll without an answer."""
    server.service.script([FAILED, Outcome(status="constructor")])
    with pytest.raises(EditFailed):
        client.edit(ELSEWHERE, "first")
    client.submit(ELSEWHERE, "second")
    server.service.on("getTask", Reply.unavailable(), nth=2)
    for _ in range(3):
        httpx.get(
            f"{server.url}/v1/tasks/{server.service.edits[1].task_id}",
            headers={"Authorization": "Bearer t"},
            trust_env=False,
        )
    odd, failed = tasks(page).nth(0), tasks(page).nth(1)
    expect(failed.locator(".error")).to_have_text("✕ nsfw: Not that.")
    expect(failed.locator(".state")).to_have_text("✕ failed")
    expect(odd.locator(".state")).to_have_text("? constructor")
    expect(odd.locator(".life .sign")).to_have_text(["○", "◔", "!", "?"])
    expect(odd.locator(".life .broken")).to_contain_text("answered 503")
    expect(odd.get_by_role("link")).to_have_attribute("href", ELSEWHERE)


def test_a_picture_of_elsewhere_is_a_link(page, client):
    """A picture that is not the mock's is a link, and asked for nowhere."""
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    client.submit(ELSEWHERE, "make it snow")
    expect(tasks(page).get_by_role("link")).to_have_attribute("href", ELSEWHERE)
    assert [] == [url for url in asked if url.endswith("a.png")]


def test_pictures_under_another_name(page, server):
    """What the mock has under another name, as in a container, is a picture all the same."""
    inside = "http://mock.test:4010"
    form = {"Authorization": "Bearer t", "Content-Type": "multipart/form-data; boundary=x"}
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    upload = Request("POST", f"{inside}/api/upload/file", form, head + PHOTO.read_bytes() + b"\r\n--x--\r\n")
    url = server.service.handle(upload).json()["url"]
    assert url.startswith(inside)
    body = {"image_urls": [url], "prompt": "make it snow"}
    create = request("POST", f"{inside}/v1/generate/k/nano-banana-edit", body)
    task_id = server.service.handle(create).json()["task_id"]
    for _ in range(2):
        server.service.handle(request("GET", f"{inside}/v1/tasks/{task_id}"))
    assert width_of(page.get_by_alt_text("Input 1")) > 0
    assert width_of(page.get_by_alt_text("Result: make it snow")) > 0


def test_a_long_life(page, server, client):
    """The page shows the first and the last of many polls, and how many lie between them."""
    server.service.next(Outcome(polls=30))
    client.edit(ELSEWHERE, "patience")
    life = tasks(page).locator(".life > li")
    expect(life).to_have_count(12)
    expect(life.nth(3)).to_contain_text("21 more")
    expect(life.last).to_contain_text("completed")


def test_a_look_keeps_the_focus(page, client):
    """Where a card is drawn anew, the focus stays, and what was open is open."""
    client.submit(ELSEWHERE, "stay")
    tasks(page).locator("summary").click()
    tasks(page).get_by_role("button", name="Poll now").press("Enter")
    expect(tasks(page).locator(".state")).to_have_text("◔ pending")
    expect(tasks(page).get_by_role("button", name="Poll now")).to_be_focused()
    expect(tasks(page).get_by_role("group", name="Body")).to_be_visible()


def test_data_is_no_markup(page, server):
    """What comes is shown as text, whatever it is, and a long one is cut."""
    create(server, {"image_urls": ["javascript://x/alert(1)"], "prompt": "<img src=x>"})
    create(server, {"image_urls": [ELSEWHERE], "prompt": "<i>" + "x" * 30_000})
    expect(calls(page)).to_have_count(2)
    expect(tasks(page).get_by_role("heading")).to_have_text("<img src=x>")
    expect(tasks(page).get_by_role("link")).to_have_count(0)
    calls(page).first.locator("summary").click()
    expect(calls(page).first.get_by_role("group", name="Body")).to_contain_text(
        re.compile(r"… and 10,\d+ more characters")
    )
    expect(page.locator("main img, main i")).to_have_count(0)
