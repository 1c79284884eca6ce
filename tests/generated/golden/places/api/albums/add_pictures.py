from __future__ import annotations

from functools import partial
from typing import Any, cast
from urllib.parse import quote

import httpx2

from ...client import AuthenticatedClient, Client
from ...models.links import Links
from ...models.pictures import Pictures
from ...models.receipt import Receipt
from ...models.refusal import Refusal
from ...models.size import Size
from ...types import UNSET, Response, Unset


def request_kwargs(
    page: int,
    *,
    body: Links | Pictures | Unset = UNSET,
    size: Size | Unset = UNSET,
    tag: list[str] | Unset = UNSET,
    x_dry_run: bool | Unset = UNSET,
) -> dict[str, Any]:
    """Build the request: method, path and content, to be completed by the client's `request_kwargs`"""
    headers: dict[str, Any] = {}
    if not isinstance(x_dry_run, Unset):
        headers["X-Dry-Run"] = "true" if x_dry_run else "false"

    params: dict[str, Any] = {}

    json_size: str | Unset = UNSET
    if not isinstance(size, Unset):
        json_size = size

    params["size"] = json_size

    json_tag: list[str] | Unset = UNSET
    if not isinstance(tag, Unset):
        json_tag = tag

    params["tag"] = json_tag

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/albums/{page}".format(
            page=quote(str(page), safe=""),
        ),
        "params": params,
    }

    if isinstance(body, Links):
        _kwargs["json"] = body.to_dict()

        headers["Content-Type"] = "application/json"
    if isinstance(body, Pictures):
        _kwargs["files"] = body.to_multipart()

    _kwargs["headers"] = headers
    return _kwargs


def _parse(*, client: AuthenticatedClient | Client, response: httpx2.Response) -> Any | Receipt | Refusal:
    if response.status_code == 200:
        response_200 = Receipt.from_dict(response.json())

        return response_200

    if response.status_code == 204:
        response_204 = cast(Any, None)
        return response_204

    if 400 <= response.status_code <= 499:
        response_4xx = Refusal.from_dict(response.json())

        return response_4xx

    response_default = cast(Any, None)
    return response_default


def parse_response(
    *, client: AuthenticatedClient | Client, response: httpx2.Response
) -> Response[Any | Receipt | Refusal]:
    """Parse a response that was read to its end: its body is read when `parsed` is asked for"""
    return Response(
        status_code=response.status_code,
        content=response.content,
        headers=response.headers,
        parse=partial(_parse, client=client, response=response),
    )


def sync_detailed(
    page: int,
    *,
    client: AuthenticatedClient,
    body: Links | Pictures | Unset = UNSET,
    size: Size | Unset = UNSET,
    tag: list[str] | Unset = UNSET,
    x_dry_run: bool | Unset = UNSET,
) -> Response[Any | Receipt | Refusal]:
    """
    Args:
        page (int):
        size (Size | Unset):
        tag (list[str] | Unset):
        x_dry_run (bool | Unset):
        body (Links):
        body (Pictures):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx2.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | Receipt | Refusal]
    """

    kwargs = request_kwargs(
        page=page,
        body=body,
        size=size,
        tag=tag,
        x_dry_run=x_dry_run,
    )

    response = client.get_httpx_client().request(**client.request_kwargs(kwargs), **client.request_options())

    return parse_response(client=client, response=response)


def sync(
    page: int,
    *,
    client: AuthenticatedClient,
    body: Links | Pictures | Unset = UNSET,
    size: Size | Unset = UNSET,
    tag: list[str] | Unset = UNSET,
    x_dry_run: bool | Unset = UNSET,
) -> Any | Receipt | Refusal | None:
    """
    Args:
        page (int):
        size (Size | Unset):
        tag (list[str] | Unset):
        x_dry_run (bool | Unset):
        body (Links):
        body (Pictures):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx2.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | Receipt | Refusal
    """

    return sync_detailed(
        page=page,
        client=client,
        body=body,
        size=size,
        tag=tag,
        x_dry_run=x_dry_run,
    ).parsed


async def asyncio_detailed(
    page: int,
    *,
    client: AuthenticatedClient,
    body: Links | Pictures | Unset = UNSET,
    size: Size | Unset = UNSET,
    tag: list[str] | Unset = UNSET,
    x_dry_run: bool | Unset = UNSET,
) -> Response[Any | Receipt | Refusal]:
    """
    Args:
        page (int):
        size (Size | Unset):
        tag (list[str] | Unset):
        x_dry_run (bool | Unset):
        body (Links):
        body (Pictures):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx2.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | Receipt | Refusal]
    """

    kwargs = request_kwargs(
        page=page,
        body=body,
        size=size,
        tag=tag,
        x_dry_run=x_dry_run,
    )

    response = await client.get_async_httpx_client().request(
        **client.request_kwargs(kwargs), **client.request_options()
    )

    return parse_response(client=client, response=response)


async def asyncio(
    page: int,
    *,
    client: AuthenticatedClient,
    body: Links | Pictures | Unset = UNSET,
    size: Size | Unset = UNSET,
    tag: list[str] | Unset = UNSET,
    x_dry_run: bool | Unset = UNSET,
) -> Any | Receipt | Refusal | None:
    """
    Args:
        page (int):
        size (Size | Unset):
        tag (list[str] | Unset):
        x_dry_run (bool | Unset):
        body (Links):
        body (Pictures):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx2.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | Receipt | Refusal
    """

    return (
        await asyncio_detailed(
            page=page,
            client=client,
            body=body,
            size=size,
            tag=tag,
            x_dry_run=x_dry_run,
        )
    ).parsed
