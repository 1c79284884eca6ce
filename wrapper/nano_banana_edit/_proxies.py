"""The proxies that the environment names, and the hosts that go past them."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from urllib.request import getproxies

import httpx2

from ._settings import is_loopback


class Proxies:
    """`HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, or what the system says in their place.

    Raises:
        ValueError: A proxy is not a URL, or its scheme is unknown.
    """

    def __init__(self) -> None:
        found = getproxies()
        self._past = [entry.strip().lower() for entry in found.pop("no", "").split(",") if entry.strip()]
        self._by_scheme = {
            scheme: httpx2.Proxy(url if "://" in url else f"http://{url}")
            for scheme, url in found.items()
            if scheme in ("http", "https", "all") and url
        }

    def __iter__(self) -> Iterator[httpx2.Proxy]:
        return iter(self._by_scheme.values())

    def of(self, url: httpx2.URL) -> httpx2.Proxy | None:
        """Return the proxy for a URL; there is none for this machine, or a host that NO_PROXY names."""
        proxy = self._by_scheme.get(url.scheme) or self._by_scheme.get("all")
        if proxy is None or is_loopback(url.host) or any(_names(entry, url) for entry in self._past):
            return None
        return proxy


def _names(entry: str, url: httpx2.URL) -> bool:
    """Return whether an entry of NO_PROXY names a URL's host: `*`, a domain, an address or a network, with a port."""
    try:
        return ip_address(url.host) in ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        domain, _, port = entry.rpartition(":") if entry[-1:].isdigit() and ":" in entry else (entry, "", "")
    domain = domain.partition("://")[2] or domain
    known_port = url.port or {"http": 80, "https": 443}[url.scheme]
    host = url.host.lower()
    return (not port or port == str(known_port)) and (
        domain in ("*", host, f"[{host}]") or host.endswith("." + domain.lstrip("."))
    )
