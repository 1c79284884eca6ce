"""The settings of a client: arguments first, then the environment, then the defaults."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cached_property
from typing import Any, TypeAlias

import httpx2
from attrs import Attribute, field, fields, frozen
from nano_banana_edit_client import AuthenticatedClient
from nano_banana_edit_client.constraints import shorten

from ._errors import InvalidRequest, must_be
from ._version import __version__

# The document's two servers; a test compares them with openapi.yaml#/servers and uploadFile's own.
BASE_URL = "https://api.sinancode.com/v1"
FILES_URL = "https://files-api.sinancode.com"

TOKEN_VARIABLE = "SINANCODE_API_KEY"  # noqa: S105 - the variable's name
BASE_URL_VARIABLE = "SINANCODE_BASE_URL"
FILES_URL_VARIABLE = "SINANCODE_FILES_URL"
ALLOW_HTTP_VARIABLE = "SINANCODE_ALLOW_HTTP"

Seconds: TypeAlias = float | timedelta

USER_AGENT = f"nano-banana-edit/{__version__}"

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
_CERTIFICATES = "SSL_CERT_FILE"

_BEARER = re.compile(r"\s*(authorization\s*:\s*)?bearer\s", re.IGNORECASE)
_LAST_PORT = 65_535
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_SWITCH = {"1": True, "true": True, "": False, "0": False, "false": False}


def _check_token(_settings: object, _attribute: Attribute[str], token: object) -> None:
    if not isinstance(token, str | None):
        raise InvalidRequest(f"token is of type {type(token).__name__}; it must be text.", field="token")
    if not token or not token.strip():
        raise InvalidRequest(
            f"No API token: pass token=... or set the environment variable {TOKEN_VARIABLE}.", field="token"
        )
    if _BEARER.match(token):
        raise InvalidRequest("token begins with 'Bearer'; leave that out, as the client adds it.", field="token")
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise InvalidRequest(
            "token has characters that no HTTP header can carry (blanks, line ends or non-ASCII). Copy it again.",
            field="token",
        )


def _check_switch(_settings: object, attribute: Attribute[bool], value: object) -> None:
    if not isinstance(value, bool):
        where = f", in {ALLOW_HTTP_VARIABLE} 1 or 0" if attribute.name == "allow_http" else ""
        raise must_be(f"True or False{where}", attribute.name, value)


def _check_url(settings: Settings, attribute: Attribute[str], url: object) -> None:
    parsed = parse_url(url)
    parts = (parsed.userinfo, parsed.query, parsed.fragment) if parsed and parsed.host else ("@" in str(url),)
    if any(parts):  # which may be a password
        raise InvalidRequest(
            f"{attribute.name} has a user, a query or a fragment; it must be a URL that paths can be added to.",
            field=attribute.name,
        )
    if parsed is None or parsed.scheme not in ("http", "https") or not parsed.host:
        raise must_be(f"an absolute http or https URL, such as {BASE_URL!r}", attribute.name, url)
    if parsed.scheme == "http" and not (settings.allow_http or is_loopback(parsed.host)):
        raise InvalidRequest(
            f"{attribute.name} is {shorten(url)}; without TLS, others on the network can read the token. Use https, "
            f"pass allow_http=True, or set {ALLOW_HTTP_VARIABLE}=1.",
            field=attribute.name,
            value=url,
        )


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine."""
    return host in _LOOPBACK or host.endswith(".localhost")  # RFC 6761, section 6.3


def parse_url(url: object) -> httpx2.URL | None:
    """Return the URL, or None if it is not one to httpx2."""
    try:
        parsed = httpx2.URL(url) if isinstance(url, str) else None
        # Decoding the host may fail on its own; a host that cannot be looked up would fail after the request is made.
        readable = parsed is not None and isinstance(parsed.host, str) and parsed.host.encode("idna") is not None
    except (httpx2.InvalidURL, ValueError):  # the latter is what its idna and UTF-8 encoders raise
        return None
    return parsed if readable and parsed and 0 <= (parsed.port or 0) <= _LAST_PORT else None


def in_seconds(value: Any) -> Any:
    """Return a timedelta in seconds, and anything else as it is."""
    return value.total_seconds() if isinstance(value, timedelta) else value


def check_seconds(name: str, value: object, *, optional: bool = False) -> None:
    """Raise InvalidRequest unless `value` is a finite number of seconds, or None where that is allowed."""
    if value is None and optional:
        return
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 <= value <= threading.TIMEOUT_MAX:  # type: ignore[operator]
        raise must_be(f"a number of seconds, at least 0{', or None for no limit' if optional else ''}", name, value)


def _check_attempt(_settings: object, attribute: Attribute[float | None], value: object) -> None:
    check_seconds(attribute.name, value, optional=True)
    if value == 0:
        raise must_be("a number of seconds above 0, or None", attribute.name, value)


def _check_retries(_settings: object, attribute: Attribute[int], value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise must_be("a whole number, at least 0", attribute.name, value)


@frozen(kw_only=True)
class Settings:
    """The settings of a client, checked. See `NanoBananaEdit` for what each one means."""

    token: str = field(repr=False, validator=_check_token)
    allow_http: bool = field(validator=_check_switch)
    base_url: str = field(validator=_check_url)
    files_url: str = field(validator=_check_url)
    timeout: float | None = field(
        converter=in_seconds, validator=lambda _, attribute, value: check_seconds(attribute.name, value, optional=True)
    )
    attempt_timeout: float | None = field(default=None, converter=in_seconds, validator=_check_attempt)
    max_retries: int = field(validator=_check_retries)
    retry_rate_limited: bool = field(default=True, validator=_check_switch)
    poll_interval: float = field(
        converter=in_seconds, validator=lambda _, attribute, value: check_seconds(attribute.name, value)
    )

    def __getstate__(self) -> dict[str, Any]:
        """Return what a pickle holds: everything but the token."""
        return {each.name: "" if each.name == "token" else getattr(self, each.name) for each in fields(Settings)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            object.__setattr__(self, name, value)

    @cached_property
    def edits(self) -> AuthenticatedClient:
        return self._at(self.base_url)

    @cached_property
    def files(self) -> AuthenticatedClient:
        return self._at(self.files_url)

    def _at(self, url: str) -> AuthenticatedClient:
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": USER_AGENT}
        return AuthenticatedClient(base_url=url, token=self.token, headers=headers)


def resolve(
    *, token: str | None, base_url: str | None, files_url: str | None, allow_http: bool | None = None, **others: Any
) -> Settings:
    """Return the settings, from the environment for each argument that is None.

    If only `base_url` is given, uploads go to its host as well: a client of a mock server must not send its token to
    the real file host.
    """
    if base_url is None:
        base_url = os.environ.get(BASE_URL_VARIABLE) or BASE_URL
        files_url = os.environ.get(FILES_URL_VARIABLE) or None if files_url is None else files_url
    if files_url is None:
        files_url = FILES_URL if str(base_url).rstrip("/") == BASE_URL else _origin(base_url)
    return Settings(
        token=os.environ.get(TOKEN_VARIABLE, "") if token is None else token,
        base_url=base_url,
        files_url=files_url,
        allow_http=_switch(os.environ.get(ALLOW_HTTP_VARIABLE, "")) if allow_http is None else allow_http,
        **others,
    )


@contextmanager
def from_environment() -> Iterator[None]:
    """Name the variables to fix if no connections can be made with them."""
    try:
        yield
    except (ImportError, OSError) as error:
        certificates = isinstance(error, OSError)
        names = (_CERTIFICATES,) if certificates else _PROXIES
        given = ", ".join(name for name in sorted(os.environ) if name.upper() in names and os.environ[name])
        if not given:
            raise
        value = f" is {os.environ[given]!r}, which" if certificates else ""  # that of a proxy may have a password
        raise InvalidRequest(
            f"{given} of the environment{value} cannot be used ({error}); correct or unset it, or pass an http_client.",
            field=given,
        ) from error


def _switch(text: str) -> Any:
    """Return the value of a switch, or its text if it is neither on nor off."""
    return _SWITCH.get(text.strip().lower(), text)


def _origin(url: str) -> str:
    parsed = parse_url(url)
    return str(parsed.copy_with(raw_path=b"/")).rstrip("/") if parsed else url
