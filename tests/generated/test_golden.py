"""The golden records work: each is imported and does a round trip. `make check` compares them with the templates.

A record keeps what depends on its document; the modules that are the same for each document are those of our client.
"""

from __future__ import annotations

import datetime as dt
import importlib
import inspect
import io
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import httpx2
import pytest

from ..test_public import PACKAGES

GOLDEN = Path(__file__).parent / "golden"
PRINT = {
    "kind": "print",
    "name": "ab1",
    "size": "large",
    "back": "small",
    "color": "red",
    "copies": 9,
    "scale": 89.5,
    "gloss": True,
    "note": None,
    "nothing": None,
    "never": None,
    "maybe": None,
    "big": 2**63 - 1,
    "code": "ab",
    "sizes": ["small", "large"],
    "back_frame": {"width": 2},
    "shares": {"a": 0.5, "b": 1},
    "cast": "c",
    "anything": [{"a": None}],
    "tags": ["ab", "cd"],
    "grid": [[1, 5], [2, 3, 4]],
    "lines": [{"text": "abcd"}, {"text": "", "more": 1}],
    "frame": {"width": 1},
    "free": {"a": [1]},
    "more": {"b": None},
}
RECEIPT = {
    "id": "01234567-89ab-cdef-0123-456789abcdef",
    "at": "2026-01-02T03:04:05+00:00",
    "day": "2026-01-02",
    "kind": "new",
    "size": "huge",
    "parts": ["a", {"reason": "b"}],
    "prices": {"a": 1.5},
    "more": None,
}


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, ModuleType]]:
    """Each golden record as a package, by its name."""
    folder = tmp_path_factory.mktemp("golden")
    records = [document.stem for document in GOLDEN.glob("*.yaml")]
    for record in records:
        shutil.copytree(GOLDEN / record, folder / f"golden_{record}")
        for module in PACKAGES["nano_banana_edit_client"].glob("*.py"):
            shutil.copy(module, folder / f"golden_{record}")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield {record: importlib.import_module(f"golden_{record}") for record in records}
    for name in [name for name in sys.modules if name.startswith("golden_")]:
        del sys.modules[name]


@pytest.fixture
def prints(clients: dict[str, ModuleType]) -> ModuleType:
    return importlib.import_module(f"{clients['keywords'].__name__}.models")


@pytest.fixture
def albums(clients: dict[str, ModuleType]) -> ModuleType:
    return importlib.import_module(f"{clients['places'].__name__}.models")


def call(client: ModuleType, operation: str, *args: Any, answer: httpx2.Response, **kwargs: Any) -> tuple[Any, Any]:
    """The response of an operation, and the request that it sent."""
    seen: list[httpx2.Request] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        request.read()
        seen.append(request)
        return answer

    made = client.AuthenticatedClient(base_url="https://golden.test", token="t").set_httpx_client(
        httpx2.Client(transport=httpx2.MockTransport(handler))
    )
    module = importlib.import_module(f"{client.__name__}.api.{operation}")
    return module.sync_detailed(*args, client=made, **kwargs), seen[0]


def test_every_document_has_a_record(clients: dict[str, ModuleType]) -> None:
    """Each document has its record, and each record its document."""
    assert set(clients) == {path.name for path in GOLDEN.iterdir() if path.is_dir()}
    assert len(clients) >= 2


def test_a_body_of_every_keyword_goes_out(clients: dict[str, ModuleType], prints: ModuleType) -> None:
    """A body that meets every keyword is sent as it was given, and is the same when read again."""
    body = prints.Print.from_dict(PRINT)
    response, request = call(clients["keywords"], "prints.create_print", body=body, answer=httpx2.Response(202))
    assert (json.loads(request.content), response.status_code, response.parsed) == (PRINT, 202, None)
    assert prints.Print.from_dict(json.loads(request.content)) == body


def test_defaults_are_sent(prints: ModuleType) -> None:
    """A new model sends the defaults of what was not given; one that was read is as it was."""
    required = {name: PRINT[name] for name in ("kind", "name", "size", "lines", "frame")}
    read = prints.Print.from_dict(required)
    assert required == read.to_dict()
    made = prints.Print(*(getattr(read, name) for name in required))
    assert required | {"back": "small", "copies": 1, "gloss": False} == made.to_dict()


@pytest.mark.parametrize("name", ["kind", "name", "size", "lines", "frame"])
def test_what_is_required_is_missed(prints: ModuleType, name: str) -> None:
    """A required property of any kind is missed by its name, a list of objects and an object included."""
    body = {key: value for key, value in PRINT.items() if key != name}
    with pytest.raises(ValueError, match=f"^{name} is missing; it is required\\.$"):
        prints.Print.from_dict(body)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("kind", "x", "kind is 'x'; it must be 'print'."),
        ("name", "ab1\n", "name is 'ab1\\n'; it must match '^[a-z]+\\\\d$'."),
        ("size", "huge", "size is 'huge'; it must be one of 'small', 'large'."),
        ("back", None, "back is None; it must be one of 'small', 'large'."),
        ("color", "green", "color is 'green'; it must be one of 'red', 'blue'."),
        ("copies", 10, "copies is 10; the limit is 1 to 9."),
        ("scale", 90, "scale is 90; it must be more than 0 and less than 90."),
        ("scale", 0.3, "scale is 0.3; it must be a multiple of 0.5."),
        ("gloss", 1, "gloss is 1; it must be a boolean."),
        ("note", 1, "note is 1; it must be a string or null."),
        ("nothing", 0, "nothing is 0; it must be null."),
        ("never", 0, "never is 0; it must be None."),
        ("maybe", "a", "maybe is 'a'; it must be one of 'some', None."),
        ("big", 2**63, "big is 9223372036854775808; the maximum is 9223372036854775807."),
        ("code", "abc", "code has 3 characters; the maximum is 2."),
        ("sizes", ["small", "huge"], "sizes[1] is 'huge'; it must be one of 'small', 'large'."),
        ("back_frame", 3, "back_frame is 3; it must be an object or null."),
        ("back_frame", {"width": "a"}, "back_frame.width is 'a'; it must be an integer."),
        ("shares", {"a": 2}, "shares.a is 2; the maximum is 1."),
        ("shares", {"a": None}, "shares.a is None; it must be a number."),
        ("tags", ["ab", "ab"], "tags contains 'ab' twice; each item must be unique."),
        ("tags", ["ab", "c"], "tags[1] has 1 character; the minimum is 2."),
        ("grid", 5, "grid is 5; it must be an array."),
        ("grid", [[1, 2], 5], "grid[1] is 5; it must be an array."),
        ("grid", [[1, 6]], "grid[0][1] is 6; the maximum is 5."),
        ("lines", [{"text": "abcde"}], "lines.text has 5 characters; the maximum is 4."),
        ("lines", 3, "lines is 3; it must be an array."),
        ("lines", [3], "lines[0] is 3; it must be an object."),
        ("frame", {"width": 1, "x": 2}, "frame.x is unknown; the allowed properties are: width."),
        ("frame", [], "frame is []; it must be an object."),
        ("free", {"a": float("nan")}, "free.a contains nan; it must be JSON: "),
        ("more", float("nan"), "more contains nan; it must be JSON: "),
    ],
)
def test_every_keyword_is_held(prints: ModuleType, name: str, value: Any, message: str) -> None:
    """A value that breaks one keyword is refused by the path to it and by the limit."""
    with pytest.raises(ValueError, match=r"^[a-z]+.*; .*\.$") as refusal:
        prints.Print.from_dict(PRINT | {name: value})
    assert str(refusal.value).startswith(message)


def test_limits_are_documented(prints: ModuleType) -> None:
    """The docstring of a model states the limits of each attribute, as the document has them."""
    docs = inspect.getdoc(prints.Print)
    for line in (
        "name (str): A name; 2 to 9 characters, matching `^[a-z]+\\d$`. Example: ab1.\n",
        "back (Size | Unset): A size; one of 'large', 'small'. Default: 'small'.\n",
        "copies (int | Unset): 1 to 9. Default: 1.\n",
        "scale (float | Unset): In percent; more than 0 and less than 90, a multiple of 0.5.\n",
        "tags (list[str] | Unset): 1 to 3 items, all different, each at least 2 characters.\n",
        "anything (Any | Unset): Any JSON.\n",
    ):
        assert f"    {line}" in docs


def test_parameters_reach_their_places(clients: dict[str, ModuleType], albums: ModuleType) -> None:
    """Parameters go into path, query and header, and a body of JSON beside them."""
    _, request = call(
        clients["places"],
        "albums.add_pictures",
        7,
        size="small",
        tag=["a", "b"],
        x_dry_run=True,
        body=albums.Links(["u"]),
        answer=httpx2.Response(204),
    )
    assert "https://golden.test/albums/7?size=small&tag=a&tag=b" == str(request.url)
    headers = [request.headers[name] for name in ("X-Dry-Run", "Authorization", "Content-Type")]
    assert ["true", "Bearer t", "application/json"] == headers
    assert {"urls": ["u"]} == json.loads(request.content)


def test_files_are_sent_within_their_limits(clients: dict[str, ModuleType], albums: ModuleType) -> None:
    """The other body is a form with files; each is held to its limit."""
    types = importlib.import_module(f"{clients['places'].__name__}.types")

    def file(size: int) -> Any:
        return types.File(io.BytesIO(bytes(size)), "a.png", "image/png")

    body = albums.Pictures(file(8), others=[file(1), file(2)], year=1826)
    _, request = call(clients["places"], "albums.add_pictures", 7, body=body, answer=httpx2.Response(204))
    assert [8, 1, 2, 0] == [part.count(b"\0") for part in request.content.split(b"\r\n\r\n")[1:]]
    assert b"\r\n\r\n1826\r\n" in request.content
    assert request.headers["Content-Type"].startswith("multipart/form-data; boundary=")
    for arguments, message in (
        ({"cover": file(9)}, "cover has 9 bytes; the limit is 1 to 8."),
        ({"cover": file(1), "others": [file(1), file(9)]}, "others[1] has 9 bytes; the maximum is 8."),
        ({"cover": b"abc"}, "cover is 3 bytes; it must be a File."),
    ):
        with pytest.raises(ValueError, match=r"^[a-z]+.*; .*\.$") as refusal:
            albums.Pictures(**arguments)
        assert message == str(refusal.value)


def test_responses_are_read_by_their_status(clients: dict[str, ModuleType], albums: ModuleType) -> None:
    """A status, a range of them and the default each have their model; what the document does not know is kept."""

    def parsed(status: int, body: Any) -> Any:
        answer = httpx2.Response(status, json=body)
        links = albums.Links(["u"])
        return call(clients["places"], "albums.add_pictures", 7, body=links, answer=answer)[0].parsed

    receipt = parsed(200, RECEIPT)
    assert RECEIPT == receipt.to_dict()
    assert (UUID(RECEIPT["id"]), dt.date(2026, 1, 2)) == (receipt.id, receipt.day)
    assert albums.Refusal(reason="b") == receipt.parts[1]
    assert albums.Refusal(reason="no") == parsed(404, {"reason": "no"})
    assert (None, None) == (parsed(204, None), parsed(599, None))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"id": None}, "id is missing; it is required."),
        ({"at": 3}, "at is 3; it must be a string."),
        ({"day": 3}, "day is 3; it must be a string."),
        ({"day": "today"}, "'today'"),
        ({"parts": {}}, "parts is {}; it must be an array."),
        ({"prices": 3}, "prices is 3; it must be an object."),
    ],
)
def test_responses_that_cannot_be_read(
    clients: dict[str, ModuleType], albums: ModuleType, changed: dict[str, Any], message: str
) -> None:
    """A response of other types than the document's is refused by the property's name."""
    errors = importlib.import_module(f"{clients['places'].__name__}.errors")
    answer = httpx2.Response(200, json=RECEIPT | changed)
    response, _ = call(clients["places"], "albums.add_pictures", 7, body=albums.Links(["u"]), answer=answer)
    with pytest.raises(errors.UnreadableResponse) as failure:
        _ = response.parsed
    assert message in str(failure.value)
