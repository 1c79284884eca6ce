"""Paths of a changed document: which operation a request is for, however its path is written."""

import copy
import time

import pytest
from nano_banana_edit_mock import MockService, Request
from nano_banana_edit_mock.contract import parse
from nano_banana_edit_mock.engine.routes import Routes

from .things import BASE, HOST


def served(*operations, server=HOST):
    """A service of operations such as `get /things`."""
    document = copy.deepcopy(BASE) | {"paths": {}, "servers": [{"url": server}]}
    for operation in operations:
        method, path = operation.split(" ", 1)
        names = [part.partition("}")[0] for part in path.split("{")[1:]]
        document["paths"].setdefault(path, {})[method] = {
            "operationId": operation,
            "parameters": [{"name": name, "in": "path", "required": True, "schema": {}} for name in names],
        }
    return MockService(contract=parse(document))


def ask(service, path, method="GET"):
    """Return the name of the operation that a request is for."""
    service.handle(Request(method, HOST + path))
    return service.calls[-1].operation


@pytest.mark.parametrize(
    ("path", "written"),
    [
        ("/größe", "/gr%C3%B6%C3%9Fe"),
        ("/größe", "/gr%c3%b6%c3%9fe"),
        ("/my file", "/my%20file"),
        ("/a%2Db", "/a-b"),
        ("/a%2db", "/%61%2db"),
        ("/%c3%a4", "/%C3%A4"),
        ("/a|b", "/a%7Cb"),
        ("/a(b)", "/a(b)"),
    ],
)
def test_paths_are_equal_however_they_are_written(path, written):
    """A path is found whatever characters of it are encoded, in the document and in the request (RFC 3986)."""
    assert f"get {path}" == ask(served(f"get {path}"), written)
    assert "get /x" == ask(served("get /x", server=HOST + path.replace(" ", "%20")), f"{written}/x")


@pytest.mark.parametrize("turn", [1, -1])
@pytest.mark.parametrize(
    ("general", "special", "path"),
    [
        ("get /f/{id}", "get /f/me", "/f/me"),
        ("get /f/{id}", "get /f/{id}.json", "/f/a.json"),
        ("get /f/{id}", "get /f/{id}:cancel", "/f/a:cancel"),
        ("get /f/{id}", "get /f/p-{id}", "/f/p-1"),
        ("get /{a}/b", "get /a/{b}", "/a/b"),
    ],
)
def test_the_path_that_gives_more_is_taken(general, special, path, turn):
    """Of two paths of a request that which gives more of it is taken, whatever their order in the document."""
    assert special == ask(served(*[general, special][::turn]), path)


def test_head_is_its_own_operation_if_there_is_one():
    """HEAD is GET without its body, unless the document has an operation for it."""
    assert "head /f" == ask(served("get /f", "head /f"), "/f", "HEAD")
    assert "get /f" == ask(served("get /f"), "/f", "HEAD")


@pytest.mark.parametrize(
    ("path", "request_path", "values"),
    [
        ("/f/{a}.{b}", "/f/x.y.z", {"a": "x", "b": "y.z"}),
        ("/f/{a}...{b}", "/f/x.y...z", {"a": "x.y", "b": "z"}),
        ("/f/{a}.json", "/f/x.json.json", {"a": "x.json"}),
        ("/f/{a}{b}", "/f/xyz", {"a": "x", "b": "yz"}),
        ("/f/{a}.{b}", "/f/x.", None),
        ("/f/{a}.{b}", "/f/.x", None),
    ],
)
def test_several_parameters_in_a_segment(path, request_path, values):
    """Each parameter but the last of a segment ends as soon as it can, and none is empty."""
    route = Routes(served(f"get {path}").contract).find("GET", HOST + request_path)
    assert values == (route.path if route.operation else None)


def test_long_paths_take_no_time():
    """A path that nearly is one of many parameters is refused at once."""
    service = served("get /" + "{a}{b}.{c}.{d}{e}x".replace("x", "!"))
    start = time.perf_counter()
    for path in ("/" + "y" * 60_000, "/" + "." * 60_000, "/" + "a." * 30_000):
        assert ask(service, path) is None
    assert time.perf_counter() - start < 5
