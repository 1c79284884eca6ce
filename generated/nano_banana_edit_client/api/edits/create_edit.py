from __future__ import annotations

from functools import partial
from typing import Any

import httpx2

from ...client import AuthenticatedClient, Client
from ...models.edit_accepted import EditAccepted
from ...models.edit_request import EditRequest
from ...models.error import Error
from ...types import Response


def request_kwargs(
    *,
    body: EditRequest,
) -> dict[str, Any]:
    """Build the request: method, path and content, to be completed by the client's `request_kwargs`"""
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/generate/k/nano-banana-edit",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse(*, client: AuthenticatedClient | Client, response: httpx2.Response) -> EditAccepted | Error:
    if response.status_code == 200:
        response_200 = EditAccepted.from_dict(response.json())

        return response_200

    response_default = Error.from_dict(response.json())

    return response_default


def parse_response(
    *, client: AuthenticatedClient | Client, response: httpx2.Response
) -> Response[EditAccepted | Error]:
    """Parse a response that was read to its end: its body is read when `parsed` is asked for"""
    return Response(
        status_code=response.status_code,
        content=response.content,
        headers=response.headers,
        parse=partial(_parse, client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: EditRequest,
) -> Response[EditAccepted | Error]:
    """Create an edit

     Submit images and an instruction; the response holds the id of a task to poll. Every accepted
    submission is billed, and there is no idempotency key.

    Args:
        body (EditRequest): The images to edit and the instruction.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx2.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[EditAccepted | Error]
    """

    kwargs = request_kwargs(
        body=body,
    )

    response = client.get_httpx_client().request(**client.request_kwargs(kwargs), **client.request_options())

    return parse_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    body: EditRequest,
) -> EditAccepted | Error | None:
    """Create an edit

     Submit images and an instruction; the response holds the id of a task to poll. Every accepted
    submission is billed, and there is no idempotency key.

    Args:
        body (EditRequest): The images to edit and the instruction.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx2.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        EditAccepted | Error
    """

    return sync_detailed(
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: EditRequest,
) -> Response[EditAccepted | Error]:
    """Create an edit

     Submit images and an instruction; the response holds the id of a task to poll. Every accepted
    submission is billed, and there is no idempotency key.

    Args:
        body (EditRequest): The images to edit and the instruction.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx2.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[EditAccepted | Error]
    """

    kwargs = request_kwargs(
        body=body,
    )

    response = await client.get_async_httpx_client().request(
        **client.request_kwargs(kwargs), **client.request_options()
    )

    return parse_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    body: EditRequest,
) -> EditAccepted | Error | None:
    """Create an edit

     Submit images and an instruction; the response holds the id of a task to poll. Every accepted
    submission is billed, and there is no idempotency key.

    Args:
        body (EditRequest): The images to edit and the instruction.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx2.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        EditAccepted | Error
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
        )
    ).parsed
