"""What a tape never keeps, and what it keeps without content."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote

import httpx2
import pytest
from nano_banana_edit_mock import MockService, Request
from nano_banana_edit_mock.engine.tape import Tape

from .. import promises
from .test_mock_tape import API, EDIT, FILES, TASK, edit, files, recorded

TOKEN = "sk/SEC+RET.t0ken=="
JSON, BEARER = ("Content-Type", "application/json"), ("Authorization", f"Bearer {TOKEN}")
PROMPT = "make it snow tonight"
BODY = {"prompt": PROMPT, "image_urls": ["https://h.example/a.png"]}
FORM = b'--B\r\nContent-Disposition: form-data; name="file"; filename="grandma.png"\r\n\r\nGRANDMA\r\n--B--\r\n'
SIGNED = "X-Amz-Signature=SIGNATURE1"


def post(body, *headers, url=EDIT):
    """A submission of a body."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Request("POST", url, [JSON, BEARER, *headers], content)


def poll(task="t"):
    """A poll."""
    return Request("GET", f"{API}/tasks/{task}", [BEARER])


UPLOAD = Request(
    "POST", f"{FILES}/api/upload/file", [BEARER, ("Content-Type", "multipart/form-data; boundary=B")], FORM
)


def kept(folder, request, answer=None, *, content=False, status=200, then=(), **options):
    """What is on a tape of a request, of answers like this, and of further requests."""
    if not isinstance(answer, bytes):
        options["json"] = {"task_id": "t"} if answer is None else answer
    else:
        options["content"] = answer
    service = recorded(
        folder, upstream=httpx2.MockTransport(lambda _: httpx2.Response(status, **options)), content=content
    )
    for one in (request, *then):
        service.handle(one)
    found = files(folder)
    found.pop("tape.json")
    return b"\n".join(found.values()).decode()


ANYWHERE = [  # a request, an answer, and what neither a tape with content has nor one without
    (
        post(
            BODY,
            ("Cookie", "s=COOKIE-789-0123456"),
            ("X-API-Key", "KEYSECRET1"),
            url=f"{EDIT}?api_key=QUERY-6789-0123456",
        ),
        {"message": "COOKIE-789-0123456 KEYSECRET1 QUERY-6789-0123456", "error_code": "KEYSECRET1"},
        ["COOKIE-789-0123456", "KEYSECRET1", "QUERY-6789-0123456"],
    ),
    (poll(quote(TOKEN, safe="")), None, [TOKEN]),
    (poll("https%3A%2F%2Fs3%2Fx%3Fsig%3DSIGNATURE1"), None, ["SIGNATURE1"]),
    *(
        (poll(), {"id": "t", "status": "completed", "result": [url]}, ["SIGNATURE"])
        for url in (
            f"https://s3/x.png?rcd=a;filename*=UTF-8''p.png&{SIGNED}",
            f"https://s3/it's.png?{SIGNED}",
            f"https://s3/x.png?f=my photo.png&{SIGNED}",
            f"//s3/x.png?{SIGNED}",
            "s3://b/x?sig=SIGNATURE2",
            "/files/x.png?SIGNATURE3",
            "https://u:SIGNATURE@s3/x.png",
            "https://s3/x.png#SIGNATURE",
            f"https://cdn/of/{quote(f'https://u:SIGNATURE@s3/x.png?{SIGNED}', safe='')}/800x600.png",
        )
    ),
    *(
        (poll(), {"error_msg": text}, ["SIGNATURE"])
        for text in (
            f"It is at https://s3/x.png?f=my photo.png&{SIGNED}, not here.",
            "See https:\\/\\/s3\\/x?SIGNATURE now",
            "See x.png?sig=SIGNATURE",
            "See https://u:SIGNATURE@s3/x",
            "see //s3/x?SIGNATURE now",
            f"See /via/{quote(f'https://s3/x.png?{SIGNED}&a=b', safe='')} now",
            f"See {quote(quote(f'https://u:SIGNATURE@s3/x?{SIGNED}', safe=''), safe='')} now",
        )
    ),
    (post({**BODY, "image_urls": [f"https://s3/x.png?f=UTF-8''p.png&{SIGNED}"]}), None, ["SIGNATURE"]),
    (post({**BODY, "prompt": f"like https://s3/x.png?{SIGNED}"}), None, ["SIGNATURE"]),
    (poll(), f'<script>{{"u":"https:\\/\\/s3\\/x.png?{SIGNED}"}}</script>'.encode(), ["SIGNATURE"]),
    (poll(), f'{{"result":["https:\\/\\/s3\\/x.png?{SIGNED}"],'.encode(), ["SIGNATURE"]),
]
TOKENS = [
    TOKEN, TOKEN.lower(), quote(TOKEN, safe=""), quote(TOKEN, safe="").lower(), quote(TOKEN), TOKEN.replace("/", "\\/"),
    TOKEN.replace("/", "&#x2F;").replace("+", "&#43;"), json.dumps(TOKEN.replace("/", "\\u002f")),
    TOKEN.encode().hex(),
    *(b64encode(f"{before}{TOKEN}!".encode()).decode() for before in ("", "u", "u:")),
    urlsafe_b64encode(f">?{TOKEN}".encode()).decode(),
]  # fmt: skip
WITHOUT = [  # what a tape without content does not have
    *((post({**BODY, "prompt": prompt}), {"message": f"'{echo}...' is unsafe", "error_msg": echo, "echo": echo}, [echo])
      for prompt, echo in ((PROMPT, PROMPT), (PROMPT, "make it snow ton"), (PROMPT, "Make it SNOW"), ("nude", "nude"),
                           (PROMPT, "make%20it%20snow"), (PROMPT, "make+it+snow"))),
    (post({**BODY, "prompt": ["make it snow"]}), None, ["snow"]),
    (post({**BODY, "prompt": {"snow": 12345}}), None, ["snow", "12345"]),
    (post({**BODY, "negative_prompt": "snow", "input": {"prompt": "snow", "the snow": 1}}), None, ["snow"]),
    (post({**BODY, "image": [137, 80, 78, 71]}), None, ["137"]),
    (post({**BODY, "image_urls": [137, 80, 78, 71], "image": {"0": 137}}), None, ["137"]),
    (poll(), {"id": "t", "status": "completed", "result": [[137, 80]], "bytes": {"0": 137}}, ["137"]),
    (post({**BODY, "image_size": "snow"}), None, ["snow"]),
    (post({**BODY, "image_urls": "data:image/png;base64,AAAA"}), None, ["AAAA"]),
    (post({**BODY, "image_urls": ["data:,AAAA", " data:,AAAA", "iVBORAAAA", "https://h/AAAA"]}), None, ["AAAA"]),
    (post(b'{"prompt": "make it snow",'), {"message": "bad: make it snow"}, ["snow"]),
    (post(b'{"prompt": "snow", "prompt": "snow"}'), {"message": "bad: snow"}, ["snow"]),
    (post(BODY), b"<p>make it snow</p>", ["snow"]),
    (UPLOAD, {"url": "https://f.example/u/grandma.png", "key": "grandma.png", "filename": "grandma.png"}, ["grandma"]),
]  # fmt: skip


@promises.NO_SECRET_ON_TAPE
@pytest.mark.parametrize("content", [False, True])
@pytest.mark.parametrize(("request_", "answer", "secrets"), ANYWHERE)
def test_no_secret(tmp_path, request_, answer, secrets, content):
    """A tape never has a credential of a request, nor the user or query of a URL, even if the service repeats it."""
    found = kept(tmp_path / "tape", request_, answer, content=content)
    assert [] == [secret for secret in secrets if secret in found]


@promises.NO_SECRET_ON_TAPE
@pytest.mark.parametrize("content", [False, True])
@pytest.mark.parametrize("spelled", TOKENS)
def test_no_token(tmp_path, spelled, content):
    """The token is on no tape, however a service spells it: in a text, as a value, as a name, or in HTML."""
    echo = {"message": f"not {spelled}", "status": spelled, "id": spelled, spelled: 1}
    found = kept(tmp_path / "json", poll(), echo, content=content, headers={"Via": spelled, "X-Echo": spelled})
    kind = {"Content-Type": f"text/html; of={spelled}"}
    found += kept(tmp_path / "html", post(BODY), f"<p>{spelled}</p>".encode(), content=content, headers=kind)
    found += kept(tmp_path / "asked", post({**BODY, "prompt": f"use {spelled}"}), content=content)
    inner = spelled.strip('"')[4:-4]
    assert inner not in found
    assert json.dumps(inner)[1:-1] not in found


@promises.NO_SECRET_ON_TAPE
@pytest.mark.parametrize(("request_", "answer", "private"), WITHOUT)
def test_nothing_private_without_content(tmp_path, request_, answer, private):
    """Without content no prompt, name of a file or image is on a tape, whoever repeats it, at once or later."""
    headers = {
        "Content-Disposition": 'filename="grandma.png"',
        "Content-Type": "application/json; name=snow",
        "WWW-Authenticate": 'Bearer error_description="make it snow"',
        "RateLimit-Of": "make it snow",
        "Server": "about grandma",
    }
    found = kept(tmp_path / "tape", request_, answer, headers=headers, then=[poll()])
    assert [] == [text for text in [*private, "grandma", "make it snow"] if text.lower() in found.lower()]


def test_headers_that_are_kept(tmp_path):
    """Without content the headers stay that a client reads, as far as no person wrote them."""
    given = {"Content-Type": "text/html; Charset=latin1", "Retry-After": "3", "WWW-Authenticate": "Bearer realm=x"}
    kept(tmp_path / "tape", poll(), b"x", status=401, headers={**given, "Server": "nginx/1.2", "Allow": "GET, HEAD"})
    (exchange,) = Tape.load(tmp_path / "tape").exchanges
    found = {name.lower(): value for name, value in exchange.headers}
    assert ("text/html; Charset=latin1", "3", "Bearer") == tuple(found[name.lower()] for name in given)
    assert ("nginx/1.2", "GET, HEAD") == (found["server"], found["allow"])


@pytest.mark.parametrize("secret", ["\\" * 40, "a\\b/" * 10])
def test_a_secret_of_any_letters(tmp_path, secret):
    """A key of backslashes is found, escaped or not, in a time that does not grow with its powers."""
    asked = Request("GET", f"{API}/tasks/t", [BEARER, ("X-API-Key", secret)])
    answer = {"message": f"no {secret} or {json.dumps(secret)}", "error_msg": "\\" * 39 + "-" + "a\\b" * 1_000}
    found = json.loads(kept(tmp_path / "tape", asked, answer, content=True))["answer"]["json"]
    assert {**answer, "message": 'no [token] or "[token]"'} == found


def test_a_secret_with_another_one_in_it(tmp_path):
    """A key is hidden whole, also where the part behind its equals sign is a secret as well."""
    keys = [f"left{number}=right-0{number}" for number in range(9)]
    asked = Request("GET", f"{API}/tasks/t", [BEARER, *(("X-API-Key", key) for key in keys)])
    found = kept(tmp_path / "tape", asked, {"message": " ".join(keys)}, content=True)
    assert " ".join(["[token]"] * 9) == json.loads(found)["answer"]["json"]["message"]


def test_an_answer_of_any_text(tmp_path):
    """An answer with a lone surrogate, or with very many values within each other, is on the tape and can be played."""
    deep = 1
    for _ in range(80):
        deep = [deep]
    for name, answer in (
        ("surrogate", b'{"id": "t", "status": "x", "\\ud800": 1}'),
        ("deep", json.dumps({"id": "t", "status": "x", "more": [deep] * 1_000}).encode()),
    ):
        folder = tmp_path / name
        kept(folder, poll(), answer, content=True)
        assert json.loads(answer) == MockService.replay(folder).handle(poll()).json()
        assert 3_000_000 > sum(map(len, files(folder).values()))


def test_what_is_kept_without_content(tmp_path):
    """Values that the document lists, ids, statuses, times, numbers and where files are stay readable."""
    asked = {**BODY, "image_size": "16:9", "output_format": "png", "seed": 3, "more": {"deep": True}}
    found = kept(tmp_path / "edit", post(asked), {"task_id": "a-b:c.1", "cost": {"credits": 3, "unit": "a b"}})
    for text in ("16:9", '"png"', '"seed": 3', '"deep": true', "https://h.example/sha256-", '.png"', "a-b:c.1"):
        assert text in found
    assert '"undeclared": [\n    "cost"\n  ]' in found
    assert '"credits": 3' in found
    assert '"request_violations": []' in found
    result = {"id": "t", "status": "completed", "result": [{"type": "image", "url": "https://h.example/b.jpg?x=1"}]}
    found = kept(tmp_path / "poll", poll(), result)
    for text in ('"completed"', '"image"', ".jpg?sha256="):
        assert text in found
    found = kept(tmp_path / "wrong", post({**BODY, "image_urls": [], "prompt": ""}), status=400)
    assert '"prompt: minLength",\n    "image_urls: minItems"' in found


def test_the_shape_of_an_answer(tmp_path):
    """What is wrong with the shape of an answer is seen on a tape without content, too."""
    wrong = {"id": "t", "status": "failed", "error_msg": ["snow", 5], "error_code": None, "result": {"snow fell": [1]}}
    found = kept(tmp_path / "tape", poll(), wrong)
    for text in ("error_msg is an array", "error_code is null", "result is an object"):
        assert text in found
    assert "snow" not in found


def test_a_prompt_that_is_a_status(tmp_path):
    """A prompt that is equal to a value of the service does not hide that."""
    service = recorded(tmp_path / "tape", MockService(polls=1))
    task = service.handle(post({**BODY, "prompt": "completed"})).json()["task_id"]
    told = [service.handle(poll(task)).json()["status"] for _ in range(2)]
    played = MockService.replay(tmp_path / "tape")
    assert told == [played.handle(poll(task)).json()["status"] for _ in range(2)]


@pytest.mark.parametrize("content", [False, True])
@pytest.mark.parametrize("token", ["test", "generate", "https://h"])
def test_any_token_may_play(tmp_path, token, content):
    """What is played depends neither on the token of the recording nor on that of the replay."""
    own = [("Authorization", f"Bearer {token}"), JSON]
    body = json.dumps({**BODY, "prompt": "generate a test"}).encode()
    service = recorded(tmp_path / "tape", MockService(), content=content)
    told = service.handle(Request("POST", EDIT, [*own[1:], ("Authorization", "Bearer mock")], body))
    again = MockService.replay(tmp_path / "tape").handle(Request("POST", EDIT, own, body))
    assert (200, told.body) == (again.status, again.body)


def test_who_has_no_token(tmp_path):
    """A request without a token has another answer than the same with one."""
    service = recorded(tmp_path / "tape")
    requests = [Request("GET", TASK), Request("GET", TASK, [("Authorization", "Bearer sekret/token=")])]
    told = [service.handle(request).status for request in requests]
    played = MockService.replay(tmp_path / "tape")
    assert [401, 404] == told == [played.handle(request).status for request in requests]


def test_content(tmp_path):
    """With content prompts, texts, images and what a URL leads to are there, as they were."""
    _, image = edit(recorded(tmp_path / "tape", content=True), PROMPT)
    found = files(tmp_path / "tape")
    assert image in found.values()
    assert PROMPT in found["0002-createEdit.json"].decode()
    assert "nano-banana-edit.test/files/" in found["0002-createEdit.json"].decode()
    text = kept(tmp_path / "text", poll(), b"<p>It's late: 5 > 3?</p>", content=True)
    assert "<p>It's late: 5 > 3?</p>" in text
    text = kept(tmp_path / "asked", post({**BODY, "prompt": "like https://s3/a b, why? & how"}), content=True)
    assert "like https://s3/a b, why? & how" in text


def results(folder, bodies, *, content=True, kind="image/png", status=200):
    """A tape of a poll with results, and of their files by the text in their URLs; what was told."""

    def answer(request):
        found = [body for text, body in bodies.items() if text in str(request.url)]
        if found:
            return httpx2.Response(status, content=found[0], headers={"Content-Type": kind} if kind else {})
        return httpx2.Response(
            200, json={"id": "t", "status": "completed", "result": [f"https://cdn/dl?id={text}" for text in bodies]}
        )

    service = recorded(folder, upstream=httpx2.MockTransport(answer), content=content)
    links = service.handle(poll()).json()["result"]
    return [service.handle(Request("GET", link)).body for link in links]


def played(folder):
    """What a tape gives for each result."""
    service = MockService.replay(folder)
    return [service.handle(Request("GET", link)).body for link in service.handle(poll()).json()["result"]]


@pytest.mark.parametrize("kind", ["image/png", "binary/octet-stream", None, "application/json", "text/html"])
def test_a_result_is_a_file(tmp_path, kind):
    """A result is played byte for byte whatever its type is said to be, and without content no byte of it is kept."""
    bodies = {"ONE": b"\x89PNG\xff\x00ONE", "TWO": b'{"TWO": 2}'}
    told = results(tmp_path / "tape", bodies, kind=kind)
    assert [*bodies.values()] == told == played(tmp_path / "tape")
    results(tmp_path / "plain", bodies, content=False, kind=kind)
    found = b"".join(files(tmp_path / "plain").values())
    assert b"PNG" not in found
    assert b"TWO" not in found
    one, two = played(tmp_path / "plain")
    assert one.startswith(b"\x89PNG")
    assert one != two


def test_a_storage_that_repeats_the_signature(tmp_path):
    """An error of the storage keeps neither the signature of the URL nor, without content, any text."""
    bodies = {"SIGNATURE-0123456": b"<Error>no SIGNATURE-0123456</Error>"}
    for content in (False, True):
        results(tmp_path / str(content), bodies, content=content, status=403)
        found = b"".join(files(tmp_path / str(content)).values())
        assert b"SIGNATURE-0123456" not in found
        assert content == (b"<Error>no [token]</Error>" in found)


@pytest.mark.parametrize("query", ["name=photo-1234567.png&h=127.0.0.1", "response-content-type=image/vnd.something"])
def test_a_query_that_says_what_is_wanted(tmp_path, query):
    """What a query or a cookie has in common with a URL, a media type or a status hides none of them."""

    def answer(request):
        if request.url.host == "127.0.0.1":
            return httpx2.Response(200, content=b"IMAGE", headers={"Content-Type": "image/vnd.something"})
        url = f"https://127.0.0.1/photo-1234567.png?{query}"
        return httpx2.Response(200, json={"id": "TASK-1234", "status": "completed", "result": [url]})

    cookie = ("Cookie", "state=completed; last=TASK-1234")
    asked = Request("GET", f"{API}/tasks/TASK-1234", [BEARER, cookie])
    service = recorded(tmp_path / "tape", upstream=httpx2.MockTransport(answer), content=True)
    told = service.handle(Request("GET", service.handle(asked).json()["result"][0]))
    task = (again := MockService.replay(tmp_path / "tape")).handle(asked).json()
    assert ("TASK-1234", "completed") == (task["id"], task["status"])
    played = again.handle(Request("GET", task["result"][0]))
    assert (b"IMAGE", "image/vnd.something") == (played.body, played.header("Content-Type"))
    assert played.body == told.body


def test_a_result_that_is_signed_anew(tmp_path):
    """A result whose URL is signed anew at each poll is played, though it was fetched by one of its URLs."""
    count = iter(range(9))

    def answer(request):
        if "cdn" in str(request.url):
            return httpx2.Response(200, content=b"IMAGE")
        url = f"https://cdn/x.png?sig={next(count)}"
        return httpx2.Response(200, json={"id": "t", "status": "completed", "result": [url]})

    service = recorded(tmp_path / "tape", upstream=httpx2.MockTransport(answer), content=True)
    first, _ = [service.handle(poll()).json()["result"][0] for _ in range(2)]
    assert b"IMAGE" == service.handle(Request("GET", first)).body
    again = MockService.replay(tmp_path / "tape")
    links = [again.handle(poll()).json()["result"][0] for _ in range(2)]
    assert [b"IMAGE"] * 2 == [again.handle(Request("GET", link)).body for link in links]


def test_a_result_that_expired(tmp_path):
    """A result that came once is played, though it was asked for again with HEAD, and when it was gone."""
    gone = iter([(200, b"IMAGE"), (200, b""), (404, b"gone")])

    def answer(request):
        if "cdn" in str(request.url):
            status, content = next(gone)
            return httpx2.Response(status, content=content)
        return httpx2.Response(200, json={"id": "t", "status": "completed", "result": ["https://cdn/x.png"]})

    service = recorded(tmp_path / "tape", upstream=httpx2.MockTransport(answer), content=True)
    link = service.handle(poll()).json()["result"][0]
    told = [service.handle(Request(method, link)).status for method in ("GET", "HEAD", "GET")]
    assert [200, 200, 404] == told
    assert [b"IMAGE"] == played(tmp_path / "tape")


def test_an_answer_that_is_nested(tmp_path):
    """An answer at the limit of nesting leaves a tape that can be read."""
    deep = b'{"id": "t", "status": "s", "d": ' + b"[" * 127 + b"]" * 127 + b"}"
    for content in (False, True):
        kept(tmp_path / str(content), poll(), deep, content=content)
        assert 200 == MockService.replay(tmp_path / str(content)).handle(poll()).status
