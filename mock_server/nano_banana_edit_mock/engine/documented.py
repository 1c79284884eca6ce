"""The answers that a document promises: the mock's must be among them, and those to other operations are made of it."""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from attrs import frozen
from jsonschema_rs import Draft202012Validator

from ..contract import JSON, Contract, Operation
from ..contract.census import escape, facets, follow, has, point, reference, resolve, target
from ..contract.operations import Field
from ..contract.samples import sample
from ..contract.schemas import named
from .answers import accepted, content, task, uploaded, wording
from .records import Outcome, Response, Upload
from .routes import FILE, FILE_NAMES, FILE_ORIGIN, RESULT

_OWN_ERRORS = ("400", "401", "404", "413", "415", "4XX", "default")
_STATUS = re.compile(r"[1-5](?:[0-9]{2}|XX)|default")
_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(?: *;[\x20-\x7e]*)?", re.ASCII)
_ID = "6ba7b810-9dad-41d1-80b4-00c04fd430c8"  # as long as those of the state
_RESULT = FILE_ORIGIN + RESULT.path.format(task_id=_ID, output_format="png")
_ENDINGS = (Outcome(), Outcome(result_form="file"), Outcome(status="failed", error_code="code", error_msg="text"))
PLAYED: dict[str, tuple[dict[str, Any], ...]] = {
    "createEdit": (accepted(_ID),),
    "getTask": (task(_ID, "pending"), task(_ID, "processing"), *(task(_ID, o.status, o, _RESULT) for o in _ENDINGS)),
    "uploadFile": (
        uploaded(
            FILE_ORIGIN + FILE.path.format(key=f"{_ID}.png"),
            Upload(key=f"{_ID}.png", filename="a", content_type="image/png", body=b"image"),
            datetime(2026, 1, 1, microsecond=1, tzinfo=UTC),
        ),
    ),
}


@frozen
class Documented:
    """The answer to a valid request, by operation, and the field of `uploadFile` that holds the file."""

    answers: Mapping[str, Response]
    upload: str


@lru_cache(maxsize=8)
def documented(contract: Contract) -> Documented:
    """Return what a document promises, or raise ValueError for what the mock does not answer."""
    upload = ""
    for operation in contract.operations:
        at = _at(operation)
        if operation.id == "createEdit" and not _is_object(contract, operation):
            raise ValueError(f"{at} must require a JSON object, as the mock plays createEdit.")
        if operation.id == "getTask" and len(operation.parameters) != 1:
            raise ValueError(f"{at} must have one path parameter, the task id, as the mock plays getTask.")
        if operation.id == "uploadFile" and not (upload := _upload(contract, operation)):
            raise ValueError(f"{at} must require a form with a file in it, as the mock plays uploadFile.")
        if operation.id in FILE_NAMES:
            raise ValueError(f"{at}/operationId is {operation.id}, as the mock calls its own files. Use another one.")
    return Documented(
        {operation.id: _answer(contract.document, operation) for operation in contract.operations}, upload
    )


def _at(operation: Operation) -> str:
    return f"/paths/{escape(operation.path)}/{operation.method.lower()}"


def _is_object(contract: Contract, operation: Operation) -> bool:
    if (operation.media_type, operation.body_required) != (JSON, True):
        return False
    kind = facets(contract.document, operation.schema).get("type")
    return kind is not None and resolve(contract.document, kind) == "object"


def _upload(contract: Contract, operation: Operation) -> str:
    """Return the first file that the form of an operation requires; empty if there is none."""
    required = (
        c.value for c in contract.constraints if (c.operation, c.keyword) == (operation.id, "required") and c.field
    )
    files = (name for name in required if operation.fields.get(name) == Field("file"))
    return next(files, "") if operation.body_required else ""


def _answer(document: Mapping[str, Any], operation: Operation) -> Response:
    holder = f"{_at(operation)}/responses"
    names = [name for name in resolve(document, holder) if name[:2] != "x-"] if has(document, holder) else []
    for name in names:
        _check_status(document, operation, f"{holder}/{escape(name)}", name)
    name = min((name for name in names if name[:1] == "2"), default="default" if "default" in names else "")
    if names and not name:
        raise ValueError(f"{holder} has no success, such as 200, which the mock could answer. Add one.")
    status = int(name.replace("XX", "00")) if name[:1] == "2" else 200 if name or operation.id in PLAYED else 204
    at = _content(document, f"{holder}/{name}") if name else ""
    media_types = list(resolve(document, at)) if has(document, at) else []
    if operation.id in PLAYED:
        for payload in PLAYED[operation.id] if media_types else ():
            _check(document, operation, _media(document, operation, at), payload)
        if status in {204, 205}:
            raise ValueError(f"{holder}/{name} has no body, in which the mock answers {operation.id}.")
        return Response(status)
    if not media_types:
        return Response(status, () if status == 204 else (("Content-Length", "0"),))
    media_type = JSON if JSON in media_types else media_types[0]
    value = _example(document, operation, f"{at}/{escape(media_type)}")
    kind = media_type.partition(";")[0].strip().lower()
    if kind == JSON or kind.endswith("+json"):
        return content(status, media_type, json.dumps(value).encode())
    if not isinstance(value, str) or not _MEDIA_TYPE.fullmatch(media_type):
        raise ValueError(f"{at}/{escape(media_type)} has no text for an example. Add one, so that the mock can answer.")
    return content(status, media_type, value.encode())


def _check_status(document: Mapping[str, Any], operation: Operation, response: str, name: str) -> None:
    if not _STATUS.fullmatch(name):
        raise ValueError(f"{response} is not a status; use one such as 200, a range such as 4XX, or default.")
    at = _content(document, response)
    if name in _OWN_ERRORS and has(document, at) and resolve(document, at):
        payload = wording(int(name) if name.isdigit() else 400, "text")
        _check(document, operation, _media(document, operation, at), payload)


def _media(document: Mapping[str, Any], operation: Operation, at: str) -> str:
    """Return the pointer to the media type in which the mock answers."""
    if JSON not in resolve(document, at):
        raise ValueError(f"{at} has no {JSON}, in which the mock answers {operation.id}.")
    return f"{at}/{escape(JSON)}"


def _content(document: Mapping[str, Any], pointer: str) -> str:
    """Return the pointer to the media types of a response."""
    return f"{follow(document, pointer)}/content"


def _example(document: Mapping[str, Any], operation: Operation, media: str) -> Any:
    """Return an example of a body, or else a sample, which its schema allows."""
    places = [f"{media}/example", f"{media}/schema/example"]
    if has(document, f"{media}/examples"):
        pointers = [f"{media}/examples/{escape(name)}" for name in resolve(document, f"{media}/examples")]
        places += [f"{follow(document, place)}/value" for place in pointers]
    values = [resolve(document, place) for place in places if has(document, place)]
    if has(document, f"{media}/schema"):
        with suppress(RecursionError, OverflowError):
            values.append(sample(document, f"{media}/schema"))
    refusals = []
    for value in values:
        try:
            _check(document, operation, media, value)
        except ValueError as error:
            refusals.append(error)
        else:
            return value
    raise ValueError(f"{media} has no example, and the mock can make none. Add one.") from next(iter(refusals), None)


def _check(document: Mapping[str, Any], operation: Operation, media: str, value: Any) -> None:
    if not has(document, f"{media}/schema"):
        return
    try:
        validator = Draft202012Validator({**document, "$ref": reference(f"{media}/schema")}, retriever=target)
    except ValueError as error:
        raise ValueError(f"{media}/schema is not a schema ({str(error).splitlines()[0]}).") from error
    for flaw in validator.iter_errors(value):
        what = f"does not allow what the mock answers to {operation.id} ({flaw.message})"
        raise ValueError(f"{point(named(document, flaw.schema_path))} {what}. The mock knows no other answer.")
