from __future__ import annotations

from functools import partial
from typing import Any

import httpx2

from ...client import AuthenticatedClient, Client
from ...models.error import Error
from ...models.file_upload import FileUpload
from ...models.uploaded_file import UploadedFile
from ...types import Response


def request_kwargs(
    *,
    body: FileUpload,
) -> dict[str, Any]:
    """Build the request: method, path and content, to be completed by the client's `request_kwargs`"""
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/upload/file",
    }

    _kwargs["files"] = body.to_multipart()

    _kwargs["headers"] = headers
    return _kwargs


def _parse(*, client: AuthenticatedClient | Client, response: httpx2.Response) -> Error | UploadedFile:
    if response.status_code == 200:
        response_200 = UploadedFile.from_dict(response.json())

        return response_200

    response_default = Error.from_dict(response.json())

    return response_default


def parse_response(
    *, client: AuthenticatedClient | Client, response: httpx2.Response
) -> Response[Error | UploadedFile]:
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
    body: FileUpload,
) -> Response[Error | UploadedFile]:
    """Upload a file

     Upload a file to use its URL in an edit. The file is temporary.

    Args:
        body (FileUpload):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx2.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Error | UploadedFile]
    """

    kwargs = request_kwargs(
        body=body,
    )

    response = client.get_httpx_client().request(**client.request_kwargs(kwargs), **client.request_options())

    return parse_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    body: FileUpload,
) -> Error | UploadedFile | None:
    """Upload a file

     Upload a file to use its URL in an edit. The file is temporary.

    Args:
        body (FileUpload):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx2.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Error | UploadedFile
    """

    return sync_detailed(
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: FileUpload,
) -> Response[Error | UploadedFile]:
    """Upload a file

     Upload a file to use its URL in an edit. The file is temporary.

    Args:
        body (FileUpload):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx2.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Error | UploadedFile]
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
    body: FileUpload,
) -> Error | UploadedFile | None:
    """Upload a file

     Upload a file to use its URL in an edit. The file is temporary.

    Args:
        body (FileUpload):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx2.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Error | UploadedFile
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
        )
    ).parsed
