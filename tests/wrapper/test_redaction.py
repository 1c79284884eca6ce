"""The token in no spelling, and no character that acts on a terminal, in what the package says."""

from __future__ import annotations

import base64
import html
import json
import logging
import pickle
import time
import traceback
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from nano_banana_edit import APIConnectionError, AuthenticationError, NanoBananaEditError, TaskFile
from nano_banana_edit._redaction import redact, visible

from .. import promises
from .conftest import PNG, URL, Face, Script, task

TOKEN = "sk-live-AAAA/BBBBccccDDDDeeeeFFFFgggg&HHHH%iiii\"JJJJ'kkkkLLLL+mmmm=="


def coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "json": json.dumps,
    "json-in-json": lambda token: json.dumps(json.dumps(token)),
    "slashes": lambda token: json.dumps(token).replace("/", "\\/"),
    "unicode": lambda token: "".join(f"\\u{ord(letter):04X}" for letter in token),
    "braces": lambda token: "".join(f"\\u{{{ord(letter):x}}}" for letter in token),
    "python": lambda token: "".join(f"\\x{ord(letter):02x}" for letter in token),
    "repr": lambda token: repr(repr(token.encode())),
    "url": lambda token: quote(token, ""),
    "url-in-url": lambda token: quote(quote(token, ""), ""),
    "url-all": lambda token: "".join(f"%{ord(letter):02x}" for letter in token),
    "html": html.escape,
    "html-in-html": lambda token: html.escape(html.escape(token)),
    "html-decimal": lambda token: "".join(f"&#{ord(letter)};" for letter in token),
    "html-hex": lambda token: "".join(f"&#x{ord(letter):X};" for letter in token),
    "host": str.lower,
    "upper": str.upper,
    "utf-16": "\0".join,
    "folded": lambda token: f"{token[:9]}\r\n{token[9:]}",
    "hex": lambda token: token.encode().hex(),
    "start": lambda token: token[:15],
    "end": lambda token: token[-15:],
    "middle": lambda token: token[10:30],
    "basic": lambda token: coded(f":{token}"),
    "basic-user": lambda token: coded(f"user:{token}"),
    "basic-name": lambda token: coded(f"me:{token}"),
    "base64-url": lambda token: base64.urlsafe_b64encode(f"api:{token}".encode()).decode(),
    "base64-in-url": lambda token: quote(coded(token), ""),
}
IN_TEXT = st.sampled_from(["", "a", "%", "\\", "&", "...", "\n", 'bad "', "?key=", "\\n", "&amp;"])


@promises.TOKEN_HIDDEN
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_is_taken_out(spelling: str) -> None:
    """A token is found in each spelling, and the text around it stays."""
    written = SPELLINGS[spelling](TOKEN)
    text = redact(f"Bad key: {written}. Try again.", TOKEN)
    assert text.startswith("Bad key: ")
    assert text.endswith(". Try again.")
    assert 1 == text.count("[token]")
    left = text.removeprefix("Bad key: ").removesuffix(". Try again.").replace("[token]", "")
    assert len(left) < 12
    assert not any(written[at : at + 8] in text for at in range(len(written) - 7))


@promises.TOKEN_HIDDEN
@pytest.mark.parametrize("user", ["", "a", "ab", "abc"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_base64_is_taken_out_at_any_place(user: str, encode: Callable[[bytes], bytes]) -> None:
    """Wherever a token stands in what was encoded, and in either alphabet, no more than its ends are left."""
    token = "~~~???>>>" * 3
    written = encode(f"{user}:{token}:more".encode()).decode()
    left = redact(written, token)
    assert len(left) < len("[token]") + 18


@given(
    token=st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="\\"), min_size=8),
    spelling=st.sampled_from(sorted({*SPELLINGS} - {"start", "end", "middle"})),
    around=st.tuples(IN_TEXT, IN_TEXT),
)
@example(token="%2525252525", spelling="plain", around=("", ""))
@example(token="0000000\\n0", spelling="plain", around=("", ""))
def test_any_token_is_taken_out(token: str, spelling: str, around: tuple[str, str]) -> None:
    """Whatever characters a token has, none of its spellings stands in the text."""
    written = SPELLINGS[spelling](token)
    assert written not in redact(written.join(around), token, cut=True)


@promises.TOKEN_HIDDEN
@pytest.mark.parametrize("size", range(3, len(TOKEN)))
def test_what_a_cut_left_is_taken_out(size: int) -> None:
    """At the ends of a text that may have been cut, and beside its dots, even a few characters of a token are found."""
    for text in (TOKEN[:size], f"{TOKEN[:size]}...", TOKEN[-size:], f"...{TOKEN[-size:]}", f"{TOKEN[:size]}\\u00"):
        assert redact(text, TOKEN, cut=True).strip(".") == "[token]"


@pytest.mark.parametrize("text", ["", "sk-live", "a live wire", "%41%zz\\u&#&amp", "ä\U0001f600", "…"])
def test_other_texts_stay(text: str) -> None:
    """A text without the token is not changed, nor any by a token that is too short to be a secret."""
    assert text == redact(text, TOKEN)
    assert text == redact(text, "live")


@pytest.mark.parametrize("part", ["\\", "%25", "&amp;", "&", "...", "sk-live-", "[token]", "\x00", "x"])
def test_time_is_linear(part: str) -> None:
    """A text of eight times the length takes about eight times the work; the bound is halfway to quadratic work."""

    def work(length: int) -> float:
        began = time.thread_time()
        redact(part * (length // len(part)), TOKEN, cut=True)
        return time.thread_time() - began

    assert any(work(160_000) <= max(0.002, work(20_000)) * 8**1.5 for _ in range(5))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\x1b]0;t\x07\x9b1A", "a\\x1b]0;t\\x07\\x9b1A"),
        ("a\r\nb\u2028c\x7f", "a\\r\\nb\\u2028c\\x7f"),
        ("\u202eabc\ud800", "\\u202eabc\\ud800"),
        ("é 😀 \\n", "é 😀 \\n"),
    ],
)
def test_nothing_acts_on_a_terminal(text: str, expected: str) -> None:
    """Control characters, line ends, marks of direction and lone surrogates are shown as repr shows them."""
    assert expected == visible(text)
    assert expected == str(NanoBananaEditError(text)) == str(pickle.loads(pickle.dumps(NanoBananaEditError(text))))


def test_messages_are_short() -> None:
    """No message is longer than a thousand characters, whatever it quotes."""
    assert len(str(NanoBananaEditError("x" * 1_000_000))) < 1_010


@promises.TOKEN_HIDDEN
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_answers_are_told_without(face: Face, spelling: str, caplog: pytest.LogCaptureFixture) -> None:
    """A refusal has the token in no message, attribute, pickle or log line, and no control character in its message."""
    caplog.set_level(logging.DEBUG)
    written = SPELLINGS[spelling](TOKEN)
    answer = httpx2.Response(401, json={"message": f"\x1b[2Jbad {written}", "error_code": written})
    with pytest.raises(AuthenticationError, match=r"x1b\[2Jbad .*\[token\]") as refusal:
        face.call(Script([answer]), "submit", URL, "p", options={"token": TOKEN})
    error = refusal.value
    told = f"{error} {vars(error)} {pickle.dumps(error)!r} {[vars(record) for record in caplog.records]}"
    assert not any(written[at : at + 9] in told for at in range(len(written) - 8))


@promises.TOKEN_HIDDEN
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_what_a_call_returns_is_without(face: Face, spelling: str) -> None:
    """A task and a stored file have the token in no text, repr or pickle; the URLs stay, and repr shows their host."""
    written = SPELLINGS[spelling](TOKEN)
    texts = {"error_msg": written, "error_code": written, "x": [{"y": written, "z": 1}], "type": written}
    url = f"https://user:{quote(TOKEN, '')}@cdn.test/{quote(TOKEN, '')}"
    options = {"token": TOKEN}
    state = face.call(Script([task(f"is {written}", **texts)]), "get_task", "t-1", options=options)
    done = face.call(Script([task(result=[{"url": url, "type": written}])]), "get_task", "t-1", options=options)
    stored = face.call(
        Script([httpx2.Response(200, json={"url": url, "key": written})]), "upload", PNG, options=options
    )
    told = f"{state!r} {done!r} {stored!r} {state.raw} {stored.raw['key']} {pickle.dumps(state)!r}"
    assert not any(written[at : at + 9] in told for at in range(len(written) - 8))
    assert "[token]" in state.status
    assert url == done.files[0].url == done.raw["result"][0]["url"] == stored.url
    assert "TaskFile(url='https://cdn.test/...'" in repr(done)
    assert "UploadedFile(url='https://cdn.test/...')" == repr(stored)
    assert "TaskFile(url=..., type=None)" == repr(TaskFile("data:,x")).replace("'", "")


@promises.TOKEN_HIDDEN
def test_notes_and_causes_are_told_without() -> None:
    """Notes lose the token; a cause that shows it, also in a note, an attribute or a group, is dropped."""
    error = NanoBananaEditError("m", task_id=TOKEN[:12])
    error.add_note(f"see {TOKEN}")
    shows: list[Exception] = [ValueError(TOKEN), httpx2.ReadError("x"), ExceptionGroup("m", [OSError(quote(TOKEN))])]
    shows[1].add_note(TOKEN)
    for cause in shows:
        error.__cause__, error.__context__ = KeyError("k"), cause
        error.__cause__.__cause__, error.__cause__.__context__ = OSError("o"), error.__cause__
        error.redact(TOKEN)
        assert (None, "k") == (error.__context__, error.__cause__.args[0])
    assert (["see [token]"], TOKEN[:12]) == (error.__notes__, error.task_id)


@promises.TOKEN_HIDDEN
def test_frames_of_causes_keep_no_variables(face: Face) -> None:
    """Whatever variable of a transport has the request's head, no traceback of a cause shows it."""

    def reset(request: httpx2.Request) -> httpx2.Response:
        head = str(request.headers.raw)
        raise ConnectionResetError(str(len(head)))

    with pytest.raises(APIConnectionError) as failure:
        face.call(reset, "get_task", "t-1", options={"token": TOKEN, "max_retries": 0})
    cause: Any = failure.value.__cause__
    frames = traceback.TracebackException.from_exception(cause, capture_locals=True).stack
    assert "reset" in [frame.name for frame in frames]
    assert not any("BBBBcccc" in str(frame.locals) for frame in frames if frame.name == "reset")


def test_what_the_caller_is_handling_is_left_alone(face: Face) -> None:
    """An exception that the caller is handling keeps its variables and causes, whatever the call raises then."""

    def fail(kept: str) -> None:
        raise KeyError(len(kept)) from OSError(TOKEN)

    for answer in (httpx2.ReadError("x"), httpx2.Response(401)):
        caught: list[KeyError] = []
        try:
            fail("precious")
        except KeyError as mine:
            caught.append(mine)
            with pytest.raises(NanoBananaEditError):
                face.call(Script([answer]), "get_task", "t-1", options={"token": TOKEN, "max_retries": 0})
        frames = traceback.TracebackException.from_exception(caught[0], capture_locals=True).stack
        assert ("'precious'", TOKEN) == ((frames[-1].locals or {}).get("kept"), str(caught[0].__cause__))


@promises.TOKEN_HIDDEN
def test_log_lines_are_told_without(face: Face, caplog: pytest.LogCaptureFixture) -> None:
    """What a retry or a status writes to the log has no token, and is one line."""
    caplog.set_level(logging.DEBUG)
    echo = httpx2.Response(503, headers={"retry-after": "0"}, json={"message": SPELLINGS["slashes"](TOKEN)})
    status = task(f"{TOKEN}\n2026-01-01 root INFO \x1b[2Jforged")
    face.call(Script([echo, status, task()]), "wait", "t-1", options={"token": TOKEN})
    assert {"nano_banana_edit", "stamina"} <= {record.name for record in caplog.records}
    assert "BBBBcccc" not in str([vars(record) for record in caplog.records])
    assert any("is [token]\\n2026-01-01 root INFO \\x1b[2Jforged, after" in line for line in caplog.messages)


def test_a_token_that_is_not_text() -> None:
    """A variable of the environment may hold bytes of any kind; they are taken out as well, and end nothing."""
    assert "[token] and text" == redact("x\udce9t-1234567 and text", "x\udce9t-1234567")
