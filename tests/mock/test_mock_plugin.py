"""The pytest plugin, as the tests of an application use it."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from nano_banana_edit_mock import MockServer, MockService, Request, pytest_plugin

IN_PROCESS = """
    import pytest
    from nano_banana_edit import AsyncNanoBananaEdit, NanoBananaEdit

    def test_edit(nano_banana_edit_mock):
        with NanoBananaEdit() as client:
            client.edit("https://images.test/a.png", "make it snow")
        assert ["make it snow"] == [edit.body["prompt"] for edit in nano_banana_edit_mock.edits]

    @pytest.mark.anyio
    async def test_async(nano_banana_edit_mock):
        async with AsyncNanoBananaEdit() as client:
            await client.submit("https://images.test/a.png", "make it rain")
        assert ["make it rain"] == [edit.body["prompt"] for edit in nano_banana_edit_mock.edits]

    @pytest.fixture
    def anyio_backend():
        return "asyncio"
"""
ON_A_PORT = """
    import json, os, urllib.request
    import pytest

    URLS = set()

    @pytest.mark.parametrize("prompt", ["one", "two"])
    def test_edit(nano_banana_edit_server, prompt):
        url = os.environ["SINANCODE_BASE_URL"]
        URLS.add(url)
        body = json.dumps({"image_urls": ["https://images.test/a.png"], "prompt": prompt}).encode()
        headers = {"Authorization": "Bearer any", "Content-Type": "application/json"}
        urllib.request.urlopen(urllib.request.Request(url + "/generate/k/nano-banana-edit", body, headers)).close()
        assert [prompt] == [edit.body["prompt"] for edit in nano_banana_edit_server.service.edits]
        assert {nano_banana_edit_server.url} == URLS
"""
STATUS = """
    import pytest
    from nano_banana_edit import NanoBananaEdit

    def status():
        with NanoBananaEdit() as client:
            task = client.submit("https://images.test/a.png", "p")
            return client.get_task(task.task_id).status

    def test_option(nano_banana_edit_mock):
        assert status() == "{}"

    @pytest.mark.nano_banana_edit_mock(polls=1)
    def test_marker(nano_banana_edit_mock):
        assert status() == "pending"
"""
ELSEWHERE = """
    import LIBRARY as httpx

    import pytest
    from contextlib import suppress

    def leak():
        httpx.get("https://elsewhere.test/")

    def test_leak(nano_banana_edit_mock):
        leak()

    def test_swallowed(nano_banana_edit_mock):
        with suppress(Exception):
            leak()

    @pytest.fixture
    def late(nano_banana_edit_mock):
        yield
        with suppress(Exception):
            leak()

    def test_late(late):
        pass

    def test_none(nano_banana_edit_mock):
        pass
"""
UNITTEST = """
    import unittest
    import pytest
    from nano_banana_edit import NanoBananaEdit
    from nano_banana_edit_mock import MockService, mock_router

    @pytest.mark.usefixtures("nano_banana_edit_mock")
    class TestSnow(unittest.TestCase):
        def test_fixture(self):
            with NanoBananaEdit() as client:
                client.edit("https://images.test/a.png", "p")

    class TestPlain(unittest.TestCase):
        def test_context(self):
            service = MockService(polls=0)
            self.enterContext(mock_router(service))
            with NanoBananaEdit(token="any") as client:
                client.edit("https://images.test/a.png", "p")
            self.assertEqual(1, len(service.edits))
"""


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Callable[..., pytest.RunResult]:
    """Run tests in a process of their own, in which the plugin is found as it is where the mock is installed."""
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)

    def run(text: str, *options: str) -> pytest.RunResult:
        pytester.makepyfile(text)
        return pytester.runpytest_subprocess(
            "--strict-markers", "-p", "no:schemathesis", "-p", "no:hypothesispytest", "-p", "no:xdist", *options
        )

    return run


def test_in_process(run: Callable[..., pytest.RunResult]) -> None:
    """A client that is told nothing edits offline, sync and async, and each test finds a new service."""
    run(IN_PROCESS).assert_outcomes(passed=2)


@pytest.mark.server
def test_on_a_port(run: Callable[..., pytest.RunResult]) -> None:
    """Whatever speaks HTTP is answered on a port, which stays for the run, while the service is new to each test."""
    run(ON_A_PORT).assert_outcomes(passed=2)


@pytest.mark.server
def test_side_by_side(pytester: pytest.Pytester) -> None:
    """The processes of xdist have a server each."""
    pytester.makepyfile(ON_A_PORT)
    pytester.runpytest_subprocess("-n", "2", "-p", "no:schemathesis", "-p", "no:hypothesispytest").assert_outcomes(
        passed=2
    )


@pytest.mark.parametrize(("options", "status"), [([], "completed"), (["--nano-banana-edit-polls=2"], "pending")])
def test_how_the_service_is_made(run: Callable[..., pytest.RunResult], options: list[str], status: str) -> None:
    """The option is for all tests, the marker for one; by default a task is finished at the first poll."""
    run(STATUS.format(status), *options).assert_outcomes(passed=2)


SCRIPTED = """
    import pytest
    from nano_banana_edit import EditFailed, NanoBananaEdit, RateLimited
    from nano_banana_edit_mock import Reply

    def edit():
        with NanoBananaEdit(max_retries=0) as client:
            client.edit("https://images.test/a.png", "p")

    @pytest.mark.nano_banana_edit_mock(script=[Reply.rate_limited()])
    def test_marked(nano_banana_edit_mock):
        with pytest.raises(RateLimited):
            edit()
        edit()
        nano_banana_edit_mock.assert_all_scripted_used()

    @pytest.mark.nano_banana_edit_mock(polls=0)
    def test_from_the_file(nano_banana_edit_mock):
        with pytest.raises(EditFailed, match="Not that"):
            edit()
        edit()
"""


def test_a_script_for_all_and_for_one(run: Callable[..., pytest.RunResult], pytester: pytest.Pytester) -> None:
    """The steps of a file happen in each test, unless its marker has others."""
    file = pytester.makefile(".yaml", "- outcome: {status: failed, error_msg: Not that.}")
    run(SCRIPTED, "--nano-banana-edit-script", str(file)).assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("marker", "message"),
    [
        ("", "no/such.yaml cannot be read (No such file or directory)."),
        ("@pytest.mark.nano_banana_edit_mock(script=5)", "script is 5; use a list of steps, or the path of a script *"),
        ("@pytest.mark.nano_banana_edit_mock(pols=5)", "*pols*"),
    ],
)
def test_options_that_are_wrong(run: Callable[..., pytest.RunResult], marker: str, message: str) -> None:
    """What is wrong with the script or an option is said in one line without a traceback."""
    text = f"import pytest\n{marker}\ndef test_it(nano_banana_edit_mock): ..."
    result = run(text, "--nano-banana-edit-script", "no/such.yaml")
    result.stdout.fnmatch_lines(
        ["* ERROR at setup of test_it *", f"nano_banana_edit_mock: {message}"], consecutive=True
    )


MERGED = """
    import os
    import pytest
    from nano_banana_edit import NanoBananaEdit, RateLimited
    from nano_banana_edit_mock import Reply

    @pytest.mark.nano_banana_edit_mock(seed=7, polls=5, script=[Reply.rate_limited()])
    class TestAll:
        @pytest.mark.nano_banana_edit_mock(polls=1, script=[])
        def test_one(self, nano_banana_edit_mock):
            with NanoBananaEdit(token="any") as client:
                task = client.submit("https://images.test/a.png", "p")
                found = [client.get_task(task.task_id).status for _ in range(2)]
            assert ["pending", "completed"] == found
            assert os.environ["SEVENTH"] == task.task_id

        def test_other(self, nano_banana_edit_mock):
            with NanoBananaEdit(token="any", max_retries=0) as client:
                with pytest.raises(RateLimited):
                    client.submit("https://images.test/a.png", "p")
"""
TOGETHER = "def test_it(nano_banana_edit_mock, nano_banana_edit_server): ..."
CHOOSE = "the test has nano_banana_edit_mock and nano_banana_edit_server; use one of them."


def test_markers_are_merged(run: Callable[..., pytest.RunResult], monkeypatch: pytest.MonkeyPatch) -> None:
    """What the marker of a test does not say is as that of its class says."""
    body = {"image_urls": ["https://images.test/a.png"], "prompt": "p"}
    monkeypatch.setenv("SEVENTH", MockService(seed=7).handle(ask("POST", body)).json()["task_id"])
    run(MERGED).assert_outcomes(passed=2)


@pytest.mark.server
def test_two_services_in_one_test(run: Callable[..., pytest.RunResult]) -> None:
    """A test that asks for both fixtures fails, as httpx would ask one of them and all else the other."""
    result = run(TOGETHER)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"E*UsageError: {CHOOSE}"])


@pytest.mark.server
@pytest.mark.parametrize("names", [("mock", "server"), ("server", "mock")])
def test_two_services_one_after_the_other(request: pytest.FixtureRequest, names: tuple[str, str]) -> None:
    """A second service is refused to a test that asks for it later, too."""
    first, second = (f"nano_banana_edit_{name}" for name in names)
    request.getfixturevalue(first)
    with pytest.raises(pytest.UsageError, match=f"^{CHOOSE}$"):
        request.getfixturevalue(second)


@pytest.mark.nano_banana_edit_mock([7])
def test_an_argument_without_a_name(request: pytest.FixtureRequest) -> None:
    """The marker accepts named arguments alone, and says so."""
    message = (
        r"^the marker nano_banana_edit_mock has \[7\] without a name; "
        r"use script=\[\.\.\.\], or the name of an option of MockService\.$"
    )
    with pytest.raises(pytest.UsageError, match=message):
        request.getfixturevalue("nano_banana_edit_mock")


@pytest.mark.nano_banana_edit_mock(script="nope.yaml")
def test_a_script_that_cannot_be_read(request: pytest.FixtureRequest) -> None:
    """A file that cannot be read is named in one line."""
    with pytest.raises(pytest.fail.Exception, match=r"^nano_banana_edit_mock: nope\.yaml cannot be read \("):
        request.getfixturevalue("nano_banana_edit_mock")


TAPE = Path(__file__).parents[2] / "examples" / "tape"


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(message, marks=pytest.mark.nano_banana_edit_mock(**options))
        for message, options in [
            ("polls has no effect with tape. Leave it out.", {"tape": TAPE, "polls": 2}),
            ("seed has no effect with tape. Leave it out.", {"tape": str(TAPE), "seed": 0}),
            ("tape is 7; it must be the path of a tape", {"tape": 7}),
            ("the marker got an unexpected keyword argument 'timing'", {"timing": True}),
        ]
    ],
)
def test_what_a_tape_is_not_marked_with(request: pytest.FixtureRequest, message: str) -> None:
    """An option that a tape would ignore, and one that is no tape, are told in one line."""
    with pytest.raises(pytest.fail.Exception, match=f"^nano_banana_edit_mock: {re.escape(message)}"):
        request.getfixturevalue("nano_banana_edit_mock")


@pytest.mark.nano_banana_edit_mock(polls=3, seed=4)
class TestTape:
    """Tests of a class whose marker sets options of the mock's own tasks."""

    @pytest.mark.nano_banana_edit_mock(tape=TAPE, token="right")
    def test_it_is_the_nearest(self, nano_banana_edit_mock: MockService) -> None:
        """A tape takes the place of what the marker of a class, or the command line, sets for the mock."""
        task = Request("GET", "https://api.sinancode.com/v1/tasks/none", {"Authorization": "Bearer right"})
        assert "not on the tape" in nano_banana_edit_mock.handle(task).json()["message"]


@pytest.mark.parametrize(
    ("missing", "fixture"), [("respx", "mock"), ("httptools", "server"), ("jsonschema_rs", "mock")]
)
def test_without_the_extra(run: Callable[..., pytest.RunResult], missing: str, fixture: str) -> None:
    """Where only the client is installed a fixture says what to install."""
    result = run(f"import sys; sys.modules['{missing}'] = None\ndef test_it(nano_banana_edit_{fixture}): ...")
    hint = f"The mock needs {missing}: pip install 'nano-banana-edit[[]mock[]]'"
    result.stdout.fnmatch_lines([f"E*ModuleNotFoundError: {hint}"])


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_nothing_leaks(run: Callable[..., pytest.RunResult], library: str) -> None:
    """A request to another host fails the test, swallowed or not, and names the nearest route."""
    result = run(ELSEWHERE.replace("LIBRARY", library))
    result.assert_outcomes(failed=2, passed=2, errors=1)
    for name in ("teardown of test_late", "test_leak", "test_swallowed"):
        result.stdout.fnmatch_lines([f"*{name} __*", "*not mocked! The nearest route is *"])


@pytest.mark.parametrize("error", [None, ZeroDivisionError("divided by zero")])
def test_what_nobody_answered_is_told_once(request: pytest.FixtureRequest, error: Exception | None) -> None:
    """A test that passed fails by it, one that failed has failed, and nothing is left for the end of the router."""
    unmatched = ["GET https://elsewhere.test/ not mocked!"]
    request.node.stash[pytest_plugin._UNMATCHED] = unmatched
    hook = pytest_plugin.pytest_runtest_call(request.node)
    next(hook)
    raised = type(error) if error else pytest.fail.Exception
    with pytest.raises(raised, match="divided" if error else "^GET .* not mocked!$"):
        hook.throw(error) if error else next(hook)
    assert [] == unmatched


def test_with_unittest(run: Callable[..., pytest.RunResult]) -> None:
    """A TestCase uses the fixture, or the router by itself."""
    run(UNITTEST).assert_outcomes(passed=2)


@pytest.mark.nano_banana_edit_mock(polls=1, seed=7)
def test_the_fixture_is_the_service(nano_banana_edit_mock: MockService, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fixture is a service as the marker describes it, and the environment has a token and no other host."""
    assert ("mock", None) == (os.environ["SINANCODE_API_KEY"], os.environ.get("SINANCODE_BASE_URL"))
    url = "https://api.sinancode.com/v1"
    body = {"image_urls": ["https://images.test/a.png"], "prompt": "p"}
    with httpx.Client(headers={"Authorization": "Bearer any"}) as http:
        task_id = http.post(f"{url}/generate/k/nano-banana-edit", json=body).json()["task_id"]
        assert "pending" == http.get(f"{url}/tasks/{task_id}").json()["status"]
    assert [task_id] == [edit.task_id for edit in nano_banana_edit_mock.edits]
    assert [MockService(seed=7).handle(ask("POST", body)).json()["task_id"]] == [task_id]


@pytest.mark.nano_banana_edit_mock(token="the-only-one")
def test_the_token_is_the_one_that_is_accepted(nano_banana_edit_mock: MockService) -> None:
    """If the marker names the only token that is accepted, a client without settings of its own has it."""
    assert "the-only-one" == os.environ["SINANCODE_API_KEY"]


@pytest.mark.server
def test_the_server_is_new_to_each_test(nano_banana_edit_server: MockServer) -> None:
    """The server's service is empty, and both of its variables point at it."""
    names = ("SINANCODE_BASE_URL", "SINANCODE_FILES_URL")
    assert [nano_banana_edit_server.url] * 2 == [os.environ[name] for name in names]
    assert 404 == httpx.get(f"{nano_banana_edit_server.url}/v1").status_code
    assert () == nano_banana_edit_server.service.edits


def ask(method: str, body: dict[str, Any]) -> Request:
    url = "https://api.sinancode.com/v1/generate/k/nano-banana-edit"
    headers = {"Authorization": "Bearer any", "Content-Type": "application/json"}
    return Request(method, url, headers, json.dumps(body).encode())


@pytest.mark.nano_banana_edit_mock(tape=TAPE)
class TestNoTape:
    """Tests of a class that plays a tape."""

    @pytest.mark.nano_banana_edit_mock(tape=None)
    def test_it_may_be_taken_back(self, nano_banana_edit_mock: MockService) -> None:
        """Without the tape after all, a task has the polls of the command line: none."""
        body = b'{"image_urls": ["https://a.example/b.png"], "prompt": "p"}'
        given = {"Authorization": "Bearer t", "Content-Type": "application/json"}
        base = "https://api.sinancode.com/v1"
        edit = Request("POST", f"{base}/generate/k/nano-banana-edit", given, body)
        task_id = nano_banana_edit_mock.handle(edit).json()["task_id"]
        poll = Request("GET", f"{base}/tasks/{task_id}", given)
        assert "completed" == nano_banana_edit_mock.handle(poll).json()["status"]
