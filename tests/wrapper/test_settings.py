"""Where a client's settings come from, and which are refused."""

from __future__ import annotations

import datetime as dt
import re
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest
from nano_banana_edit import AsyncNanoBananaEdit, InvalidRequest, NanoBananaEdit, _settings
from nano_banana_edit_mock.contract import load

from .. import promises
from .conftest import TOKEN, URL, Face, Script, accepted, task

CLIENTS = pytest.mark.parametrize("client", [NanoBananaEdit, AsyncNanoBananaEdit])


def urls(**arguments: Any) -> tuple[str, str]:
    settings = NanoBananaEdit(
        token=TOKEN, http_client=httpx2.Client(transport=httpx2.MockTransport(Script([]))), **arguments
    )
    return settings._driver.settings.base_url, settings._driver.settings.files_url


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"ALL_PROXY": "socks5://127.0.0.1:1"}, "ALL_PROXY"),
        ({"SSL_CERT_FILE": "/nowhere", "NO_PROXY": "x"}, "SSL_CERT_FILE"),
        ({"SSL_CERT_FILE": __file__}, "SSL_CERT_FILE"),
    ],
)
@pytest.mark.parametrize("client", [NanoBananaEdit, AsyncNanoBananaEdit])
def test_an_unusable_environment_is_named(
    client: Any, variables: dict[str, str], named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What httpx2 cannot use is refused by the name of the variable, with its reason."""
    monkeypatch.setitem(sys.modules, "socksio", None)  # type: ignore[arg-type]
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(
        InvalidRequest, match=rf"^{named} of the environment .*cannot be used \(.+\); correct"
    ) as refusal:
        client(token=TOKEN)
    assert named == refusal.value.field
    assert ("SSL_CERT_FILE" in variables) == (f"is {variables.get('SSL_CERT_FILE')!r}, which" in str(refusal.value))


@promises.PROXY_HIDDEN
@CLIENTS
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "ALL_PROXY"])
@pytest.mark.parametrize(
    "proxy",
    [
        *(f"{scheme}user:hunter2{mark}hunter2@proxy:8080" for mark in "#/?" for scheme in ("http://", "https://", "")),
        "http://user:8080#hunter2@proxy:8080",
        "http://user:8080/hunter2@proxy",
        "http://user:8080?hunter2@proxy",
        "ftp://user:hunter2@proxy",
        "user:hunter2://proxy",
        "http://user:hunter2\n@proxy:8080",
        "http://user:hunter2@",
        "http://[::1",
        "http://user:hunter2@proxy:80800",
        "http://user:hunter2@proxy:-8080",
        "http://",
    ],
)
def test_an_unusable_proxy_is_named_and_not_shown(
    client: Any, variable: str, proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy that cannot be used is refused by its variable's name and the form it must have, without its text."""
    monkeypatch.setenv(variable, proxy)
    monkeypatch.setenv("NO_PROXY", "fe80::/10,[::1]")
    with pytest.raises(
        InvalidRequest, match=f"^{variable} cannot be used as a proxy; it must be a URL such as "
    ) as refusal:
        client(token=TOKEN)
    assert variable == refusal.value.field
    said = f"{refusal.value} {vars(refusal.value)} {refusal.value.__cause__} {refusal.value.__context__}"
    assert not any(part in said for part in ("hunter2", "8080"))


def test_other_failures_come_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """What no variable is to blame for is not said of one."""
    monkeypatch.setattr(httpx2, "create_ssl_context", Path("/nowhere").read_bytes)
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with pytest.raises(FileNotFoundError):
        NanoBananaEdit(token=TOKEN)


def test_default_hosts_are_the_documents() -> None:
    """The hosts of a client are the servers of the document."""
    servers = {operation.id: operation.servers for operation in load().operations}
    assert urls() == (servers["createEdit"][0], servers["uploadFile"][0]) == (servers["getTask"][0], urls()[1])


def test_arguments_go_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Token and hosts are taken from the arguments, then from the environment."""
    monkeypatch.setenv(_settings.TOKEN_VARIABLE, "from-environment")
    monkeypatch.setenv(_settings.BASE_URL_VARIABLE, "https://env.test/v1")
    monkeypatch.setenv(_settings.FILES_URL_VARIABLE, "https://files.env.test")
    assert urls() == ("https://env.test/v1", "https://files.env.test")
    assert urls(base_url="https://argument.test", files_url="https://files.argument.test") == (
        "https://argument.test",
        "https://files.argument.test",
    )
    assert "from-environment" == NanoBananaEdit()._driver.settings.token
    assert NanoBananaEdit(token=TOKEN)._driver.settings.token == TOKEN


@pytest.mark.parametrize("base", ["http://127.0.0.1:4010", "http://127.0.0.1:4010/", "http://127.0.0.1:4010/v1/"])
def test_one_url_points_at_a_mock(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where only base_url is given, uploads and their token go to its host."""
    monkeypatch.setenv(_settings.FILES_URL_VARIABLE, "https://elsewhere.test")
    assert (base, "http://127.0.0.1:4010") == urls(base_url=base)


def test_a_slash_more_is_the_same_host() -> None:
    """The documented base URL with a slash at its end still goes with the documented file host."""
    assert _settings.FILES_URL == urls(base_url=_settings.BASE_URL + "/")[1]


@CLIENTS
@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("token", "a b", "characters that no HTTP header can carry"),
        ("token", "a\n", "characters that no HTTP header can carry"),
        ("token", "tökén", "characters that no HTTP header can carry"),
        ("token", 3, "token is of type int; it must be text"),
        ("base_url", "api.sinancode.com", "base_url is 'api.sinancode.com'; it must be an absolute http or https URL"),
        ("base_url", "ftp://a.test", "base_url is"),
        ("base_url", "https://", "base_url is"),
        ("base_url", "https://a\nb", "base_url is"),
        ("base_url", 3, "base_url is 3"),
        ("base_url", "", "base_url is ''"),
        ("base_url", "https://a..b.test", "base_url is"),
        ("base_url", f"https://{'a' * 70}.test", "base_url is"),
        ("allow_http", "no", "allow_http is 'no'; it must be True or False"),
        ("allow_http", 1, "allow_http is 1; it must be True or False"),
        ("base_url", "https://a/\ud800", "base_url is"),
        ("base_url", "https://user:hidden@a.test", "base_url has a user"),
        ("base_url", "https://user:hidden#@a.test", "base_url has a user"),
        ("base_url", "https://user:80#hidden@a.test", "base_url has a user"),
        ("base_url", "user:hidden@a.test", "base_url has a user"),
        ("base_url", "https://a.test?x=1", "base_url has a user, a query"),
        ("base_url", "https://a.test#f", "base_url has a user, a query or a fragment"),
        ("http_client", 5, "http_client is 5; it must be an httpx2"),
        ("http_client", httpx2.Response(200), "http_client is .*; it must be an httpx2"),
        ("timeout", 1e300, "timeout is"),
        ("poll_interval", 1e300, "poll_interval is"),
        ("files_url", "files", "files_url is 'files'"),
        ("timeout", -1, "timeout is -1; it must be a number of seconds, at least 0, or None"),
        ("timeout", float("nan"), "timeout is nan"),
        ("timeout", True, "timeout is True"),
        ("timeout", "5", "timeout is '5'"),
        ("max_retries", -1, "max_retries is -1; it must be a whole number, at least 0"),
        ("max_retries", True, "max_retries is True"),
        ("max_retries", 1.5, "max_retries is 1.5"),
        ("poll_interval", -1, "poll_interval is -1"),
        ("poll_interval", None, r"poll_interval is None; it must be a number of seconds, at least 0\.$"),
    ],
)
def test_refuses_unusable_settings(client: Any, name: str, value: Any, message: str) -> None:
    """A setting that cannot be used is refused by name, with what it must be; the token is never shown."""
    with pytest.raises(InvalidRequest, match=message) as refusal:
        client(**{"token": TOKEN, name: value})
    assert name == refusal.value.field
    kept = name not in ("token", "http_client") and " has a user" not in message
    assert repr(value if kept else None) == repr(refusal.value.value)
    if name == "token":
        assert str(value) not in str(refusal.value)


LOOPBACK = ["http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1", "http://mock.localhost"]
ELSEWHERE = [
    "http://a.test",
    "http://127.9.9.9",
    "http://10.0.0.1",
    "http://localhost.test",
    "http://127.0.0.1.test",
    "http://0.0.0.0",
]


@promises.TOKEN_BY_TLS
@CLIENTS
@pytest.mark.parametrize("name", ["base_url", "files_url"])
def test_no_token_without_tls(client: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A URL without TLS is taken for this machine alone, and for others only on demand."""
    for url in LOOPBACK:
        client(token=TOKEN, **{name: url})
    for url in ELSEWHERE:
        with pytest.raises(
            InvalidRequest, match=rf"^{name} is '{re.escape(url)}'; .*Use https, pass allow_http="
        ) as refusal:
            client(token=TOKEN, **{name: url})
        assert (name, url) == (refusal.value.field, refusal.value.value)
        assert client(token=TOKEN, allow_http=True, **{name: url})
        monkeypatch.setenv(_settings.ALLOW_HTTP_VARIABLE, "1")
        assert client(token=TOKEN, **{name: url})
        with pytest.raises(InvalidRequest, match="without TLS"):
            client(token=TOKEN, allow_http=False, **{name: url})
        monkeypatch.setenv(_settings.ALLOW_HTTP_VARIABLE, "False")
        with pytest.raises(InvalidRequest, match="without TLS"):
            client(token=TOKEN, **{name: url})
        monkeypatch.setenv(_settings.ALLOW_HTTP_VARIABLE, "off")
        with pytest.raises(InvalidRequest, match=r"allow_http is 'off'; it must be True or False, in SINANCODE_ALLOW"):
            client(token=TOKEN, **{name: url})
        monkeypatch.setenv(_settings.ALLOW_HTTP_VARIABLE, "0")


@CLIENTS
def test_with_options_shares_the_connections(client: Any) -> None:
    """A client with other settings sends over the same httpx2 client, and the original keeps its own settings."""
    original = client(token=TOKEN, timeout=5)
    other = original.with_options(timeout=None, max_retries=0, poll_interval=1, token="other", retry_rate_limited=False)
    assert original._driver.http is other._driver.http
    assert (original._driver.settings.timeout, original._driver.settings.token) == (5, TOKEN)
    assert (
        other._driver.settings.timeout,
        other._driver.settings.max_retries,
        other._driver.settings.poll_interval,
        other._driver.settings.token,
        other._driver.settings.retry_rate_limited,
    ) == (None, 0, 1, "other", False)
    assert original._driver.settings == original.with_options()._driver.settings
    with pytest.raises(InvalidRequest, match="max_retries is -1"):
        original.with_options(max_retries=-1)


def test_closing_leaves_open_what_is_not_owned() -> None:
    """A client closes its own connections, and neither those handed in nor those of the client it was made from."""
    http = httpx2.Client(transport=httpx2.MockTransport(Script([accepted()])))
    with NanoBananaEdit(token=TOKEN, http_client=http) as client, client.with_options(timeout=1):
        pass
    client.submit(URL, "p")
    assert not http.is_closed
    with NanoBananaEdit(token=TOKEN) as owner:
        owner.with_options().close()
        assert not owner._driver.http.is_closed
    assert owner._driver.http.is_closed


def test_refuses_numbers_too_long_to_print() -> None:
    """A number that Python itself will not print is refused like any other."""
    with pytest.raises(InvalidRequest, match="timeout is a value of type int"):
        NanoBananaEdit(token=TOKEN, timeout=10**5000)
    with pytest.raises(InvalidRequest, match="max_retries is a value of type int"):
        NanoBananaEdit(token=TOKEN, max_retries=-(10**5000))
    with pytest.raises(InvalidRequest, match="prompt is a value of type int"):
        NanoBananaEdit(token=TOKEN).submit(URL, 10**5000)


def test_each_client_wants_its_kind_of_http_client() -> None:
    """An httpx2 client of the other kind is refused before it can lose an answer."""
    with pytest.raises(InvalidRequest, match=r"must be an httpx2\.Client"):
        NanoBananaEdit(token=TOKEN, http_client=httpx2.AsyncClient())
    with pytest.raises(InvalidRequest, match=r"must be an httpx2\.AsyncClient"):
        AsyncNanoBananaEdit(token=TOKEN, http_client=httpx2.Client())


@pytest.mark.parametrize(
    "options", [{"auth": ("u", "p")}, {"headers": {"Authorization": "other"}}, {"base_url": "https://b.test"}]
)
def test_the_token_goes_before_what_a_client_brings(face: Face, options: Any) -> None:
    """Whatever the httpx2 client that was handed in adds, requests go to the API with the bearer token."""
    script = Script([accepted()])
    face.call(script, "submit", URL, "p", http=options)
    assert (f"Bearer {TOKEN}", "api.sinancode.com") == (
        script.requests[0].headers["authorization"],
        script.requests[0].url.host,
    )


async def _async_callback(_progress: object) -> None:
    raise AssertionError


@pytest.mark.parametrize("callback", [5, _async_callback])
def test_refuses_callbacks_that_would_not_run(callback: Any) -> None:
    """A progress callback that cannot be called, or would never be awaited, is refused."""
    with pytest.raises(InvalidRequest, match=r"on_progress is (5|<function _async.*); .* a function") as refusal:
        NanoBananaEdit(token=TOKEN).wait("t-1", on_progress=callback)
    assert "on_progress" == refusal.value.field


@pytest.mark.parametrize("timeout", [0, 0.0, -1, "1", True, float("nan")])
def test_refuses_unusable_timeouts_of_an_attempt(timeout: Any) -> None:
    """The time of an attempt is a number of seconds, and no attempt can be made in none."""
    with pytest.raises(InvalidRequest, match=r"attempt_timeout is .*; it must be a number of seconds"):
        NanoBananaEdit(token=TOKEN, attempt_timeout=timeout)
    with pytest.raises(InvalidRequest, match="attempt_timeout is"):
        NanoBananaEdit(token=TOKEN).with_options(attempt_timeout=timeout)


USUAL = {"connect": 10, "read": 60, "write": 60, "pool": 60}
DAY = 86_400


@promises.PAID_FOR
@pytest.mark.parametrize(
    ("http", "options", "poll", "submission"),
    [
        ({}, {}, USUAL, {**USUAL, "read": 600}),
        ({}, {"timeout": None}, USUAL, {**USUAL, "read": DAY}),
        ({}, {"timeout": 7}, dict.fromkeys(USUAL, 7), dict.fromkeys(USUAL, 7)),
        ({}, {"attempt_timeout": 2}, dict.fromkeys(USUAL, 2), {**dict.fromkeys(USUAL, 2), "read": 600}),
        ({}, {"attempt_timeout": 90}, {**dict.fromkeys(USUAL, 90), "connect": 10}, None),
        ({}, {"attempt_timeout": 1e9, "timeout": None}, {**dict.fromkeys(USUAL, DAY), "connect": 10}, None),
        ({"timeout": 300}, {}, dict.fromkeys(USUAL, 300), {**dict.fromkeys(USUAL, 300), "read": 600}),
        ({"timeout": None}, {"timeout": None}, dict.fromkeys(USUAL, DAY), None),
        ({"timeout": httpx2.Timeout(30, connect=3)}, {}, {**dict.fromkeys(USUAL, 30), "connect": 3}, None),
        ({"timeout": 300}, {"attempt_timeout": 5}, dict.fromkeys(USUAL, 5), None),
    ],
)
def test_attempts_have_the_time_that_was_set(
    face: Face, http: Any, options: Any, poll: dict[str, float], submission: dict[str, float] | None
) -> None:
    """An attempt has the time of the setting, else that of the caller's own client, else a minute.

    The answer to a submission has the time of the call.
    """
    script = Script([accepted(), task()])
    face.call(script, "edit", URL, "p", http=http, options=options)
    sent, polled = (request.extensions["timeout"] for request in script.requests)
    assert poll == polled
    assert (submission or {**poll, "read": sent["read"]}) == sent
    assert sent["read"] == min(DAY, options.get("timeout", 600) or DAY)


@pytest.mark.parametrize("timeout", [-1, "1", float("inf")])
def test_refuses_unusable_timeouts_of_a_call(timeout: Any) -> None:
    """The time of a call is checked as that of the client is."""
    with pytest.raises(InvalidRequest, match="timeout is"):
        NanoBananaEdit(token=TOKEN).wait("t-1", timeout=timeout)


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (
            {"prompt": "other"},
            "extra_body has the key 'prompt'; it takes names .* not arguments. Pass those as arguments",
        ),
        ({"image_urls": []}, "extra_body has the key 'image_urls'"),
        ({"image_size": "1:1"}, "extra_body has the key 'image_size'"),
        ({3: 1}, "extra_body has the key 3"),
        ([1], "extra_body is .* mapping"),
        (3, "extra_body is 3"),
    ],
)
def test_refuses_unusable_extra_properties(extra: Any, message: str) -> None:
    """Extra properties are a mapping of names that are no arguments; nothing is sent otherwise."""
    script = Script([])
    client = NanoBananaEdit(token=TOKEN, http_client=httpx2.Client(transport=httpx2.MockTransport(script)))
    with pytest.raises(InvalidRequest, match=message) as refusal:
        client.submit(URL, "p", extra_body=extra)
    assert (refusal.value.field, script.requests) == ("extra_body", [])
    assert (extra if isinstance(extra, int) else None) == refusal.value.value


@pytest.mark.parametrize("value", [float("nan"), 10**400, {1, 2}, b"x", "\ud800", [{"b": "\ud800"}], {"b": {3: 1}}])
def test_refuses_extra_properties_that_are_no_json(value: Any) -> None:
    """A property that readers of JSON disagree on is refused by its name; nothing is sent."""
    script = Script([])
    client = NanoBananaEdit(token=TOKEN, http_client=httpx2.Client(transport=httpx2.MockTransport(script)))
    with pytest.raises(InvalidRequest, match=r"^style contains .*; it must be JSON: .*\.$") as refusal:
        client.submit(URL, "p", extra_body={"style": value})
    assert (refusal.value.field, script.requests) == ("style", [])


@CLIENTS
def test_times_may_be_timedeltas(client: Any) -> None:
    """A time in seconds may be a timedelta, in the constructor and in `with_options`."""
    settings = client(token=TOKEN, timeout=dt.timedelta(minutes=2), poll_interval=dt.timedelta(seconds=0.5))
    settings = settings.with_options(poll_interval=dt.timedelta(seconds=1))._driver.settings
    assert (120.0, 1.0) == (settings.timeout, settings.poll_interval)
    with pytest.raises(InvalidRequest, match="timeout is -60"):
        client(token=TOKEN, timeout=dt.timedelta(minutes=-1))
