"""The service itself, without I/O: a request in, a response out."""

import hashlib
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import SplitResult, urlsplit

from attrs import evolve

from ._http import Request, Response, content, reply
from ._preview import media_type, render
from ._records import Edit, Entry, Outcome, Upload
from ._routes import FILE, FILE_ORIGIN, RESULT, Found, Routes
from ._store import Store, Task
from ._verdict import Referee, Verdict
from .contract import Contract, load

MAX_RENDERED = 32
"""Rendered images kept, so that a repeated download costs nothing."""

LIFETIME = timedelta(days=1)
"""How long an upload claims to live; the documentation says only that it is temporary."""

_CODES = {
    401: "unauthorized",
    404: "not_found",
    405: "method_not_allowed",
    413: "payload_too_large",
    415: "unsupported_media_type",
    501: "not_implemented",
}


class MockService:
    """Plays the service: judges every request by the document, keeps tasks and uploads, draws the results.

    A task lives by looks or by time. Its progress is the number of earlier looks over `polls`, or the seconds since the
    edit over `seconds`: below a half it is `pending`, below one `processing`, from then on it has its outcome. So
    `polls=2` answers `pending`, `processing`, and then the outcome; 0 is finished at the first look.

    It may be used from several threads. What it keeps is bounded, and the oldest goes first.

    Args:
        seed: Where task ids, upload keys and backgrounds start; default 0. Equal requests get equal answers.
        polls: Looks until a task is finished, at least 0; default 2.
        seconds: Seconds until a task is finished, at least 0; default None counts looks instead.
        clock: Clock in seconds that `seconds` is measured by; default `time.monotonic`.
        now: Wall clock from which uploads expire; default is the current time in UTC.
        token: The only bearer token accepted; default None accepts any.
        invalid_status: Status of a request that the document refuses, where HTTP prescribes none; default 400.
        contract: The contract; default is the one shipped.

    Raises:
        ValueError: `polls` or `seconds` is negative.

    Attributes:
        contract: The contract.
        max_body: Largest body in bytes that is looked into; a larger one is answered 413.

    Source: `openapi.yaml`
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        polls: int = 2,
        seconds: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        token: str | None = None,
        invalid_status: int = 400,
        contract: Contract | None = None,
    ) -> None:
        for name, value in (("polls", polls), ("seconds", seconds or 0)):
            if value < 0:
                raise ValueError(f"{name} is {value}; the mock accepts 0 or more. Raise it.")
        self.contract = contract or load()
        self._polls, self._seconds, self._clock, self._now = polls, seconds, clock, now
        self._token, self._invalid_status = token, invalid_status
        self._routes, self._referee, self._store = Routes(self.contract), Referee(self.contract), Store(seed)
        self.max_body = self._referee.max_body
        self._image = lru_cache(MAX_RENDERED)(self._render)
        self._handlers: dict[str, Callable[[SplitResult, Mapping[str, str], Verdict], Response]] = {
            "createEdit": self._create_edit,
            "getTask": self._get_task,
            "uploadFile": self._upload_file,
            FILE: self._get_file,
            RESULT: self._get_result,
        }
        self._defaults = {
            c.field[-1]: c.value
            for c in self.contract.constraints
            if (c.operation, c.location, c.keyword) == ("createEdit", "body", "default")
        }

    @property
    def edits(self) -> tuple[Edit, ...]:
        """The accepted edits, oldest first."""
        return self._store.edits()

    @property
    def uploads(self) -> tuple[Upload, ...]:
        """The accepted uploads, oldest first."""
        return self._store.uploads()

    @property
    def requests(self) -> tuple[Entry, ...]:
        """The journal of all requests, oldest first."""
        return self._store.journal()

    def next(self, outcome: Outcome) -> None:
        """Say what becomes of the next accepted edit; several calls queue up.

        Args:
            outcome: The outcome. An edit that finds none queued is completed.
        """
        self._store.queue(outcome)

    def reset(self) -> None:
        """Forget everything, queued outcomes included, and start again from the seed."""
        self._store.reset()
        self._image.cache_clear()

    def handle(self, request: Request) -> Response:
        """Answer a request, looking at route, method, authorization, size, content type and body in this order.

        Args:
            request: The request, with an absolute URL.

        Returns:
            The response; an error has the JSON shape of the API.

        Source: `openapi.yaml#/paths`
        """
        url = urlsplit(request.url)
        url = url._replace(path=url.path or "/")
        found = self._routes.find(request.method, url)
        operation = found.route.operation if found.route else None
        verdict = Verdict()
        if operation:
            verdict = self._referee.judge(operation, request, path=found.path, token=self._token)
        response = self._answer(url, found, verdict)
        self._store.note(
            Entry(
                operation=operation.id if operation else None,
                method=request.method,
                path=url.path,
                status=response.status,
                violations=verdict.violations,
                body=verdict.value,
                authorization=request.header("Authorization") is not None,
            )
        )
        return evolve(response, body=b"") if request.method == "HEAD" else response

    def _answer(self, url: SplitResult, found: Found, verdict: Verdict) -> Response:
        if verdict.violations:
            challenge = [("WWW-Authenticate", "Bearer")] if verdict.status == 401 else []
            message = " ".join(violation.message for violation in verdict.violations)
            return _refuse(verdict.status or self._invalid_status, message, *challenge)
        if found.route is None:
            if not found.allow:
                return _refuse(404, f"{url.path} is no path of the service. Compare it with openapi.yaml.")
            allow = ", ".join(found.allow)
            return _refuse(405, f"{url.path} has no such method; the service accepts {allow}.", ("Allow", allow))
        if handler := self._handlers.get(found.route.name):
            return handler(url, found.path, verdict)
        return _refuse(501, f"{found.route.name} is documented, but the mock does not play it.")

    def _create_edit(self, _url: SplitResult, _path: Mapping[str, str], verdict: Verdict) -> Response:
        edit = self._store.add_edit(verdict.value, self._defaults, self._clock())
        return reply(200, {"task_id": edit.task_id})

    def _get_task(self, url: SplitResult, path: Mapping[str, str], _verdict: Verdict) -> Response:
        (task_id,) = path.values()
        task = self._store.task(task_id)
        if task is None:
            return _refuse(404, f"{task_id} is no task; the service accepts the task_id of an edit.")
        progress = self._progress(task)
        if progress < 1:
            return reply(200, {"id": task_id, "status": "pending" if progress < 1 / 2 else "processing"})
        outcome = task.outcome
        payload: dict[str, Any] = {"id": task_id, "status": outcome.status}
        errors = {"error_code": outcome.error_code, "error_msg": outcome.error_msg}
        payload |= {name: text for name, text in errors.items() if text is not None}
        if outcome.status == "completed":
            image = self._origin(url) + RESULT.format(task_id=task_id, name=task.image_name)
            payload["result"] = [image if outcome.result_form == "url" else {"type": "image", "url": image}]
        return reply(200, payload)

    def _progress(self, task: Task) -> float:
        done, whole = self._store.look(task), self._polls
        if self._seconds is None:
            return done / whole if whole else 1
        return (self._clock() - task.born) / self._seconds if self._seconds else 1

    def _upload_file(self, url: SplitResult, _path: Mapping[str, str], verdict: Verdict) -> Response:
        upload = self._store.add_upload(verdict.parts[self._referee.files["uploadFile"][0]])
        address = self._origin(url) + FILE.format(key=upload.key)
        return reply(
            200,
            {
                "url": address,
                "cn_url": address,
                "key": upload.key,
                "md5": hashlib.sha256(upload.body).hexdigest()[:32],
                "size": upload.size,
                "content_type": upload.content_type,
                "expires_at": (self._now() + LIFETIME).isoformat(),
            },
        )

    def _get_file(self, url: SplitResult, path: Mapping[str, str], _verdict: Verdict) -> Response:
        upload = self._store.upload(path["key"])
        return content(200, upload.content_type, upload.body) if upload else _no_file(url)

    def _get_result(self, url: SplitResult, path: Mapping[str, str], _verdict: Verdict) -> Response:
        task = self._store.task(path["task_id"])
        if task is None or task.outcome.status != "completed" or task.image_name != path["name"]:
            return _no_file(url)
        return content(200, media_type(task.output_format), self._image(task))

    def _render(self, task: Task) -> bytes:
        return render(
            task.settings["prompt"],
            size=task.settings.get("image_size", "auto"),
            output_format=task.output_format,
            source=self._store.source(task.settings["image_urls"]),
            seed=task.edit.task_id,
        )

    def _origin(self, url: SplitResult) -> str:
        return FILE_ORIGIN if url.hostname in self._routes.by_host else f"{url.scheme}://{url.netloc}"


def _refuse(status: int, message: str, *headers: tuple[str, str]) -> Response:
    return reply(status, {"message": message, "error_code": _CODES.get(status, "invalid_request")}, *headers)


def _no_file(url: SplitResult) -> Response:
    return _refuse(404, f"{url.path} is no file; the service accepts the URLs it answered with.")
