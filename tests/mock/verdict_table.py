"""Requests and the verdicts that they deserve, by hand: from api.md's facts and the RFCs, not from the code.

A row is a request that is right except for what is said of it. `wrong` names each violation as location, keyword and
JSON pointer. `doors` are those that can carry it: httpx tidies up a URL, and has a method and some headers of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from attrs import field, frozen

EDIT, TASK, UPLOAD = "/v1/generate/k/nano-banana-edit", "/v1/tasks/{task}", "/api/upload/file"
BEARER = ("Authorization", "Bearer token")
JSON = ("Content-Type", "application/json")
FORM = ("Content-Type", "multipart/form-data; boundary=frontier")
ALL = frozenset({"service", "transport", "router", "app", "port"})
ANY_HOST = ALL - {"router"}  # paths that the documented hosts do not have
RAW = frozenset({"service", "port"})  # what httpx would tidy up
PORT = frozenset({"port"})

URL = "https://images.test/a.png"
GOOD = {"image_urls": [URL], "prompt": "Make it snow."}
LIMIT, MOST = 5000, 10  # of the prompt and of the images
LARGEST = 50_000_000  # bytes of a file


@frozen
class Row:
    """One request and its verdict."""

    name: str
    status: int
    wrong: tuple[str, ...] = ()
    method: str = "POST"
    target: str = EDIT
    headers: tuple[tuple[str, str], ...] = (BEARER, JSON)
    body: bytes = b""
    doors: frozenset[str] = ALL
    answer: dict[str, str] = field(factory=dict)  # headers of the answer, lower-case
    own: bool = False  # beyond the document and the RFCs' MUSTs: no other mock has to know it

    @property
    def accepted(self) -> bool:
        return self.status < 400


def text(value: Any) -> bytes:
    return json.dumps(value).encode("ascii")


def body(name: str, status: int, *wrong: str, **changes: Any) -> Row:
    """An edit with other properties; None leaves one out."""
    value = {key: given for key, given in {**GOOD, **changes}.items() if given is not LEFT_OUT}
    return Row(name, status, wrong, body=text(value))


LEFT_OUT = object()


def raw(name: str, status: int, content: bytes, *wrong: str, own: bool = False) -> Row:
    """An edit whose body is given byte by byte."""
    return Row(name, status, wrong, body=content, own=own)


def headed(name: str, status: int, *wrong: str, **headers: str | None) -> Row:
    """An edit with other headers; None leaves one out."""
    given = {"Authorization": BEARER[1], "Content-Type": JSON[1]}
    given |= {key.replace("_", "-"): value for key, value in headers.items()}
    kept = tuple((key, value) for key, value in given.items() if value is not None)
    answer = {"www-authenticate": "Bearer"} if status == 401 else {}
    return Row(name, status, wrong, headers=kept, body=text(GOOD), answer=answer)


def part(content: bytes = b"abc", disposition: str = 'form-data; name="file"; filename="a.bin"') -> bytes:
    return f"Content-Disposition: {disposition}\r\nContent-Type: image/png\r\n\r\n".encode() + content


def joined(*parts: bytes, boundary: bytes = b"frontier", end: bytes = b"--\r\n", line: bytes = b"\r\n") -> bytes:
    opened = b"".join(b"--" + boundary + line + one + line for one in parts)
    return opened + b"--" + boundary + end


def form(name: str, status: int, content: bytes, *wrong: str, media_type: str = FORM[1]) -> Row:
    """An upload whose body is given byte by byte."""
    return Row(name, status, wrong, target=UPLOAD, headers=(BEARER, ("Content-Type", media_type)), body=content)


def got(name: str, status: int, target: str, *wrong: str, method: str = "GET", **more: Any) -> Row:
    """A request without a body."""
    return Row(name, status, wrong, method, target, headers=(BEARER,), **more)


def routes() -> Iterator[Row]:
    on_edit, on_task = {"allow": "OPTIONS, POST"}, {"allow": "GET, HEAD, OPTIONS"}
    yield Row("edit", 200, body=text(GOOD))
    yield got("task", 200, TASK)
    yield Row("upload", 200, target=UPLOAD, headers=(BEARER, FORM), body=joined(part()))
    yield Row("edit without the base path", 200, target=EDIT[3:], body=text(GOOD), doors=ANY_HOST)
    yield got("task without the base path", 200, TASK[3:], doors=ANY_HOST)
    for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE"):
        yield got(f"{method} on edit", 405, EDIT, "path paths ", method=method, answer=on_edit)
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        yield got(f"{method} on task", 405, TASK, "path paths ", method=method, answer=on_task)
    yield got("GET on upload", 405, UPLOAD, "path paths ", answer=on_edit)
    yield got("unknown method", 405, TASK, "path paths ", method="PURGE", answer=on_task)
    yield got("HEAD on task", 200, TASK, method="HEAD", own=True)
    yield got("HEAD on nothing", 404, "/v1/nothing", "path paths ", method="HEAD")
    yield got("method in lower case", 501, TASK, method="get", doors=PORT, own=True)
    yield got("OPTIONS on edit", 204, EDIT, method="OPTIONS", answer=on_edit, own=True)
    yield got("OPTIONS on task", 204, TASK, method="OPTIONS", answer=on_task, own=True)
    yield got("OPTIONS on nothing", 404, "/v1/nothing", "path paths ", method="OPTIONS", own=True)
    yield got("nothing", 404, "/v1/nothing", "path paths ")
    yield got("base path alone", 404, "/v1", "path paths ", own=True)
    yield got("base path twice", 404, "/v1/v1/tasks/x", "path paths ", own=True)
    yield Row("slash at the end", 404, ("path paths ",), target=f"{EDIT}/", body=text(GOOD))
    yield Row("slash twice", 404, ("path paths ",), target="/v1//generate/k/nano-banana-edit", body=text(GOOD))
    yield Row("path in upper case", 404, ("path paths ",), target=EDIT.upper(), body=text(GOOD))
    yield Row("path with more", 404, ("path paths ",), target=f"{EDIT}2", body=text(GOOD))
    yield Row("query", 200, target=f"{EDIT}?a=b&c", body=text(GOOD))
    yield Row(
        "encoded letter", 404, ("path paths ",), target="/v1/%67enerate/k/nano-banana-edit", body=text(GOOD), own=True
    )
    yield got("no id", 404, "/v1/tasks/", "path paths ")
    yield got("id and slash", 404, f"{TASK}/", "path paths ")
    yield got("two ids", 404, "/v1/tasks/a/b", "path paths ")
    yield got("id with an encoded slash", 404, "/v1/tasks/a%2Fb", own=True)  # an id, and none that is known
    yield got("id that is nothing known", 404, "/v1/tasks/x", own=True)
    yield got("id that is no UTF-8", 404, "/v1/tasks/%FF", own=True)
    yield got("dots in the path", 404, "/v1/tasks/../tasks/x", "path paths ", doors=RAW, own=True)
    yield got("absolute target", 200, "http://127.0.0.1:4010/v1/tasks/{task}", doors=PORT, own=True)
    yield got("file that is none", 404, "/files/x.png", own=True)
    yield got("result that is none", 404, "/results/x/0.png", own=True)
    yield got("OPTIONS on a file", 204, "/files/x.png", method="OPTIONS", answer=on_task, own=True)
    yield got("POST on a file", 405, "/files/x.png", "path paths ", method="POST", answer=on_task, own=True)


def sharing() -> Iterator[Row]:
    origin, any_origin = ("Origin", "https://app.example"), {"access-control-allow-origin": "*"}
    asked = (origin, ("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", "authorization"))
    granted = any_origin | {
        "access-control-allow-methods": "OPTIONS, POST",
        "access-control-allow-headers": "authorization, content-type, *",
    }
    yield Row("preflight", 204, method="OPTIONS", headers=asked, answer=granted, own=True)
    yield Row("preflight of nothing", 404, ("path paths ",), "OPTIONS", "/v1/x", asked, answer=any_origin, own=True)
    exposed = {"access-control-expose-headers": "Mock-Violations, Allow, Retry-After, WWW-Authenticate"}
    yield Row("from a page", 200, headers=(BEARER, JSON, origin), body=text(GOOD), answer=any_origin | exposed)
    refused = ("security security ",)
    yield Row("refused to a page", 401, refused, headers=(JSON, origin), body=text(GOOD), answer=any_origin | exposed)


def authorization() -> Iterator[Row]:
    for scheme in ("bearer", "BEARER", "bEaReR"):
        yield headed(f"{scheme} as the scheme", 200, Authorization=f"{scheme} token")
    yield headed("all characters of a token", 200, Authorization="Bearer aZ09-._~+/==")
    yield headed("several spaces", 200, Authorization="Bearer   token")
    for name, value in {
        "no authorization": None,
        "empty authorization": "",
        "scheme alone": "Bearer",
        "token alone": "token",
        "other scheme": "Basic dXNlcjpwYXNz",
        "scheme without a space": "Bearertoken",
        "two tokens": "Bearer token token",
        "token with a comma": "Bearer a,b",
        "token in quotes": 'Bearer "token"',
        "padding in the middle": "Bearer a=b",
    }.items():
        yield headed(name, 401, "security security ", Authorization=value)
    twice = (BEARER, ("Authorization", "Bearer other"), JSON)
    yield Row("two authorizations", 401, ("security security ",), headers=twice, body=text(GOOD))
    yield Row("task without authorization", 401, ("security security ",), "GET", TASK, headers=())
    yield Row(
        "authorization is asked before the body", 401, ("security security ",), headers=(JSON,), body=b"{", own=True
    )


def media_types() -> Iterator[Row]:
    for value in (
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/json;charset=UTF-8",
        "application/json ; x=y",
    ):
        yield headed(value, 200, Content_Type=value)
    wrong = "header content "
    for name, value in {
        "no content type": None,
        "empty content type": "",
        "text/plain": "text/plain",
        "text/json": "text/json",
        "application/jsonp": "application/jsonp",
        "application/vnd.api+json": "application/vnd.api+json",
        "form for an edit": "application/x-www-form-urlencoded",
        "any": "*/*",
    }.items():
        yield headed(name, 415, wrong, Content_Type=value)
    yield form("JSON for an upload", 415, b"{}", wrong, media_type="application/json")
    yield form("mixed parts", 415, joined(part()), wrong, media_type="multipart/mixed; boundary=frontier")


def json_texts() -> Iterator[Row]:
    wrong = "body content "
    good = text(GOOD)
    yield raw("space around", 200, b" \t\r\n" + good + b"\n")
    yield raw("escaped letters", 200, good.replace(b"snow", rb"\u0073\u006eow"))
    yield raw("escaped pair of surrogates", 200, good.replace(b"snow", rb"\ud83d\ude00"))
    yield raw("UTF-8", 200, good.replace(b"snow", "☃😀".encode()))
    yield raw("no body", 400, b"", "body required ")
    for name, content in {
        "cut off": good[:-1],
        "cut off in a text": good[:-3],
        "trailing garbage": good + b"x",
        "two values": good + good,
        "trailing comma": good[:-1] + b",}",
        "single quotes": good.replace(b'"', b"'"),
        "bare key": b"{image_urls: [], prompt: 1}",
        "comment": b"/* */" + good,
        "line break in a text": good.replace(b"it snow", b"it\nsnow"),
        "NaN": good[:-1] + b', "x": NaN}',
        "Infinity": good[:-1] + b', "x": -Infinity}',
        "leading zero": good[:-1] + b', "x": 01}',
        "leading plus": good[:-1] + b', "x": +1}',
        "byte order mark": b"\xef\xbb\xbf" + good,
        "UTF-16": json.dumps(GOOD).encode("utf-16"),
        "invalid UTF-8": good.replace(b"snow", b"\xff"),
        "overlong UTF-8": good.replace(b"snow", b"\xc0\xaf"),
        "surrogate in UTF-8": good.replace(b"snow", b"\xed\xa0\x80"),
        "nul": good + b"\0",
        "space alone": b"  ",
        "nested far too deep": b"[" * 100_000,
    }.items():
        yield raw(name, 400, content, wrong + ("/x" if name in {"NaN", "Infinity"} else ""))
    deep = good[:-1] + b', "x": ' + b"[" * 200 + b"]" * 200 + b"}"
    yield raw("nested too deep", 400, deep, f"{wrong}/x" + "/0" * 127, own=True)
    yield raw("number beyond a double", 400, good[:-1] + b', "x": 1e999}', f"{wrong}/x", own=True)
    yield raw("integer beyond a double", 400, good[:-1] + b', "x": ' + b"9" * 400 + b"}", f"{wrong}/x", own=True)
    yield raw("key twice", 400, good[:-1] + b', "prompt": "again"}', f"{wrong}/prompt", own=True)
    yield raw("key twice inside", 400, good[:-1] + b', "x": {"y": 1, "y": 2}}', f"{wrong}/x/y", own=True)
    yield raw("lone surrogate", 400, good.replace(b"snow", rb"\ud83d"), f"{wrong}/prompt", own=True)
    yield raw("lone surrogate in a list", 400, good.replace(b"a.png", rb"\udc00"), f"{wrong}/image_urls/0", own=True)
    yield raw(
        "surrogates the wrong way round", 400, good.replace(b"snow", rb"\ude00\ud83d"), f"{wrong}/prompt", own=True
    )
    yield raw("lone surrogate in a key", 400, good[:-1] + rb', "\ud83d": 1}', f"{wrong}/\ud83d", own=True)
    for name, value in {"array": [GOOD], "text": "edit", "number": 1, "null": None, "true": True}.items():
        yield raw(f"{name} as the body", 400, text(value), "body type ")
    yield raw("empty object", 400, b"{}", "body required /image_urls", "body required /prompt")
    yield Row("10 MB that are right", 200, body=text({**GOOD, "x": "y" * 10_000_000}))
    much = b" " * (LARGEST + 1024 * 1024) + good
    yield Row("more than any body", 413, ("body size ",), body=much, doors=RAW)


def properties() -> Iterator[Row]:
    urls, prompt, size, form_ = "image_urls", "prompt", "image_size", "output_format"
    yield body("no images", 400, f"body required /{urls}", image_urls=LEFT_OUT)
    yield body("no image", 400, f"body minItems /{urls}", image_urls=[])
    yield body("most images", 200, image_urls=[URL] * MOST)
    yield body("an image too many", 400, f"body maxItems /{urls}", image_urls=[URL] * (MOST + 1))
    yield body("one image less than most", 200, image_urls=[URL] * (MOST - 1))
    yield body("image twice", 200, image_urls=[URL, URL])
    yield body("image that is no URL", 200, image_urls=["no URL", ""])  # items have no documented format
    yield body("images as a text", 400, f"body type /{urls}", image_urls=URL)
    yield body("images as null", 400, f"body type /{urls}", image_urls=None)
    yield body("images as an object", 400, f"body type /{urls}", image_urls={"0": URL})
    for name, value in {"number": 1, "null": None, "list": [URL], "true": True}.items():
        yield body(f"{name} as an image", 400, f"body type /{urls}/1", image_urls=[URL, value])
    yield body("no prompt", 400, f"body required /{prompt}", prompt=LEFT_OUT)
    yield body("empty prompt", 400, f"body minLength /{prompt}", prompt="")
    yield body("shortest prompt", 200, prompt="x")
    yield body("blank prompt", 200, prompt=" ")
    yield body("longest prompt", 200, prompt="x" * LIMIT)
    yield body("prompt one shorter than longest", 200, prompt="x" * (LIMIT - 1))
    yield body("prompt too long", 400, f"body maxLength /{prompt}", prompt="x" * (LIMIT + 1))
    yield body("longest prompt of astral characters", 200, prompt="😀" * LIMIT)
    yield body("too many astral characters", 400, f"body maxLength /{prompt}", prompt="😀" * (LIMIT + 1))
    yield body("one astral character", 200, prompt="😀")
    yield body("longest prompt of combined characters", 200, prompt="e\u0301" * (LIMIT // 2))
    yield body("too many combined characters", 400, f"body maxLength /{prompt}", prompt="e\u0301" * (LIMIT // 2) + "e")
    yield body("prompt with a nul", 200, prompt="\0")
    for name, value in {"number": 1, "null": None, "list": ["x"], "object": {}, "false": False}.items():
        yield body(f"{name} as the prompt", 400, f"body type /{prompt}", prompt=value)
    for value in ("1:1", "9:16", "16:9", "3:4", "4:3", "3:2", "2:3", "5:4", "4:5", "21:9", "auto"):
        yield body(f"size {value}", 200, image_size=value)
    for value in ("", "AUTO", " 1:1", "1:1 ", "1x1", "1:2", "16:09", "16/9"):
        yield body(f"size {value!r}", 400, f"body enum /{size}", image_size=value)
    yield body("size null", 400, f"body type /{size}", f"body enum /{size}", image_size=None)
    yield body("size 1", 400, f"body type /{size}", f"body enum /{size}", image_size=1)
    for value in ("png", "jpeg"):
        yield body(f"format {value}", 200, output_format=value)
    for value in ("", "PNG", "jpg", "webp", "png "):
        yield body(f"format {value!r}", 400, f"body enum /{form_}", output_format=value)
    yield body("format null", 400, f"body type /{form_}", f"body enum /{form_}", output_format=None)
    yield body("property that nobody knows", 200, callBackUrl="https://app.example/done", x=None)
    yield body("empty key", 200, **{"": 1})
    yield body(
        "everything at once",
        400,
        f"body maxItems /{urls}",
        f"body minLength /{prompt}",
        f"body enum /{size}",
        f"body enum /{form_}",
        image_urls=[URL] * 11,
        prompt="",
        image_size="1:2",
        output_format="gif",
    )


def forms() -> Iterator[Row]:
    wrong, good = "body content ", joined(part())
    yield form("empty file", 200, joined(part(b"")))
    yield form("file with its own boundary inside", 200, joined(part(b"--frontier- --frontier")))
    yield form("file of line breaks", 200, joined(part(b"\r\n\r\n--\r\n")))
    yield form("boundary in quotes", 200, good, media_type='multipart/form-data; boundary="frontier"')
    yield form("form in upper case", 200, good, media_type="Multipart/Form-Data; Boundary=frontier")
    spaced = joined(part(), boundary=b"a b c")
    yield form("boundary with spaces", 200, spaced, media_type='multipart/form-data; boundary="a b c"')
    odd = b"'()+_,-./:=?"
    yield form(
        "boundary of odd characters",
        200,
        joined(part(), boundary=odd),
        media_type=f'multipart/form-data; boundary="{odd.decode()}"',
    )
    long = b"x" * 70
    yield form(
        "longest boundary",
        200,
        joined(part(), boundary=long),
        media_type=f"multipart/form-data; boundary={long.decode()}",
    )
    yield form("text after the end", 200, good + b"epilogue")
    other = part(b"hello", 'form-data; name="note"')
    yield form("another part", 200, joined(other, part()))
    yield form("file name beyond ASCII", 200, joined(part(disposition='form-data; name="file"; filename="ü.png"')))
    yield form("name without quotes", 200, joined(part(disposition="form-data; name=file; filename=a.png")))
    yield form("no part", 400, joined(), "body required /file")
    yield form("nothing in the form", 400, b"", "body required ")
    yield form("another part alone", 400, joined(other), "body required /file")
    yield form(
        "name in upper case",
        400,
        joined(part(disposition='form-data; name="FILE"; filename="a"')),
        "body required /file",
    )
    yield form("two files", 400, joined(part(), part()), f"{wrong}/file")
    yield form("file without a name", 400, joined(part(disposition='form-data; name="file"')), f"{wrong}/file")
    yield form("part without a name", 400, joined(part(disposition="form-data")), wrong)
    yield form("part that is no form's", 400, joined(part(disposition='attachment; name="file"; filename="a"')), wrong)
    yield form("no boundary", 400, good, wrong, media_type="multipart/form-data")
    yield form("empty boundary", 400, good, wrong, media_type='multipart/form-data; boundary=""')
    yield form("another boundary", 400, good, wrong, media_type="multipart/form-data; boundary=border")
    yield form("form that is cut off", 400, good[:-6], wrong)
    yield form("form without its last boundary", 400, joined(part(), end=b"\r\n"), wrong)
    yield form("line feeds alone", 400, joined(part().replace(b"\r\n", b"\n"), line=b"\n", end=b"--\n"), wrong)
    yield form("text before the start", 200, b"preamble\r\n" + good)
    yield form("JSON as a form", 400, text(GOOD), wrong)
    yield form("largest file", 200, joined(part(b"x" * LARGEST)))
    yield form("file too large", 413, joined(part(b"x" * (LARGEST + 1))), "body maxLength /file")


TABLE = [
    *routes(),
    *sharing(),
    *authorization(),
    *media_types(),
    *json_texts(),
    *properties(),
    *forms(),
]
