from __future__ import annotations

from functools import partial
from typing import Any

import httpx2

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.print_ import Print
from ...types import Response


def request_kwargs(
    *,
    body: Print,
) -> dict[str, Any]:
    """Build the request: method, path and content, to be completed by the client's `request_kwargs`"""
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/prints",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse(*, client: AuthenticatedClient | Client, response: httpx2.Response) -> Any | None:
    if response.status_code == 202:
        return None

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def parse_response(*, client: AuthenticatedClient | Client, response: httpx2.Response) -> Response[Any]:
    """Parse a response that was read to its end: its body is read when `parsed` is asked for"""
    return Response(
        status_code=response.status_code,
        content=response.content,
        headers=response.headers,
        parse=partial(_parse, client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: Print,
) -> Response[Any]:
    """
    Args:
        body (Print): What to print, and how.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx2.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any]
    """

    kwargs = request_kwargs(
        body=body,
    )

    response = client.get_httpx_client().request(**client.request_kwargs(kwargs), **client.request_options())

    return parse_response(client=client, response=response)


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: Print,
) -> Response[Any]:
    """
    Args:
        body (Print): What to print, and how.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx2.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any]
    """

    kwargs = request_kwargs(
        body=body,
    )

    response = await client.get_async_httpx_client().request(
        **client.request_kwargs(kwargs), **client.request_options()
    )

    return parse_response(client=client, response=response)
