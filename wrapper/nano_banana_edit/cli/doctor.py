"""The command that looks for what may be wrong: `doctor`."""

from __future__ import annotations

import os
import platform
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from importlib import metadata
from typing import Any

import httpx2
import typer
from attrs import asdict, define

from .._errors import APIStatusError, NanoBananaEditError
from .._proxies import Proxies
from .._redaction import visible, without_password
from .._settings import TOKEN_VARIABLE, USER_AGENT, Settings, from_environment, resolve
from .._transport import client as http_client
from ..client import NanoBananaEdit
from ._common import Run, command, opened
from ._options import LedgerOption
from ._words import PROGRAM, said

_NO_TASK = "00000000-0000-0000-0000-000000000000"
_SECONDS = 10.0  # that a host has to answer


@define
class _Finding:
    name: str
    text: str
    ok: bool = True


@command("token_file", "mock", "as_json")
def doctor(run: Run, ledger: LedgerOption = None) -> None:
    """Look for what may be wrong: the token, the hosts and their certificates, proxies, versions, extras, the ledger.

    Nothing is billed: a task that does not exist is polled, to see whether the token is refused. The token is not
    shown. Exit status: 0 all is well; 1 something is wrong.
    """
    findings = []
    with run.errors(), run.connected() as given:
        for finding in _findings(run, given, ledger):
            findings.append(finding)
            run.lines.append(visible(f"{'✓' if finding.ok else '✗'} {finding.name:<9} {finding.text}"))
        well = all(finding.ok for finding in findings)
        run.facts = {"ok": well, "findings": [asdict(finding) for finding in findings]}
        raise typer.Exit(0 if well else 1)


def _findings(run: Run, given: dict[str, Any], ledger: str | None) -> Iterator[_Finding]:
    yield _Finding("Python", f"{platform.python_version()} on {platform.platform(terse=True)}")
    names = (PROGRAM, "httpx2", "attrs", "stamina", "typer", "rich")
    yield _Finding("packages", ", ".join(f"{name} {metadata.version(name)}" for name in names))
    yield _extras()
    have = bool(given["token"] or os.environ.get(TOKEN_VARIABLE))
    where = "the mock" if run.mock else f"--token-file {run.token_file}" if run.token_file else TOKEN_VARIABLE
    yield _Finding("token", f"from {where}" if have else f"none: use --token-file, or set {TOKEN_VARIABLE}", have)
    options = {"base_url": None, "files_url": None, **given, "timeout": _SECONDS, "max_retries": 0, "poll_interval": 0}
    try:
        settings = resolve(**(options if have else {**options, "token": "none"}))
    except NanoBananaEditError as error:
        yield _Finding("settings", said(error, {}), ok=False)
    else:
        yield _tried("edits", partial(_reached, settings.base_url))
        yield _tried("uploads", partial(_reached, settings.files_url))
        if have:
            yield _tried("token", partial(_polled, settings))
    if ledger:
        yield _tried("ledger", partial(_counted, ledger))


def _extras() -> _Finding:
    needs: dict[str, list[str]] = defaultdict(list)
    for line in metadata.distribution(PROGRAM).requires or []:
        if found := re.match(r"([\w.-]+).* extra == ['\"]([\w-]+)", line):
            needs[found[2]] += [found[1]] if found[1] != PROGRAM else []
    missing = sorted(extra for extra, names in needs.items() if not all(map(_is_installed, names)))
    have = ", ".join(sorted(needs.keys() - {*missing}))
    return _Finding("extras", have + (f"; not installed: {', '.join(missing)}" if missing else ""))


def _is_installed(name: str) -> bool:
    try:
        return bool(metadata.version(name))
    except metadata.PackageNotFoundError:
        return False


def _tried(name: str, look: Callable[[], str]) -> _Finding:
    """Return what a look finds, or its error."""
    try:
        return _Finding(name, look())
    except (NanoBananaEditError, httpx2.HTTPError, OSError) as error:
        return _Finding(name, said(error, {}), ok=False)


def _reached(url: str) -> str:
    """Return how a host answers a request without the token."""
    proxy = Proxies().of(httpx2.URL(url))
    headers = {"User-Agent": USER_AGENT}
    through = f", through the proxy {without_password(str(proxy.url))}" if proxy else ""
    with from_environment():
        http = http_client()
    with http:
        try:
            with http.stream("GET", url, headers=headers, timeout=_SECONDS) as response:
                return f"{url} answers {response.status_code}{_tls(response)}{through}"
        except httpx2.HTTPError as error:
            raise OSError(f"{url} cannot be reached ({type(error).__name__}: {error}){through}") from error


def _tls(response: httpx2.Response) -> str:
    stream = response.extensions.get("network_stream")
    each: Any = stream and (stream.get_extra_info("ssl_object") or stream.get_extra_info("socket"))
    if not hasattr(each, "getpeercert"):
        return ""
    certificate = each.getpeercert() or {}  # empty where the system has checked it, and not OpenSSL
    issuer = [name[0][1] for name in certificate.get("issuer", ()) if name[0][0] in ("organizationName", "commonName")]
    return f", {each.version()}, certificate of {', '.join(issuer)} until {certificate.get('notAfter')}"


def _polled(settings: Settings) -> str:
    """Return that the token is not refused. Raises the error of the service if it is."""
    names = ("token", "base_url", "files_url", "allow_http", "timeout", "max_retries")
    with NanoBananaEdit(**{name: getattr(settings, name) for name in names}) as client:
        try:
            client.get_task(_NO_TASK)
        except APIStatusError as error:
            if error.status_code in (401, 403) or error.status_code >= 500:
                raise
    return f"not refused by {settings.base_url}"


def _counted(ledger: str) -> str:
    with opened(ledger, must_exist=True) as known:
        return f"{without_password(ledger)} has {sum(known.counts().values()):,} rows, {known.billed():,} billed"
