"""The proxies that the environment names, and the hosts that go past them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import ip_address, ip_network
from urllib.request import getproxies

import httpx2

from ._errors import InvalidRequest
from ._settings import is_loopback, parse_url


class Proxies:
    """`HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, or what the system says in their place."""

    def __init__(self) -> None:
        found = getproxies()
        self._past = found.pop("no", "").lower().replace(",", " ").split()
        self._by_scheme = {
            scheme: _proxy(scheme, url) for scheme, url in found.items() if scheme in ("http", "https", "all") and url
        }

    def __iter__(self) -> Iterator[httpx2.Proxy]:
        return iter(self._by_scheme.values())

    def of(self, url: httpx2.URL) -> httpx2.Proxy | None:
        """Return the proxy for a URL; there is none for this machine, or a host that NO_PROXY names."""
        proxy = self._by_scheme.get(url.scheme) or self._by_scheme.get("all")
        if proxy is None or is_loopback(url.host) or any(_names(entry, url) for entry in self._past):
            return None
        return proxy


def _proxy(scheme: str, url: str) -> httpx2.Proxy:
    with suppress(httpx2.InvalidURL, ValueError):
        proxy = httpx2.Proxy(url if "://" in url else f"http://{url}")
        if (
            parse_url(str(proxy.url)) and proxy.url.host and "@" not in str(proxy.url)
        ):  # otherwise a part of the password is taken for the path
            return proxy
    variable = next((name for name in os.environ if name.lower() == f"{scheme}_proxy"), f"the system's {scheme} proxy")
    raise InvalidRequest(  # no error of a parser is its cause, as those quote what may be the password
        f"{variable} cannot be used as a proxy; it must be a URL such as http://host:port. Percent-encode special "
        "characters of a password. Correct or unset the variable, or pass an http_client.",
        field=variable,
    )


def _names(entry: str, url: httpx2.URL) -> bool:
    """Return whether an entry of NO_PROXY names a URL's host: `*`, a domain, an address or a network, with a port."""
    entry = entry.partition("://")[2] or entry
    has_port = re.fullmatch(r"([^:]+|\[.+\]):(\d+)", entry)
    name, port = has_port.groups() if has_port else (entry, None)
    name = re.sub(r"[][]|\.+$", "", name)
    if port not in (None, str(url.port or {"http": 80, "https": 443}[url.scheme])):
        return False
    try:
        address = ip_address(url.host)
    except ValueError:
        hosts = [host.rstrip(".") for host in (url.host, url.raw_host.decode())]
        if name.startswith("*"):
            return any(host.endswith(name[1:]) for host in hosts)
        return any(f".{host}".endswith(f".{name.lstrip('.')}") for host in hosts)
    with suppress(ValueError):
        return address in ip_network(name, strict=False)
    return name == "*"
