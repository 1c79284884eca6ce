"""`key=` on both clients: what the same key does in each state, and what identifies a request."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import httpx2
import pytest
from nano_banana_edit import (
    APIStatusError,
    AsyncNanoBananaEdit,
    EditFailed,
    InvalidRequest,
    NanoBananaEdit,
    NotFound,
    SubmissionUnknown,
    WaitTimeout,
    _clock,
)
from nano_banana_edit.ledger import Ledger

from .. import promises
from ..wrapper.conftest import JPEG, PNG, URL, Face, Script, accepted, fetch, task
from .conftest import Caller, Hooked, HookedLedger, expire

FAILED = {"error_code": "E7", "error_msg": "too dark"}


def done(script: Script) -> None:
    """Nothing that was expected is left."""
    assert [] == script.answers


@promises.ONE_PER_KEY
def test_once(call: Caller) -> None:
    """The first call submits and waits, the next polls the task alone; the row has the result."""
    script = Script([accepted(), task(), task()])
    assert call(script) == call(script)
    assert ["POST nano-banana-edit", "GET t-1", "GET t-1"] == script.asked
    row = call.row()
    assert ("completed", 1, "t-1") == (row.state, row.attempt, row.task_id)
    assert {"files": [{"url": "https://cdn.example.test/out.png", "type": None}]} == row.outcome
    assert {"image_urls": [URL], "prompt": "p"}.items() <= row.request.items()
    assert "completed" == call(Script([]), "submit").status
    call.ledger.saved("t-1", "out.png", {})
    assert "t-1" == call(Script([task()])).task_id
    assert "saved" == call.row().state


def test_open(call: Caller) -> None:
    """A task that was submitted is waited for, by whoever comes with its key."""
    assert None is call(Script([accepted()]), "submit").status
    assert "t-1" == call(Script([]), "submit").task_id
    assert call(Script([task("processing"), task()])).task_id == "t-1"


def test_stopped_on_a_status(call: Caller) -> None:
    """A status that ends the waiting of a caller does not end the edit."""
    with pytest.raises(EditFailed, match="paused"):
        call(Script([accepted(), task("paused")]), stop_on=["paused"])
    assert "sent" == call.row().state


@promises.ONE_PER_KEY
def test_failed(call: Caller) -> None:
    """A failed edit fails again with the same words, without a request; `retry_failed` submits it anew, once."""
    with pytest.raises(EditFailed) as first:
        call(Script([accepted(), task("failed", **FAILED)]))
    for method in ("edit", "submit"):
        with pytest.raises(EditFailed, match="failed: too dark") as again:
            call(Script([]), method)
        assert (str(first.value), first.value.error_code) == (str(again.value), again.value.error_code)
        assert "t-1" == again.value.task_id
    assert ("failed", FAILED) == ((row := call.row()).state, row.outcome)
    script = Script([accepted("t-2"), task(id="t-2"), task(id="t-2")])
    assert call(script, retry_failed=True) == call(script, retry_failed=True)
    done(script)
    assert (2, "t-2", "completed") == ((row := call.row()).attempt, row.task_id, row.state)


@promises.ONE_PER_KEY
@pytest.mark.parametrize("state", ["sent", "failed"])
def test_a_failure_that_somebody_else_retries(face: Face, database: str, state: str) -> None:
    """Of two who would submit a failed edit again one does; the other gets what became of that, also a failure."""
    with HookedLedger(database) as ledger:
        call = Caller(face, ledger)
        with pytest.raises(EditFailed):
            call(Script([accepted(), task("failed", **FAILED)]))
        row = call.row()

        def retry() -> None:
            ledger.claim("k", "host/7/other", row.digest, row.request, retry_failed=True)
            ledger.sent("k", "host/7/other", "t-2")
            assert state == "sent" or ledger.finished("t-2", "failed", FAILED)

        ledger.hook = Hooked("claim", before=retry)
        if state == "sent":
            assert "t-2" == call(Script([]), "submit", retry_failed=True).task_id
        else:
            with pytest.raises(EditFailed) as failed:
                call(Script([]), "submit", retry_failed=True)
            assert "t-2" == failed.value.task_id
        assert 2 == call.row().attempt


def test_renewed(call: Caller) -> None:
    """A failed edit that was renewed is submitted again without any option, and uploads anew."""
    with pytest.raises(EditFailed):
        call(Script([upload(), accepted(), task("failed")]), images=PNG)
    assert call.ledger.renew("k", 1)
    script = Script([upload("https://files.example.test/2.png"), accepted("t-2")])
    assert "t-2" == call(script, "submit", PNG).task_id
    done(script)


def test_refused(call: Caller) -> None:
    """What the service refuses was not accepted: the same key may try once more."""
    with pytest.raises(APIStatusError, match="422: no"):
        call(Script([httpx2.Response(422, json={"message": "no", "error_code": "E1"})]))
    assert ("refused", "E1") == ((row := call.row()).state, row.outcome["error_code"])
    assert "t-1" == call(Script([accepted(), task()])).task_id


@promises.UNKNOWN_STAYS
def test_unknown(call: Caller) -> None:
    """What may have been accepted is not sent again, until a person says what became of it."""
    with pytest.raises(SubmissionUnknown):
        call(Script([httpx2.ReadTimeout("slow")]))
    with pytest.raises(
        SubmissionUnknown, match=r"key 'k' may have been .*; process \d+ on .* ledger.resolve"
    ) as unknown:
        call(Script([]))
    assert call.row().digest == unknown.value.request_digest
    call.ledger.resolve("k", task_id="t-1")
    assert "t-1" == call(Script([task()])).task_id


@pytest.mark.parametrize("resend", [True, False])
def test_resolved(call: Caller, resend: bool) -> None:
    """A person has it sent again, or cancelled; who cancelled may still think otherwise."""
    with pytest.raises(SubmissionUnknown):
        call(Script([httpx2.ReadTimeout("slow")]))
    if not resend:
        call.ledger.resolve("k", cancelled=True)
        with pytest.raises(InvalidRequest, match="key 'k' was cancelled"):
            call(Script([]))
    call.ledger.resolve("k", resend=True)
    assert "t-1" == call(Script([accepted(), task()])).task_id
    assert 2 == call.row().attempt


def test_an_expired_file(call: Caller) -> None:
    """A file that is gone is no failed edit: the error says that results expire, and the row is as it was."""
    call(Script([accepted(), task()]))
    for status in (403, 404):
        with pytest.raises(APIStatusError, match=rf"answered {status} \(results expire\)") as gone:
            call(Script([task(), *[httpx2.Response(status)] * 5]), then=fetch)
        assert (status, "t-1") == (gone.value.status_code, gone.value.task_id)
    assert "completed" == call.row().state


def test_expired(call: Caller) -> None:
    """A result that is gone is told apart from a failed edit, and from a task that never was."""
    call(Script([accepted(), task()]))
    with pytest.raises(NotFound, match=r"completed, but the service has deleted its task: results expire \(task t-1\)"):
        call(Script([httpx2.Response(404)]))
    call(Script([accepted("t-2")]), "submit", key="other")
    with pytest.raises(NotFound, match="404"):
        call(Script([httpx2.Response(404)] * 4), key="other")
    call.ledger.resolve("k", cancelled=True)
    call.ledger.resolve("k", resend=True)
    assert "t-3" == call(Script([accepted("t-3")]), "submit").task_id


def _same(call: Caller) -> str:
    """Claim the key for the caller's request, as another process; return the owner."""
    owner = "host/7/other"
    with pytest.raises(APIStatusError, match="400"):
        call(Script([httpx2.Response(400)]), "submit")
    row = call.row()
    assert owner == call.ledger.claim("k", owner, row.digest, row.request).owner
    return owner


@pytest.mark.parametrize("end", ["sent", "new", "lease"])
def test_somebody_else_submits(call: Caller, database: str, monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    """Whoever comes second waits for the first: for its task, for its giving up, or for the end of its lease."""
    owner = _same(call)
    slept = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            {
                "sent": lambda: call.ledger.sent("k", owner, "t-1"),
                "new": lambda: call.ledger.released("k", owner, "new"),
                "lease": lambda: expire(database),
            }[end]()
        assert seconds >= 0.1  # the ledger is spared, whatever `poll_interval` says

    async def async_sleep(seconds: float) -> None:
        sleep(seconds)

    monkeypatch.setattr(_clock, "sleep", sleep)
    monkeypatch.setattr(_clock, "async_sleep", async_sleep)
    if end == "lease":
        with pytest.raises(SubmissionUnknown, match="process 7 on host submitted it"):
            call(Script([]), "submit")
    else:
        script = Script([accepted()] if end == "new" else [])
        assert "t-1" == call(script, "submit").task_id
        done(script)
    assert 3 == len(slept)


def test_who_loses_a_race(face: Face, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller that loses the race for a claim reads the row again at once; if the winner gives up, it submits."""
    with HookedLedger(database) as ledger:
        call = Caller(face, ledger)
        with pytest.raises(APIStatusError, match="400"):
            call(Script([upload(expires="soon"), httpx2.Response(400)]), "submit", PNG)
        row = call.row()

        def release(_: float) -> None:
            ledger.released("k", "host/7/other", "new")

        async def async_release(_: float) -> None:
            ledger.released("k", "host/7/other", "new")

        monkeypatch.setattr(_clock, "sleep", release)
        monkeypatch.setattr(_clock, "async_sleep", async_release)
        ledger.hook = Hooked("claim", before=lambda: ledger.claim("k", "host/7/other", row.digest, row.request))
        script = Script([upload(expires="soon"), accepted()])
        assert "t-1" == call(script, "submit", PNG).task_id
        done(script)


def test_no_time_left_to_wait(call: Caller) -> None:
    """Who has no time to wait for another's submission is told whose it is."""
    _same(call)
    with pytest.raises(WaitTimeout, match="key 'k' is still being submitted by process 7 on host") as waited:
        call(Script([]), "submit", timeout=5, options={"poll_interval": 2})
    assert waited.value.task_id is None


OTHERS: list[tuple[dict[str, Any], str]] = [
    ({"prompt": "other"}, "prompt was 'p' and is 'other'"),
    ({"images": "https://images.example.test/b.png"}, "image_urls was .* and is .*b.png"),
    ({"images": PNG}, "image_urls was .* and is .*sha256:"),
    ({"images": [URL, URL]}, "image_urls"),
    ({"image_size": "16:9"}, "image_size was .* and is '16:9'"),
    ({"output_format": "jpeg", "prompt": "q"}, "output_format was .*; prompt was"),
    ({"extra_body": {"seed": 7}}, "seed was None and is 7"),
]


@promises.SAME_REQUEST
@pytest.mark.parametrize(("other", "difference"), OTHERS, ids=[text for _, text in OTHERS])
def test_another_request(call: Caller, other: dict[str, Any], difference: str) -> None:
    """A key that belongs to another request is refused, with the difference, before anything is sent."""
    call(Script([accepted()]), "submit", image_size="1:1")
    with pytest.raises(InvalidRequest, match=f"key 'k' belongs to another request: .*{difference}.* Use another key"):
        call(Script([]), **{"image_size": "1:1", **other})


@promises.SAME_REQUEST
def test_the_same_request(call: Caller, tmp_path: Path) -> None:
    """The same bytes are the same image, whatever their name and form; None is an option that was not given."""
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(PNG)
    upload = httpx2.Response(200, json={"url": "https://files.example.test/in.png"})
    call(Script([upload, accepted()]), "submit", tmp_path / "a.png")
    for image in (tmp_path / "b.png", str(tmp_path / "a.png"), PNG, ("c.png", PNG), [PNG]):
        assert "t-1" == call(Script([]), "submit", image, image_size=None, extra_body={}).task_id
    with pytest.raises(InvalidRequest, match="another request"):
        call(Script([]), "submit", JPEG)


def upload(url: str = "https://files.example.test/1.png", expires: str = "2999-01-01T00:00:00Z") -> httpx2.Response:
    return httpx2.Response(200, json={"url": url, "expires_at": expires})


def test_uploaded_once(call: Caller) -> None:
    """The same photo under two keys is uploaded once; a photo of another host, or one that expired, again."""
    script = Script([upload(), accepted(), accepted()])
    for key in "ab":
        call(script, "submit", PNG, key=key)
    done(script)
    assert 2 == sum(b"files.example.test/1.png" in request.content for request in script.requests[1:])
    script = Script([upload(), accepted()])
    call(script, "submit", PNG, key="c", options={"files_url": "https://other.example.test"})
    done(script)
    for expires in ("2000-01-01", "2000-01-01T00:00:00+00:00", "soon", None):
        script = Script([upload(expires=expires), accepted()] * 2)
        for key in "de":
            call(script, "submit", JPEG, key=f"{expires}{key}")
        done(script)


def test_a_call_without_key_uses_known_uploads(call: Caller) -> None:
    """A ledger remembers uploads for calls without a key too; `upload` itself always uploads."""
    script = Script([upload(), accepted(), accepted()])
    for _ in range(2):
        call(script, "submit", PNG, key=None)
    done(script)
    assert {} == call.ledger.counts()


def test_a_retry_uploads_anew(call: Caller) -> None:
    """A second attempt does not trust the upload of the first, which may be why it failed."""
    with pytest.raises(EditFailed):
        call(Script([upload(), accepted(), task("failed")]), images=PNG)
    script = Script([upload("https://files.example.test/2.png"), accepted("t-2")])
    call(script, "submit", PNG, retry_failed=True)
    done(script)
    assert ["https://files.example.test/2.png"] == json.loads(script.requests[-1].content)["image_urls"]


@pytest.mark.parametrize("key", ["", "a\nb", "nul\0", "lone \ud800", "x" * 501, 7, b"k", ["k"]])
def test_bad_keys(call: Caller, key: Any) -> None:
    """A key is printable text of 1 to 500 characters."""
    with pytest.raises(InvalidRequest, match=r"key is .* it must be 1 to 500 printable characters"):
        call(Script([]), key=key)


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"key": "k"}, r"key is 'k', but the client has no ledger. Pass one .*ledger=Ledger\('edits.db'\)"),
        ({"retry_failed": True}, "retry_failed is for an edit with a key"),
        ({"retry_failed": 1}, "retry_failed is 1; it must be True or False"),
    ],
)
@pytest.mark.parametrize("method", ["edit", "submit"])
def test_without_a_ledger(face: Face, method: str, how: dict[str, Any], why: str) -> None:
    """A key needs a ledger, and `retry_failed` a key."""
    with pytest.raises(InvalidRequest, match=why):
        face.call(Script([]), method, URL, "p", **how)


@pytest.mark.parametrize("kind", [NanoBananaEdit, AsyncNanoBananaEdit])
def test_a_ledger_of_a_client(ledger: Ledger, kind: type[NanoBananaEdit]) -> None:
    """A ledger is one, may come later and go, and neither it nor its client travels to another process."""
    for wrong in ("edits.db", 7, Ledger):
        with pytest.raises(InvalidRequest, match=r"ledger is .* it must be a Ledger"):
            kind(token="t", ledger=wrong)
    client = kind(token="t", ledger=ledger)
    with pytest.raises(TypeError, match="with a ledger cannot be pickled"):
        pickle.dumps(client)
    assert pickle.loads(pickle.dumps(client.with_options(ledger=None)))
    with pytest.raises(TypeError, match="with a ledger"):
        pickle.dumps(client.with_options(timeout=7))
    with pytest.raises(TypeError, match="with a ledger"):
        pickle.dumps(kind(token="t").with_options(ledger=ledger))
    with pytest.raises(InvalidRequest, match="it must be a Ledger"):
        client.with_options(ledger="edits.db")
