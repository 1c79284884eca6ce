"""The exception tree: one base, all picklable, no token in any."""

from __future__ import annotations

import datetime as dt
import email.utils
import inspect
import pickle
import re
import traceback
from pathlib import Path
from typing import Any

import attrs
import httpx2
import nano_banana_edit
import pytest
from nano_banana_edit import (
    APIStatusError,
    AuthenticationError,
    EditFailed,
    InvalidRequest,
    InvalidResponse,
    NanoBananaEditError,
    SubmissionUnknown,
)
from nano_banana_edit import _errors as errors
from nano_banana_edit._responses import retry_after

from .. import promises
from .conftest import TOKEN, URL, Face, Script, accepted, fetch, task

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, NanoBananaEditError)]
VALUES = {"status_code": 429, "retry_after": 1.5, "value": 3}


@promises.PICKLED
@pytest.mark.parametrize("kind", KINDS)
def test_pickles(kind: type[NanoBananaEditError]) -> None:
    """Every error survives pickling with its message and all it carries."""
    facts = {name: VALUES.get(name, name) for base in kind.__mro__ for name in vars(base).get("__annotations__", ())}
    error = kind("message", **facts)
    copy = pickle.loads(pickle.dumps(error))
    assert (kind, ("message",), facts) == (type(copy), copy.args, vars(copy))
    assert (kind in (EditFailed, InvalidRequest)) == ("call wait('task_id')" not in str(copy))


def test_tree_is_drawn() -> None:
    """The tree in the module's docstring is the tree in the code, and everything in it is exported."""
    drawn = re.findall(r"^[│├└─ ]*(\w+)", errors.__doc__, re.MULTILINE)[1:]
    assert {kind.__name__ for kind in KINDS} == set(drawn)
    assert {kind.__name__ for kind in KINDS} <= set(nano_banana_edit.__all__)
    assert issubclass(InvalidRequest, ValueError)


@promises.TOKEN_HIDDEN
@pytest.mark.parametrize(
    "answer", [httpx2.ReadError("x"), httpx2.ConnectError("x"), httpx2.Response(401), httpx2.Response(500)], ids=repr
)
def test_token_is_nowhere(face: Face, answer: Any) -> None:
    """No error, and no traceback with its local variables, shows the token."""
    with pytest.raises(NanoBananaEditError) as failure:
        face.call(Script([answer] * 9), "submit", URL, "p")
    error: BaseException | None = failure.value
    seen = set()
    while error:
        shown = traceback.TracebackException.from_exception(error, capture_locals=True)
        frames = [frame for frame in shown.stack if "/tests/" not in frame.filename]
        seen |= {Path(frame.filename).parts[-2] for frame in frames}
        assert TOKEN not in repr(error) + "".join(shown.format_exception_only()) + "".join(
            str(f.locals) for f in frames
        )
        error = error.__cause__
    assert "nano_banana_edit" in seen


@promises.TOKEN_HIDDEN
@pytest.mark.parametrize("dropped", [False, True], ids=["cause", "context"])
def test_what_a_failure_came_from_shows_no_token(face: Face, dropped: bool) -> None:
    """An event loop keeps what it could not write in the frames of its error; they are not kept."""

    def write(data: str) -> None:
        raise ConnectionResetError(104, f"{len(data)} bytes were not written")

    def reset(request: httpx2.Request) -> httpx2.Response:
        try:
            write(request.headers["authorization"])
        except OSError as error:
            raise httpx2.WriteError("reset") from (None if dropped else error)

    for method, arguments in (("get_task", ("t-1",)), ("submit", (URL, "p"))):
        with pytest.raises(NanoBananaEditError) as failure:
            face.call(reset, method, *arguments, options={"max_retries": 0})
        inner = failure.value.__cause__.__context__
        assert isinstance(inner, ConnectionResetError)
        assert TOKEN not in "".join(traceback.TracebackException.from_exception(inner, capture_locals=True).format())


@promises.TOKEN_HIDDEN
def test_echoed_token_is_taken_out(face: Face) -> None:
    """A service that repeats the token does not carry it into the error, nor does that change a good answer."""
    answer = httpx2.Response(401, json={"message": f"bad token {TOKEN}", "error_code": TOKEN})
    with pytest.raises(AuthenticationError, match=r"bad token \[token\]") as refusal:
        face.call(Script([answer]), "submit", URL, "p")
    assert TOKEN not in repr(vars(refusal.value))
    assert "t-1" == face.call(Script([accepted()]), "submit", URL, "p", options={"token": "t"}).task_id


@promises.TOKEN_HIDDEN
def test_token_in_an_answer_that_is_read_is_taken_out(face: Face) -> None:
    """The words of a task that failed, and the URL of a result that is not fetched, may repeat the token too."""
    with pytest.raises(EditFailed, match=r"failed: \[token\]$") as failed:
        face.call(Script([task("failed", error_msg=TOKEN)]), "wait", "t-1")
    assert "[token]" == failed.value.error_msg
    with pytest.raises(InvalidResponse, match=r"http://a\.test/\[token\]"):
        face.call(Script([task(result=[f"http://a.test/{TOKEN}"])]), "wait", "t-1", then=fetch)


@promises.TOKEN_HIDDEN
@pytest.mark.parametrize("cut", range(len(TOKEN) - 1))
def test_half_a_token_is_taken_out(cut: int) -> None:
    """What a limit left of a token at the end of a text says nothing of it; a token that is a letter is no secret."""
    error = NanoBananaEditError("m", body=f"bad {TOKEN}, bad {TOKEN[:-cut] if cut else TOKEN}")
    error.redact(TOKEN)
    assert f"bad [token], bad {'[token]' if len(TOKEN) - cut > 2 else TOKEN[:-cut]}" == error.body
    error.redact("b")
    assert error.body.startswith("bad ")


def test_an_id_that_ends_as_a_token_begins_stays_whole() -> None:
    """Only texts that may have been cut are looked at for the start of a token: an edit is waited for by its id."""
    error = NanoBananaEditError("m", task_id=f"t-{TOKEN[:9]}")
    error.redact(TOKEN)
    assert f"t-{TOKEN[:9]}" == error.task_id


@pytest.mark.parametrize("value", [b"image", "x" * 200, {"a": 1}, object(), lambda: 0])
def test_refusals_keep_no_images(value: object) -> None:
    """What may be large, or cannot be pickled, is not kept as the value of a refusal."""
    assert pickle.loads(pickle.dumps(InvalidRequest("m", value=value))).value is None


@pytest.mark.parametrize(("name", "value"), [("prompt", ""), ("output_format", "gif"), ("image_size", 5)])
def test_refusals_carry_what_was_refused(face: Face, name: str, value: Any) -> None:
    """A refused property is on the error with its value."""
    with pytest.raises(InvalidRequest) as refusal:
        face.call(Script([]), "submit", URL, **{"prompt": "p", name: value})
    assert (name, value) == (refusal.value.field, refusal.value.value)


@promises.TOKEN_HIDDEN
def test_repr_of_a_client_has_no_token() -> None:
    """The repr of a client says where it points, and not with which token."""
    client = nano_banana_edit.NanoBananaEdit(token=TOKEN)
    assert re.match(r"<NanoBananaEdit base_url='https://api\.sinancode\.com/v1' ", repr(client))
    assert TOKEN not in repr(client) + repr(client._driver) + repr(client._driver.settings)


@promises.TOKEN_HIDDEN
def test_what_an_edit_is_made_of_has_no_token(face: Face) -> None:
    """An edit that is taken apart, as for a log or a database, shows no token."""
    edit = face.call(Script([accepted(), task()]), "edit", URL, "p")
    assert "t-1" == attrs.asdict(edit)["images"][0]["task_id"]
    assert TOKEN not in f"{attrs.asdict(edit)} {attrs.astuple(edit)}"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, 0),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
        ({"retry-after": "Wed, 99 Oct 2015 07:28:00 GMT"}, None),
    ],
)
def test_retry_after(headers: dict[str, str], expected: float | None) -> None:
    """Retry-After is read in milliseconds, seconds or as a date, and nonsense is no wish."""
    assert expected == retry_after(headers)


def test_retry_after_as_a_date_ahead() -> None:
    """A date ahead is so many seconds from now."""
    date = email.utils.format_datetime(dt.datetime.now(dt.UTC) + dt.timedelta(hours=1), usegmt=True)
    assert 3590 < retry_after({"retry-after": date}) <= 3600


def test_unknown_submission_says_what_to_do() -> None:
    """The error about money is neither a status error nor a connection error, so that no retry of those catches it."""
    assert not issubclass(SubmissionUnknown, APIStatusError | errors.APIConnectionError)
