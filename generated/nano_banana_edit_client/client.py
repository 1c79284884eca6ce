import ssl
from typing import Any, Self

import httpx2
from attrs import define, evolve, field


def _as_it_is(request: httpx2.Request) -> httpx2.Request:
    """Authenticate a request by its headers alone, whatever its URL or an httpx2 client that was handed in say"""
    return request


@define
class Client:
    """A class for keeping track of data related to the API

    The following are accepted as keyword arguments and will be used to construct httpx2 Clients internally:

        ``base_url``: The base URL for the API, all requests are made to a relative path to this URL

        ``cookies``: A dictionary of cookies to be sent with every request

        ``headers``: A dictionary of headers to be sent with every request

        ``timeout``: The maximum amount of a time a request can take. API functions will raise
        httpx2.TimeoutException if this is exceeded.

        ``verify_ssl``: Whether or not to verify the SSL certificate of the API server. This should be True in production,
        but can be set to False for testing purposes.

        ``follow_redirects``: Whether or not to follow redirects. Default value is False.

        ``httpx_args``: A dictionary of additional arguments to be passed to the ``httpx2.Client`` and ``httpx2.AsyncClient`` constructor.


    Attributes:
        raise_on_unexpected_status: Whether or not to raise an errors.UnexpectedStatus if the API returns a
            status code that was not documented in the source OpenAPI document. Can also be provided as a keyword
            argument to the constructor.
    """

    raise_on_unexpected_status: bool = field(default=False, kw_only=True)
    _base_url: str = field(alias="base_url")
    _cookies: dict[str, str] = field(factory=dict, kw_only=True, alias="cookies", repr=False)
    _headers: dict[str, str] = field(factory=dict, kw_only=True, alias="headers", repr=False)
    _timeout: httpx2.Timeout | None = field(default=httpx2.Timeout(60, connect=10), kw_only=True, alias="timeout")
    _verify_ssl: str | bool | ssl.SSLContext = field(default=True, kw_only=True, alias="verify_ssl")
    _follow_redirects: bool = field(default=False, kw_only=True, alias="follow_redirects")
    _httpx_args: dict[str, Any] = field(factory=dict, kw_only=True, alias="httpx_args", repr=False)
    _client: httpx2.Client | None = field(default=None, init=False)
    _async_client: httpx2.AsyncClient | None = field(default=None, init=False)

    def _with(self, **changes: Any) -> "Client":
        copy = evolve(self, **changes)
        copy._client = self._client
        copy._async_client = self._async_client
        return copy

    def with_headers(self, headers: dict[str, str]) -> "Client":
        """Get a client with additional headers, which shares the connections of this one"""
        return self._with(headers={**self._headers, **headers})

    def with_timeout(self, timeout: httpx2.Timeout) -> "Client":
        """Get a client with another timeout, which shares the connections of this one"""
        return self._with(timeout=timeout)

    def request_kwargs(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        """Complete what an operation's `request_kwargs` returns: base URL and headers of this client

        The result is for `httpx2.Request`, or for `httpx2.Client.request` with `request_options` beside it.
        """
        headers = {**self._headers, **kwargs.get("headers", {})}
        return {
            **kwargs,
            "url": self._base_url.rstrip("/") + kwargs["url"],
            "headers": httpx2.Headers(headers),  # whose repr hides the token: tracebacks show local variables
        }

    def request_options(self) -> dict[str, Any]:
        """How to send a request: with the token in its headers alone, and with timeout and redirects of this client"""
        return {"auth": _as_it_is, "follow_redirects": self._follow_redirects, "timeout": self._timeout}

    def set_httpx_client(self, client: httpx2.Client) -> Self:
        """Manually set the underlying httpx2.Client

        Its cookies, TLS and proxies apply; base URL, headers, timeout and redirects stay those of this client.
        """
        self._client = client
        return self

    def get_httpx_client(self) -> httpx2.Client:
        """Get the underlying httpx2.Client, constructing a new one if not previously set"""
        if self._client is None:
            self._client = httpx2.Client(cookies=self._cookies, verify=self._verify_ssl, **self._httpx_args)
        return self._client

    def __enter__(self) -> Self:
        """Enter a context manager for self.client—you cannot enter twice (see httpx2 docs)"""
        self.get_httpx_client().__enter__()
        return self

    def __exit__(self, *args: Any, **kwargs: Any) -> None:
        """Exit a context manager for internal httpx2.Client (see httpx2 docs)"""
        self.get_httpx_client().__exit__(*args, **kwargs)

    def set_async_httpx_client(self, async_client: httpx2.AsyncClient) -> Self:
        """Manually set the underlying httpx2.AsyncClient

        Its cookies, TLS and proxies apply; base URL, headers, timeout and redirects stay those of this client.
        """
        self._async_client = async_client
        return self

    def get_async_httpx_client(self) -> httpx2.AsyncClient:
        """Get the underlying httpx2.AsyncClient, constructing a new one if not previously set"""
        if self._async_client is None:
            self._async_client = httpx2.AsyncClient(cookies=self._cookies, verify=self._verify_ssl, **self._httpx_args)
        return self._async_client

    async def __aenter__(self) -> Self:
        """Enter a context manager for underlying httpx2.AsyncClient—you cannot enter twice (see httpx2 docs)"""
        await self.get_async_httpx_client().__aenter__()
        return self

    async def __aexit__(self, *args: Any, **kwargs: Any) -> None:
        """Exit a context manager for underlying httpx2.AsyncClient (see httpx2 docs)"""
        await self.get_async_httpx_client().__aexit__(*args, **kwargs)


@define
class AuthenticatedClient:
    """A Client which has been authenticated for use on secured endpoints

    The following are accepted as keyword arguments and will be used to construct httpx2 Clients internally:

        ``base_url``: The base URL for the API, all requests are made to a relative path to this URL

        ``cookies``: A dictionary of cookies to be sent with every request

        ``headers``: A dictionary of headers to be sent with every request

        ``timeout``: The maximum amount of a time a request can take. API functions will raise
        httpx2.TimeoutException if this is exceeded.

        ``verify_ssl``: Whether or not to verify the SSL certificate of the API server. This should be True in production,
        but can be set to False for testing purposes.

        ``follow_redirects``: Whether or not to follow redirects. Default value is False.

        ``httpx_args``: A dictionary of additional arguments to be passed to the ``httpx2.Client`` and ``httpx2.AsyncClient`` constructor.


    Attributes:
        raise_on_unexpected_status: Whether or not to raise an errors.UnexpectedStatus if the API returns a
            status code that was not documented in the source OpenAPI document. Can also be provided as a keyword
            argument to the constructor.
        token: The token to use for authentication
        prefix: The prefix to use for the Authorization header
        auth_header_name: The name of the Authorization header
    """

    raise_on_unexpected_status: bool = field(default=False, kw_only=True)
    _base_url: str = field(alias="base_url")
    _cookies: dict[str, str] = field(factory=dict, kw_only=True, alias="cookies", repr=False)
    _headers: dict[str, str] = field(factory=dict, kw_only=True, alias="headers", repr=False)
    _timeout: httpx2.Timeout | None = field(default=httpx2.Timeout(60, connect=10), kw_only=True, alias="timeout")
    _verify_ssl: str | bool | ssl.SSLContext = field(default=True, kw_only=True, alias="verify_ssl")
    _follow_redirects: bool = field(default=False, kw_only=True, alias="follow_redirects")
    _httpx_args: dict[str, Any] = field(factory=dict, kw_only=True, alias="httpx_args", repr=False)
    _client: httpx2.Client | None = field(default=None, init=False)
    _async_client: httpx2.AsyncClient | None = field(default=None, init=False)

    token: str = field(repr=False)
    prefix: str = "Bearer"
    auth_header_name: str = "Authorization"

    def _with(self, **changes: Any) -> "AuthenticatedClient":
        copy = evolve(self, **changes)
        copy._client = self._client
        copy._async_client = self._async_client
        return copy

    def with_headers(self, headers: dict[str, str]) -> "AuthenticatedClient":
        """Get a client with additional headers, which shares the connections of this one"""
        return self._with(headers={**self._headers, **headers})

    def with_timeout(self, timeout: httpx2.Timeout) -> "AuthenticatedClient":
        """Get a client with another timeout, which shares the connections of this one"""
        return self._with(timeout=timeout)

    def request_kwargs(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        """Complete what an operation's `request_kwargs` returns: base URL and headers of this client

        The result is for `httpx2.Request`, or for `httpx2.Client.request` with `request_options` beside it.
        """
        headers = {**self._headers, **kwargs.get("headers", {})}
        headers[self.auth_header_name] = f"{self.prefix} {self.token}" if self.prefix else self.token
        return {
            **kwargs,
            "url": self._base_url.rstrip("/") + kwargs["url"],
            "headers": httpx2.Headers(headers),  # whose repr hides the token: tracebacks show local variables
        }

    def request_options(self) -> dict[str, Any]:
        """How to send a request: with the token in its headers alone, and with timeout and redirects of this client"""
        return {"auth": _as_it_is, "follow_redirects": self._follow_redirects, "timeout": self._timeout}

    def set_httpx_client(self, client: httpx2.Client) -> Self:
        """Manually set the underlying httpx2.Client

        Its cookies, TLS and proxies apply; base URL, headers, timeout and redirects stay those of this client.
        """
        self._client = client
        return self

    def get_httpx_client(self) -> httpx2.Client:
        """Get the underlying httpx2.Client, constructing a new one if not previously set"""
        if self._client is None:
            self._client = httpx2.Client(cookies=self._cookies, verify=self._verify_ssl, **self._httpx_args)
        return self._client

    def __enter__(self) -> Self:
        """Enter a context manager for self.client—you cannot enter twice (see httpx2 docs)"""
        self.get_httpx_client().__enter__()
        return self

    def __exit__(self, *args: Any, **kwargs: Any) -> None:
        """Exit a context manager for internal httpx2.Client (see httpx2 docs)"""
        self.get_httpx_client().__exit__(*args, **kwargs)

    def set_async_httpx_client(self, async_client: httpx2.AsyncClient) -> Self:
        """Manually set the underlying httpx2.AsyncClient

        Its cookies, TLS and proxies apply; base URL, headers, timeout and redirects stay those of this client.
        """
        self._async_client = async_client
        return self

    def get_async_httpx_client(self) -> httpx2.AsyncClient:
        """Get the underlying httpx2.AsyncClient, constructing a new one if not previously set"""
        if self._async_client is None:
            self._async_client = httpx2.AsyncClient(cookies=self._cookies, verify=self._verify_ssl, **self._httpx_args)
        return self._async_client

    async def __aenter__(self) -> Self:
        """Enter a context manager for underlying httpx2.AsyncClient—you cannot enter twice (see httpx2 docs)"""
        await self.get_async_httpx_client().__aenter__()
        return self

    async def __aexit__(self, *args: Any, **kwargs: Any) -> None:
        """Exit a context manager for underlying httpx2.AsyncClient (see httpx2 docs)"""
        await self.get_async_httpx_client().__aexit__(*args, **kwargs)
