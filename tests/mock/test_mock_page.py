"""The page of the mock, in a real browser: what it shows, and that everybody can use it."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from nano_banana_edit import EditFailed, NanoBananaEdit
from nano_banana_edit_mock import MockServer, MockService, Outcome
from nano_banana_edit_mock.contract import parse
from playwright.sync_api import Browser, Page, expect, sync_playwright

CHROMIUM = shutil.which("chromium")
PHOTO = Path(__file__).parents[2] / "examples/valley.jpg"

pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium; Debian's package is chromium"),
    pytest.mark.xdist_group("browser"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def server() -> Iterator[MockServer]:
    with MockServer(MockService(polls=1)) as server:
        yield server


@pytest.fixture
def client(server) -> Iterator[NanoBananaEdit]:
    with NanoBananaEdit(token="any", base_url=server.url, poll_interval=0) as client:
        yield client


@pytest.fixture
def page(browser, server) -> Iterator[Page]:
    """The page, opened; it asks nobody but the mock, and has nothing to complain of."""
    with browser.new_context() as context:
        page = context.new_page()
        asked, complaints = [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(server.url)
        expect(page.locator("#state")).to_have_text("live")
        yield page
        assert [] == [url for url in asked if not url.startswith((f"{server.url}/", "data:"))]
        # The browser itself notes each answer that is an error; a page cannot keep it from that.
        assert [] == [
            text for text in complaints if not text.startswith("Failed to load resource: the server responded")
        ]


def calls(page):
    return page.locator("#calls > li")


def test_an_edit_is_tried_out(page, client):
    """An edit made with the form appears, lives, and ends with its picture beside its input."""
    page.locator("#api summary", has_text="Create an edit").click()
    page.get_by_label("Upload a picture and add its URL").set_input_files(PHOTO)
    urls = page.get_by_label("image_urls, one in a line")
    expect(urls).to_have_value(re.compile("/files/"))
    page.locator("#api").get_by_label("prompt", exact=True).fill("make it snow")
    page.get_by_role("button", name="Send createEdit").click()
    expect(page.locator("#api .answer")).to_contain_text("200 OK")
    task = page.locator("#edits article")
    expect(task).to_contain_text("make it snow")
    client.wait(task.locator(".at").first.text_content(), timeout=20)
    expect(task.locator(".life li")).to_have_count(3)
    expect(task.locator(".life")).to_contain_text("completed")
    for picture in (task.get_by_alt_text("Result: make it snow"), task.get_by_alt_text("Input 2")):
        picture.scroll_into_view_if_needed()
        expect(picture).to_have_js_property("complete", True)
        assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100


def test_looking_on_leaves_no_trace(page, server, client):
    """What the page fetches is in no journal."""
    client.edit(PHOTO, "make it snow")
    picture = page.get_by_alt_text("Result: make it snow")
    picture.scroll_into_view_if_needed()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
    assert ["uploadFile", "createEdit", "getTask", "getTask"] == [call.operation for call in server.service.calls]


def test_what_is_refused_says_why(page, server):
    """An invalid request shows the violated constraint at once, and all of them when it is opened, by keyboard too."""
    headers = {"Authorization": "Bearer hidden"}
    httpx.post(f"{server.url}/v1/generate/k/nano-banana-edit", json={"prompt": ""}, headers=headers, trust_env=False)
    line = calls(page).first
    expect(line).to_contain_text("createEdit")
    expect(line.locator(".status")).to_have_text("400")
    expect(line.locator(".verdict")).to_have_text("✕ required /image_urls and 1 more")
    line.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(line.locator(".violations")).to_contain_text("prompt has 0 characters; the service accepts 1 to 5000.")
    expect(page.locator("#counts")).to_have_text("1 came, 1 invalid")
    assert "hidden" not in page.content()


def test_what_goes_wrong_is_shown(page, server, client):
    """A failed edit says so and why, and so does a status that nobody knows."""
    server.service.script([Outcome(status="failed", error_code="nsfw", error_msg="Not that."), Outcome(status="odd")])
    with pytest.raises(EditFailed):
        client.edit("https://example.com/a.png", "first")
    client.submit("https://example.com/a.png", "second")
    for _ in range(3):
        client.get_task(server.service.edits[1].task_id)
    failed, odd = page.locator("article", has_text="first"), page.locator("article", has_text="second")
    expect(failed.locator(".error")).to_have_text("✕ nsfw: Not that.")
    expect(failed.locator(".life .failed .sign")).to_have_text("✕")
    expect(odd.locator(".life .unknown")).to_contain_text("?odd")
    expect(odd.locator(".life .unknown")).to_contain_text("2 looks")
    expect(odd).to_contain_text("https://example.com/a.png")


def test_the_story_is_told(page, server):
    """What is said beforehand is listed until it has happened, a mistake is explained, and time can pass."""
    page.get_by_label("What happens next").select_option("On the wire: empty")
    page.get_by_role("button", name="Say it").click()
    expect(page.locator("#rules li")).to_have_text(["any operation, request 1 and on: empty, used 0 of 1 times"])
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"{server.url}/v1/tasks/x", trust_env=False)
    expect(page.locator("#rules li")).to_have_count(0)
    page.get_by_label("Steps, as JSON").fill('[{"reply": {"status": 999}}]')
    page.get_by_role("button", name="Say it").click()
    expect(page.locator("#script .told")).to_contain_text(
        "steps[0].reply.status is 999; the service accepts 200 to 599."
    )
    before = server.service.time
    page.get_by_role("button", name="Pass").click()
    expect(page.locator("#clock .told")).to_have_text("Done.")
    assert server.service.time - before >= 60


def test_forgetting(page, client):
    """A reset empties the page as well."""
    client.submit("https://example.com/a.png", "first")
    expect(calls(page)).to_have_count(1)
    page.get_by_role("button", name="Forget everything").click()
    expect(calls(page)).to_have_count(0)
    expect(page.locator("#edits > li")).to_have_count(0)
    client.submit("https://example.com/a.png", "second")
    expect(page.locator("article")).to_contain_text(["second"])


def test_the_reference_is_the_document(page, contract):
    """Every operation of the document has its place, with every constraint of its body."""
    for operation in contract.operations:
        page.locator("#api summary", has_text=operation.path).click()
    shown = page.locator("#api").text_content()
    for constraint in contract.constraints:
        if constraint.keyword in {"maxLength", "minItems", "maxItems", "minLength"}:
            assert f"{constraint.keyword}: {constraint.value}" in shown
    form = page.locator("#api details", has_text="Get a task").locator("form")
    form.get_by_label("id").fill("a/b")
    form.get_by_role("button").click()
    expect(form.locator(".answer")).to_contain_text("a/b is no task; the service accepts the task_id of an edit.")


def test_another_document(browser, document):
    """A changed document is another reference, and nothing has to be edited for it."""
    properties = document["components"]["schemas"]["EditRequest"]["properties"]
    properties["strength"] = {"type": "string", "maxLength": 7, "description": "How much."}
    with MockServer(MockService(contract=parse(document))) as server, browser.new_context() as context:
        page = context.new_page()
        page.goto(server.url)
        page.locator("#api summary", has_text="Create an edit").click()
        page.locator("#api").get_by_label("strength").fill("too much")
        page.get_by_role("button", name="Send createEdit").click()
        expect(page.locator("#api .answer").first).to_contain_text(
            "strength has 8 characters; the service accepts at most 7."
        )


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_it(page, server, client, scheme, width):
    """axe-core finds nothing, in light and dark, on a desk and on a phone, and nothing is scrolled sideways."""
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": 740})
    client.edit(PHOTO, "make it snow")
    httpx.get(f"{server.url}/v1/nothing", trust_env=False)
    page.locator("#api summary").first.click()
    expect(calls(page)).to_have_count(5)
    calls(page).first.locator("summary").click()
    expect(calls(page).first.locator(".violations")).to_be_visible()
    found = Axe().run(page)
    assert 0 == found.violations_count, found.generate_report()
    assert width == page.evaluate("document.documentElement.scrollWidth")


def test_a_token_is_needed_elsewhere(browser, server):
    """A page that is opened as from another machine follows with the token alone, and says so."""
    with MockServer(MockService(), admin_token="secret") as other, browser.new_context() as context:
        other_host = other.url.replace("127.0.0.1", "elsewhere.localhost")
        page = context.new_page()
        page.goto(other_host)
        expect(page.locator("#state")).to_have_text("token needed")
        page.goto(f"{other_host}/?again#token=secret")
        expect(page.locator("#state")).to_have_text("live")
