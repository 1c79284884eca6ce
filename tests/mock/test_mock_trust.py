"""Who gets at what under `/__mock__/`, and what anybody may have."""

import pytest
import yaml
from nano_banana_edit_mock import MockService, Request, load
from nano_banana_edit_mock.admin.api import administer, is_admin, is_loopback, trusted
from nano_banana_edit_mock.contract import parse

from .conftest import ADMIN, ORIGIN


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("::ffff:10.0.0.1", False),
        ("10.0.0.1", False),
        ("0.0.0.0", False),
        ("example.com", False),
        ("", False),
        (None, False),
    ],
)
def test_this_machine(name, expected):
    """What is this machine for itself is told from what is not."""
    assert expected == is_loopback(name)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, True),
        ({"origin": "http://localhost:4010"}, True),
        ({"origin": "http://[::1]:4010", "peer": "::1"}, True),
        ({"Origin": ORIGIN}, True),
        ({"peer": "10.0.0.1"}, False),
        ({"peer": None}, False),
        ({"origin": "http://rebound.example:4010"}, False),
        ({"Origin": "https://elsewhere.example"}, False),
        ({"Origin": "http://127.0.0.1:4011"}, False),
        ({"Origin": "null"}, False),
        ({"Via": "1.1 proxy"}, False),
        ({"X_Forwarded_For": "10.0.0.1"}, False),
        ({"x_forwarded_host": "mock.example"}, False),
        ({"X_Real_IP": "10.0.0.1"}, False),
        ({"X_Forwarded": "for=10.0.0.1"}, True),
        ({"Forwarded": "for=10.0.0.1"}, False),
    ],
)
def test_who_needs_no_token(service, ask, said, expected):
    """Only this machine, asked as such, by no foreign page and through no proxy, is let in without the token."""
    answers = [ask("GET", "/calls", **said).status, ask("POST", "/reset", **said).status]
    assert [200 if expected else 401, 204 if expected else 401] == answers
    assert [200, 401] == [
        ask("GET", "/calls", **said, Authorization=f"Bearer {token}").status for token in ("secret", "wrong")
    ] or expected


def test_routes(ask):
    """An unknown path is 404, a wrong method 405, HEAD is as good as GET, and OPTIONS tells what there is."""
    assert [404, 405, 200, 204] == [
        ask(method, path).status
        for method, path in (("GET", "/none"), ("PUT", "/clock"), ("HEAD", "/clock"), ("OPTIONS", "/clock"))
    ]
    assert {"GET, HEAD, OPTIONS, POST"} == {ask(method, "/clock").header("Allow") for method in ("PUT", "OPTIONS")}
    assert "Bearer" == ask("GET", "/clock", peer="10.0.0.1").header("WWW-Authenticate")
    assert (
        "is not a path of the admin API, which /__mock__/openapi.json documents."
        in ask("GET", "/none").json()["message"]
    )


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (ORIGIN, True),
        (f"{ORIGIN}/", True),
        (f"{ORIGIN}?x", True),
        (f"{ORIGIN}/?x", True),
        (f"{ORIGIN}/__mock__/calls", True),
        ("HTTP://127.0.0.1:4010/", True),
        (f"{ORIGIN}/__MOCK__/calls", False),
        (f"{ORIGIN}/__mock__", True),
        (f"{ORIGIN}/__mock__?x", True),
        (f"{ORIGIN}/__mock__x", False),
        (f"{ORIGIN}/v1/__mock__/", False),
        (f"{ORIGIN}/v1/tasks/x?/", False),
    ],
)
def test_what_is_of_the_mock(url, expected):
    """The page and what is under `/__mock__/` are no paths of the API, everything else is."""
    assert expected == is_admin(url)


def test_another_page_with_the_token(ask):
    """A web page of another origin may ask beforehand, use the token, and read every answer."""
    page = {"Origin": "https://elsewhere.example"}
    asked = {"Access_Control_Request_Method": "POST", "Access_Control_Request_Headers": "authorization,x-a"}
    before = ask("OPTIONS", "/script", **page, **asked)
    assert (204, page["Origin"], "GET, HEAD, OPTIONS, POST", "authorization,x-a") == (
        before.status,
        *(before.header(f"Access-Control-Allow-{name}") for name in ("Origin", "Methods", "Headers")),
    )
    script = {"steps": [{"reply": {"status": 429}}]}
    for token, status in (("secret", 200), ("wrong", 401)):
        answer = ask("POST", "/script", script, **page, Authorization=f"Bearer {token}")
        assert (status, page["Origin"]) == (answer.status, answer.header("Access-Control-Allow-Origin"))
    assert "The mock printed it at its start, unless NANO_BANANA_EDIT_MOCK_TOKEN was set." in answer.json()["message"]
    assert ask("GET", "/calls").header("Access-Control-Allow-Origin") is None


def test_documents(ask, document):
    """Both documents are served as JSON, to be read alone, as a wrong method and OPTIONS are told."""
    assert document == ask("GET", "/api.json").json()
    assert ADMIN.document == ask("GET", "/openapi.json").json()
    answers = [ask(method, "/openapi.json") for method in ("POST", "OPTIONS")]
    assert [405, 204] == [answer.status for answer in answers]
    assert ["GET, HEAD, OPTIONS"] * 2 == [answer.header("Allow") for answer in answers]


@pytest.mark.parametrize("path", ["/openapi.yaml", "/openapi.yaml?x"])
def test_the_document_as_yaml(document, tmp_path, path):
    """The document in use is served as YAML that reads as the same document, by the rules of 1.1 and of 1.2."""
    document["x-texts"] = [
        "no",
        "0100",
        "16:9",
        "1e5",
        "0o7",
        "<<",
        "~",
        "",
        "\n",
        "=",
        "2026-01-01",
        "\u96ea \x85",
    ]
    url = f"{ORIGIN}{path}"
    answer = administer(MockService(contract=parse(document)), Request("GET", url), token="s", peer="::1")
    assert ("application/yaml", "*") == tuple(map(answer.header, ("Content-Type", "Access-Control-Allow-Origin")))
    assert document == yaml.safe_load(answer.body)
    file = tmp_path / "served.yaml"
    file.write_bytes(answer.body)
    assert document == load(file).document
    assert is_admin(url)
    assert not is_admin(f"{ORIGIN}/openapi.yaml.txt")


def test_the_pages_files(ask, service):
    """The page and what it is made of are served to anybody, and let nothing of elsewhere in."""
    for path, media_type in (
        ("/", "text/html"),
        ("/__mock__/page.css", "text/css"),
        ("/__mock__/page.js", "text/javascript"),
    ):
        response = administer(service, Request("GET", ORIGIN + path), token="secret", peer="10.0.0.1")
        assert (200, True) == (response.status, response.header("Content-Type").startswith(media_type))
        assert "default-src 'self'" in response.header("Content-Security-Policy")


def test_trust_is_of_the_request():
    """A request without a peer, as a test's transport has it, is not trusted."""
    assert not trusted(Request("GET", f"{ORIGIN}/__mock__/calls"), None)


@pytest.mark.parametrize(
    "path",
    [
        "../api.py",
        "/etc/hostname",
        "..",
        ".",
        "",
        "page/page.js",
        "../admin.yaml",
        "../page/page.js",
        "none.js",
    ],
)
def test_nothing_else_is_served(service, path):
    """What is no file of the page is no path, wherever it leads."""
    assert 404 == administer(service, Request("GET", f"{ORIGIN}/__mock__/{path}"), token="secret", peer="::1").status


def test_files_are_served_past_the_journal(service, send):
    """A file and a result are the same under `/__mock__/` to anybody, and nothing is noted."""
    key = send("uploadFile").json()["key"]
    task_id = send("createEdit").json()["task_id"]
    for path in (f"files/{key}", f"results/{task_id}/0.png"):
        there = administer(service, Request("GET", f"{ORIGIN}/__mock__/{path}"), token="secret", peer="10.0.0.1")
        assert (200, service.get_file(f"/{path}").body) == (there.status, there.body)
    assert 2 == len(service.calls)
    assert 404 == administer(service, Request("GET", f"{ORIGIN}/__mock__/files/none"), token="s", peer="::1").status


def test_the_page_answers_head(service):
    """The page without a path is the page, HEAD is as good as GET, and both documents may be read from any page."""
    for method, url in (("HEAD", ORIGIN), ("GET", ORIGIN), ("GET", f"{ORIGIN}?x")):
        assert 200 == administer(service, Request(method, url), token="secret", peer=None).status
    for name in ("api.json", "openapi.json"):
        document = administer(service, Request("GET", f"{ORIGIN}/__mock__/{name}"), token="secret", peer=None)
        assert (200, "*") == (document.status, document.header("Access-Control-Allow-Origin"))
