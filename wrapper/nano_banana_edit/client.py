"""The two clients: the same methods with the same arguments; those of the async client are awaited."""

from __future__ import annotations

import ssl
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Self

import httpx2
from nano_banana_edit_client.types import UNSET, Unset

from ._base import BaseClient, Lazy, checked
from ._settings import Seconds, Settings, from_environment

if TYPE_CHECKING:
    from nano_banana_edit_client.models import ImageSize, OutputFormat

    from . import _operations, results
    from ._async_driver import AsyncDriver
    from ._driver import Driver
    from ._images import ImageInput, ImagesInput
    from ._operations import OnProgress
    from .models import Task, UploadedFile
    from .results import AsyncEdit, Edit
else:
    _operations, results = Lazy("_operations"), Lazy("results")


class NanoBananaEdit(BaseClient["Driver", httpx2.Client]):
    """The sync client.

    Several threads may share it. Use it as a context manager, or call `close`.

    Args:
        token: The API token; default: the environment variable `SINANCODE_API_KEY`.
        base_url: URL of edits and tasks; default: `SINANCODE_BASE_URL`, then the documented server.
        files_url: URL of uploads; default: `SINANCODE_FILES_URL`, then the host of `base_url` if one was given, then
            the documented server.
        allow_http: Whether a URL without TLS may name another machine, which shows the token to the network; default:
            `SINANCODE_ALLOW_HTTP` as 1 or 0, then False.
        timeout: Seconds, or a timedelta, for one call, with its uploads, polls, retries and downloads; None for no
            limit; default 600.
        attempt_timeout: Seconds, or a timedelta, above 0, that a server may be silent in one attempt at a poll, an
            upload or a download before it is sent again; the response to a submission may take as long as the call.
            Default: the timeouts of your `http_client` if you set them, else 60, and 10 to connect.
        max_retries: How often a failed request is sent again, at least 0; default 3. A submission is sent again only
            if it was certainly not accepted.
        retry_rate_limited: Whether a request that got 429 is sent again, a submission too; default True.
        poll_interval: Longest time between two polls in seconds, at least 0; default 2. The first polls come sooner.
        http_client: Your own `httpx2.Client`, for a proxy, certificates or a mock transport; you close it. Default: the
            client's own connections.
        ledger: A `nano_banana_edit.ledger.Ledger`, for edits with a `key`; it also remembers uploads until they expire,
            and how edits end. Default: none.

    Raises:
        InvalidRequest: There is no token, or a setting, a proxy or a certificate of the environment cannot be used.

    Source: `openapi.yaml#/servers`, `openapi.yaml#/components/securitySchemes/bearer`.
    """

    def _drive(self, settings: Settings, http: httpx2.Client | None) -> Driver:
        from ._driver import Driver  # noqa: PLC0415 - not before somebody makes a client

        if http is None:
            return Driver.connected(settings)
        return Driver(settings, checked(http, httpx2.Client), http.build_request)

    def edit(
        self,
        images: ImagesInput,
        prompt: str,
        *,
        image_size: ImageSize | None = None,
        output_format: OutputFormat | None = None,
        extra_body: Mapping[str, Any] | None = None,
        timeout: Seconds | Unset | None = UNSET,
        on_progress: OnProgress | None = None,
        stop_on: Collection[str] | None = None,
        key: str | None = None,
        retry_failed: bool = False,
    ) -> Edit:
        """Edit images and wait for the result. Every accepted edit is billed.

        `nano_banana_edit_client.models.EditRequest` states the limits of images, prompt and options as numbers.

        Args:
            images: One image, or a list or an iterator of images. An image is a URL, as text or as an object such as
                `httpx2.URL`, a path, bytes, a file opened in binary mode, `(name, content)`, `(name, content,
                media_type)`, a `data:` URL or a PIL image. Local images are uploaded first; each must begin as an image
                does, unless its type is named. Number:
                `openapi.yaml#/components/schemas/EditRequest/properties/image_urls`.
            prompt: The instruction. Length: `openapi.yaml#/components/schemas/EditRequest/properties/prompt`.
            image_size: Shape of the result, one of `openapi.yaml#/components/schemas/ImageSize`; default: the
                document's.
            output_format: One of `openapi.yaml#/components/schemas/OutputFormat`; default: the service's choice.
            extra_body: Further JSON properties to send, such as ones newer than this client.
            timeout: Seconds, or a timedelta, for the whole call; None for no limit; default: the client's.
            on_progress: Called with a `Progress` at each stage and each poll; what it raises ends the call.
            stop_on: Statuses that end the waiting as `failed` does; default: an unknown status is waited through.
            key: Your own key for this edit, 1 to 500 printable characters; the client needs a `ledger`. One edit is
                submitted per key: called again, also after a crash or from another machine, `edit` waits for the open
                task, returns the finished edit or raises what the edit ended with. Default: none.
            retry_failed: Whether a key whose edit failed is submitted again, and billed again; default False.

        Returns:
            The finished edit, with at least one image.

        Raises:
            InvalidRequest: An argument breaks a constraint, or an image cannot be read, or the key belongs to another
                request or was cancelled. Nothing was sent.
            AuthenticationError: The token was rejected. The edit was not accepted.
            APIStatusError: The service refused the edit in another way, or a poll; then `task_id` is set.
            APIConnectionError: The service cannot be reached. Nothing was submitted.
            SubmissionUnknown: The edit may have been accepted and billed. It was sent once. The error has its cause,
                the time it took and a digest of the request.
            EditFailed: The edit failed, or its status is one of `stop_on`.
            WaitTimeout: The edit is not finished in time. It goes on: call `wait(error.task_id)`.
            InvalidResponse: A response lacks what the client needs.
            NotFound: The edit of the key was completed before, and its result has expired.
            LedgerError: The ledger cannot be read or written. Nothing was sent, unless `task_id` is set.

        Source: `openapi.yaml#/paths/~1generate~1k~1nano-banana-edit/post`.
        """
        options = {"image_size": image_size, "output_format": output_format}
        context = self._context(timeout, on_progress, stop_on, key, retry_failed)
        task = self._driver.run(_operations.edit(context, images, prompt, options, extra_body))
        return results.Edit.of(task, output_format, self._driver)

    def submit(
        self,
        images: ImagesInput,
        prompt: str,
        *,
        image_size: ImageSize | None = None,
        output_format: OutputFormat | None = None,
        extra_body: Mapping[str, Any] | None = None,
        timeout: Seconds | Unset | None = UNSET,
        on_progress: OnProgress | None = None,
        key: str | None = None,
        retry_failed: bool = False,
    ) -> Task:
        """Submit an edit and return at once. Every accepted edit is billed.

        Args:
            images: As for `edit`.
            prompt: As for `edit`.
            image_size: As for `edit`.
            output_format: As for `edit`.
            extra_body: As for `edit`.
            timeout: Seconds, or a timedelta, for the whole call, with its uploads; None for no limit; default: the
                client's.
            on_progress: Called with a `Progress` at each stage.
            key: As for `edit`: called again, `submit` returns the task of the key, or raises as `edit`.
            retry_failed: As for `edit`.

        Returns:
            The task. Its `status` is None, as it was not polled yet. Call `wait(task)` later, even in another process.

        Raises:
            InvalidRequest: An argument breaks a constraint, or an image cannot be read. Nothing was sent.
            APIStatusError: The service refused the edit.
            APIConnectionError: The service cannot be reached. Nothing was submitted.
            SubmissionUnknown: The edit may have been accepted and billed. It was sent once.

        Source: `openapi.yaml#/paths/~1generate~1k~1nano-banana-edit/post`.
        """
        options = {"image_size": image_size, "output_format": output_format}
        context = self._context(timeout, on_progress, None, key, retry_failed)
        return self._driver.run(_operations.submit(context, images, prompt, options, extra_body))

    def wait(
        self,
        task: Task | str,
        *,
        timeout: Seconds | Unset | None = UNSET,
        on_progress: OnProgress | None = None,
        stop_on: Collection[str] | None = None,
    ) -> Edit:
        """Poll a task until it is finished, whichever process submitted it.

        Args:
            task: The task or its id.
            timeout: Seconds, or a timedelta, for the whole call; None for no limit; default: the client's.
            on_progress: Called with a `Progress` at each poll.
            stop_on: Statuses that end the waiting as `failed` does; default: an unknown status is waited through.

        Returns:
            The finished edit, with at least one image.

        Raises:
            InvalidRequest: The id is not a string of 1 to 1000 characters, or not one segment of a URL's path. Nothing
                was sent.
            EditFailed: The edit failed, or its status is one of `stop_on`.
            WaitTimeout: The edit is not finished in time, or the service could not be polled until then; `__cause__`
                is the last failure. It goes on: call `wait` again.
            NotFound: There is no such task, some seconds after the first poll.
            APIStatusError: The service refused the poll in another way, such as 401.
            InvalidResponse: The task is completed and names no file.

        Source: `openapi.yaml#/paths/~1tasks~1{id}/get`.
        """
        finished = self._driver.run(_operations.wait(self._context(timeout, on_progress, stop_on), task))
        return results.Edit.of(finished, None, self._driver)

    def get_task(self, task_id: str) -> Task:
        """Poll a task once.

        Args:
            task_id: The id that a submission returned.

        Returns:
            The task as it is now.

        Raises:
            InvalidRequest: As for `wait`. Nothing was sent.
            NotFound: There is no such task.
            APIStatusError: The service refused the poll in another way.
            APIConnectionError: The service cannot be reached.
            InvalidResponse: The response has no status, or is about another task.

        Source: `openapi.yaml#/paths/~1tasks~1{id}/get`.
        """
        return self._driver.run(_operations.get_task(self._context(), task_id))

    def upload(self, file: ImageInput) -> UploadedFile:
        """Upload one file, to edit it by its URL. It is temporary, and uploads are not billed.

        Args:
            file: An image as for `edit`, other than a URL. Size:
                `openapi.yaml#/paths/~1api~1upload~1file/post/requestBody`.

        Returns:
            The stored file.

        Raises:
            InvalidRequest: The file cannot be read, is no image, or is too large. Nothing was sent.
            APIStatusError: The service refused the file.
            APIConnectionError: The service cannot be reached.
            InvalidResponse: The response has no URL.

        Source: `openapi.yaml#/paths/~1api~1upload~1file/post`.
        """
        return self._driver.run(_operations.upload(self._context(), file))

    def close(self) -> None:
        """Close the connections, unless they are those of an `http_client`, or of the client this one was made from."""
        if self._owns_http:
            self._driver.http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncNanoBananaEdit(BaseClient["AsyncDriver", httpx2.AsyncClient]):
    """The async client, for asyncio and trio: `NanoBananaEdit` with methods to be awaited.

    Use it as an async context manager, or await `aclose`. An async `on_progress` is awaited.
    """

    def _drive(self, settings: Settings, http: httpx2.AsyncClient | None) -> AsyncDriver:
        from ._async_driver import AsyncDriver  # noqa: PLC0415 - not before somebody makes a client

        if http is None:
            return AsyncDriver.connected(settings)
        return AsyncDriver(settings, checked(http, httpx2.AsyncClient), http.build_request)

    async def edit(
        self,
        images: ImagesInput,
        prompt: str,
        *,
        image_size: ImageSize | None = None,
        output_format: OutputFormat | None = None,
        extra_body: Mapping[str, Any] | None = None,
        timeout: Seconds | Unset | None = UNSET,
        on_progress: OnProgress | None = None,
        stop_on: Collection[str] | None = None,
        key: str | None = None,
        retry_failed: bool = False,
    ) -> AsyncEdit:
        """Edit images and wait for the result. See `NanoBananaEdit.edit`."""
        options = {"image_size": image_size, "output_format": output_format}
        context = self._context(timeout, on_progress, stop_on, key, retry_failed)
        task = await self._driver.run(_operations.edit(context, images, prompt, options, extra_body))
        return results.AsyncEdit.of(task, output_format, self._driver)

    async def submit(
        self,
        images: ImagesInput,
        prompt: str,
        *,
        image_size: ImageSize | None = None,
        output_format: OutputFormat | None = None,
        extra_body: Mapping[str, Any] | None = None,
        timeout: Seconds | Unset | None = UNSET,
        on_progress: OnProgress | None = None,
        key: str | None = None,
        retry_failed: bool = False,
    ) -> Task:
        """Submit an edit and return at once. See `NanoBananaEdit.submit`."""
        options = {"image_size": image_size, "output_format": output_format}
        context = self._context(timeout, on_progress, None, key, retry_failed)
        return await self._driver.run(_operations.submit(context, images, prompt, options, extra_body))

    async def wait(
        self,
        task: Task | str,
        *,
        timeout: Seconds | Unset | None = UNSET,
        on_progress: OnProgress | None = None,
        stop_on: Collection[str] | None = None,
    ) -> AsyncEdit:
        """Poll a task until it is finished. See `NanoBananaEdit.wait`."""
        finished = await self._driver.run(_operations.wait(self._context(timeout, on_progress, stop_on), task))
        return results.AsyncEdit.of(finished, None, self._driver)

    async def get_task(self, task_id: str) -> Task:
        """Poll a task once. See `NanoBananaEdit.get_task`."""
        return await self._driver.run(_operations.get_task(self._context(), task_id))

    async def upload(self, file: ImageInput) -> UploadedFile:
        """Upload one file, to edit it by its URL. See `NanoBananaEdit.upload`."""
        return await self._driver.run(_operations.upload(self._context(), file))

    async def aclose(self) -> None:
        """Close the connections, unless they are those of an `http_client`, or of the client this one was made from."""
        if self._owns_http:
            await self._driver.http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
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
