"""What a run against any server finds, sends, and leaves alone."""

import copy
import json
import xml.etree.ElementTree as ET

import httpx2
import pytest
from nano_banana_edit_mock import MockServer, MockService, load, mock_transport
from nano_banana_edit_mock.contract import parse
from nano_banana_edit_mock.tools.cases import boundary_cases
from nano_banana_edit_mock.tools.conformance import Check, Conformance, to_json, to_junit

TOKEN = "sekret-token"
API, FILES = "https://api.sinancode.com/v1", "https://files-api.sinancode.com"

pytestmark = pytest.mark.usefixtures("waited")


def ask(server, *, contract=None, base_url=API, rate=None, **options):
    """Everything that a run against a transport finds."""
    limits = {} if rate is None else {"rate": rate}
    run = Conformance(contract, **options)
    with httpx2.Client(transport=server) as http:
        return [*run.run(base_url=base_url, files_url=FILES, token=TOKEN, http=http, **limits)]


def lax(keyword, value):
    """The service by a document with another value for a keyword of the prompt."""
    document = copy.deepcopy(dict(load().document))
    document["components"]["schemas"]["EditRequest"]["properties"]["prompt"][keyword] = value
    return MockService(token=TOKEN, contract=parse(document))


def answering(status, **options):
    """A server that answers everything alike, and counts."""
    seen = []

    def answer(request):
        seen.append(request)
        return httpx2.Response(status, **options)

    return httpx2.MockTransport(answer), seen


def test_the_mock_is_as_documented():
    """The mock does what the document says, and no edit is made unless it is asked for."""
    service = MockService(token=TOKEN)
    checks = ask(mock_transport(service))
    assert [] == [check.case.id for check in checks if check.differs]
    assert all(check.case.accepted == bool(check.skipped) for check in checks)
    assert () == service.edits == service.uploads


def test_spending_sends_what_is_accepted():
    """On demand one request of each kind that is accepted is sent, as many as were said beforehand, and none twice."""
    service, run = MockService(token=TOKEN), Conformance(spend=True)
    checks = ask(mock_transport(service), spend=True)
    assert [] == [check.case.id for check in checks if check.differs]
    assert run.billed == len(service.edits) > 1
    polls = 3  # until the edit that is followed is completed, and two of them are not counted beforehand
    assert run.requests + polls - 1 == len(service.calls)
    assert (
        len({json.dumps(edit.body) for edit in service.edits}) == run.billed - 1
    )  # one of them by a lower-case bearer
    assert {check.skipped for check in checks} == {"", "it is inside a limit, and a case at the limit proves as much"}


@pytest.mark.parametrize("spend", [False, True])
def test_every_case_has_one_check(spend):
    """Each boundary case is reported once, in order, whether it was sent, sent for another one, or not."""
    checks = ask(answering(500)[0], spend=spend)
    cases = list(boundary_cases(load()))
    assert cases == [check.case for check in checks[: len(cases)]]
    assert len(checks) == len(cases) + 4 * spend  # an edit from its upload to its result


def test_limits_are_met_but_not_undercut():
    """Of what a limit accepts those at the limit are sent, as what is inside costs as much."""
    inside = "it is inside a limit, and a case at the limit proves as much"
    skipped = {c.case.id.removeprefix("EditRequest."): c.skipped for c in ask(answering(200)[0], spend=True)}
    expected = {
        "image_urls.maxItems: 9 items": inside,
        "image_urls.maxItems: 10 items": "",
        "image_urls.maxItems: 11 items": "",
        "image_urls.maxItems: as documented": inside,
        'prompt.minLength: 0 x "a"': "",
        'prompt.minLength: 1 x "a"': "",
        'prompt.minLength: 2 x "a"': inside,
        'prompt.minLength: 1 x "🍌"': "",
        'prompt.minLength: 2 x "🍌"': inside,
        "prompt.minLength: as documented": inside,
    }
    assert expected == {name: skipped[name] for name in expected}


@pytest.mark.parametrize(("spend", "follow"), [(False, False), (False, True), (True, True)])
def test_a_lax_server_is_found_out(spend, follow):
    """What is accepted against the document is named; unless spending is allowed, it is the last edit that is sent."""
    service = lax(
        "maxLength", load().document["components"]["schemas"]["EditRequest"]["properties"]["prompt"]["maxLength"] + 1
    )
    checks = ask(mock_transport(service), spend=spend, follow=follow)
    found = [(check.case.constraint.id, check.documented, check.actual) for check in checks if check.differs]
    assert [("EditRequest.prompt.maxLength", "refused", "accepted")] * (2 if spend else 1) == found
    if not spend:
        assert 1 == len(service.edits)
        assert "an invalid edit was accepted, so no other is sent" in {c.skipped for c in checks}
        assert "uploadFile" in {entry.operation for entry in service.calls}


@pytest.mark.parametrize("status", [400, 413, 418])
def test_a_server_that_refuses_everything_is_found_out(status):
    """Looks at a task are free and must be accepted, so that refusing all is not as documented."""
    found = {check.case.constraint.id for check in ask(answering(status)[0]) if check.differs}
    assert {"getTask.security.bearer", "getTask.id.required", "getTask.id.type"} == found


def test_a_task_must_be_found():
    """An accepted edit is looked at, so that a server without tasks is found out; without an edit nobody can tell."""
    service = MockService(token=TOKEN)

    def forgetful(request):
        if request.method == "GET":
            return httpx2.Response(404)
        return mock_transport(service).handle_request(request)

    server = httpx2.MockTransport(forgetful)
    found = {check.case.id: check.actual for check in ask(server, spend=True) if check.differs}
    assert "no such operation" == found['getTask.security.bearer: "Bearer {token}"']
    looks = [check for check in ask(server) if check.case.id == 'getTask.security.bearer: "Bearer {token}"']
    assert [(404, "no task is known to poll")] == [(check.status, check.skipped) for check in looks]


@pytest.mark.parametrize("answer", [{"task_id": None}, {"task_id": ""}, ["t"], "t", {}])
def test_an_answer_without_a_task(answer):
    """An answer that names no task is none to look for: tasks are then looked at by the name that the case has."""
    looks = []

    def answered(request):
        looks.extend([request.url.path] if request.method == "GET" else [])
        return httpx2.Response(200, json=answer)

    checks = ask(httpx2.MockTransport(answered), spend=True)
    (path,) = {c.case.path["id"] for c in checks if c.case.operation.id == "getTask" and c.case.name == "as documented"}
    assert {"tasks", path} == {part for look in looks for part in look.removeprefix("/v1/").split("/") if part}


@pytest.mark.parametrize("status", [408, 500, 504])
def test_an_edit_that_may_have_been_taken_is_the_last(status):
    """A server that fails on an edit may have taken it, so it is sent no other, but on demand."""
    for spend in (False, True):
        server, seen = answering(status)
        checks = ask(server, spend=spend)
        edits = [r for r in seen if r.url.path.endswith("edit") and r.headers.get("authorization", "").endswith(TOKEN)]
        assert (len(edits) == 1) != spend
        assert (
            "an invalid edit was answered by a failure, so no other is sent" in {c.skipped for c in checks}
        ) != spend


def test_most_that_can_be_billed():
    """What a server could bill at most is one edit, or on demand every edit of the run."""
    server, seen = answering(200, json={"task_id": "t", "url": "https://files.example/1.png", "status": "failed"})
    run = Conformance(spend=True)
    ask(server, spend=True)
    edits = [r for r in seen if r.url.path.endswith("edit") and TOKEN in r.headers.get("authorization", "")]
    assert run.most_billed == len(edits) > run.billed
    assert 1 == Conformance().most_billed


def test_a_session_does_not_stand_for_a_token():
    """A cookie that the server sets is not sent again."""
    server, seen = answering(400, headers={"Set-Cookie": "session=1"})
    ask(server)
    assert [] == [request for request in seen if "cookie" in request.headers]


def test_answers_in_any_encoding_are_kept():
    """What an answer says of its encoding need not be true."""
    server, _ = answering(500, content=b"\xff odd", headers={"Content-Type": "text/plain; charset=utf-16"})
    assert "\ufffd odd" in {check.answer for check in ask(server)}


@pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf")])
def test_rate_must_be_one(rate):
    """A rate that is none is refused before anything is sent."""
    with pytest.raises(ValueError, match=f"rate is {rate}; it must be"):
        ask(answering(400)[0], rate=rate)


@pytest.mark.server
def test_this_machine_is_asked_past_a_proxy(monkeypatch, waited):
    """A proxy of the environment does not see the token on its way to this machine."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with MockServer(MockService(token=TOKEN)) as server:
        checks = [*Conformance().run(base_url=server.url, files_url=server.url, token=TOKEN)]
    assert [] == [check.case.id for check in checks if check.differs or check.stops]


def test_an_open_server_is_asked_on():
    """A server that accepts an edit without a token bills nobody, and is asked until it accepts one with a token."""
    server, seen = answering(200)
    checks = ask(server)
    assert "Bearer" in {request.headers["authorization"] for request in seen if "authorization" in request.headers}
    edits = [c for c in checks if c.case.operation.id == "createEdit" and c.differs]
    assert "{token}" in edits[-1].case.authorization
    assert {"{token}" in (check.case.authorization or "") for check in edits[:-1]} == {False}


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, "the token is refused"),
        (402, "the account is out of credit"),
        (403, "the token is refused"),
        (429, "the server asks for fewer requests; use a lower `rate`"),
    ],
)
def test_stops_when_told_to(status, reason):
    """Nothing is sent after a refused token, an empty account or a rate limit, and the run says so."""
    server, seen = answering(status)
    checks = ask(server)
    first = next(check for check in checks if check.stops)
    assert (status, reason) == (first.status, first.skipped)
    assert len(seen) == (6 if status in (401, 403) else 1)  # five wrong authorizations must be refused
    assert all(check.skipped for check in checks[checks.index(first) :])


def test_stops_without_an_answer():
    """A server that cannot be reached is asked once."""
    seen = []

    def fail(request):
        seen.append(request)
        raise httpx2.ConnectError(f"no route for {TOKEN}")

    checks = ask(httpx2.MockTransport(fail))
    assert 1 == len(seen)
    assert "there is no answer (ConnectError: no route for [token])" in {check.skipped for check in checks}
    assert 1 == sum(check.stops for check in checks)


class Endless(httpx2.SyncByteStream):
    """A body that never ends."""

    def __init__(self):
        self.pieces, self.closed = 0, False

    def __iter__(self):
        while True:
            self.pieces += 1
            yield b"x" * 1_000

    def close(self):
        self.closed = True


@pytest.mark.parametrize(("timeout", "most"), [(60, 1_100), (0, 2), (None, 1_100)])
def test_an_answer_without_an_end(timeout, most):
    """An answer is given up after a number of bytes or the client's timeout; the row says so, and nothing follows."""
    body = Endless()
    server = httpx2.MockTransport(lambda request: httpx2.Response(400, stream=body))
    with httpx2.Client(transport=server, timeout=timeout) as http:
        checks = [*Conformance().run(base_url=API, files_url=FILES, token=TOKEN, rate=1e9, http=http)]
    assert body.closed
    assert body.pieces <= most
    (last,) = [check for check in checks if check.stops]
    assert (400, None) == (last.status, last.actual)
    assert last.skipped.startswith("its answer does not end, after ")


@pytest.mark.parametrize(
    ("status", "actual"),
    [
        (500, "a failure"),
        (404, "no such operation"),
        (405, "no such operation"),
        (300, "neither"),
        (302, "neither"),
    ],
)
def test_other_answers_are_differences(status, actual):
    """A failure, a redirect and an unknown path are neither verdict, except where the path itself is wrong."""
    checks = ask(answering(status, headers={"Location": "/x"})[0])
    found = {check.actual for check in checks if check.differs}
    assert found == {actual}
    (path,) = [check for check in checks if check.case.id == "getTask.id.required: left out"]
    assert path.differs == (status in (300, 302, 500))


def test_the_token_is_never_reported():
    """Neither report holds the token, even if the server repeats it."""
    checks = ask(answering(500, text=f"bad {TOKEN} " + "x" * 1_000)[0])
    for report in (to_json(checks), to_junit(checks)):
        assert TOKEN not in report
        assert "bad [token] xxx" in report
    assert max(len(check.answer) for check in checks) == 200


def test_only_differences_are_quoted():
    """What a server says is kept where it does something else than the document, and nowhere else."""
    checks = [check for check in ask(answering(400, json={})[0], spend=True) if not check.skipped]
    assert {(True, "{}"), (False, "")} == {(bool(check.wrong), check.answer) for check in checks}


def test_reports_to_the_letter():
    """A report names constraint, pointer, case, both verdicts, status, answer and the reason why nothing was sent."""
    cases = {case.id: case for case in boundary_cases(load())}
    checks = [
        Check(case=cases['EditRequest.prompt.minLength: 1 x "🍌"'], status=200, actual="accepted"),
        Check(case=cases['EditRequest.prompt.minLength: 0 x "a"'], status=500, actual="a failure", answer="<é\0>"),
        Check(case=cases["createEdit.security.bearer: no header"], skipped="too dear"),
    ]
    names = ("constraint", "pointer", "case", "documented", "actual", "status", "differs", "answer")
    names += ("task_id", "violations", "undeclared", "skipped")
    prompt = ("EditRequest.prompt.minLength", "/components/schemas/EditRequest/properties/prompt/minLength")
    bearer = ("createEdit.security.bearer", "/paths/~1generate~1k~1nano-banana-edit/post/security/0/bearer")
    rows = [
        (*prompt, '1 x "🍌"', "accepted", "accepted", 200, False, "", "", [], [], ""),
        (*prompt, '0 x "a"', "refused", "a failure", 500, True, "<é\0>", "", [], [], ""),
        (*bearer, "no header", "refused", None, None, False, "", "", [], [], "too dear"),
    ]
    first, *lines, last = to_json(checks).splitlines()
    assert [dict(zip(names, row, strict=True)) for row in rows] == [json.loads(line.rstrip(",")) for line in lines]
    assert ("[", "]", True) == (first, last, "🍌" in lines[0])
    assert to_junit(checks) == (
        '<testsuite name="conformance" tests="3" failures="1" skipped="1">'
        '<testcase classname="EditRequest.prompt.minLength" name="1 x &quot;🍌&quot;" />'
        '<testcase classname="EditRequest.prompt.minLength" name="0 x &quot;a&quot;">'
        '<failure message="documented refused, actual a failure (500)">&lt;é\N{REPLACEMENT CHARACTER}&gt;</failure>'
        '</testcase><testcase classname="createEdit.security.bearer" name="no header">'
        '<skipped message="too dear" /></testcase></testsuite>'
    )


def test_odd_characters_are_no_xml():
    """A report is well-formed whatever a server answers."""
    text = "".join(map(chr, [*range(0x20), 0x7F, 0x85, 0xFFFE, 0xFFFF]))
    suite = ET.fromstring(to_junit(ask(answering(500, text=text)[0])))
    assert suite.findtext("*/failure", "").count("\N{REPLACEMENT CHARACTER}") == 31


def test_reports_agree():
    """The JSON and the JUnit report hold every check, with its difference or the reason why there is none."""
    checks = ask(mock_transport(lax("minLength", 0)))
    rows, suite = json.loads(to_json(checks)), ET.fromstring(to_junit(checks))
    assert len(checks) == len(rows) == len(suite) == int(suite.attrib["tests"])
    assert 1 == sum(row["differs"] for row in rows) == len(suite.findall("*/failure")) == int(suite.attrib["failures"])
    assert sum(bool(row["skipped"]) for row in rows) == len(suite.findall("*/skipped")) == int(suite.attrib["skipped"])
    (row,) = [row for row in rows if row["differs"]]
    assert ("refused", "accepted", 200) == (row["documented"], row["actual"], row["status"])


def test_rate_is_kept(waited):
    """Before every request but the first the run waits as long as the rate asks."""
    server, seen = answering(400)
    ask(server, rate=4)
    assert [0] + [0.25] * (len(seen) - 1) == waited
    waited.clear()
    ask(server)
    assert [0, 0.2] == waited[:2]
    waited.clear()
    ask(server, rate=0.5)
    assert [0, 2] == waited[:2]


def test_an_answer_is_waited_for_a_minute(monkeypatch):
    """Without a client of the caller's each answer is waited for 60 seconds."""
    limits = []

    def answer(_transport, request):
        limits.append(request.extensions["timeout"])
        return httpx2.Response(400)

    monkeypatch.setattr(httpx2.HTTPTransport, "handle_request", answer)
    assert [*Conformance().run(base_url=API, files_url=FILES, token=TOKEN)]
    assert {60} == {seconds for limit in limits for seconds in limit.values()}


def test_each_server_gets_its_own():
    """Uploads go to the server of files and everything else to that of edits."""
    server, seen = answering(400)
    ask(server, base_url="https://edits.test/base")
    assert {"edits.test", "files-api.sinancode.com"} == {request.url.host for request in seen}
    assert all(request.url.path.startswith("/base/") == (request.url.host == "edits.test") for request in seen)
