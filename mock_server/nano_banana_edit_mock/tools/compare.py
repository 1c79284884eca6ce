"""The mock beside a tape: its requests are sent to the mock, and answers of another kind are listed."""

from collections.abc import Iterator
from typing import Any

from attrs import evolve

from ..contract import Contract, Operation
from ..contract.census import point
from ..contract.reading import Flaw, read_json
from ..engine.answers import object_in
from ..engine.records import Outcome, Request, Response
from ..engine.referee import Referee
from ..engine.service import MockService
from ..engine.tape import Exchange, Tape
from .cases import make_request

_READ = ("content-type", "retry-after", "retry-after-ms")  # headers that clients read
_AUTHORIZED = {"Authorization": "Bearer token"}
_POLLS = 2  # until a task is finished, so that it is pending, processing and finished
_CIRCUMSTANCES = (401, 402, 403, 404, 408, 429, *range(500, 600))  # statuses that are not the request's own fault


def repeatable(tape: Tape, contract: Contract) -> Iterator[tuple[Exchange, Operation, Request]]:
    """Yield the exchanges whose requests can be made anew, with these; of some a tape has only digests."""
    operations, referee = {operation.id: operation for operation in contract.operations}, Referee(contract)
    for exchange in tape.exchanges:
        operation = operations.get(exchange.operation)
        if operation and {*operation.parameters} == {*exchange.path} and _is_whole(operation, exchange.body):
            request = _request(operation, exchange, referee.max_body)
            valid = not referee.judge(operation, request, None).violations
            if valid and exchange.status in _CIRCUMSTANCES:
                request = evolve(request, headers=(*request.headers, ("Prefer", f"code={exchange.status}")))
            # Of a request only the body is on the tape, and not what else was wrong with it.
            other = valid or any(text.startswith("Content-Type:") for text in exchange.request_violations)
            if not (other and exchange.request_violations):
                yield exchange, operation, request


def compare(tape: Tape, contract: Contract) -> Iterator[str]:
    """Yield where the service on a tape and the mock differ in kind: status, headers that clients read, and shape.

    Ids and texts differ anyway. A task has the outcome that it has on the tape, and a poll is compared with one that
    finds the task in the same status, as the time that a task takes is not of its kind. The mock is asked for errors
    that any valid request may have, such as 429.
    """
    service = MockService(contract=contract, polls=_POLLS)
    polls = next((operation for operation in contract.operations if operation.id == "getTask"), None)
    tasks: dict[str, dict[str, Response]] = {}  # answers to polls by status, by the ids on the tape
    known: set[str] = set()
    for exchange, operation, request in repeatable(tape, contract):
        theirs, about = tape.response(exchange), f"Exchange {exchange.number}, {exchange.operation}"
        if operation.id == "createEdit" and theirs.status < 300:
            task_id = str(object_in(theirs.body).get("task_id"))
            service.reset()
            service.next(_outcome(tape, task_id))
            ours = service.handle(request)
            tasks[task_id] = _poll(service, polls, str(object_in(ours.body).get("task_id"))) if polls else {}
        elif operation.id == "getTask" and theirs.status < 300:
            status = str(object_in(theirs.body).get("status"))
            answers = tasks.get(str(exchange.path.get("id")), {})
            if status not in answers:
                yield f"{about}: the mock has no such task with the status {status!r}."
                continue
            ours = answers[status]
        else:
            ours = service.handle(request)
        for text in _differences(theirs, ours):
            if f"{exchange.operation} {text}" not in known:  # once is enough
                known.add(f"{exchange.operation} {text}")
                yield f"{about}: {text}"


def _is_whole(operation: Operation, body: Any) -> bool:
    """Return whether a tape has the body of a request. It has only a digest if that is neither JSON nor a form."""
    if not operation.fields:
        return not isinstance(body, str)
    return isinstance(body, dict) and all(
        isinstance(file, dict) and isinstance(file.get("bytes"), int) for file in body.values()
    )


def _request(operation: Operation, exchange: Exchange, most: int) -> Request:
    """Return the request of an exchange."""
    value = exchange.body
    if operation.fields:  # what is too large is refused, however large it is
        value = {name: min(file["bytes"], most) for name, file in value.items()}
    headers = _AUTHORIZED if exchange.authorized else {}
    request = make_request(operation, operation.servers[0], exchange.path, value, headers)
    return evolve(request, body=b"") if exchange.body is None else request


def _poll(service: MockService, operation: Operation, task_id: str) -> dict[str, Response]:
    """Return the answers to all polls of a task, by its status."""
    request = make_request(
        operation, operation.servers[0], dict.fromkeys(operation.parameters, task_id), None, _AUTHORIZED
    )
    answers = [service.handle(request) for _ in range(_POLLS + 1)]
    return {str(object_in(answer.body).get("status")): answer for answer in answers}


def _outcome(tape: Tape, task_id: str) -> Outcome:
    """Return the outcome that a task has on a tape."""
    polls = [e for e in tape.exchanges if e.operation == "getTask" and task_id in e.path.values()]
    last = object_in(tape.response(polls[-1]).body) if polls else {}
    if last.get("status") == "failed":
        code, text = ("text" if name in last else None for name in ("error_code", "error_msg"))
        return Outcome(status="failed", error_code=code, error_msg=text)
    result = last.get("result")
    files = isinstance(result, list) and any(isinstance(item, dict) for item in result)
    return Outcome(result_form="file" if files else "url")


def _value(response: Response) -> Any:
    """Return the JSON value of an answer; its bytes if it is none."""
    try:
        return read_json(response.body)
    except Flaw:
        return response.body


def _differences(theirs: Response, ours: Response) -> Iterator[str]:
    if theirs.status != ours.status:
        yield f"the status is {theirs.status}, the mock's {ours.status}."
        return
    for name in _READ:
        given, own = theirs.header(name), ours.header(name)
        if name == "content-type":
            given, own = ((text or "none").partition(";")[0].strip().lower() for text in (given, own))
            if given != own:
                yield f"Content-Type is {given}, the mock's {own}."
        elif (given is None) != (own is None):
            yield f"{name} is {given or 'not sent'}, the mock's {own or 'not sent'}."
    yield from _shapes(_value(theirs), _value(ours), ())


def _shapes(theirs: Any, ours: Any, path: tuple[str | int, ...]) -> Iterator[str]:
    """Yield where two JSON values have other types or properties; of lists the first items are compared."""
    at = point(path) or "The body"
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for name in {**theirs, **ours}:
            if name not in ours:
                yield f"{point((*path, name))} is only in the service's answer."
            elif name not in theirs:
                yield f"{point((*path, name))} is only in the mock's answer."
            else:
                yield from _shapes(theirs[name], ours[name], (*path, name))
    elif isinstance(theirs, list) and isinstance(ours, list):
        if bool(theirs) != bool(ours):
            yield f"{at} has {len(theirs)} items, the mock's {len(ours)}."
        for one, other in zip(theirs[:1], ours[:1], strict=False):
            yield from _shapes(one, other, (*path, 0))
    elif _kind(theirs) != _kind(ours):
        yield f"{at} is {_kind(theirs)}, the mock's {_kind(ours)}."


def _kind(value: Any) -> str:
    kinds = {
        bool: "a boolean",
        int: "a number",
        float: "a number",
        str: "a string",
        list: "an array",
        dict: "an object",
        bytes: "not JSON",
    }
    return kinds.get(type(value), "null")
