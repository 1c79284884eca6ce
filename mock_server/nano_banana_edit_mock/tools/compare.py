"""The mock beside a tape: its requests are sent to the mock, and answers of another kind are listed."""

import json
from collections.abc import Iterator
from typing import Any

from ..contract import Contract, Operation
from ..contract.census import point
from ..engine.records import Outcome, Response
from ..engine.referee import Referee
from ..engine.service import MockService
from ..engine.tape import Exchange, Tape
from .cases import make_request

_READ = ("content-type", "retry-after", "retry-after-ms")  # headers that clients read
_AUTHORIZED = {"Authorization": "Bearer token"}
_POLLS = 2  # until a task is finished, so that it is pending, processing and finished


def compare(tape: Tape, contract: Contract) -> Iterator[str]:
    """Yield where the service on a tape and the mock differ in kind: status, headers that clients read, and shape.

    Ids and texts differ anyway. A task has the outcome that it has on the tape, and a poll is compared with one that
    finds the task in the same status, as the time that a task takes is not of its kind. The mock is asked for the
    errors that a valid request has on the tape.
    """
    service, referee = MockService(contract=contract, polls=_POLLS), Referee(contract)
    operations = {operation.id: operation for operation in contract.operations}
    tasks: dict[str, dict[str, Response]] = {}  # answers to polls by status, by the ids on the tape
    known: set[str] = set()
    for number, exchange in enumerate(tape.exchanges, start=1):
        if exchange.operation not in operations or isinstance(exchange.body, str):
            continue  # of a body that is neither JSON nor a form there is only a digest
        theirs, operation = tape.response(exchange), operations[exchange.operation]
        if exchange.operation == "createEdit" and theirs.status < 300:
            task_id = str(_value(theirs).get("task_id"))
            service.next(_outcome(tape, task_id))
            ours = _send(service, referee, operation, exchange)
            tasks[task_id] = _poll(service, operations["getTask"], str(_value(ours).get("task_id")))
        elif exchange.operation == "getTask" and theirs.status < 300:
            status = str(_value(theirs).get("status"))
            polls = tasks.get(str(exchange.path.get("id")), {})
            if status not in polls:
                yield f"Exchange {number}, getTask: the mock has no such task with the status {status!r}."
                continue
            ours = polls[status]
        else:
            ours = _send(service, referee, operation, exchange, theirs.status)
        for text in _differences(theirs, ours):
            if f"{exchange.operation} {text}" not in known:  # once is enough
                known.add(f"{exchange.operation} {text}")
                yield f"Exchange {number}, {exchange.operation}: {text}"


def _send(
    service: MockService, referee: Referee, operation: Operation, exchange: Exchange, status: int = 200
) -> Response:
    """Return the mock's answer to the request of an exchange, or the error that it has on the tape."""
    value = exchange.body
    if operation.fields:
        value = {name: file["bytes"] for name, file in value.items()}
    headers = _AUTHORIZED
    plain = make_request(operation, operation.servers[0], exchange.path, value, headers)
    if status >= 400 and not referee.judge(operation, plain, None).violations:
        headers = {**headers, "Prefer": f"code={status}"}
    return service.handle(make_request(operation, operation.servers[0], exchange.path, value, headers))


def _poll(service: MockService, operation: Operation, task_id: str) -> dict[str, Response]:
    """Return the answers to all polls of a task, by its status."""
    request = make_request(
        operation, operation.servers[0], dict.fromkeys(operation.parameters, task_id), None, _AUTHORIZED
    )
    answers = [service.handle(request) for _ in range(_POLLS + 1)]
    return {str(_value(answer).get("status")): answer for answer in answers}


def _outcome(tape: Tape, task_id: str) -> Outcome:
    """Return the outcome that a task has on a tape."""
    polls = [
        _value(tape.response(e)) for e in tape.exchanges if e.operation == "getTask" and task_id in e.path.values()
    ]
    last = polls[-1] if polls else {}
    if last.get("status") == "failed":
        code, text = ("text" if name in last else None for name in ("error_code", "error_msg"))
        return Outcome(status="failed", error_code=code, error_msg=text)
    result = last.get("result")
    files = isinstance(result, list) and any(isinstance(item, dict) for item in result)
    return Outcome(result_form="file" if files else "url")


def _value(response: Response) -> dict[str, Any]:
    try:
        value = json.loads(response.body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


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
    yield from _shapes(_json(theirs), _json(ours), ())


def _json(response: Response) -> Any:
    try:
        return json.loads(response.body)
    except ValueError:
        return None


def _shapes(theirs: Any, ours: Any, path: tuple[str | int, ...]) -> Iterator[str]:
    """Yield where two JSON values have other types or properties; of lists the first items are compared."""
    at = point(path) or "The body"
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for name in {**theirs, **ours}:
            if name not in ours:
                yield f"{point((*path, name))} is there, and not in the mock's."
            elif name not in theirs:
                yield f"{point((*path, name))} is not there, but in the mock's."
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
    }
    return kinds.get(type(value), "null")
