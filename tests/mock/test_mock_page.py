"""The page of the mock, in a real browser: what it shows, and that everybody can use it."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from nano_banana_edit import EditFailed, NanoBananaEdit
from nano_banana_edit_mock import MockServer, MockService, Outcome, Reply, Request, load
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

CHROMIUM = shutil.which("chromium")
PHOTO = Path(__file__).parents[2] / "examples/valley.jpg"
ELSEWHERE = "https://example.com/files/a.png"
FAILED = Outcome(status="failed", error_code="nsfw", error_msg="Not that.")

pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium; Debian's package is chromium"),
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
def context(browser) -> Iterator[BrowserContext]:
    """A browser in which no page asks anybody but a mock on this machine, or has anything to complain of."""
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        context.set_default_timeout(10_000)
        asked, complaints = [], []
        context.on("request", lambda request: asked.append(request.url))
        context.on("console", lambda message: complaints.append(message.text))
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        yield context
        assert [] == [url for url in asked if not re.match(r"http://(127\.0\.0\.1|\w+\.localhost):\d+/|data:", url)]
        # The browser itself notes each answer that is an error, or none; a page cannot keep it from that.
        assert [] == [text for text in complaints if not text.startswith("Failed to load resource: ")]


@pytest.fixture
def page(context, server) -> Page:
    page = context.new_page()
    page.goto(server.url)
    expect(page.locator("#state")).to_have_text("live")
    return page


def post(server, path, body, **headers):
    headers = {"Authorization": "Bearer not-to-be-seen", **headers}
    return httpx.post(f"{server.url}{path}", json=body, headers=headers, trust_env=False)


def create(server, body):
    return post(server, "/v1/generate/k/nano-banana-edit", body)


def request(method, url, body=None):
    """A request that the service is handed without a port, which is quicker."""
    headers = {"Authorization": "Bearer t", "Content-Type": "application/json"}
    return Request(method, url, headers, b"" if body is None else json.dumps(body).encode())


def calls(page):
    return page.locator("#calls > li")


def tasks(page):
    return page.locator("#edits > li")


def operation(page, name):
    """An operation of the API, opened, and its form."""
    page.get_by_role("link", name="Reference").click()
    item = page.locator("#api > details", has=page.locator("summary", has_text=re.compile(rf"{re.escape(name)}$")))
    item.locator("> summary").click()
    return item, item.get_by_role("form")


def width_of(picture):
    picture.scroll_into_view_if_needed()
    return picture.evaluate("image => image.decode().then(() => image.naturalWidth)")


def test_an_edit_is_tried_out(page):
    """An edit made with the form appears, is looked at, and ends with its picture beside its input."""
    _, form = operation(page, "Create an edit")
    form.get_by_label("Upload a picture and add its URL").set_input_files(PHOTO)
    expect(form.get_by_label("image_urls")).to_have_value(re.compile(rf"^{page.url.partition('#')[0]}files/[^\n]+$"))
    form.get_by_label("prompt", exact=True).fill("make it snow")
    form.get_by_label("output_format").select_option("jpeg")
    form.get_by_role("button", name="Send createEdit").click()
    expect(form.locator(".status")).to_have_text("✓ 200 OK")
    expect(calls(page).first).to_have_text(re.compile("createEdit.*200.*valid"))
    form.get_by_role("button", name="Go on with getTask").click()
    expect(page.get_by_role("form", name="Try getTask").locator(".answer")).to_contain_text('"status": "pending"')
    page.get_by_role("link", name="Tasks", exact=True).click()
    tasks(page).get_by_role("button", name="Look now").click()
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
    expect(line.locator(".why")).to_have_text(
        "image_urls is missing; the service accepts no request without it. Add it."
    )
    page.keyboard.press("Tab")
    for _ in range(20):
        if line.locator("summary").evaluate("summary => summary === document.activeElement"):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(line.locator(".violations li")).to_have_text(
        [
            re.compile("^required in the body /image_urls"),
            "minLength in the body /promptprompt has 0 characters; the service accepts 1 to 5000. Lengthen it.",
        ]
    )
    expect(line.get_by_role("group", name="Body")).to_contain_text('"prompt": ""')
    expect(line.get_by_role("group", name="Answer")).to_contain_text('"error_code": "invalid_request"')
    expect(page.locator("#counts")).to_have_text("1 came, 1 invalid")
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
    form.get_by_label("Body that is sent").fill("{oh")
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
    expect(form.locator(".answer")).to_contain_text("is no task")


def test_what_goes_wrong_is_shown(page, server, client):
    """A failed edit says so and why; so do a status that nobody knows, and a look that is not answered."""
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
    """Of many looks the first and the last are shown, and how many lie between them."""
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
    tasks(page).get_by_role("button", name="Look now").press("Enter")
    expect(tasks(page).locator(".state")).to_have_text("◔ pending")
    expect(tasks(page).get_by_role("button", name="Look now")).to_be_focused()
    expect(tasks(page).get_by_role("group", name="Body")).to_be_visible()


def test_data_is_no_markup(page, server):
    """What comes is shown as text, whatever it is, and a long one is cut."""
    create(server, {"image_urls": ["javascript://x/alert(1)"], "prompt": "<img src=x>"})
    create(server, {"image_urls": [ELSEWHERE], "prompt": "<i>" + "x" * 30_000})
    expect(tasks(page).get_by_role("heading")).to_have_text("<img src=x>")
    expect(tasks(page).get_by_role("link")).to_have_count(0)
    calls(page).first.locator("summary").click()
    expect(calls(page).first.get_by_role("group", name="Body")).to_contain_text(
        re.compile(r"… and 10,\d+ more characters")
    )
    expect(page.locator("main img, main i")).to_have_count(0)


def test_many_requests(page, server):
    """Thousands of requests leave the page with the newest ones, and their count."""
    for _ in range(2_500):
        server.service.handle(request("GET", f"{server.url}/v1/tasks/x"))
    for number in range(60):
        body = {"image_urls": [ELSEWHERE], "prompt": f"edit {number}"}
        server.service.handle(request("POST", f"{server.url}/v1/generate/k/nano-banana-edit", body))
    expect(page.locator("#counts")).to_have_text(re.compile("^2,560 came"))
    expect(calls(page)).to_have_count(200)
    expect(tasks(page)).to_have_count(50)
    expect(tasks(page).first).to_contain_text("edit 59")


def test_a_page_in_the_background(context, server):
    """A page that is not seen, and so draws no frames, does not let what comes pile up."""
    context.add_init_script("window.requestAnimationFrame = () => 0")
    page = context.new_page()
    page.goto(server.url)
    expect(page.locator("#state")).to_have_text("live")
    for _ in range(1_000):
        server.service.handle(request("GET", f"{server.url}/v1/tasks/x"))
    expect(calls(page)).to_have_count(200)


def test_the_list_can_be_narrowed(page, server):
    """The list shows all requests, the invalid ones, or those that were answered with an error."""
    server.service.script([Reply.rate_limited()])
    create(server, {})
    create(server, {})
    create(server, {"image_urls": [ELSEWHERE], "prompt": "fine"})
    expect(calls(page)).to_have_count(3)
    for shown, count in (("invalid", 2), ("errors", 2), ("all", 3)):
        page.get_by_label("Show").select_option(shown)
        expect(calls(page).locator("visible=true")).to_have_count(count)


def test_the_story_is_told(page, server):
    """What is said beforehand is listed until it has happened, a mistake is explained, and time can pass."""
    page.get_by_role("link", name="Story").click()
    with page.expect_response(lambda response: response.request.method == "GET" and "/script" in response.url):
        page.reload()
    page.get_by_label("For example").select_option("On the wire: empty")
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
    expect(page.locator("#clock .told")).to_contain_text("The clock says")
    assert server.service.time - before >= 60


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("1,5", 'Seconds is "1,5"; the mock accepts a number, such as 1.5. Type one.'),
        ("", "Seconds is empty; the mock accepts a number, such as 1.5. Type one."),
        (" ", "Seconds is empty; "),
        ("Infinity", 'Seconds is "Infinity"; '),
        ("x" * 60, f'Seconds is "{"x" * 59}… and 2 more characters; '),
        ("-1", "seconds is -1; the service accepts "),
    ],
)
def test_seconds_that_are_no_number(page, server, typed, said):
    """The clock is told of a number alone; of anything else the form says what it accepts, and sends nothing."""
    asked = []
    page.on("request", lambda request: asked.append(request.post_data))
    page.get_by_role("link", name="Story").click()
    page.get_by_label("Seconds").fill(typed)
    page.get_by_role("button", name="Pass").click()
    expect(page.locator("#clock .told")).to_contain_text(said)
    expect(page.locator("#clock .told")).to_have_class("told error")
    assert (['{"seconds":-1}'] if typed == "-1" else []) == [body for body in asked if body]
    page.get_by_label("Seconds").fill(" 1.5 ")
    page.get_by_role("button", name="Pass").click()
    expect(page.locator("#clock .told")).to_contain_text("The clock says")
    expect(page.locator("#clock .told")).to_have_class("told")


def test_every_example_can_be_said(page, server):
    """Whatever the page offers to say is accepted, and each fault of the mock's document is among it."""
    page.get_by_role("link", name="Story").click()
    offered = page.get_by_label("For example").locator("option").all_text_contents()
    for number, name in enumerate(offered, 1):
        page.get_by_label("For example").select_option(name)
        page.get_by_role("button", name="Say it").click()
        expect(page.locator("#rules li")).to_have_count(number)
    assert len(offered) > 11


def test_a_reset_empties_the_page(page, server, client):
    """A reset forgets requests, tasks and rules on the page as well, and what comes then is shown."""
    server.service.on("getTask", Reply(503))
    client.submit(ELSEWHERE, "first")
    expect(calls(page)).to_have_count(1)
    expect(tasks(page)).to_have_count(1)
    expect(page.locator("#rules li")).to_have_count(1)
    page.get_by_role("button", name="Reset").click()
    expect(calls(page)).to_have_count(0)
    expect(tasks(page)).to_have_count(0)
    expect(page.locator("#rules li")).to_have_count(0)
    expect(page.locator("#counts")).to_have_text("")
    client.submit(ELSEWHERE, "second")
    expect(tasks(page)).to_contain_text(["second"])
    expect(page.locator("#counts")).to_have_text("1 came, 0 invalid")


@pytest.mark.parametrize(
    "constraint",
    [pytest.param(one, id=one.id) for one in load().constraints if one.location == "body" and one.keyword != "type"],
)
def test_the_reference_is_the_document(page, contract, constraint):
    """Each constraint on a body stands in the reference, at its property."""
    summary = next(
        node["summary"]
        for item in contract.document["paths"].values()
        for node in item.values()
        if isinstance(node, dict) and node.get("operationId") == constraint.operation
    )
    item, _ = operation(page, summary)
    name = re.compile(rf"^{re.escape(constraint.field[0])}$") if constraint.field else re.compile(".")
    row = item.locator(".properties > li", has=page.locator(".name", has_text=name)).first
    value = constraint.value
    expect(row).to_contain_text(
        {
            "required": "required",
            "enum": f"enum: {', '.join(map(json.dumps, value)) if isinstance(value, list | tuple) else value}",
            "format": f"({value})",
            "default": f"default: {json.dumps(value)}",
        }.get(constraint.keyword, f"{constraint.keyword}: {value}")
    )


def test_another_document(context, rich_service):
    """Any document has its reference and its forms: nested objects, numbers, parameters of a path, no examples."""
    with MockServer(rich_service) as server:
        page = context.new_page()
        page.goto(server.url)
        item, form = operation(page, "putThing")
        names = item.locator(".properties .name")
        expect(names.filter(has_text=re.compile(r"^inner\.deep$"))).to_have_count(1)
        expect(item.locator(".properties > li", has_text="small").first).to_contain_text("exclusiveMaximum: 10")
        form.get_by_label("thing-id").fill("a/b")
        form.get_by_label("even").fill("3")
        form.get_by_label("tags").fill("[1, 1]")
        form.get_by_label("code").fill("a")
        form.get_by_role("button", name="Send putThing").click()
        expect(form.locator(".violations b")).to_have_text(["multipleOf", "uniqueItems", "minLength", "pattern"])
        _, form = operation(page, "postThing")
        form.get_by_label("thing-id").fill("1")
        form.get_by_label("note").fill("x")
        form.get_by_role("button", name="Send postThing").click()
        expect(form.locator(".violations li")).to_have_text("minLength in the body /note")
        page.get_by_role("link", name="Story").click()
        offered = page.get_by_label("For example").locator("option")
        expect(offered.filter(has_text=re.compile("edit|look|slow", re.IGNORECASE))).to_have_count(0)
        expect(offered.filter(has_text="Too many requests")).to_have_count(1)


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_it(page, server, client, scheme, width):
    """axe-core finds nothing, in light and dark, on a desk and on a phone, and nothing is scrolled sideways."""
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": 740})
    server.service.script([FAILED])
    server.service.on("getTask", Reply(503), nth=9)
    client.submit([PHOTO, "https://example.com/" + "long" * 60], "make it " + "snow" * 60)
    client.get_task(server.service.edits[0].task_id)
    client.get_task(server.service.edits[0].task_id)
    client.edit(PHOTO, "make it snow")
    create(server, {"prompt": ""})
    httpx.get(f"{server.url}/v1/{'long' * 60}", trust_env=False)
    for view in ("requests", "tasks", "story", "reference"):
        page.goto(f"{server.url}/#{view}")
        if view == "requests":
            expect(calls(page)).to_have_count(10)
            calls(page).first.locator("summary").click()
        if view == "tasks":
            expect(tasks(page).locator(".failed").first).to_be_visible()
            tasks(page).first.locator("summary").click()
        if view == "reference":
            page.locator("#api > details > summary").first.click()
            page.get_by_role("button", name="Send createEdit").click()
            expect(page.locator("#api .status").last).to_be_visible()
        found = Axe().run(page)
        assert 0 == found.violations_count, f"{view}: {found.generate_report()}"
        assert width == page.evaluate("document.documentElement.scrollWidth"), view


@pytest.mark.parametrize("width", [1280, 360])
def test_words_without_an_end(page, server, width):
    """Text of an answer or a request that has no place to break widens no view."""
    page.set_viewport_size({"width": width, "height": 740})
    long = "x" * 400
    server.service.script(
        [Outcome(status="failed", error_code=long, error_msg=long, polls=0), Outcome(status=long, polls=0)]
    )
    server.service.on("createEdit", Reply.error(500, long), nth=2)  # of those that no outcome takes
    data = f"data:image/png;base64,{long}"
    for body in (
        {"image_urls": [ELSEWHERE], "prompt": long},
        {"image_urls": [data], "prompt": "p", long: long},
        {"image_urls": data, "prompt": [], long: {long: 1}},
        {},
    ):
        create(server, body)
    for edit in server.service.edits:
        server.service.handle(request("GET", f"{server.url}/v1/tasks/{edit.task_id}"))
    post(server, "/__mock__/script", {"steps": [{"outcome": {"status": long}}]})
    for view in ("requests", "tasks", "story"):
        page.goto(f"{server.url}/#{view}")
        if view == "requests":
            expect(calls(page)).to_have_count(6)
            for index in range(6):
                calls(page).nth(index).locator("summary").click()
        if view == "tasks":
            expect(tasks(page).locator(".failed").first).to_be_visible()
            for index in range(tasks(page).count()):
                tasks(page).nth(index).locator("summary").click()
        if view == "story":
            page.get_by_label("Steps, as JSON").fill(json.dumps([{long: 1}]))
            page.get_by_role("button", name="Say it").click()
            expect(page.locator("#script .told")).to_contain_text(long)
            expect(page.locator("#rules li")).to_have_count(1)
        wide = page.evaluate(
            """[...document.querySelectorAll("main *:not(pre, pre *, textarea)")]
                .filter(({ clientWidth, scrollWidth }) => clientWidth && scrollWidth > clientWidth + 1)
                .map(({ tagName, className }) => `${tagName} ${className}`)"""
        )
        assert [] == wide, view
        assert width == page.evaluate("document.documentElement.scrollWidth"), view


def test_what_comes_is_announced(context, server):
    """A screen reader hears what has come, several at once, and nothing of what was there before."""
    create(server, {})
    page = context.new_page()
    page.clock.install()
    page.goto(server.url)
    expect(calls(page)).to_have_count(1)
    page.clock.run_for(10_000)
    expect(page.get_by_role("status").first).to_have_text("")
    create(server, {})
    expect(calls(page)).to_have_count(2)
    page.clock.run_for(3_000)
    expect(page.get_by_role("status").first).to_have_text("createEdit answered 400, invalid")
    create(server, {})
    httpx.get(f"{server.url}/v1/nothing", trust_env=False)
    expect(calls(page)).to_have_count(4)
    page.clock.run_for(3_000)
    expect(page.locator("#news")).to_have_text("2 new requests, the last GET /v1/nothing answered 404, invalid")


@pytest.mark.parametrize("more", [0, 3])
def test_the_mock_is_started_again(context, more):
    """A page whose mock is gone says so, and shows of the next one on that port all that came, and nothing else."""
    with MockServer(MockService(polls=0)) as server:
        page = context.new_page()
        page.goto(server.url)
        for name in ("old 0", "old 1"):
            create(server, {"prompt": name, "image_urls": [ELSEWHERE]})
        expect(calls(page)).to_have_count(2)
    expect(page.locator("#state")).to_have_text("reconnecting")
    service = MockService(polls=0)
    edit = "https://api.sinancode.com/v1/generate/k/nano-banana-edit"
    for number in range(more):
        service.handle(request("POST", edit, {"prompt": f"new {number}", "image_urls": [ELSEWHERE]}))
    with MockServer(service, port=int(server.url.rpartition(":")[2])) as server:
        expect(page.locator("#state")).to_have_text("live")
        create(server, {"prompt": "last"})
        expect(page.locator("#counts")).to_have_text(f"{more + 1} came, 1 invalid")
        expect(calls(page)).to_have_count(more + 1)
        expect(tasks(page)).to_have_count(more)
        expect(tasks(page).filter(has_text="old")).to_have_count(0)


def test_a_token_is_needed_elsewhere(context):
    """Opened as from another machine the page asks for the token, or takes it out of its address, for good."""
    with MockServer(admin_token="secret") as server:
        elsewhere = server.url.replace("127.0.0.1", "elsewhere.localhost")
        page = context.new_page()
        page.goto(elsewhere)
        expect(page.locator("#state")).to_have_text("token needed")
        for token, state in (("wrong", "token needed"), ("secret", "live")):
            page.get_by_label("Token", exact=True).fill(token)
            page.get_by_role("button", name="Connect").click()
            expect(page.locator("#state")).to_have_text(state)
        expect(page.get_by_label("Token", exact=True)).to_be_hidden()
        other = context.new_page()
        other.goto(f"{elsewhere}/#token=secret")
        expect(other.locator("#state")).to_have_text("live")
        assert f"{elsewhere}/" == other.url
        other.reload()
        expect(other.locator("#state")).to_have_text("live")
