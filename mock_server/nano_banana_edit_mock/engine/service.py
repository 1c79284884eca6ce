"""The service itself, without I/O: a request in, a response out."""

import hashlib
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import SplitResult, quote

from attrs import evolve

from ..contract import Contract, load
from . import ranges
from .answers import content, refuse, reply
from .bodies import Part
from .clock import Clock
from .headers import allowed, refused, share
from .journal import Journal
from .latency import Seconds, check_life
from .prefer import preferred
from .records import Edit, Entry, Fault, Outcome, Request, Response, Upload
from .routes import FILE, FILE_ORIGIN, RESULT, Found, Routes
from .rules import Reply
from .script import Script
from .store import MAX_KEPT, Store, Task
from .verdict import Referee, Verdict, astray, check_token

MAX_RENDERED = 32  # images kept, so that a repeated download costs nothing
# A file that is opened in a browser is a page of the mock's origin; it may do nothing there.
_HARMLESS = (("Content-Security-Policy", "sandbox"), ("X-Content-Type-Options", "nosniff"))
LIFETIME = timedelta(days=1)  # that an upload claims; the documentation says only that it is temporary


class MockService(Script, Journal):
    """Plays the service: judges every request by the document, keeps tasks and uploads, draws the results.

    What is to go otherwise is said beforehand: `next`, `on`, `script` and `outage`. What came is read afterwards:
    `edits`, `uploads`, `calls` and the assertions. A request that is valid and prefers an error, 400 to 599 as in
    `Prefer: code=429` (RFC 7240), is answered with that, unless a rule takes it.

    A task lives by looks or by time. Its progress is the number of earlier looks over `polls`, or the seconds since the
    edit over `seconds`: below a half it is `pending`, below one `processing`, from then on it has its outcome. So
    `polls=2` answers `pending`, `processing`, and then the outcome; 0 is finished at the first look.

    It may be used from several threads. What it keeps is bounded, and the oldest goes first.

    Args:
        seed: Where task ids, upload keys and backgrounds start; default 0. Equal requests get equal answers.
        polls: Looks until a task is finished, at least 0; default 2.
        seconds: Seconds until a task is finished, at least 0, or their distribution, `Uniform` or `Lognormal`, drawn
            for each task from the seed; default None counts looks instead.
        clock: Clock in seconds that `seconds` and outages are measured by; default `time.monotonic`.
        now: Wall clock from which uploads expire; default is the current time in UTC.
        token: The only bearer token accepted; default None accepts any.
        invalid_status: Status of a request that the document refuses, where HTTP prescribes none, 400 to 599; default
            400.
        contract: The contract; default is the one shipped.

    Raises:
        ValueError: `polls`, `seconds` or `invalid_status` is out of its range, or `token` is none that can be sent.

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
        seconds: Seconds | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        token: str | None = None,
        invalid_status: int = 400,
        contract: Contract | None = None,
    ) -> None:
        check_life(polls, seconds)
        ranges.whole("invalid_status", invalid_status, 400, 599)
        check_token("token", token)
        self.contract = contract or load()
        self._life: dict[str, Any] = {"polls": polls} if seconds is None else {"seconds": seconds}
        self._usual = Outcome(**self._life)
        self._clock = Clock(clock, now)
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

    def reset(self) -> None:
        """Forget everything, rules included, and start again from the seed; the time goes on."""
        self._store.reset()
        self._image.cache_clear()

    def handle(self, request: Request) -> Response:
        """Answer a request, looking at route, method, authorization, size, content type and body in this order.

        The verdict is passed on every request and kept in the journal. Where a rule takes the request, its `Reply` is
        the answer, whatever the verdict.

        Args:
            request: The request, with an absolute URL.

        Returns:
            The response; an error has the JSON shape of the API.

        Source: `openapi.yaml#/paths`
        """
        (url, found), now = self._routes.find(request.method, request.url), self.time
        operation, name, task_id = found.operation, found.name, found.task_id
        if operation:
            verdict = self._referee.judge(operation, request, self._token)
        else:
            verdict = astray(request.method, url.path, found.allow)
        prefers = None if verdict.violations or not name else preferred(request.header("Prefer"))
        accepted = name == "createEdit" and not verdict.violations and not prefers
        do = self._store.take(operation.id, accepted=accepted, now=now) if operation else None
        if isinstance(do, Reply):
            response = do.response()
        elif do is Fault.REFUSED:
            response = refuse(503, "The connection is refused.")
        elif accepted:
            task_id = self._create_edit(verdict.value, do if isinstance(do, Outcome) else self._usual, now)
            response = reply(200, {"task_id": task_id})
        elif prefers:
            applied = ("Preference-Applied", f"code={prefers}")
            response = refuse(prefers, f"The request prefers to be answered {prefers}.", applied)
        else:
            response = self._answer(url, found, verdict, now)
        entry = Entry(
            operation=name,
            method=request.method,
            path=url.path,
            status=response.status,
            violations=verdict.violations,
            size=len(request.body),
            body=verdict.value if len(request.body) <= MAX_KEPT else None,
            authorization=request.header("Authorization") is not None,
            scripted=do is not None,
            task_id=task_id,
            at=now,
            answered=response.body if len(response.body) <= MAX_KEPT else None,
        )
        self._store.add_entry(entry)
        response = share(request, response)
        if isinstance(do, Fault):
            response = evolve(response, fault=do)
        return evolve(response, body=b"") if request.method == "HEAD" else response

    def _answer(self, url: SplitResult, found: Found, verdict: Verdict, now: float) -> Response:
        if verdict.violations:
            return refused(verdict, found.allow, self._invalid_status)
        if found.operation is None:
            return allowed(found.allow)
        if found.name is None:
            return self._get_file(url, found.path)
        match found.name:
            case "getTask":
                return self._get_task(url, *found.path.values(), now=now)
            case "uploadFile":
                return self._upload_file(url, *verdict.files)
        return refuse(501, f"{found.name} is documented, but the mock does not play it.")

    def _create_edit(self, body: dict[str, Any], outcome: Outcome, now: float) -> str:
        if outcome.polls is None and outcome.seconds is None:
            outcome = evolve(outcome, **self._life)
        return self._store.add_edit(body, self._defaults, outcome, now).task_id

    def _get_task(self, url: SplitResult, task_id: str, *, now: float) -> Response:
        task = self._store.tasks.get(task_id)
        if task is None:
            return refuse(404, f"{task_id} is no task; the service accepts the task_id of an edit.")
        outcome, progress = task.outcome, task.progress(self._store.look(task), now)
        payload: dict[str, Any] = {"id": task_id, "status": task.status(progress)}
        if progress < 1:
            return reply(200, payload)
        errors = {"error_code": outcome.error_code, "error_msg": outcome.error_msg}
        payload |= {name: text for name, text in errors.items() if text is not None}
        if outcome.status == "completed":
            path = RESULT.path.format(task_id=task_id, output_format=quote(task.form, safe=""))
            image = self._origin(url) + path
            payload["result"] = [image if outcome.result_form == "url" else {"type": "image", "url": image}]
        return reply(200, payload)

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
            "expires_at": (self._clock.now() + LIFETIME).isoformat(),
        }
        return reply(200, payload)

    def get_file(self, path: str) -> Response:
        """Return a file as it is served, and keep the look at it out of the journal.

        Args:
            path: Its path, such as `/results/01234567-89ab-cdef-0123-456789abcdef/0.png`.

        Returns:
            The response, 404 where there is none.
        """
        url, found = self._routes.find("GET", FILE_ORIGIN + path)
        return self._get_file(url, found.path)

    def _get_file(self, url: SplitResult, path: Mapping[str, str]) -> Response:
        upload = self._store.uploads.get(path.get("key", ""))
        if upload:
            return content(200, upload.content_type, upload.body, *_HARMLESS)
        task = self._store.tasks.get(path.get("task_id", ""))
        if task and task.outcome.status == "completed" and task.form == path["output_format"]:
            if task.outcome.expired:
                return refuse(
                    404, f"{url.path} has expired; the service accepts the URLs of newer results. Edit again."
                )
            return content(200, *self._image(task))
        return refuse(404, f"{url.path} is no file; the service accepts the URLs it answered with.")

    def _render(self, task: Task) -> tuple[str, bytes]:
        from .drawing import render  # noqa: PLC0415 - Pillow is slow to load, and not every test fetches a picture

        return render(
            str(task.settings["prompt"]),
            size=str(task.settings["image_size"]),
            output_format=task.form,
            source=self._store.source(task.settings["image_urls"]),
            seed=task.edit.task_id,
        )

    def _origin(self, url: SplitResult) -> str:
        return FILE_ORIGIN if url.hostname in self._routes.by_host else f"{url.scheme}://{url.netloc}"
