"""The layers that must give the document's verdict on a body of createEdit, and how to ask each of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, TypeAlias
from unicodedata import category

import httpx2
from attrs import frozen
from nano_banana_edit import AsyncNanoBananaEdit, InvalidRequest, NanoBananaEdit
from nano_banana_edit_client.errors import ConstraintViolation
from nano_banana_edit_client.models import EditRequest
from nano_banana_edit_mock import MockServer, MockService, mock_router, mock_transport

from ..document import CONTRACT
from .strategies import BLANK

_ARGUMENTS = ("image_size", "output_format")
_CREATE = next(operation for operation in CONTRACT.operations if operation.id == "createEdit")


@frozen
class Verdict:
    """What a layer says of a body.

    Attributes:
        blamed: The properties it blames, an empty name for the body itself; None where it accepts the body.
        received: What reached the service; None if nothing did.
    """

    blamed: frozenset[str] | None = None
    received: Any = None

    @property
    def accepted(self) -> bool:
        return self.blamed is None


# None where a layer cannot be asked: a call of the wrapper has no form for some bodies.
Layer: TypeAlias = Callable[[Any], Verdict | None]


_SERVICE = MockService()


def fresh() -> MockService:
    """The service of the layers in process, which has seen nothing yet."""
    _SERVICE.reset()
    return _SERVICE


def _refused(field: str, body: Any) -> Verdict:
    # An item is blamed as `image_urls[0]`, which may also be the name of a property.
    return Verdict(frozenset({field if field in body else field.partition("[")[0]}))


def model(body: Any) -> Verdict:
    """The generated model."""
    try:
        return Verdict(received=EditRequest.from_dict(body).to_dict())
    except ConstraintViolation as error:
        return _refused(error.field, body if isinstance(body, dict) else ())


def _is_url(text: str) -> bool:
    return (
        text.startswith("https://") and text[8:9] not in ("", "/", "?", "#") and BLANK.isdisjoint(map(category, text))
    )


def _wrapper_verdict(body: Any, submit: Callable[[MockService, dict[str, Any]], object]) -> Verdict | None:
    if not isinstance(body, dict):
        return None
    missing = [name for name in ("image_urls", "prompt") if name not in body]
    if missing:
        return _refused(missing[0], body)  # Python's own signature refuses the call; test_public shows it
    images = body["image_urls"]
    paths = [images] if isinstance(images, str) else images if isinstance(images, list) else ()
    if any(isinstance(path, str) and not _is_url(path) for path in paths) or isinstance(images, str):
        return None  # a path to a file, a URL with blanks, or one image without a list
    if any(body.get(name, ...) is None for name in _ARGUMENTS):
        return None  # to the wrapper, None is an option that was not given
    extra = {name: value for name, value in body.items() if name not in ("image_urls", "prompt", *_ARGUMENTS)}
    options = {name: body[name] for name in _ARGUMENTS if name in body}
    service = fresh()
    try:
        submit(service, {"images": images, "prompt": body["prompt"], "extra_body": extra, **options})
    except InvalidRequest as error:
        assert () == service.calls
        return _refused("image_urls" if error.field.partition("[")[0] == "images" else error.field, body)
    return Verdict(received=service.edits[-1].body)


def sync_wrapper(body: Any) -> Verdict | None:
    """The sync client."""

    def submit(service: MockService, arguments: dict[str, Any]) -> object:
        with httpx2.Client(transport=mock_transport(service)) as http:
            return NanoBananaEdit(token="t", http_client=http).submit(**arguments)

    return _wrapper_verdict(body, submit)


def async_wrapper(body: Any) -> Verdict | None:
    """The async client."""

    async def run(service: MockService, arguments: dict[str, Any]) -> object:
        async with httpx2.AsyncClient(transport=mock_transport(service)) as http:
            return await AsyncNanoBananaEdit(token="t", http_client=http).submit(**arguments)

    return _wrapper_verdict(body, lambda service, arguments: asyncio.run(run(service, arguments)))


class Door:
    """A door of the mock, by what posts a body to it; raw bytes are posted as they are."""

    def __init__(self, name: str, post: Callable[[bytes], httpx2.Response], service: MockService) -> None:
        self.__name__, self._post, self._service = name, post, service

    def __call__(self, body: Any) -> Verdict:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        response = self._post(content)
        if response.status_code == 200:
            return Verdict(received=self._service.edits[-1].body)
        assert 400 == response.status_code
        return Verdict(frozenset(v.field or "" for v in self._service.calls[-1].violations))


HEADERS = {"Authorization": "Bearer t", "Content-Type": "application/json"}
URL = _CREATE.servers[0] + _CREATE.path


def _post_to_router(content: bytes) -> httpx2.Response:
    with mock_router(fresh()), httpx2.Client(transport=httpx2.HTTPTransport(verify=False)) as http:
        return http.post(URL, headers=HEADERS, content=content)


def _post_to_transport(content: bytes) -> httpx2.Response:
    with httpx2.Client(transport=mock_transport(fresh())) as http:
        return http.post(URL, headers=HEADERS, content=content)


router = Door("router", _post_to_router, _SERVICE)
transport = Door("transport", _post_to_transport, _SERVICE)


def port(server: MockServer, http: httpx2.Client) -> Door:
    """The mock on a real port."""
    url = server.url + _CREATE.path
    return Door("port", lambda content: http.post(url, headers=HEADERS, content=content), server.service)


WRAPPERS: list[Layer] = [sync_wrapper, async_wrapper]
DOORS: list[Door] = [router, transport]
IN_PROCESS: list[Layer] = [model, *WRAPPERS, *DOORS]
