"""Requests and the verdicts that they deserve, by hand: from api.md's facts and the RFCs, not from the code.

A row is a request that is right except for what is said of it. `wrong` names each violation as location, keyword and
JSON pointer. `doors` are those that can carry it: httpx tidies up a URL, and has a method and some headers of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from .verdict_bodies import forms, json_texts, properties
from .verdict_rows import (
    ANY_HOST,
    BEARER,
    EDIT,
    FORM,
    GOOD,
    JSON,
    PORT,
    RAW,
    TASK,
    UPLOAD,
    Row,
    form,
    got,
    headed,
    joined,
    part,
    text,
)


def routes() -> Iterator[Row]:
    on_edit, on_task = {"allow": "OPTIONS, POST"}, {"allow": "GET, HEAD, OPTIONS"}
    yield Row("edit", 200, body=text(GOOD))
    yield got("task", 200, TASK)
    yield Row("upload", 200, target=UPLOAD, headers=(BEARER, FORM), body=joined(part()))
    yield Row("edit without the base path", 200, target=EDIT[3:], body=text(GOOD), doors=ANY_HOST)
    yield got("task without the base path", 200, TASK[3:], doors=ANY_HOST)
    for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE", "PURGE"):
        yield got(f"{method} on edit", 405, EDIT, "path paths ", method=method, answer=on_edit)
        yield got(f"{method} on upload", 405, UPLOAD, "path paths ", method=method, answer=on_edit)
    for method in ("POST", "PUT", "PATCH", "DELETE", "TRACE", "PURGE"):
        yield got(f"{method} on task", 405, TASK, "path paths ", method=method, answer=on_task)
    yield got("method that HTTP does not know", 501, TASK, method="EDIT", doors=PORT, own=True)
    yield got("tunnel", 501, "127.0.0.1:4010", method="CONNECT", doors=PORT, own=True)
    yield got("HEAD on task", 200, TASK, method="HEAD")
    yield got("HEAD on nothing", 404, "/v1/nothing", "path paths ", method="HEAD")
    yield got("method in lower case", 501, TASK, method="get", doors=PORT, own=True)
    yield got("OPTIONS on edit", 204, EDIT, method="OPTIONS", answer=on_edit, own=True)
    yield got("OPTIONS on task", 204, TASK, method="OPTIONS", answer=on_task, own=True)
    yield got("OPTIONS on upload", 204, UPLOAD, method="OPTIONS", answer=on_edit, own=True)
    yield got("OPTIONS on all", 204, "*", method="OPTIONS", answer=on_task, doors=PORT, own=True)
    yield got("OPTIONS on nothing", 404, "/v1/nothing", "path paths ", method="OPTIONS", own=True)
    yield got("nothing", 404, "/v1/nothing", "path paths ")
    yield got("base path alone", 404, "/v1", "path paths ", own=True)
    yield got("base path twice", 404, "/v1/v1/tasks/x", "path paths ", own=True)
    yield Row("slash at the end", 404, ("path paths ",), target=f"{EDIT}/", body=text(GOOD))
    yield Row("slash twice", 404, ("path paths ",), target="/v1//generate/k/nano-banana-edit", body=text(GOOD))
    yield Row("path in upper case", 404, ("path paths ",), target=EDIT.upper(), body=text(GOOD))
    yield Row("path with more", 404, ("path paths ",), target=f"{EDIT}2", body=text(GOOD))
    yield Row("slash before", 404, ("path paths ",), target=f"/{EDIT}", body=text(GOOD), doors=RAW)
    yield got("id in a path in upper case", 404, "/v1/TASKS/x", "path paths ")
    yield Row("upload under the base path", 404, ("path paths ",), target=f"/v1{UPLOAD}", body=text(GOOD), own=True)
    yield Row("query", 200, target=f"{EDIT}?a=b&c", body=text(GOOD))
    yield Row("empty query", 200, target=f"{EDIT}?", body=text(GOOD))
    yield got("query with a slash", 200, f"{TASK}?a=/x/?")
    # An unreserved character means the same encoded or not (RFC 3986, section 6.2.2.2), and a slash does not.
    yield Row("encoded letter", 200, target="/v1/%67enerate/k/nano%2dbanana%2Dedit", body=text(GOOD))
    yield got("encoded id", 200, "/v1/tasks/{encoded}")
    yield Row("encoded slash", 404, ("path paths ",), target=EDIT.replace("/k/", "%2Fk/"), body=text(GOOD))
    yield got("no id", 404, "/v1/tasks/", "path paths ")
    yield got("id and slash", 404, f"{TASK}/", "path paths ")
    yield got("two ids", 404, "/v1/tasks/a/b", "path paths ")
    yield got("id with an encoded slash", 404, "/v1/tasks/a%2Fb", own=True)  # an id, and none that is known
    yield got("id that is nothing known", 404, "/v1/tasks/x", own=True)
    yield got("id of dots", 404, "/v1/tasks/..", "path paths ", doors=RAW, own=True)  # RFC 3986, section 5.2.4
    yield got("id of letters beyond ASCII", 404, "/v1/tasks/%C3%BC", own=True)
    yield got("task with a content type", 200, TASK, content_type="text/plain")
    yield got("id that is no UTF-8", 404, "/v1/tasks/%FF", own=True)
    yield got("dots in the path", 404, "/v1/tasks/../tasks/x", "path paths ", doors=RAW, own=True)
    absolute = "http://127.0.0.1:4010"
    yield got("absolute target", 200, f"{absolute}{TASK}", doors=PORT, own=True)
    yield got("absolute target with a query", 200, f"{absolute}{TASK}?a=b", doors=PORT, own=True)
    yield got("absolute target in upper case", 200, f"HTTP://LOCALHOST{TASK}", doors=PORT, own=True)
    yield got("absolute target of nothing", 404, f"{absolute}/v1/x", "path paths ", doors=PORT, own=True)
    yield got("absolute target of the API", 200, f"https://api.sinancode.com{TASK}", doors=PORT, own=True)
    yield got(
        "absolute target of the API without its base path",
        404,
        f"https://api.sinancode.com{TASK[3:]}",
        "path paths ",
        doors=PORT,
        own=True,
    )
    yield got("file that is none", 404, "/files/x.png", own=True)
    yield got("result that is none", 404, "/results/x/0.png", own=True)
    yield got("OPTIONS on a file", 204, "/files/x.png", method="OPTIONS", answer=on_task, own=True)
    yield got("POST on a file", 405, "/files/x.png", "path paths ", method="POST", answer=on_task, own=True)


def sharing() -> Iterator[Row]:
    origin = ("Origin", "https://app.example")
    any_origin = {
        "access-control-allow-origin": "https://app.example",
        "access-control-allow-credentials": "true",
        "vary": "Origin",
    }
    asked = (origin, ("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", "authorization"))
    granted = any_origin | {
        "access-control-allow-methods": "OPTIONS, POST",
        "access-control-allow-headers": "authorization",
    }
    yield Row("preflight", 204, method="OPTIONS", headers=asked, answer=granted, own=True)
    yield Row("preflight of nothing", 404, ("path paths ",), "OPTIONS", "/v1/x", asked, answer=any_origin, own=True)

    def exposed(*further: str) -> dict[str, str]:
        return any_origin | {"access-control-expose-headers": ", ".join(["Content-Type", "Content-Length", *further])}

    yield Row("from a page", 200, headers=(BEARER, JSON, origin), body=text(GOOD), answer=exposed())
    refused = ("security security ",)
    on_task = any_origin | {"access-control-allow-methods": "GET, HEAD, OPTIONS", "allow": "GET, HEAD, OPTIONS"}
    yield Row("preflight of a task", 204, method="OPTIONS", target=TASK, headers=asked, answer=on_task, own=True)
    plain = any_origin | {"access-control-allow-methods": None, "access-control-expose-headers": "Allow"}
    yield Row("OPTIONS that is no preflight", 204, method="OPTIONS", headers=(origin,), answer=plain, own=True)
    nobody = dict.fromkeys((*granted, "access-control-expose-headers"))
    yield Row("from no page", 200, body=text(GOOD), answer=nobody, own=True)
    yield Row("preflight without an origin", 204, method="OPTIONS", headers=asked[1:], answer=nobody, own=True)
    for status, name, keyword, changed in (
        (400, "body", "content", {"body": b"{"}),
        (405, "path", "paths", {"method": "PUT"}),
        (415, "header", "content", {"headers": (BEARER, origin)}),
    ):
        given = {"headers": (BEARER, JSON, origin), "body": text(GOOD)} | changed
        answer = exposed("Mock-Violations", *(["Allow"] if status == 405 else []))
        yield Row(f"{status} to a page", status, (f"{name} {keyword} ",), answer=answer, **given)
    answer = exposed("Mock-Violations", "WWW-Authenticate")
    yield Row("refused to a page", 401, refused, headers=(JSON, origin), body=text(GOOD), answer=answer)


def authorization() -> Iterator[Row]:
    for scheme in ("bearer", "BEARER", "bEaReR"):
        yield headed(f"{scheme} as the scheme", 200, Authorization=f"{scheme} token")
    yield headed("all characters of a token", 200, Authorization="Bearer aZ09-._~+/==")
    yield headed("several spaces", 200, Authorization="Bearer   token")
    yield headed("long token", 200, Authorization=f"Bearer {'x' * 8000}")
    spaced = (("authorization", " Bearer token\t"), JSON)
    yield Row("space around the value", 200, headers=spaced, body=text(GOOD), doors=PORT)
    beyond = (("Authorization", "Bearer t\xf6ken"), JSON)
    yield Row("token beyond ASCII", 401, ("security security ",), headers=beyond, body=text(GOOD), doors=RAW)
    in_query = f"{EDIT}?access_token=token"
    yield Row("token in the query", 401, ("security security ",), target=in_query, headers=(JSON,), body=text(GOOD))
    yield headed("for a proxy", 401, "security security ", Authorization=None, Proxy_Authorization="Bearer token")
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
        "padding alone": "Bearer =",
        "tab after the scheme": "Bearer\ttoken",
        "percent in a token": "Bearer a%20b",
        "scheme twice": "Bearer Bearer token",
        "scheme with a colon": "Bearer: token",
        "parameters instead of a token": 'Bearer token="a"',
        "two schemes": "Basic dXNlcjpwYXNz, Bearer token",
    }.items():
        yield headed(name, 401, "security security ", Authorization=value)
    twice = (BEARER, ("Authorization", "Bearer other"), JSON)
    yield Row("two authorizations", 401, ("security security ",), headers=twice, body=text(GOOD))
    for name, method, target in (("HEAD on task", "HEAD", TASK), ("upload", "POST", UPLOAD)):
        yield Row(f"{name} without authorization", 401, ("security security ",), method, target, headers=())
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
        "application/json;",
        'application/json; x="a;b, c\\" d"',
        "application/json; charset=utf-16",  # which means nothing (RFC 8259, section 11)
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
        "type alone": "application",
        "space in a type": "application /json",
        "words behind a type": "application/json text",
        "two types": "application/json, text/plain",
        "two types with parameters": "application/json; x=y, text/plain",
        "quote without an end": 'application/json; x="y',
        "JSON lines": "application/json-seq",
    }.items():
        yield headed(name, 415, wrong, Content_Type=value)
    twice = (BEARER, ("Content-Type", "application/json; x=y"), ("Content-Type", "application/json; x=y"))
    yield Row("two content types", 415, (wrong,), headers=twice, body=text(GOOD))
    # RFC 9110, section 8.4: a coding may be refused, but not ignored.
    yield headed("body said to be compressed", 415, wrong, Content_Encoding="gzip", own=True)
    yield headed("body said to be as it is", 200, Content_Encoding="Identity", own=True)
    yield form("JSON for an upload", 415, b"{}", wrong, media_type="application/json")
    yield form("mixed parts", 415, joined(part()), wrong, media_type="multipart/mixed; boundary=frontier")


TABLE = [
    *routes(),
    *sharing(),
    *authorization(),
    *media_types(),
    *json_texts(),
    *properties(),
    *forms(),
]
