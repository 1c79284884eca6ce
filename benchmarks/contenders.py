"""The clients that are measured, each used as its own documentation shows.

A contender is a function that takes the server's URL and returns its operations by name: `get` polls once, `submit`
posts an edit or the client's own kind of job, `edit` is a whole edit of a local image. The operations of a contender
whose name ends with `_async` are awaitable. Clients are imported where they are used, so that no process loads another
one's.
"""

# ruff: noqa: PLC0415 - each process imports its own client and no other

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Callable
from typing import Any

Operations = dict[str, Callable[[], Any]]

_TASK_ID = "01234567-89ab-cdef-0123-456789abcdef"
_IMAGES = ["https://example.com/photo.png"]
_PROMPT = "make it snow"
BODY = {"image_urls": _IMAGES, "prompt": _PROMPT}
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg=="
)
_HEADERS = {"Authorization": "Bearer any"}


def _raw(http: Any, url: str) -> tuple[Callable[[], Any], Callable[[], Any]]:
    get, post = f"{url}/v1/tasks/{_TASK_ID}", f"{url}/v1/generate/k/nano-banana-edit"
    return lambda: http.get(get), lambda: http.post(post, json=BODY)


def _raw_sync(http: Any, url: str) -> Operations:
    get, submit = _raw(http, url)

    def edit() -> bytes:
        uploaded = http.post(f"{url}/api/upload/file", files={"file": ("image", PNG, "image/png")}).json()
        body = BODY | {"image_urls": [uploaded["url"]]}
        task_id = http.post(f"{url}/v1/generate/k/nano-banana-edit", json=body).json()["task_id"]
        while (task := http.get(f"{url}/v1/tasks/{task_id}").json())["status"] != "completed":
            time.sleep(0)
        content: bytes = http.get(task["result"][0]["url"]).content
        return content

    return {"get": lambda: get().json(), "submit": lambda: submit().json(), "edit": edit}


def _raw_async(http: Any, url: str) -> Operations:
    get, submit = _raw(http, url)

    async def read(send: Callable[[], Any]) -> Any:
        return (await send()).json()

    async def edit() -> bytes:
        uploaded = (await http.post(f"{url}/api/upload/file", files={"file": ("image", PNG, "image/png")})).json()
        body = BODY | {"image_urls": [uploaded["url"]]}
        task_id = (await http.post(f"{url}/v1/generate/k/nano-banana-edit", json=body)).json()["task_id"]
        while (task := (await http.get(f"{url}/v1/tasks/{task_id}")).json())["status"] != "completed":
            await asyncio.sleep(0)
        content: bytes = (await http.get(task["result"][0]["url"])).content
        return content

    return {"get": lambda: read(get), "submit": lambda: read(submit), "edit": edit}


def httpx_sync(url: str) -> Operations:
    import httpx

    return _raw_sync(httpx.Client(headers=_HEADERS), url)


def httpx_async(url: str) -> Operations:
    import httpx

    return _raw_async(httpx.AsyncClient(headers=_HEADERS), url)


def httpx2_sync(url: str) -> Operations:
    import httpx2

    return _raw_sync(httpx2.Client(headers=_HEADERS), url)


def httpx2_async(url: str) -> Operations:
    import httpx2

    return _raw_async(httpx2.AsyncClient(headers=_HEADERS), url)


def httpx_aiohttp_async(url: str) -> Operations:
    from httpx_aiohttp import HttpxAiohttpClient

    return _raw_async(HttpxAiohttpClient(headers=_HEADERS), url)


def mock_transport_sync(url: str) -> Operations:
    import httpx
    from nano_banana_edit_mock import mock_transport

    _, submit = _raw(httpx.Client(transport=mock_transport(), headers=_HEADERS), url)
    return {"submit": lambda: submit().json()}


def validating_transport_sync(url: str) -> Operations:
    """What a user without a mock writes to check requests against the document."""
    import json
    import uuid

    import httpx
    import jsonschema_rs
    from nano_banana_edit_mock import load

    request_schema = {**load().document, "$ref": "#/components/schemas/EditRequest"}
    validator = jsonschema_rs.validator_for(request_schema)
    edits: list[Any] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if not request.headers.get("Authorization", "").startswith("Bearer "):
            return httpx.Response(401, json={"message": "There is no token."})
        body = json.loads(request.content)
        if messages := [error.message for error in validator.iter_errors(body)]:
            return httpx.Response(400, json={"message": " ".join(messages)})
        edits.append(body)
        return httpx.Response(200, json={"task_id": str(uuid.uuid4())})

    _, submit = _raw(httpx.Client(transport=httpx.MockTransport(answer), headers=_HEADERS), url)
    return {"submit": lambda: submit().json()}


def _ours(client: Any) -> Operations:
    return {"get": lambda: client.get_task(_TASK_ID), "submit": lambda: client.submit(_IMAGES, _PROMPT)}


def ours_sync(url: str) -> Operations:
    from nano_banana_edit import NanoBananaEdit

    client = NanoBananaEdit(token="any", base_url=f"{url}/v1", poll_interval=0)

    def edit() -> bytes:
        return client.edit(PNG, _PROMPT).images[0].bytes()

    return _ours(client) | {"edit": edit}


def _ours_async(url: str, **options: Any) -> Operations:
    from nano_banana_edit import AsyncNanoBananaEdit

    client = AsyncNanoBananaEdit(token="any", base_url=f"{url}/v1", poll_interval=0, **options)

    async def edit() -> bytes:
        return await (await client.edit(PNG, _PROMPT)).images[0].bytes()

    return _ours(client) | {"edit": edit}


def ours_async(url: str) -> Operations:
    return _ours_async(url)


def ours_aiohttp_async(url: str) -> Operations:
    from nano_banana_edit import aiohttp_client

    return _ours_async(url, http_client=aiohttp_client())


def _generated(url: str, way: str) -> Operations:
    from nano_banana_edit_client import AuthenticatedClient
    from nano_banana_edit_client.api.edits import create_edit, get_task
    from nano_banana_edit_client.models import EditRequest

    client = AuthenticatedClient(base_url=f"{url}/v1", token="any")
    get, submit = getattr(get_task, way), getattr(create_edit, way)
    return {
        "get": lambda: get(_TASK_ID, client=client),
        "submit": lambda: submit(client=client, body=EditRequest(image_urls=_IMAGES, prompt=_PROMPT)),
    }


def generated_sync(url: str) -> Operations:
    return _generated(url, "sync")


def generated_async(url: str) -> Operations:
    return _generated(url, "asyncio")


def _openai(client: Any) -> Operations:
    return {
        "get": lambda: client.models.retrieve("m1"),
        "submit": lambda: client.post("/generate/k/nano-banana-edit", body=BODY, cast_to=object),
    }


def openai_sync(url: str) -> Operations:
    from openai import OpenAI

    return _openai(OpenAI(api_key="any", base_url=f"{url}/v1", max_retries=0))


def openai_async(url: str) -> Operations:
    from openai import AsyncOpenAI

    return _openai(AsyncOpenAI(api_key="any", base_url=f"{url}/v1", max_retries=0))


def fal_async(url: str) -> Operations:
    import fal_client.client

    fal_client.client.QUEUE_URL_FORMAT = f"{url}/fal/"  # its https is fixed
    client = fal_client.AsyncClient(key="any")
    return {"submit": lambda: client.submit("fal-ai/nano-banana/edit", arguments=BODY)}


def replicate_async(url: str) -> Operations:
    from replicate.client import Client

    client = Client(api_token="any", base_url=url)
    return {"submit": lambda: client.predictions.async_create(version="v1", input=BODY)}
