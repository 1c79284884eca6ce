"""What the client promises, each promise in one sentence.

A test that proves a promise carries it as a marker, such as `@promises.SENT_ONCE`. `make promises` writes the list with
its tests to docs/reference/promises.md, in the order of this module.
"""

from __future__ import annotations

import pytest

LIST: list[str] = []


def promise(sentence: str) -> pytest.MarkDecorator:
    """List a promise; return the marker for the tests that prove it."""
    LIST.append(sentence)
    return pytest.mark.promise(sentence)


SENT_ONCE = promise(
    "If the response to an edit is lost, the edit is not sent again. `SubmissionUnknown` gives the cause, the time "
    "taken and a digest of the request."
)
SENT_AGAIN = promise(
    "An edit is sent again only if it was certainly not accepted: nothing of it was sent, or the response was 429."
)
ONE_PER_KEY = promise(
    "One edit is submitted per `key`, whatever crashes, restarts or races, on one machine or many. It is submitted "
    "again only if it was certainly not accepted, or by your word: `retry_failed`, or `ledger.resolve`."
)
ON_DISK_FIRST = promise(
    "A `key` is on disk before its request leaves. So a process that is killed at any moment leaves a row that says so."
)
SAME_REQUEST = promise(
    "A `key` belongs to one request, known by the bytes of its local images, its URLs, prompt and options. Another one "
    "raises `InvalidRequest` with the difference, and nothing is sent."
)
UNKNOWN_STAYS = promise(
    "A `key` that is `unknown` is never submitted again by itself: each call raises `SubmissionUnknown` until you call "
    "`ledger.resolve`."
)
NONE_FORGOTTEN = promise(
    "No accepted edit with a `key` is forgotten: the ledger has its task, or lists it as `unknown`, or the exception "
    "has the `task_id`."
)
RATE_LIMITED_AT_ONCE = promise("With `retry_rate_limited=False`, a 429 raises `RateLimited` at once.")
OWN_ANSWER = promise(
    "A submission never takes bytes that a server sent unasked for its own response. The response to a poll must name "
    "its task."
)
OWN_CONNECTION = promise(
    "A submission, an upload and a download each get a new connection, which is closed afterwards. Only polls reuse "
    "connections."
)
ALWAYS = promise(
    "The promises about submissions, errors, time, the token and files hold in any sequence of calls and faults."
)
READ_AGAIN = promise("`get_task`, uploads and downloads are retried after a failure, up to `max_retries` times.")
RETRY_AFTER = promise(
    "`Retry-After` is followed in each of its forms. If it would end after the deadline, the error is raised at once."
)
DEADLINE = promise(
    "`timeout` bounds the whole call, even if headers or body arrive one byte at a time or without a pause."
)
NEXT_ADDRESS = promise("If an address of a host does not answer, the next one is tried in a fraction of a second.")
WAIT_GOES_ON = promise(
    "A wait goes on polling through an outage until its timeout. If it ends early, the exception has the `task_id` and "
    "says how to go on, and `wait(task_id)` continues."
)
POLLING = promise(
    "Polls start quick and become slow. An unknown status does not end the wait, unless `stop_on` names it."
)
STOPPED = promise(
    "A call that is cancelled or interrupted leaves no partial file and no connection, and its exception has the "
    "`task_id`."
)
AT_ONCE = promise(
    "Ctrl-C, an exception from a signal handler or a refused upload ends the call at once, even if other uploads stall."
)
TOKEN_FOR_API = promise("The token goes to the API only: not to the host of a result, and not along with a redirect.")
TOKEN_BY_TLS = promise(
    "The token is sent over TLS only, to a server with a valid certificate. Your own machine needs no TLS, nor does a "
    "host that you allow with `allow_http=True`."
)
TOKEN_HIDDEN = promise(
    "The token is in no error, traceback, repr or log line, in whatever spelling the service repeats it."
)
PROXY_HIDDEN = promise("The password of a proxy is in no error.")
WHOLE_FILES = promise(
    "A result is saved whole or not at all, and only if it is an image within the size limit; with `strict=True`, only "
    "in the requested format."
)
UNPACKED = promise(
    "Responses are requested without compression. A compressed response is read only if it is a single intact gzip or "
    "deflate, and never beyond its limit."
)
RESULT_HOSTS = promise("Results are fetched over https, or from the host that you pointed the client at.")
CHECKED_FIRST = promise(
    "Invalid input is rejected before anything is sent: an image that is none, and a URL with a blank in it, too."
)
NAMED_FILE = promise("A tuple of a name, content and perhaps a media type is one image, never two.")
WHOLE_UPLOADS = promise("A file that was read or written before the call is uploaded whole, or is refused.")
SHARED = promise(
    "One client serves threads, tasks, forks, other processes, and one event loop after the other, each with its own "
    "connections."
)
ABANDONED = promise("A client that is dropped with open connections warns once.")
OWN_SETTINGS = promise("Proxies and certificates of the environment are used, and so is your own httpx2 client.")
OBSERVED = promise("OpenTelemetry sees every request, except on aiohttp; the log shows every stage and retry.")
PICKLED = promise(
    "Edits, images, tasks, files, progress, clients and errors pickle and copy. None of them takes the token along: "
    "another process reads it from its environment."
)
PAID_FOR = promise(
    "A finished result can be had: in another format than asked, with a warning; under the name of a coding that it "
    "does not have; from a host that does not have it at once; after its client was closed."
)
STRIPPED = promise("`prepare` leaves nothing of a photo but its pixels, unless you pass `strip_metadata=False`.")
AGENT_ONCE = promise("An edit that an agent asks for twice, at once or later, or cancels, is billed once.")
AGENT_LIMIT = promise("An agent gets at most `--max-edits` edits in a run; one that may have been accepted counts.")
AGENT_FOLDER = promise("An agent reads and writes images in its folder alone, and replaces a file only if it asks to.")
FROZEN = promise("While freezegun or time-machine has frozen the time, a wait polls and ends as always.")
PASSED_ON_ONCE = promise(
    "The mock as a proxy passes a submission on at most once. If its answer is lost, the answer is a 502 that says so."
)
NO_SECRET_ON_TAPE = promise(
    "A tape holds no token, cookie or query of a URL, and, unless you ask for content, no prompt, message, file name, "
    "path of a URL or image."
)
