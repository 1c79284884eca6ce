"""The service itself, without I/O: a request in, a response out."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import SplitResult, urlsplit

from attrs import evolve

from ._body import Part
from ._preview import render
from ._records import Edit, Entry, Outcome, Request, Response, Upload
from ._routes import FILE, FILE_ORIGIN, FILES, RESULT, Found, Routes
from ._store import Store, Task
from ._verdict import Referee, Verdict
from .contract import Contract, load

MAX_RENDERED = 32  # images kept, so that a repeated download costs nothing
LIFETIME = timedelta(days=1)  # that an upload claims; the documentation says only that it is temporary

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
        # Unless the document has its own; it may also let any of them be left out.
        self._defaults = {"image_urls": [], "prompt": "", "image_size": "auto", "output_format": "png"}
        self._defaults |= {
            c.field[-1]: c.value
            for c in self.contract.constraints
            if (c.operation, c.location, c.keyword) == ("createEdit", "body", "default")
        }

    @property
    def edits(self) -> tuple[Edit, ...]:
        """The accepted edits, oldest first."""
        with self._store.lock:
            return tuple(task.edit for task in self._store.tasks.values())

    @property
    def uploads(self) -> tuple[Upload, ...]:
        """The accepted uploads, oldest first."""
        with self._store.lock:
            return tuple(self._store.uploads.values())

    @property
    def requests(self) -> tuple[Entry, ...]:
        """The journal of all requests, oldest first."""
        with self._store.lock:
            return tuple(self._store.journal)

    def next(self, outcome: Outcome) -> None:
        """Say what becomes of the next accepted edit; several calls queue up.

        Args:
            outcome: The outcome. An edit that finds none queued is completed.
        """
        with self._store.lock:
            self._store.outcomes.append(outcome)

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
        operation = found.operation
        verdict = self._referee.judge(operation, request, self._token) if operation else Verdict()
        response = self._answer(url, found, verdict)
        entry = Entry(
            operation=operation.id if operation and operation not in FILES else None,
            method=request.method,
            path=url.path,
            status=response.status,
            violations=verdict.violations,
            body=verdict.value,
            authorization=request.header("Authorization") is not None,
        )
        with self._store.lock:
            self._store.journal.append(entry)
        return evolve(response, body=b"") if request.method == "HEAD" else response

    def _answer(self, url: SplitResult, found: Found, verdict: Verdict) -> Response:
        if verdict.violations:
            challenge = [("WWW-Authenticate", "Bearer")] if verdict.status == 401 else []
            message = " ".join(violation.message for violation in verdict.violations)
            return _refuse(verdict.status or self._invalid_status, message, *challenge)
        if found.operation:
            return self._play(url, found.operation.id, found.path, verdict)
        if not found.allow:
            return _refuse(404, f"{url.path} is no path of the service. Compare it with openapi.yaml.")
        allow = ", ".join(found.allow)
        return _refuse(405, f"{url.path} has no such method; the service accepts {allow}.", ("Allow", allow))

    def _play(self, url: SplitResult, operation: str, path: Mapping[str, str], verdict: Verdict) -> Response:
        match operation:
            case "createEdit":
                edit = self._store.add_edit(verdict.value, self._defaults, self._clock())
                return _reply(200, {"task_id": edit.task_id})
            case "getTask":
                return self._get_task(url, *path.values())
            case "uploadFile":
                return self._upload_file(url, *verdict.files)
            case FILE.id | RESULT.id:
                return self._get_file(url, path)
        return _refuse(501, f"{operation} is documented, but the mock does not play it.")

    def _get_task(self, url: SplitResult, task_id: str) -> Response:
        task = self._store.tasks.get(task_id)
        if task is None:
            return _refuse(404, f"{task_id} is no task; the service accepts the task_id of an edit.")
        progress = self._progress(task)
        if progress < 1:
            return _reply(200, {"id": task_id, "status": "pending" if progress < 1 / 2 else "processing"})
        outcome = task.outcome
        payload: dict[str, Any] = {"id": task_id, "status": outcome.status}
        errors = {"error_code": outcome.error_code, "error_msg": outcome.error_msg}
        payload |= {name: text for name, text in errors.items() if text is not None}
        if outcome.status == "completed":
            path = RESULT.path.format(task_id=task_id, output_format=task.settings["output_format"])
            image = self._origin(url) + path
            payload["result"] = [image if outcome.result_form == "url" else {"type": "image", "url": image}]
        return _reply(200, payload)

    def _progress(self, task: Task) -> float:
        done, whole = float(self._store.look(task)), float(self._polls)
        if self._seconds is not None:
            done, whole = self._clock() - task.born, self._seconds
        return done / whole if whole else 1

    def _upload_file(self, url: SplitResult, file: Part) -> Response:
        upload = self._store.add_upload(file)
        address = self._origin(url) + FILE.path.format(key=upload.key)
        payload = {
            "url": address,
            "cn_url": address,
            "key": upload.key,
            "md5": hashlib.sha256(upload.body).hexdigest()[:32],
            "size": upload.size,
            "content_type": upload.content_type,
            "expires_at": (self._now() + LIFETIME).isoformat(),
        }
        return _reply(200, payload)

    def _get_file(self, url: SplitResult, path: Mapping[str, str]) -> Response:
        upload = self._store.uploads.get(path.get("key", ""))
        if upload:
            return _content(200, upload.content_type, upload.body)
        task = self._store.tasks.get(path.get("task_id", ""))
        if task and task.outcome.status == "completed" and task.settings["output_format"] == path["output_format"]:
            return _content(200, *self._image(task))
        return _refuse(404, f"{url.path} is no file; the service accepts the URLs it answered with.")

    def _render(self, task: Task) -> tuple[str, bytes]:
        return render(
            task.settings["prompt"],
            size=task.settings["image_size"],
            output_format=task.settings["output_format"],
            source=self._store.source(task.settings["image_urls"]),
            seed=task.edit.task_id,
        )

    def _origin(self, url: SplitResult) -> str:
        return FILE_ORIGIN if url.hostname in self._routes.by_host else f"{url.scheme}://{url.netloc}"


def _content(status: int, media_type: str, body: bytes, *headers: tuple[str, str]) -> Response:
    return Response(status, (("Content-Type", media_type), ("Content-Length", str(len(body))), *headers), body)


def _reply(status: int, payload: Any, *headers: tuple[str, str]) -> Response:
    # ASCII, because a message may quote a lone surrogate that UTF-8 cannot carry.
    return _content(status, "application/json", json.dumps(payload).encode("ascii"), *headers)


def _refuse(status: int, message: str, *headers: tuple[str, str]) -> Response:
    return _reply(status, {"message": message, "error_code": _CODES.get(status, "invalid_request")}, *headers)
