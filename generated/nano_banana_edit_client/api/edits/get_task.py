from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import quote

import httpx2

from ...client import AuthenticatedClient, Client
from ...models.error import Error
from ...models.task import Task
from ...types import Response


def request_kwargs(
    id: str,
) -> dict[str, Any]:
    """Build the request: method, path and content, to be completed by the client's `request_kwargs`"""

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/tasks/{id}".format(
            id=quote(str(id), safe=""),
        ),
    }

    return _kwargs


def _parse(*, client: AuthenticatedClient | Client, response: httpx2.Response) -> Error | Task:
    if response.status_code == 200:
        response_200 = Task.from_dict(response.json())

        return response_200

    response_default = Error.from_dict(response.json())

    return response_default


def parse_response(*, client: AuthenticatedClient | Client, response: httpx2.Response) -> Response[Error | Task]:
    """Parse a response that was read to its end: its body is read when `parsed` is asked for"""
    return Response(
        status_code=response.status_code,
        content=response.content,
        headers=response.headers,
        parse=partial(_parse, client=client, response=response),
    )


def sync_detailed(
    id: str,
    *,
    client: AuthenticatedClient,
) -> Response[Error | Task]:
    """Get a task

     Poll a task once. All image generation is asynchronous.

    Args:
        id (str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx2.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Error | Task]
    """

    kwargs = request_kwargs(
        id=id,
    )

    response = client.get_httpx_client().request(**client.request_kwargs(kwargs), **client.request_options())

    return parse_response(client=client, response=response)


def sync(
    id: str,
    *,
    client: AuthenticatedClient,
) -> Error | Task | None:
    """Get a task

     Poll a task once. All image generation is asynchronous.

    Args:
        id (str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx2.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Error | Task
    """

    return sync_detailed(
        id=id,
        client=client,
    ).parsed


async def asyncio_detailed(
    id: str,
    *,
    client: AuthenticatedClient,
) -> Response[Error | Task]:
    """Get a task

     Poll a task once. All image generation is asynchronous.

    Args:
        id (str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx2.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Error | Task]
    """

    kwargs = request_kwargs(
        id=id,
    )

    response = await client.get_async_httpx_client().request(
        **client.request_kwargs(kwargs), **client.request_options()
    )

    return parse_response(client=client, response=response)


async def asyncio(
    id: str,
    *,
    client: AuthenticatedClient,
) -> Error | Task | None:
    """Get a task

     Poll a task once. All image generation is asynchronous.

    Args:
        id (str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx2.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Error | Task
    """

    return (
        await asyncio_detailed(
            id=id,
            client=client,
        )
    ).parsed
