"""The two clients: the same methods, the same arguments, one of them to be awaited."""

from __future__ import annotations

import ssl
from collections.abc import Collection, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import httpx2
from nano_banana_edit_client.models import ImageSize, OutputFormat
from nano_banana_edit_client.types import UNSET, Unset

from . import _operations
from ._base import BaseClient, checked
from ._driver import Driver
from ._images import ImageInput, ImagesInput
from ._operations import OnProgress, Options
from ._settings import Settings, from_environment
from .models import Task, UploadedFile
from .results import AsyncEdit, Edit

if TYPE_CHECKING:
    from ._async_driver import AsyncDriver


class NanoBananaEdit(BaseClient[Driver, httpx2.Client]):
    """The client.

    It may be used by several threads at once. Use it as a context manager, or call `close` when done.

    Args:
        token: The API token; default: the environment variable `SINANCODE_API_KEY`.
        base_url: Where edits and tasks are; default: `SINANCODE_BASE_URL`, then the documented server.
        files_url: Where uploads go; default: `SINANCODE_FILES_URL`, then the documented server, or the host of
            `base_url` where one was given.
        allow_http: Whether a URL without TLS may name another machine than this one, which shows the token to the
            network; default: `SINANCODE_ALLOW_HTTP` as 1 or 0, otherwise False.
        timeout: Seconds that one call may take, uploads, waiting, retries and downloads included; None for no limit.
            Each attempt within it has finite timeouts of its own.
        max_retries: How often a request that failed is sent again, at least 0. A submission is sent again only if it
            was certainly not accepted.
        retry_rate_limited: Whether what was answered with 429, a submission too, is one of those.
        poll_interval: Longest time between two looks at a task, in seconds; the first looks come sooner.
        http_client: An `httpx2.Client` to use instead of an own one, for proxies, certificates or a mock transport. It
            stays open when this client is closed.

    Raises:
        InvalidRequest: There is no token, or a setting, a proxy or a certificate of the environment is not usable.

    Source: `openapi.yaml#/servers`, `openapi.yaml#/components/securitySchemes/bearer`.
    """

    def _drive(self, settings: Settings, http: httpx2.Client | None) -> Driver:
        from ._transport import client  # noqa: PLC0415 - not before somebody makes a client

        return Driver(settings, client() if http is None else checked(http, httpx2.Client))

    def edit(
        self,
        images: ImagesInput,
        prompt: str,
        *,
        image_size: ImageSize | Unset = UNSET,
        output_format: OutputFormat | Unset = UNSET,
        extra_body: Mapping[str, Any] | None = None,
        timeout: float | Unset | None = UNSET,
        on_progress: OnProgress | None = None,
        stop_on: Collection[str] = (),
    ) -> Edit:
        """Edit images and wait for the result. Every accepted edit is billed.

        Args:
            images: One image or a list of them: URL, path, bytes, or file opened in binary mode. What is local is
                uploaded first. Number: `openapi.yaml#/components/schemas/EditRequest/properties/image_urls`.
            prompt: The instruction. Length: `openapi.yaml#/components/schemas/EditRequest/properties/prompt`.
            image_size: Shape of the result, one of `openapi.yaml#/components/schemas/ImageSize`; default: the
                document's.
            output_format: One of `openapi.yaml#/components/schemas/OutputFormat`; default: the service's choice.
            extra_body: Further properties to send, such as ones newer than this client; documented ones are checked.
            timeout: Seconds for the whole call; None for no limit; default: the client's.
            on_progress: Called with a `Progress` at each stage and each look at the task.
            stop_on: Statuses that end the waiting as `failed` does; by default an unknown one is waited through.

        Returns:
            The finished edit, with at least one image.

        Raises:
            InvalidRequest: An argument breaks a constraint, or an image cannot be read. Nothing was sent.
            AuthenticationError: The token is wrong; nor is it for the other kinds of APIStatusError accepted.
            APIConnectionError: The service cannot be reached; nothing was submitted, or `task_id` is set.
            SubmissionUnknown: The edit may have been accepted and billed; it was sent once. Its cause, the time it
                took and a digest of the request are on it.
            EditFailed: The service gave up on the edit, or its status is one of `stop_on`.
            WaitTimeout: The time is over before the edit is finished; `wait(error.task_id)` goes on.
            InvalidResponse: An answer lacks what the client needs.

        Source: `openapi.yaml#/paths/~1generate~1k~1nano-banana-edit/post`.
        """
        options = Options(image_size=image_size, output_format=output_format)
        task = self._driver.run(
            _operations.edit(self._context(timeout, on_progress, stop_on), images, prompt, options, extra_body)
        )
        return Edit.of(task, output_format or None, self._driver)

    def submit(
        self,
        images: ImagesInput,
        prompt: str,
        *,
        image_size: ImageSize | Unset = UNSET,
        output_format: OutputFormat | Unset = UNSET,
        extra_body: Mapping[str, Any] | None = None,
        timeout: float | Unset | None = UNSET,
        on_progress: OnProgress | None = None,
    ) -> Task:
        """Submit an edit and do not wait for it. Every accepted edit is billed.

        Args:
            images: As for `edit`; so are the others.
            prompt: The instruction.
            image_size: Shape of the result.
            output_format: Format of the result.
            extra_body: Further properties to send.
            timeout: Seconds for the whole call, uploads included; None for no limit; default: the client's.
            on_progress: Called with a `Progress` at each stage.

        Returns:
            The task, whose `status` is None, as it was not looked at yet.

        Raises:
            InvalidRequest: An argument breaks a constraint, or an image cannot be read. Nothing was sent.
            APIStatusError: The service refused.
            APIConnectionError: The service cannot be reached; nothing was submitted.
            SubmissionUnknown: The edit may have been accepted and billed; it was sent once. Its cause, the time it
                took and a digest of the request are on it.

        Source: `openapi.yaml#/paths/~1generate~1k~1nano-banana-edit/post`.
        """
        options = Options(image_size=image_size, output_format=output_format)
        return self._driver.run(
            _operations.submit(self._context(timeout, on_progress), images, prompt, options, extra_body)
        )

    def wait(
        self,
        task: Task | str,
        *,
        timeout: float | Unset | None = UNSET,
        on_progress: OnProgress | None = None,
        stop_on: Collection[str] = (),
    ) -> Edit:
        """Wait until a task is finished, whichever process submitted it.

        Args:
            task: The task or its id.
            timeout: Seconds for the whole call; None for no limit; default: the client's.
            on_progress: Called with a `Progress` at each look at the task.
            stop_on: Statuses that end the waiting as `failed` does; by default an unknown one is waited through.

        Returns:
            The finished edit, with at least one image.

        Raises:
            InvalidRequest: The id cannot be one. Nothing was sent.
            EditFailed: The service gave up on the edit, or its status is one of `stop_on`.
            WaitTimeout: The time is over before the edit is finished; call again to go on.
            NotFound: There is no such task; so for the other kinds of APIStatusError.
            APIConnectionError: The service cannot be reached.
            InvalidResponse: An answer lacks what the client needs.

        Source: `openapi.yaml#/paths/~1tasks~1{id}/get`.
        """
        finished = self._driver.run(_operations.wait(self._context(timeout, on_progress, stop_on), task))
        return Edit.of(finished, None, self._driver)

    def get_task(self, task_id: str) -> Task:
        """Look at a task once.

        Args:
            task_id: The id that a submission answered with.

        Returns:
            The task as it stands.

        Raises:
            InvalidRequest: The id cannot be one. Nothing was sent.
            NotFound: There is no such task; so for the other kinds of APIStatusError.
            APIConnectionError: The service cannot be reached.
            InvalidResponse: The answer has no status.

        Source: `openapi.yaml#/paths/~1tasks~1{id}/get`.
        """
        return self._driver.run(_operations.get_task(self._context(), task_id))

    def upload(self, file: ImageInput) -> UploadedFile:
        """Upload one file, to be edited by its URL. It is temporary, and uploading is not billed.

        Args:
            file: A path, bytes, or a file opened in binary mode. Size:
                `openapi.yaml#/paths/~1api~1upload~1file/post/requestBody`.

        Returns:
            The stored file.

        Raises:
            InvalidRequest: The file cannot be read, is empty or too large. Nothing was sent.
            APIStatusError: The service refused.
            APIConnectionError: The service cannot be reached.
            InvalidResponse: The answer has no URL.

        Source: `openapi.yaml#/paths/~1api~1upload~1file/post`.
        """
        return self._driver.run(_operations.upload(self._context(), file))

    def close(self) -> None:
        """Close the connections, unless they belong to a client that was handed in or to another one."""
        if self._owns_http:
            self._driver.http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class AsyncNanoBananaEdit(BaseClient["AsyncDriver", httpx2.AsyncClient]):
    """The twin of `NanoBananaEdit`, for asyncio and trio: the same arguments and errors, methods to be awaited.

    Use it as an async context manager, or await `aclose` when done.
    """

    def _drive(self, settings: Settings, http: httpx2.AsyncClient | None) -> AsyncDriver:
        from ._async_driver import AsyncDriver  # noqa: PLC0415 - not before somebody makes a client
        from ._transport import async_client  # noqa: PLC0415 - as above

        return AsyncDriver(settings, async_client() if http is None else checked(http, httpx2.AsyncClient))

    async def edit(
        self,
        images: ImagesInput,
        prompt: str,
        *,
        image_size: ImageSize | Unset = UNSET,
        output_format: OutputFormat | Unset = UNSET,
        extra_body: Mapping[str, Any] | None = None,
        timeout: float | Unset | None = UNSET,
        on_progress: OnProgress | None = None,
        stop_on: Collection[str] = (),
    ) -> AsyncEdit:
        """Edit images and wait for the result. See `NanoBananaEdit.edit`."""
        options = Options(image_size=image_size, output_format=output_format)
        task = await self._driver.run(
            _operations.edit(self._context(timeout, on_progress, stop_on), images, prompt, options, extra_body)
        )
        return AsyncEdit.of(task, output_format or None, self._driver)

    async def submit(
        self,
        images: ImagesInput,
        prompt: str,
        *,
        image_size: ImageSize | Unset = UNSET,
        output_format: OutputFormat | Unset = UNSET,
        extra_body: Mapping[str, Any] | None = None,
        timeout: float | Unset | None = UNSET,
        on_progress: OnProgress | None = None,
    ) -> Task:
        """Submit an edit and do not wait for it. See `NanoBananaEdit.submit`."""
        options = Options(image_size=image_size, output_format=output_format)
        return await self._driver.run(
            _operations.submit(self._context(timeout, on_progress), images, prompt, options, extra_body)
        )

    async def wait(
        self,
        task: Task | str,
        *,
        timeout: float | Unset | None = UNSET,
        on_progress: OnProgress | None = None,
        stop_on: Collection[str] = (),
    ) -> AsyncEdit:
        """Wait until a task is finished. See `NanoBananaEdit.wait`."""
        finished = await self._driver.run(_operations.wait(self._context(timeout, on_progress, stop_on), task))
        return AsyncEdit.of(finished, None, self._driver)

    async def get_task(self, task_id: str) -> Task:
        """Look at a task once. See `NanoBananaEdit.get_task`."""
        return await self._driver.run(_operations.get_task(self._context(), task_id))

    async def upload(self, file: ImageInput) -> UploadedFile:
        """Upload one file, to be edited by its URL. See `NanoBananaEdit.upload`."""
        return await self._driver.run(_operations.upload(self._context(), file))

    async def aclose(self) -> None:
        """Close the connections, unless they belong to a client that was handed in or to another one."""
        if self._owns_http:
            await self._driver.http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()


def aiohttp_client(
    *, verify: ssl.SSLContext | bool = True, trust_env: bool = True, proxy: str | None = None
) -> httpx2.AsyncClient:
    """Return an httpx2 client on aiohttp, for asyncio: pass it to `AsyncNanoBananaEdit` as `http_client`, and close it.

    It keeps no cookies, and uses no proxy of the environment.

    Args:
        verify: An SSL context, or whether certificates are checked; default True.
        trust_env: Whether `SSL_CERT_FILE` and `SSL_CERT_DIR` name further certificates; default True.
        proxy: URL of a proxy; default None.

    Returns:
        The client.

    Raises:
        InvalidRequest: The certificates that the environment names cannot be used.
        ModuleNotFoundError: The extra `aiohttp` is not installed.
    """
    try:
        from ._aiohttp import AiohttpConnections  # noqa: PLC0415 - of the extra
    except ModuleNotFoundError as missing:
        hint = f"aiohttp_client needs {missing.name}: pip install 'nano-banana-edit[aiohttp]'"
        raise ModuleNotFoundError(hint, name=missing.name) from missing
    from ._transport import no_cookies  # noqa: PLC0415 - not before it is needed

    with from_environment():
        context = httpx2.create_ssl_context(verify=verify, trust_env=trust_env)
    return httpx2.AsyncClient(transport=AiohttpConnections(context, proxy), cookies=no_cookies())
