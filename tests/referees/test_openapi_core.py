"""openapi-core, which reads the whole document in its own way, gives the mock's verdict on requests."""

import json
from typing import Any, Literal, TypeAlias
from urllib.parse import urlsplit

import pytest
from nano_banana_edit_mock import MockService, Request
from nano_banana_edit_mock.tools.cases import Case, boundary_cases
from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.exceptions import OpenAPIError
from werkzeug.datastructures import Headers

from ..document import BODY, FORMATS, LONGEST_PROMPT, MOST_IMAGES, SIZES
from . import with_limit

Verdict: TypeAlias = Literal["accepts", "refuses", "crashes"]

JSON, FORM, LARGEST = "application/json", "multipart/form-data; boundary=frontier", 9

CONTRACT = with_limit("FileUpload.file.maxLength", LARGEST)  # one that a test can afford
OPERATIONS = {operation.id: operation for operation in CONTRACT.operations}
SERVICE = MockService(contract=CONTRACT)
CORE = OpenAPI.from_dict(
    dict(CONTRACT.document),
    # It hands a file over as bytes, which are no string to JSON Schema; of Latin-1 each octet is one character.
    Config(extra_media_type_deserializers={"application/octet-stream": lambda content, **_: content.decode("latin-1")}),
)


class Seen:
    """A request as openapi-core wants to see it."""

    def __init__(self, request: Request) -> None:
        url = urlsplit(request.url)
        self.host_url, self.path = f"{url.scheme}://{url.netloc}", url.path
        self.method, self.body = request.method.lower(), request.body
        self.content_type = (request.header("Content-Type") or "").lower()
        self.parameters = RequestParameters(header=Headers(request.headers))


def core(request: Request) -> Verdict:
    """What openapi-core says."""
    try:
        CORE.validate_request(Seen(request))
    except OpenAPIError:
        return "refuses"
    except AssertionError:
        return "crashes"
    return "accepts"


def mock(request: Request) -> Verdict:
    """What the mock says, whether or not the task asked for exists."""
    SERVICE.reset()
    SERVICE.handle(request)
    (entry,) = SERVICE.calls
    return "accepts" if entry.operation and not entry.violations else "refuses"


def request(name: str, body: Any = None, *, task_id: str = "x", method: str = "", **headers: str | None) -> Request:
    """A request that is right except for what is given; None leaves a header out."""
    operation = OPERATIONS[name]
    if not isinstance(body, bytes):
        body = {"getTask": b"", "uploadFile": form()}.get(name, json.dumps(BODY if body is None else body).encode())
    given = {"Authorization": "Bearer secret", "Content-Type": {"createEdit": JSON, "uploadFile": FORM}.get(name)}
    given |= {header.replace("_", "-"): value for header, value in headers.items()}
    url = operation.servers[0] + operation.path.replace("{id}", task_id)
    return Request(method or operation.method, url, {k: v for k, v in given.items() if v is not None}, body)


def form(*parts: tuple[str, bytes], end: bytes = b"--frontier--\r\n") -> bytes:
    """A form of (parameters of the disposition, content) pairs, one small file if none are given."""
    heads = "--frontier\r\nContent-Disposition: form-data; {}\r\nContent-Type: image/png\r\n\r\n"
    return b"".join(heads.format(name).encode() + c + b"\r\n" for name, c in parts or [(FILE, b"abc")]) + end


FILE = 'name="file"; filename="a.png"'
RAW = json.dumps(BODY).encode()

CASES: dict[str, Request] = {
    "edit": request("createEdit"),
    "edit-undocumented-property": request("createEdit", BODY | {"callBackUrl": 1}),
    "edit-all": request("createEdit", BODY | {"image_size": SIZES[-1], "output_format": FORMATS[-1]}),
    "edit-null": request("createEdit", BODY | {"output_format": None}),
    "edit-integer-for-text": request("createEdit", BODY | {"prompt": 1}),
    "edit-array": request("createEdit", b"[]"),
    "edit-null-body": request("createEdit", b"null"),
    "edit-most-images": request("createEdit", BODY | {"image_urls": ["a"] * MOST_IMAGES}),
    "edit-too-many-images": request("createEdit", BODY | {"image_urls": ["a"] * (MOST_IMAGES + 1)}),
    "edit-longest-prompt": request("createEdit", BODY | {"prompt": "🍌" * LONGEST_PROMPT}),
    "edit-too-long-prompt": request("createEdit", BODY | {"prompt": "a" * (LONGEST_PROMPT + 1)}),
    "no-body": request("createEdit", b""),
    "not-json": request("createEdit", b"{"),
    "two-values": request("createEdit", RAW + RAW),
    "not-utf-8": request("createEdit", RAW.replace(b"{", b'{"a": "\xff", ')),
    "utf-16": request("createEdit", RAW.decode().encode("utf-16")),
    "byte-order-mark": request("createEdit", b"\xef\xbb\xbf" + RAW),
    "not-a-number": request("createEdit", RAW.replace(b"{", b'{"a": NaN, ')),
    "infinite-number": request("createEdit", RAW.replace(b"{", b'{"a": 1e400, ')),
    "repeated-key": request("createEdit", RAW.replace(b"{", b'{"a": 1, "a": 1, ')),
    "lone-surrogate": request("createEdit", BODY | {"prompt": "\ud800"}),
    "deep": request("createEdit", RAW.replace(b"{", b'{"a": ' + b"[" * 200 + b"]" * 200 + b", ")),
    "charset": request("createEdit", Content_Type=f"{JSON}; charset=utf-8"),
    "media-type-in-capitals": request("createEdit", Content_Type=JSON.upper()),
    "other-media-type": request("createEdit", Content_Type="text/plain"),
    "other-json": request("createEdit", Content_Type="application/vnd.api+json"),
    "no-media-type": request("createEdit", Content_Type=None),
    "no-authorization": request("createEdit", Authorization=None),
    "basic": request("createEdit", Authorization="Basic c2VjcmV0"),
    "scheme-in-small-letters": request("createEdit", Authorization="bearer secret"),
    "scheme-alone": request("createEdit", Authorization="Bearer"),
    "empty-token": request("createEdit", Authorization="Bearer "),
    "two-tokens": request("createEdit", Authorization="Bearer a b"),
    "token-of-odd-characters": request("createEdit", Authorization="Bearer é"),
    "task": request("getTask"),
    "task-encoded": request("getTask", task_id="a%2Fb%20%C3%A9"),
    "task-no-authorization": request("getTask", Authorization=None),
    "task-no-id": request("getTask", task_id=""),
    "task-two-segments": request("getTask", task_id="a/b"),
    "task-post": request("getTask", method="POST"),
    "task-head": request("getTask", method="HEAD"),
    "task-with-body": request("getTask", b"x", Content_Type="text/plain"),
    "unknown-path": Request("GET", "https://api.sinancode.com/v1/x"),
    "wrong-server": Request("GET", "https://api.sinancode.com/tasks/x", {"Authorization": "Bearer secret"}),
    "file": request("uploadFile"),
    "file-empty": request("uploadFile", form((FILE, b""))),
    "file-largest": request("uploadFile", form((FILE, b"a" * LARGEST))),
    "file-too-large": request("uploadFile", form((FILE, b"a" * (LARGEST + 1)))),
    "file-binary": request("uploadFile", form((FILE, b"\x00\xff\r\n\x80"))),
    "file-none": request("uploadFile", form(end=b"--frontier--\r\n").replace(b'"file"', b'"other"')),
    "file-and-another-part": request("uploadFile", form((FILE, b"a"), ('name="note"', b"b"))),
    "file-twice": request("uploadFile", form((FILE, b"a"), (FILE, b"b"))),
    "file-without-name": request("uploadFile", form(('name="file"', b"a"))),
    "file-cut-off": request("uploadFile", form(end=b"")),
    "file-preamble": request("uploadFile", b"x\r\n" + form()),
    "file-other-boundary": request("uploadFile", Content_Type="multipart/form-data; boundary=other"),
    "file-no-boundary": request("uploadFile", Content_Type="multipart/form-data"),
    "file-no-form": request("uploadFile", b"abc", Content_Type="image/png"),
    "file-no-body": request("uploadFile", b""),
    "file-no-authorization": request("uploadFile", Authorization=None),
}

# Where openapi-core says something else, what it says, and why the mock does not.
DISAGREEMENTS: dict[str, tuple[Verdict, str]] = {
    "byte-order-mark": ("accepts", "RFC 8259, section 8.1: it must not be added; a reader may ignore it or not"),
    "deep": ("accepts", "the mock bounds the depth, so that no body costs it its stack"),
    "empty-token": ("accepts", "RFC 6750, section 2.1: a token has at least one character"),
    "file-cut-off": ("accepts", "RFC 2046, section 5.1.1: the last part is followed by the closing boundary"),
    "file-no-boundary": (
        "crashes",
        "RFC 7578, section 4.1: a form has a boundary; openapi-core reads a text and asserts",
    ),
    "file-other-boundary": (
        "crashes",
        "a form without its boundary has no parts; openapi-core reads a text and asserts",
    ),
    "file-twice": ("accepts", "one part is documented; openapi-core looks at the first"),
    "file-without-name": ("accepts", "RFC 7578, section 4.2: a file should have a name; without, servers read a text"),
    "infinite-number": ("accepts", "to most readers 1e400 is infinite, which is no JSON"),
    "lone-surrogate": ("accepts", "RFC 8259, section 8.2: its effect is unpredictable, and UTF-8 cannot carry it"),
    "not-a-number": ("accepts", "RFC 8259, section 6: NaN is not permitted; Python's reader takes it"),
    "repeated-key": ("accepts", "RFC 8259, section 4: readers disagree on which value counts"),
    "task-head": ("refuses", "RFC 9110, section 9.3.2: HEAD is GET without content; the document need not say so"),
    "task-no-id": ("accepts", "the parameter is required, and nothing is not a value"),
    "token-of-odd-characters": ("accepts", "RFC 6750, section 2.1: a token is ASCII"),
    "two-tokens": ("accepts", "RFC 6750, section 2.1: a token holds no blank"),
    "utf-16": ("accepts", "RFC 8259, section 8.1: JSON is exchanged in UTF-8; Python's reader guesses the encoding"),
}


@pytest.mark.parametrize("name", CASES)
def test_same_verdict(name: str) -> None:
    """Both say the same of a request, except where the list of disagreements says what openapi-core says instead."""
    ours = mock(CASES[name])
    expected, reason = DISAGREEMENTS.get(name, (ours, ""))
    assert expected == core(CASES[name]), reason
    assert (expected != ours) == bool(reason)


def test_disagreements_are_tried() -> None:
    """Every disagreement is about a request that is tried."""
    assert DISAGREEMENTS.keys() <= CASES.keys()


@pytest.mark.parametrize("case", boundary_cases(CONTRACT), ids=lambda case: case.id)
def test_same_verdict_at_every_boundary(case: Case) -> None:
    """Both say of a boundary case what the document says, but that an empty path parameter is one to openapi-core."""
    verdict = "accepts" if case.accepted else "refuses"
    ours, theirs = (judge(case.request(case.operation.servers[0], "t")) for judge in (mock, core))
    assert (verdict, "accepts" if case.constraint.id == "getTask.id.required" else verdict) == (ours, theirs)
