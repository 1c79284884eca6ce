"""The five layers that must give the document's verdict on a body of createEdit, and how to ask each of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, TypeAlias

import httpx
from attrs import frozen
from nano_banana_edit import AsyncNanoBananaEdit, InvalidRequest, NanoBananaEdit
from nano_banana_edit_client.errors import ConstraintViolation
from nano_banana_edit_client.models import EditRequest
from nano_banana_edit_mock import MockServer, MockService, mock_router, mock_transport

Body = dict[str, Any]
_ARGUMENTS = ("image_size", "output_format")


@frozen
class Verdict:
    """What a layer says of a body.

    Attributes:
        accepted: Whether it took the body.
        field: The property it blames; None if it blames none.
        received: What reached the service; None if nothing did.
    """

    accepted: bool
    field: str | None = None
    received: Body | None = None


Layer: TypeAlias = Callable[[Body], Verdict]


_SERVICE = MockService()


def fresh() -> MockService:
    """The service of the layers in process, which has seen nothing yet."""
    _SERVICE.reset()
    return _SERVICE


def _root(field: str | None) -> str | None:
    return field.partition("[")[0] if field else None


def model(body: Body) -> Verdict:
    """The generated model."""
    try:
        return Verdict(True, received=EditRequest.from_dict(body).to_dict())
    except ConstraintViolation as error:
        return Verdict(False, _root(error.field))


def _arguments(body: Body) -> dict[str, Any]:
    extra = {name: value for name, value in body.items() if name not in ("image_urls", "prompt", *_ARGUMENTS)}
    options = {name: body[name] for name in _ARGUMENTS if name in body}
    return {"images": body["image_urls"], "prompt": body["prompt"], "extra_body": extra, **options}


def _wrapper_verdict(body: Body, submit: Callable[[MockService, dict[str, Any]], object]) -> Verdict:
    missing = [name for name in ("image_urls", "prompt") if name not in body]
    if missing:
        return Verdict(False, missing[0])  # Python's own signature refuses the call; test_public shows it
    service = fresh()
    try:
        submit(service, _arguments(body))
    except InvalidRequest as error:
        assert () == service.requests
        field = _root(error.field)
        return Verdict(False, "image_urls" if field == "images" else field)
    return Verdict(True, received=service.edits[-1].body)


def sync_wrapper(body: Body) -> Verdict:
    """The sync client."""

    def submit(service: MockService, arguments: dict[str, Any]) -> object:
        with httpx.Client(transport=mock_transport(service)) as http:
            return NanoBananaEdit(token="t", http_client=http).submit(**arguments)

    return _wrapper_verdict(body, submit)


def async_wrapper(body: Body) -> Verdict:
    """The async client."""

    async def run(service: MockService, arguments: dict[str, Any]) -> object:
        async with httpx.AsyncClient(transport=mock_transport(service)) as http:
            return await AsyncNanoBananaEdit(token="t", http_client=http).submit(**arguments)

    return _wrapper_verdict(body, lambda service, arguments: asyncio.run(run(service, arguments)))


def _raw_verdict(post: Callable[..., httpx.Response], url: str, service: MockService, body: Body) -> Verdict:
    headers = {"Authorization": "Bearer t", "Content-Type": "application/json"}
    response = post(url, headers=headers, content=json.dumps(body).encode())
    if response.status_code == 200:
        return Verdict(True, received=service.edits[-1].body)
    assert 400 == response.status_code
    return Verdict(False, service.requests[-1].violations[0].field)


def router(body: Body) -> Verdict:
    """The mock as a respx router."""
    service = fresh()
    with mock_router(service), httpx.Client(transport=httpx.HTTPTransport(verify=False)) as http:
        return _raw_verdict(http.post, "https://api.sinancode.com/v1/generate/k/nano-banana-edit", service, body)


def port(server: MockServer, http: httpx.Client) -> Layer:
    """The mock on a real port."""
    url = f"{server.url}/generate/k/nano-banana-edit"
    return lambda body: _raw_verdict(http.post, url, server.service, body)


IN_PROCESS: list[Layer] = [model, sync_wrapper, async_wrapper, router]
