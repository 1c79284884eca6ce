"""The requests on the page of the mock, in a real browser: what each says, how one is found, and how it is copied."""

import contextlib
import re
import shutil
import subprocess

import httpx
import pytest
from nano_banana_edit_mock import Fault
from playwright.sync_api import expect

from .pages import ELSEWHERE, NEEDS, calls, create, post, tasks

pytestmark = NEEDS
EDIT = {"image_urls": [ELSEWHERE], "prompt": "snow"}


def get(server, path, **headers):
    headers = {"Authorization": "Bearer not-to-be-seen", **headers}
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"{server.url}{path}", headers=headers, trust_env=False)


def opened(page, words):
    """A request, opened."""
    line = calls(page).filter(has_text=words).first
    line.locator("summary").first.click()
    return line


def test_a_fault_has_its_name(page, server):
    """An answer that goes wrong on its way is a fault by name, and no valid 200; the task has it in its life, too."""
    server.service.script([{"fault": "reset_before"}, {"fault": "truncated", "operation": "getTask"}])
    with contextlib.suppress(httpx.TransportError):
        create(server, EDIT)
    get(server, f"/v1/tasks/{server.service.edits[0].task_id}")
    expect(calls(page).locator(".status")).to_have_text(["⚡ truncated", "⚡ reset_before"])
    expect(calls(page).locator(".verdict")).to_have_count(0)
    line = opened(page, "reset_before")
    expect(line.get_by_label("Answer").first).to_contain_text("200, but reset_before")
    expect(tasks(page).locator(".life .broken > span:nth-child(2)")).to_have_text(
        ["accepted, then reset_before", "truncated"]
    )
    page.get_by_label("Show").select_option("errors")
    expect(calls(page).locator("visible=true")).to_have_count(2)


def test_a_poll_says_of_which_task(page, server):
    """A poll names its task and the state that was answered, with the time of day and the duration."""
    task_id = create(server, EDIT).json()["task_id"]
    for _ in range(2):
        get(server, f"/v1/tasks/{task_id}")
    about = rf"^\d\d:\d\d:\d\d · \d+\.\d ms · task {task_id[:8]}…"
    expect(calls(page).locator("summary > .at")).to_have_text(
        [re.compile(rf"{about} is completed$"), re.compile(rf"{about} is pending$"), re.compile(rf"{about}$")]
    )


def test_headers_without_the_token(page, server):
    """The headers of both sides can be read, those with a token without it."""
    get(server, "/v1/tasks/x", Cookie="not-to-be-seen", X_Trace="7")
    line = opened(page, "getTask")
    expect(line.locator(".headers")).to_have_count(2)
    for summary in line.locator(".headers summary").all():
        summary.click()
    sent, got = line.locator(".headers").all()
    expect(sent).to_contain_text(re.compile(r"authorization\(hidden\).*cookie\(hidden\).*x_trace7", re.IGNORECASE))
    expect(got).to_contain_text("Content-Typeapplication/json")
    assert "not-to-be-seen" not in page.content()


def test_an_open_request_leaves_the_search_in_sight(page, server):
    """On a wide screen a request that is longer than the screen covers neither the search nor the choice above it."""
    page.set_viewport_size({"width": 1400, "height": 500})
    create(server, EDIT)
    expect(opened(page, "createEdit").locator(".side")).to_have_count(2)
    top = page.locator(".calls").bounding_box()["y"]
    for shown in page.locator(".show :is(input, select)").all():
        box = shown.bounding_box()
        assert box["y"] + box["height"] <= top


def test_requests_are_searched(page, server):
    """A search shows the requests that have its words in them, also those that come; a task's button searches, too."""
    first = create(server, EDIT).json()["task_id"]
    create(server, EDIT | {"prompt": "A Harbour at night"})
    create(server, {})
    search, found = page.get_by_label("Search"), page.locator("#matches")
    for words, count in (("harbour", 1), ("minitems", 0), ("REQUIRED", 1), (first[:13], 1), ("createedit", 3)):
        search.fill(words)
        expect(calls(page).locator("visible=true")).to_have_count(count)
        expect(found).to_have_text(f"{count} of 3")
    search.fill("harbour")
    get(server, "/v1/harbour")
    expect(found).to_have_text("2 of 4")
    tasks(page).filter(has_text="snow").get_by_role("button", name="Show its requests").click()
    expect(search).to_have_value(first)
    expect(calls(page).locator("visible=true")).to_have_count(1)
    search.fill("")
    expect(found).to_have_text("")
    expect(calls(page).locator("visible=true")).to_have_count(4)


def test_a_task_leads_to_its_requests_on_a_phone(page, server):
    """Where the requests are another view, the button of a task goes there."""
    page.set_viewport_size({"width": 390, "height": 740})
    page.goto(f"{server.url}/#tasks")
    create(server, EDIT)
    tasks(page).get_by_role("button", name="Show its requests").click()
    expect(calls(page)).to_be_visible()


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_a_copied_request_is_the_same(context, page, server, tmp_path, monkeypatch):
    """What is copied for curl and for Python sends the same request again, an upload too, with the caller's token."""
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    monkeypatch.setenv("SINANCODE_API_KEY", "chosen")
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.chdir(tmp_path)
    odd = 'it\'s "1" \\ $HOME `x` \u96ea\U0001f600\n\t@  # x'
    name = "a b \\ c;d,'e'.png"
    (tmp_path / name).write_bytes(b"picture")
    create(server, EDIT | {"prompt": odd, "extra": [None, True, False, 1.5, {"": []}]})
    create(server, {"prompt": odd})
    with (tmp_path / name).open("rb") as file:
        headers = {"Authorization": "Bearer t", "Prefer": "code=418"}
        files = {"file": (name, file, "image/png")}
        httpx.post(f"{server.url}/api/upload/file", headers=headers, files=files, trust_env=False)
    get(server, "/v1/tasks/a%20b[1-2]")
    httpx.head(f"{server.url}/v1/nothing", trust_env=False)
    originals = server.service.calls
    for index, original in enumerate(originals):
        calls(page).nth(len(server.service.calls) - 1 - index).locator("summary").first.click()
        for kind in ("curl", "Python"):
            line = calls(page).nth(len(server.service.calls) - 1 - index)
            line.get_by_role("button", name=f"Copy as {kind}").click()
            expect(line.locator(".copied figcaption")).to_have_text(kind)
            expect(line.get_by_role("status")).to_have_text("Copied.")
            text = page.evaluate("navigator.clipboard.readText()")
            assert "Bearer t" not in text
            if kind == "curl":
                subprocess.run(["bash", "-c", f'curl() {{ command curl -s --max-time 10 "$@"; }}\n{text}'], check=True)
            else:
                exec(text, {})
            again = server.service.calls[-1]
            expect(calls(page)).to_have_count(len(server.service.calls))
            for fact in ("method", "path", "body", "status", "violations", "authorization"):
                assert getattr(original, fact) == getattr(again, fact), (kind, fact, text)
            sizes = [[(f.name, f.content_type, f.size) for f in entry.files] for entry in (original, again)]
            assert sizes[0] == sizes[1], text


def test_a_request_is_copied_without_a_clipboard(context, server):
    """Without a clipboard, as over plain HTTP from elsewhere, the text is selected; a lost body is mentioned."""
    context.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page = context.new_page()
    page.goto(server.url)
    headers = {"Authorization": "Bearer t", "Content-Type": "application/json"}
    httpx.post(f"{server.url}/v1/generate/k/nano-banana-edit", headers=headers, content=b"{oh", trust_env=False)
    line = opened(page, "createEdit")
    line.get_by_role("button", name="Copy as Python").click()
    expect(line.get_by_role("status")).to_have_text("Selected, to be copied.")
    assert "the body was not kept" in page.evaluate("getSelection().toString()")
    line.get_by_role("button", name="Copy as curl").click()
    assert page.evaluate("getSelection().toString()").startswith("# The body was not kept")


def test_the_document_is_linked(page, server):
    """The reference links to the document in use."""
    page.get_by_role("link", name="Reference").click()
    link = page.get_by_role("link", name="openapi.yaml")
    answer = httpx.get(f"{server.url}{link.get_attribute('href')}", trust_env=False)
    assert (200, "application/yaml") == (answer.status_code, answer.headers["Content-Type"])
    assert answer.text.startswith("openapi: 3.1.0\n")


def test_a_fault_is_announced(context, server):
    """A screen reader hears a fault by its name."""
    page = context.new_page()
    page.clock.install()
    page.goto(server.url)
    expect(page.locator("#state")).to_have_text("live")
    page.clock.run_for(10_000)
    server.service.next(Fault.EMPTY)
    with contextlib.suppress(httpx.TransportError):
        post(server, "/v1/generate/k/nano-banana-edit", EDIT)
    expect(calls(page)).to_have_count(1)
    page.clock.run_for(3_000)
    expect(page.locator("#news")).to_have_text("createEdit answered empty, valid")
