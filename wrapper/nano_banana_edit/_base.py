"""What both clients have in common: settings, connections, options."""

from __future__ import annotations

import inspect
import os
from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

import httpx2
from attrs import evolve
from nano_banana_edit_client.constraints import shorten
from nano_banana_edit_client.types import UNSET, Unset

from ._clock import Deadline
from ._errors import NOT_ASYNC, InvalidRequest, must_be
from ._settings import TOKEN_VARIABLE, Seconds, Settings, check_seconds, in_seconds, resolve

if TYPE_CHECKING:
    from ._async_driver import AsyncDriver
    from ._driver import Driver
    from ._once import Key
    from ._operations import Context, OnProgress
    from .ledger import Ledger

_DriverT = TypeVar("_DriverT", "Driver", "AsyncDriver")
_HttpT = TypeVar("_HttpT", httpx2.Client, httpx2.AsyncClient)


class Lazy:
    """A module of this package that is loaded when it is first used, so that importing a client stays cheap."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        found = getattr(import_module(f".{self._name}", __package__), attribute)
        vars(self)[attribute] = found  # so that the next call does not come here
        return found


_operations, _once = Lazy("_operations"), Lazy("_once")


def _checked_ledger(ledger: object) -> Ledger | None:
    if ledger is None:
        return None
    try:
        from .ledger import Ledger  # noqa: PLC0415 - comes with an extra
    except ModuleNotFoundError as missing:
        raise InvalidRequest(f"{missing}.", field="ledger") from missing
    if isinstance(ledger, Ledger):
        return ledger
    raise must_be("a Ledger of nano_banana_edit.ledger, such as Ledger('edits.db')", "ledger", ledger)


def checked(http: _HttpT, kind: type[_HttpT]) -> _HttpT:
    """Return an http_client if it is of the kind that its client needs."""
    if isinstance(http, kind):
        return http
    wanted = f"httpx2.{kind.__name__}"
    of_httpx = any(base.__module__.partition(".")[0] == "httpx" for base in type(http).__mro__)
    remedy = f" httpx2 is the successor of httpx: write {wanted}(...) with the same arguments." if of_httpx else ""
    raise InvalidRequest(f"http_client is {shorten(http)}; it must be an {wanted}.{remedy}", field="http_client")


class BaseClient(ABC, Generic[_DriverT, _HttpT]):
    """What both clients have in common."""

    def __init__(
        self,
        *,
        token: str | None = None,
        base_url: str | None = None,
        files_url: str | None = None,
        allow_http: bool | None = None,
        timeout: Seconds | None = 600.0,
        attempt_timeout: Seconds | None = None,
        max_retries: int = 3,
        retry_rate_limited: bool = True,
        poll_interval: Seconds = 2.0,
        http_client: _HttpT | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        settings = resolve(
            token=token,
            base_url=base_url,
            files_url=files_url,
            allow_http=allow_http,
            timeout=timeout,
            attempt_timeout=attempt_timeout,
            max_retries=max_retries,
            retry_rate_limited=retry_rate_limited,
            poll_interval=poll_interval,
        )
        self._ledger = _checked_ledger(ledger)
        self._set_up(settings, http_client)

    __init__.__qualname__ = "(Async)NanoBananaEdit"  # which Python names if an argument is unknown

    def _set_up(self, settings: Settings, http_client: _HttpT | None) -> None:
        self._http_is_given = http_client is not None
        self._owns_http = not self._http_is_given
        self._driver: _DriverT = self._drive(settings, http_client)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __getstate__(self) -> Settings:
        """Return what another process needs to make such a client: the settings, which pickle without the token."""
        if self._http_is_given:
            raise TypeError("A client with your own http_client cannot be pickled; make one in the other process.")
        if self._ledger is not None:
            raise TypeError("A client with a ledger cannot be pickled; make both in the other process.")
        settings: Settings = self._driver.settings
        return settings

    def __setstate__(self, settings: Settings) -> None:
        self._ledger = None
        self._set_up(settings, None)

    @abstractmethod
    def _drive(self, settings: Settings, http: _HttpT | None) -> _DriverT: ...

    def __repr__(self) -> str:
        settings = self._driver.settings
        return f"<{type(self).__name__} base_url={settings.base_url!r} timeout={settings.timeout}>"

    def _changed(self, **changes: Any) -> _DriverT:
        """Return the driver with other settings; that of a pickled client takes its token from the environment."""
        if not self._driver.settings.token:
            changes = {"token": os.environ.get(TOKEN_VARIABLE, ""), **changes}
            if not changes["token"]:
                raise InvalidRequest(
                    f"No API token: a pickled client carries none. Set {TOKEN_VARIABLE} in this process too.",
                    field="token",
                )
        return replace(self._driver, settings=evolve(self._driver.settings, **changes)) if changes else self._driver

    def with_options(
        self,
        *,
        token: str | Unset = UNSET,
        timeout: Seconds | Unset | None = UNSET,
        attempt_timeout: Seconds | Unset | None = UNSET,
        max_retries: int | Unset = UNSET,
        retry_rate_limited: bool | Unset = UNSET,
        poll_interval: Seconds | Unset = UNSET,
        ledger: Ledger | Unset | None = UNSET,
    ) -> Self:
        """Return a client with other settings, which shares the connections of this one.

        Args:
            token: As in the constructor.
            timeout: Seconds or a timedelta, or None for no limit.
            attempt_timeout: Seconds or a timedelta, or None for the default.
            max_retries: At least 0.
            retry_rate_limited: Whether a request that got 429 is sent again.
            poll_interval: Seconds or a timedelta.
            ledger: A ledger, or None for a client without one.

        Returns:
            A client of the same kind. Closing it leaves this one open; closing this one closes both.

        Raises:
            InvalidRequest: A setting is not usable.
        """
        options = {
            "token": token,
            "timeout": timeout,
            "attempt_timeout": attempt_timeout,
            "max_retries": max_retries,
            "retry_rate_limited": retry_rate_limited,
            "poll_interval": poll_interval,
        }
        changes: dict[str, Any] = {name: value for name, value in options.items() if not isinstance(value, Unset)}
        other = object.__new__(type(self))
        vars(other).update(vars(self))
        other._driver = self._changed(**changes)
        if not isinstance(ledger, Unset):
            other._ledger = _checked_ledger(ledger)
        other._owns_http = False
        return other

    def _context(
        self,
        timeout: Seconds | Unset | None = UNSET,
        on_progress: OnProgress | None = None,
        stop_on: Collection[str] | None = None,
        key: str | None = None,
        retry_failed: bool = False,
    ) -> Context:
        self._driver = self._changed()
        settings: Settings = self._driver.settings
        seconds: float | None = in_seconds(settings.timeout if isinstance(timeout, Unset) else timeout)
        check_seconds("timeout", seconds, optional=True)
        if on_progress is not None and not callable(on_progress):
            raise must_be("a function", "on_progress", on_progress)
        sync = isinstance(self._driver.http, httpx2.Client)
        if sync and any(map(inspect.iscoroutinefunction, (on_progress, type(on_progress).__call__))):
            raise must_be(NOT_ASYNC, "on_progress", on_progress)
        stop_on = () if stop_on is None else stop_on
        listed = isinstance(stop_on, Collection) and not isinstance(stop_on, str)
        if not listed or not all(isinstance(status, str) for status in stop_on):
            raise must_be("a list of statuses", "stop_on", stop_on)
        if "completed" in stop_on:  # whose result is paid for
            raise must_be("a list of statuses other than 'completed'", "stop_on", stop_on)
        context: type[Context] = _operations.Context
        return context(
            settings,
            Deadline(seconds),
            on_progress,
            frozenset(stop_on),
            self._ledger,
            self._key(key, retry_failed),
        )

    def _key(self, key: str | None, retry_failed: bool) -> Key | None:
        if not isinstance(retry_failed, bool):
            raise must_be("True or False", "retry_failed", retry_failed)
        if key is None:
            if retry_failed:
                raise InvalidRequest(
                    "retry_failed is for an edit with a key; pass key=... as well.", field="retry_failed"
                )
            return None
        if self._ledger is None:
            raise InvalidRequest(
                f"key is {shorten(key)}, but the client has no ledger. Pass one to the client: "
                f"{type(self).__name__}(ledger=Ledger('edits.db')), from nano_banana_edit.ledger.",
                field="key",
            )
        from .ledger import check_key  # noqa: PLC0415 - comes with an extra

        kind: type[Key] = _once.Key
        return kind(check_key(key), self._ledger, retry_failed)
