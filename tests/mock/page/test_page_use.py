"""The page of the mock, in a real browser: what it tells and is told, and that everybody can use it."""

import json
import re

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from nano_banana_edit_mock import MockServer, MockService, Outcome, Reply, load
from playwright.sync_api import expect

from .pages import ELSEWHERE, FAILED, NEEDS, PHOTO, calls, create, operation, post, request, tasks

pytestmark = NEEDS


def test_many_requests(page, server):
    """Thousands of requests leave the page with the newest ones, and their count."""
    for _ in range(2_500):
        server.service.handle(request("GET", f"{server.url}/v1/tasks/x"))
    for number in range(60):
        body = {"image_urls": [ELSEWHERE], "prompt": f"edit {number}"}
        server.service.handle(request("POST", f"{server.url}/v1/generate/k/nano-banana-edit", body))
    expect(page.locator("#counts")).to_have_text(re.compile("^2,560 requests"))
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


def test_the_script_is_shown(page, server):
    """Script steps are listed, wherever they are added, until used; a mistake is explained, and the clock advances."""
    page.get_by_role("link", name="Script").click()
    page.get_by_label("Example").select_option("On the wire: empty")
    page.get_by_role("button", name="Add").click()
    steps = ["any operation, request 1 and on: empty, used 0 of 1 times"]
    expect(page.locator("#rules li")).to_have_text(steps)
    server.service.outage(seconds=5)
    steps += ["any operation, request 1 and on: Reply(503) for 5 s, used 0 of any number of times"]
    expect(page.locator("#rules li")).to_have_text(steps)
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"{server.url}/v1/tasks/x", trust_env=False)
    expect(page.locator("#rules li")).to_have_text(steps[1:])
    server.service.reset()
    expect(page.locator("#rules li")).to_have_count(0)
    page.get_by_label("Steps, as JSON").fill('[{"reply": {"status": 999}}]')
    page.get_by_role("button", name="Add").click()
    expect(page.locator("#add .result")).to_contain_text("steps[0].reply.status is 999; the limit is 200 to 599.")
    before = server.service.time
    page.get_by_role("button", name="Advance").click()
    expect(page.locator("#clock .result")).to_contain_text("The clock is at")
    assert server.service.time - before >= 60


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("1,5", 'Seconds is "1,5"; it must be a number, such as 1.5.'),
        ("", "Seconds is empty; it must be a number, such as 1.5."),
        (" ", "Seconds is empty; "),
        ("Infinity", 'Seconds is "Infinity"; '),
        ("x" * 60, f'Seconds is "{"x" * 59}… and 2 more characters; '),
        ("-1", "seconds is -1; the limit is "),
    ],
)
def test_seconds_that_are_no_number(page, server, typed, said):
    """The clock is told of a number alone; of anything else the form says what it accepts, and sends nothing."""
    asked = []
    page.on("request", lambda request: asked.append(request.post_data))
    page.get_by_role("link", name="Script").click()
    page.get_by_label("Seconds").fill(typed)
    page.get_by_role("button", name="Advance").click()
    expect(page.locator("#clock .result")).to_contain_text(said)
    expect(page.locator("#clock .result")).to_have_class("result error")
    assert (['{"seconds":-1}'] if typed == "-1" else []) == [body for body in asked if body]
    page.get_by_label("Seconds").fill(" 1.5 ")
    page.get_by_role("button", name="Advance").click()
    expect(page.locator("#clock .result")).to_contain_text("The clock is at")
    expect(page.locator("#clock .result")).to_have_class("result")


def test_every_example_can_be_said(page, server):
    """Whatever the page offers to say is accepted, and each fault of the mock's document is among it."""
    page.get_by_role("link", name="Script").click()
    offered = page.get_by_label("Example").locator("option").all_text_contents()
    for number, name in enumerate(offered, 1):
        page.get_by_label("Example").select_option(name)
        page.get_by_role("button", name="Add").click()
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
    expect(page.locator("#counts")).to_have_text("1 request, 0 invalid")


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
        page.get_by_role("link", name="Script").click()
        offered = page.get_by_label("Example").locator("option")
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
    for view in ("requests", "tasks", "script", "reference"):
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
    for view in ("requests", "tasks", "script"):
        page.goto(f"{server.url}/#{view}")
        if view == "requests":
            expect(calls(page)).to_have_count(6)
            for index in range(6):
                calls(page).nth(index).locator("summary").click()
        if view == "tasks":
            expect(tasks(page).locator(".failed").first).to_be_visible()
            for index in range(tasks(page).count()):
                tasks(page).nth(index).locator("summary").click()
        if view == "script":
            page.get_by_label("Steps, as JSON").fill(json.dumps([{long: 1}]))
            page.get_by_role("button", name="Add").click()
            expect(page.locator("#add .result")).to_contain_text(long)
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
        expect(page.locator("#counts")).to_have_text(re.compile(rf"^{more + 1} requests?, 1 invalid$"))
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
