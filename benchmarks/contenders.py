"""The clients that are measured, each used as its own documentation shows.

A contender is a function that takes the server's URL and returns its operations by name: `get` polls a task that is
processing, or what the client has in its place; `get completed` polls one with a result; `submit` posts an edit, or the
client's own kind of job; `edit` is a whole edit of a local image. The operations of a contender whose name ends with
`_async` are awaitable. Clients are imported where they are used, so that no process loads another one's.
"""

# ruff: noqa: PLC0415 - each process imports its own client and no other

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Callable
from functools import partial
from typing import Any

Operations = dict[str, Callable[[], Any]]

_PROCESSING, _COMPLETED = "processing-89ab-cdef-0123-456789abcdef", "completed-89ab-cdef-0123-456789abcdef"
_IMAGES = ["https://example.com/photo.png"]
_PROMPT = "make it snow"
BODY = {"image_urls": _IMAGES, "prompt": _PROMPT}
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg=="
)
_GENERATE = "/v1/generate/k/nano-banana-edit"
_HEADERS = {"Authorization": "Bearer any"}


def _raw_sync(http: Any, url: str) -> Operations:
    def post(path: str, **content: Any) -> Any:
        return http.post(url + path, **content).json()

    def get(task_id: str) -> Any:
        return http.get(f"{url}/v1/tasks/{task_id}").json()

    def edit() -> bytes:
        uploaded = post("/api/upload/file", files={"file": ("image", PNG, "image/png")})
        task_id = post(_GENERATE, json=BODY | {"image_urls": [uploaded["url"]]})["task_id"]
        while (task := get(task_id))["status"] != "completed":
            time.sleep(0)
        content: bytes = http.get(task["result"][0]["url"]).content
        return content

    return _polls(get) | {"submit": lambda: post(_GENERATE, json=BODY), "edit": edit}


def _raw_async(http: Any, url: str) -> Operations:
    async def post(path: str, **content: Any) -> Any:
        return (await http.post(url + path, **content)).json()

    async def get(task_id: str) -> Any:
        return (await http.get(f"{url}/v1/tasks/{task_id}")).json()

    async def edit() -> bytes:
        uploaded = await post("/api/upload/file", files={"file": ("image", PNG, "image/png")})
        task_id = (await post(_GENERATE, json=BODY | {"image_urls": [uploaded["url"]]}))["task_id"]
        while (task := await get(task_id))["status"] != "completed":
            await asyncio.sleep(0)
        content: bytes = (await http.get(task["result"][0]["url"])).content
        return content

    return _polls(get) | {"submit": lambda: post(_GENERATE, json=BODY), "edit": edit}


def _polls(get: Callable[[str], Any]) -> Operations:
    return {"get": lambda: get(_PROCESSING), "get completed": lambda: get(_COMPLETED)}


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

    return _raw_sync(httpx.Client(transport=mock_transport(), headers=_HEADERS), url)


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

    return _raw_sync(httpx.Client(transport=httpx.MockTransport(answer), headers=_HEADERS), url)


def _ours(client: Any) -> Operations:
    return _polls(client.get_task) | {"submit": lambda: client.submit(_IMAGES, _PROMPT)}


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
    return _polls(partial(get, client=client)) | {
        "submit": lambda: submit(client=client, body=EditRequest(image_urls=_IMAGES, prompt=_PROMPT))
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
