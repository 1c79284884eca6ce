"""The work on a request grows with its size and no faster, whatever is in it.

No test holds a time to a limit. Each compares the processor time of a request with that of one eight times as long, in
the same process: about 8 to 1 if the work is linear, 64 to 1 if it is quadratic. The bound is halfway between them on
a logarithmic scale. Only the processor time of this thread counts, and one of several comparisons must hold. So no busy
and no slow machine fails a test.
"""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from nano_banana_edit_mock import MockService, Request

from .verdict_rows import BEARER, EDIT, FORM, GOOD, JSON, UPLOAD

SHORT, TIMES = 2_500, 8
RUNS = 5
LEAST = 0.002  # seconds below which a clock has nothing to say
URL = "http://mock"


def edit(body: bytes, *headers: tuple[str, str], path: str = EDIT) -> Request:
    return Request("POST", URL + path, (BEARER, JSON, *headers), body)


def upload(body: bytes, content_type: str = FORM[1]) -> Request:
    return Request("POST", URL + UPLOAD, (BEARER, ("Content-Type", content_type)), body)


def part(head: bytes, content: bytes = b"abc") -> bytes:
    return b"--frontier\r\nContent-Disposition: form-data; " + head + b"\r\n\r\n" + content + b"\r\n--frontier--\r\n"


def items(item: bytes, count: int) -> bytes:
    return b'{"prompt":"p","image_urls":[' + b",".join([item] * count) + b"]}"


def keys(count: int, *last: bytes) -> bytes:
    return b"{" + b",".join([*(b'"k%d":0' % number for number in range(count)), *last]) + b"}"


def value(text: bytes) -> bytes:
    return b'{"prompt":"p","image_urls":["u"],"x":' + text + b"}"


FILE = b'name="file"; filename="a"'
HOSTILE: dict[str, Callable[[int], Request]] = {
    "a key twice": lambda n: edit(keys(n, b'"z":0', b'"z":0')),
    "each key twice": lambda n: edit(keys(n, *(b'"k%d":0' % number for number in range(n)))),
    "wrong items": lambda n: edit(items(b"0", n)),
    "wrong objects": lambda n: edit(items(b'{"a":{}}', n)),
    "too many items": lambda n: edit(items(b'"a"', n)),
    "values": lambda n: edit(value(b"[" + b"[]," * n + b"[]]")),
    "values beyond the limit": lambda n: edit(value(b"[" + b"0," * 200 * n + b"0]")),
    "depth": lambda n: edit(b"[" * n * 10),
    "depth of objects": lambda n: edit(b'{"a":' * n),
    "digits": lambda n: edit(value(b"1" * n * 100)),
    "fraction": lambda n: edit(value(b"0." + b"1" * n * 100)),
    "exponent": lambda n: edit(value(b"1e" + b"1" * n * 100)),
    "escapes": lambda n: edit(value(b'"' + rb"\u00e9\n" * n * 10 + b'"')),
    "surrogates": lambda n: edit(value(b'"' + rb"\ud83c\udf4c" * n * 10 + b'"')),
    "string without an end": lambda n: edit(b'{"a":"' + rb"\"" * n * 10),
    "prompt": lambda n: edit(json.dumps({**GOOD, "prompt": "\N{SNOWMAN}" * n * 10}).encode()),
    "blanks in a part header": lambda n: upload(part(FILE + b"\r\nX-A:" + b" " * n + b"\n")),
    "semicolons in a part header": lambda n: upload(part(FILE + b";" * n)),
    "quotes in a part header": lambda n: upload(part(FILE + b';x="' * n)),
    "escapes in a part header": lambda n: upload(part(FILE + b';x="' + b"\\" * n)),
    "part headers": lambda n: upload(part(FILE + b"\r\nA: b" * n)),
    "parts": lambda n: upload(part(FILE).removesuffix(b"--\r\n") + b"\r\n" + part(b"name=x") * n),
    "delimiters": lambda n: upload(b"--frontier\r\n" * n),
    "half delimiters": lambda n: upload(part(FILE, b"\r\n--frontie" * n)),
    "padded delimiters": lambda n: upload(part(FILE, b"\r\n--frontier" + b" " * n * 10)),
    "boundary": lambda n: upload(b"--" + b"-" * n, f"multipart/form-data; boundary={'-' * n}"),
    "repeating boundary": lambda n: upload(b"\r\n--" + b"a" * n * 10, f"multipart/form-data; boundary={'a' * 69}b"),
    "semicolons in a media type": lambda n: upload(part(FILE), "multipart/form-data" + ";" * n),
    "quotes in a media type": lambda n: upload(part(FILE), 'multipart/form-data;x="a' + '";x="' * n),
    "escapes in a media type": lambda n: upload(part(FILE), 'multipart/form-data;x="' + "\\" * n),
    "blanks before a media type": lambda n: upload(part(FILE), " " * n + "multipart/form-data"),
    "headers of one name": lambda n: edit(b"{}", *[("X-A", "b" * 100)] * n),
    "headers of many names": lambda n: edit(b"{}", *((f"X-{number}", "b") for number in range(n))),
    "blanks in a token": lambda n: Request(
        "GET", f"{URL}/v1/tasks/x", (("Authorization", "Bearer" + " " * n * 10 + "!"),)
    ),
    "preferences": lambda n: edit(b"{}", ("Prefer", '"\\",code = ' * n)),
    "path": lambda n: edit(b"{}", path="/v1/tasks" + "/x" * n),
    "escapes in a path": lambda n: Request("GET", f"{URL}/v1/tasks/{'%2F%C3' * n}", (BEARER,)),
    "query": lambda n: edit(b"{}", path=EDIT + "?" + "a=b&" * n),
}


def work(request: Request) -> float:
    """Return the processor time of a request, in seconds."""
    service = MockService()
    began = time.thread_time()
    response = service.handle(Request(request.method, request.url, request.headers, request.body))
    spent = time.thread_time() - began
    assert response.status < 500
    return spent


def grows_no_faster(make: Callable[[int], Request]) -> None:
    short, long = make(SHORT), make(SHORT * TIMES)
    gc.collect()
    gc.disable()  # a collection looks at whatever this process has
    try:
        for _ in range(RUNS):
            quick = max(LEAST, min(work(short) for _ in range(2)))
            if work(long) <= quick * TIMES**1.5:
                return
    finally:
        gc.enable()
    pytest.fail(f"{TIMES} times the size is more than {TIMES**1.5:.0f} times the work.")


@pytest.mark.parametrize("kind", HOSTILE)
def test_work_grows_with_the_size(kind):
    """Each kind of hostile request takes a time linear in its size, and is never a failure of the mock."""
    grows_no_faster(HOSTILE[kind])


_UNITS = st.lists(
    st.sampled_from([*'"\\[]{}:,; \t\r\n-=/%&a0', "\r\n", "--frontier", '"a":', "\\u", "é"]), min_size=1, max_size=4
)


@settings(max_examples=max(20, settings().max_examples // 20))  # each is measured several times
@given(st.sampled_from(["edit", "upload", "part", "type", "prefer", "path"]), _UNITS.map("".join), st.booleans())
@example("edit", '"":0,', False)
def test_work_grows_with_whatever_is_repeated(place, unit, inside):
    """Any short text, repeated anywhere in a request, takes a time linear in the number of times."""

    def make(times: int) -> Request:
        text = unit * times
        many = text.encode()
        match place:
            case "edit":
                return edit(value(many) if inside else b"{" + many + b'"z":0}')
            case "upload":
                return upload(part(FILE, many) if inside else many)
            case "part":
                return upload(part(FILE + (b"\r\nX-A: " if inside else b"; ") + many))
            case "type":
                return upload(part(FILE), f'multipart/form-data; boundary={"frontier; x=" if inside else ""}"{text}')
            case "prefer":
                return edit(b"{}", ("Prefer" if inside else "Authorization", text))
        return Request("GET", f"{URL}/v1/tasks/{'?' if inside else ''}{text}", (BEARER,))

    grows_no_faster(make)


def test_an_assertion_grows_with_its_properties():
    """A failed assertion takes a time linear in its properties, and measures likeness between few of the requests."""
    service = MockService()
    for number in range(300):
        body = {**GOOD, **{f"k{key}": f"{number} " * 20 for key in range(50)}}
        service.handle(edit(json.dumps(body).encode()))

    def work(count: int) -> float:
        began = time.thread_time()
        with pytest.raises(AssertionError, match="k0: expected 'x', actual '299 299"):
            service.assert_called_once_with(**{f"k{key}": "x" for key in range(count)})
        return time.thread_time() - began

    assert any(work(400) <= work(50) * TIMES**1.5 for _ in range(RUNS))


def test_a_very_large_value_has_one_violation():
    """Of a value with very many values in it the first violation is listed, and of any other up to twenty."""
    service = MockService()
    for count, listed in ((100, 20), (20_000, 1)):
        assert 400 == service.handle(edit(items(b"0", count))).status
        assert listed == len(service.calls[-1].violations)
