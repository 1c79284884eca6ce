"""What a proxy is made of, and where it sends each request."""

from __future__ import annotations

import re

import pytest
from nano_banana_edit_mock import MockService, Request, load
from nano_banana_edit_mock.contract import parse
from nano_banana_edit_mock.tools.proxy import Proxy

from .test_mock_proxy import API, EDIT, FILES, HEADERS, TASK, Service, behind, get, post


def test_uploads_have_a_service_of_their_own():
    """An upload goes to the service of files, as its base path is."""
    upstream = Service(status=400, json={})
    url = f"{FILES}/api/upload/file"
    behind(upstream).handle(Request("POST", url, HEADERS[:1], b"x"))
    assert "https://files.example/api/upload/file" == str(upstream.seen[0].url)


@pytest.mark.parametrize(
    ("base_url", "origin"),
    [
        (API, FILES),
        (f"{API}/", FILES),
        ("https://up.example/v1", "https://up.example"),
        ("http://127.0.0.1:4010", "http://127.0.0.1:4010"),
        ("https://staging.example/v1", "https://staging.example"),
        ("https://API.sinancode.com:443", FILES),
    ],
)
def test_where_uploads_go_unless_it_is_said(base_url, origin, document):
    """Without a URL of their own, uploads go where the client's would: to the document's service, or the same host."""
    upstream = Service(status=400, json={})
    document["servers"] = [{"url": f"{API}/"}, {"url": "https://staging.example/v1"}]
    service = MockService(upstream=Proxy(parse(document), base_url, transport=upstream.transport))
    service.handle(Request("POST", f"{FILES}/api/upload/file", HEADERS[:1], b"x"))
    assert f"{origin}/api/upload/file" == str(upstream.seen[0].url)


@pytest.mark.parametrize("own", [False, True])
def test_where_requests_go_is_their_kind(own, document):
    """Only uploads go to their service, wherever the document has its servers; without one of theirs, they do not."""
    del document["servers"]
    for name, path in document["paths"].items():
        path["servers"] = [{"url": FILES if own and "upload" in name else API}]
        path["post" if "post" in path else "get"].pop("servers", None)
    upstream = Service(json={})
    service = MockService(upstream=Proxy(parse(document), API, transport=upstream.transport), contract=parse(document))
    post(service)
    get(service)
    service.handle(Request("POST", f"{FILES if own else API}/api/upload/file", HEADERS[:1], b"x"))
    assert [EDIT, TASK, f"{FILES if own else API}/api/upload/file"] == [str(request.url) for request in upstream.seen]


def test_the_base_path_may_be_left_out():
    """On another host a path with and without the base path goes to the same URL."""
    upstream = Service(json={"id": "t", "status": "pending"})
    service = behind(upstream)
    for path in ("/v1/tasks/t", "/tasks/t"):
        get(service, f"http://127.0.0.1:4010{path}")
    assert {"https://up.example/v1/tasks/t"} == {str(request.url) for request in upstream.seen}


@pytest.mark.parametrize("own", [{"polls": 0}, {"seconds": 1.0}, {"seed": 3}])
def test_options_of_the_mocks_own_tasks(own):
    """A service that is elsewhere decides about its tasks, and about their time."""
    service = behind(Service())
    with pytest.raises(ValueError, match=rf"{next(iter(own))} is for the mock's own tasks\. Leave it out\."):
        behind(Service(), **own)
    with pytest.raises(ValueError, match="The clock of a proxy is that of its service"):
        service.advance(5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("x", API), "contract is 'x'; use what load() returns."),
        ((load(), 5), "base_url is 5; use the URL of a service."),
        ((load(), API, 5), "files_url is 5; use the URL of a service."),
        (
            (load(), "http://user:p@/#w@127.0.0.1:99999"),
            "base_url is http://127.0.0.1:99999; use a URL with https, or of",
        ),
    ],
)
def test_arguments_of_another_kind(arguments, message):
    """What is no contract, URL or recorder is said, without a password."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        Proxy(*arguments)
    with pytest.raises(ValueError, match=r"recorder is 'tape'; use a Recorder\."):
        Proxy(load(), API, recorder="tape")


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://x", "up.example", "http://up.example/v1", "https://", "https://[", "https://x:99999", "https://x:0"),
        *("https://u:sekret@up.example", "u:sekret@x", "https://u:sekret#x@up.example", "https://x/v1?sekret"),
        *("https://x/v1#sekret", "https://x/v 1", "https://x/v1\n", " https://x", "https://x\\y"),
    ],
)
def test_a_wrong_url_is_refused(url):
    """The URL of a service has https, or is on this machine; it has no password, and nothing behind its path."""
    with pytest.raises(ValueError, match="base_url is") as caught:
        Proxy(load(), url)
    assert "sekret" not in str(caught.value)
