"""The player: what happens on a request after its verdict."""

from datetime import timedelta
from typing import Any
from urllib.parse import quote

from attrs import evolve

from ..contract import Contract, Operation
from .answers import accepted, allowed, content, refuse, refused, reply, task, uploaded
from .bodies import Part
from .documented import Documented, documented
from .records import Fault, Outcome, Response
from .referee import Verdict
from .replies import Reply
from .routes import FILE, FILES, RESULT, Route
from .rules import Doing
from .state import State
from .timing import Clock

LIFETIME = timedelta(days=1)  # of an upload, as answered; the documentation says only that it is temporary
# A file in a browser is a page of the mock's origin; it must not run anything there.
_HARMLESS = (("Content-Security-Policy", "sandbox"), ("X-Content-Type-Options", "nosniff"))


class Player:
    """Plays the operations of a contract; an edit that no rule takes has the `usual` outcome.

    Unless it `plays`, it only answers what is refused or scripted, and a contract may have answers that it cannot give.
    """

    def __init__(
        self, contract: Contract, clock: Clock, state: State, usual: Outcome, invalid_status: int, *, plays: bool
    ) -> None:
        self._clock, self._state, self._usual, self._invalid_status = clock, state, usual, invalid_status
        self._documented = documented(contract) if plays else Documented({}, "")
        # A document may have other defaults, or make any of these properties optional.
        self._defaults = {"image_urls": [], "prompt": "", "image_size": "auto", "output_format": "png"}
        self._defaults |= {
            c.field[-1]: c.value
            for c in contract.constraints
            if (c.operation, c.location, c.keyword) == ("createEdit", "body", "default")
        }

    def play(
        self, route: Route, verdict: Verdict, body: bytes, do: Doing | None, now: float
    ) -> tuple[Response, str | None]:
        """Return the answer to a request, on which a rule or a preference wants `do`, and the id of its task."""
        if isinstance(do, Reply):
            return do.response(), route.task_id
        if do is Fault.REFUSED:
            return refuse(503, "The connection is refused."), route.task_id
        if verdict.violations:
            return refused(verdict, route.allow, self._invalid_status), route.task_id
        if route.operation is None:
            return allowed(route.allow), None
        if route.name == "createEdit":
            return self._create_edit(verdict.value, body, do, now)
        return self._do(route.operation, route, verdict, now), route.task_id

    def _do(self, operation: Operation, route: Route, verdict: Verdict, now: float) -> Response:
        if operation in FILES:
            return self.get_file(route)
        match operation.id:
            case "getTask":
                return self._get_task(route, now)
            case "uploadFile":
                return self._upload_file(route, verdict.files)
        return self._documented.answers[operation.id]

    def _create_edit(
        self, value: dict[str, Any] | None, body: bytes, do: Doing | None, now: float
    ) -> tuple[Response, str]:
        outcome = do if isinstance(do, Outcome) else self._usual
        if outcome.polls is None and outcome.seconds is None:
            outcome = evolve(outcome, polls=self._usual.polls, seconds=self._usual.seconds)
        settings = {**self._defaults, **{name: given for name, given in (value or {}).items() if given is not None}}
        task_id = self._state.add_edit(body, settings, outcome, now).task_id
        return reply(self._documented.answers["createEdit"].status, accepted(task_id)), task_id

    def _get_task(self, route: Route, now: float) -> Response:
        task_id = str(route.task_id)
        job = self._state.job(task_id)
        if job is None:
            return refuse(404, f"{task_id} is not a task.")
        progress = job.progress(self._state.poll(job), now)
        image = route.origin + RESULT.path.format(task_id=task_id, output_format=quote(job.form, safe=""))
        payload = task(task_id, job.status(progress), job.outcome if progress >= 1 else None, image)
        return reply(self._documented.answers["getTask"].status, payload)

    def _upload_file(self, route: Route, files: tuple[Part, ...]) -> Response:
        upload = self._state.add_upload(next(file for file in files if file.name == self._documented.upload))
        address = route.origin + FILE.path.format(key=upload.key)
        payload = uploaded(address, upload, self._clock.now() + LIFETIME)
        return reply(self._documented.answers["uploadFile"].status, payload)

    def get_file(self, route: Route) -> Response:
        """Return a result or an upload, 404 where there is none."""
        upload, job = self._state.upload(route.path.get("key", "")), self._state.job(route.path.get("task_id", ""))
        if upload:
            return content(200, upload.content_type, upload.body, *_HARMLESS)
        if job and job.outcome.status == "completed" and job.form == route.path["output_format"]:
            if not job.outcome.expired:
                return content(200, *self._state.image(job))
            return refuse(404, f"{route.url.path} has expired.")
        return refuse(404, f"{route.url.path} is not a file.")
