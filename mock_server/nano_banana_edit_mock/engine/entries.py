"""The entries of the journal: what is kept of a request and its answer, without tokens and long bodies."""

from datetime import datetime

from attrs import frozen

from .front import Answered
from .hiding import without
from .journal import MAX_KEPT
from .records import Entry, Request, Response, SentFile
from .referee import Verdict
from .routes import Route


@frozen(kw_only=True)
class Times:
    """When a request arrived and how long its answer took, as in the entry."""

    at: float
    when: datetime
    seconds: float


def make_entry(
    request: Request,
    route: Route,
    verdict: Verdict,
    answered: Answered,
    response: Response,
    times: Times,
    *,
    scripted: bool,
) -> Entry:
    """Return the entry of a request: `response` is what was answered in the end."""
    return Entry(
        operation=route.name,
        method=request.method,
        path=route.url.path,
        headers=request.headers,
        files=tuple(
            SentFile(name=file.name, filename=file.filename, content_type=file.content_type, size=len(file.content))
            for file in verdict.files
        ),
        status=response.status,
        fault=response.fault,
        answer_headers=tuple((name, without(answered.secrets, value)) for name, value in response.headers),
        violations=verdict.violations,
        answer_violations=answered.verdict.violations,
        undeclared=answered.verdict.undeclared,
        size=len(request.body),
        content=request.body if verdict.value is not None and len(request.body) <= MAX_KEPT else None,
        authorization=request.header("Authorization") is not None,
        scripted=scripted,
        task_id=answered.task_id,
        at=times.at,
        when=times.when,
        seconds=times.seconds,
        answered=answered.body if len(answered.body) <= MAX_KEPT else None,
    )
