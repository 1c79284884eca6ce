"""The ready-made boundary cases of every constraint: their verdicts are the oracle's, and every layer gives them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from itertools import pairwise

import httpx2
import pytest
from attrs import evolve
from nano_banana_edit_mock import MockServer, MockService, mock_transport
from nano_banana_edit_mock.contract import MULTIPART, Constraint, parse
from nano_banana_edit_mock.tools.cases import Case, boundary_cases

from ..document import CONTRACT
from .agreement import agree
from .conftest import BOTH
from .layers import Layer
from .oracle import blamed
from .strategies import LIMITS, schema_at

CASES = boundary_cases(CONTRACT)
BODIES = [case for case in CASES if case.operation.id == "createEdit" and case.constraint.location == "body"]
FORMS = {operation.id for operation in CONTRACT.operations if operation.media_type == MULTIPART}


def can_be_broken(constraint: Constraint) -> bool:
    """Text is all that a path can hold, and a form is always an object of texts."""
    typed = constraint.keyword == "type" and (constraint.location == "path" or constraint.operation in FORMS)
    return constraint.keyword not in ("default", "format") and not typed


@pytest.mark.parametrize("case", [case for case in BODIES if not case.empty], ids=lambda case: case.id)
def test_every_layer_gives_the_verdict(layers: list[Layer], case: Case) -> None:
    """Each layer says of a boundary case what the case and the oracle say."""
    assert case.accepted == (not agree(layers, case.value))


@pytest.fixture(scope="session", params=BOTH)
def post(request: pytest.FixtureRequest) -> Iterator[Callable[[Case], int]]:
    """What sends a case to the service, in process or on the real port, and returns the status."""
    with (
        MockServer() if request.param else nullcontext() as server,
        httpx2.Client(transport=None if server else mock_transport(MockService())) as http,
    ):

        def answer(case: Case) -> int:
            if case.accepted and case.path:  # of a task that is there
                created = next(each for each in BODIES if each.accepted)
                case = evolve(case, path=dict.fromkeys(case.path, ask(created).json()["task_id"]))
            return ask(case).status_code

        def ask(case: Case) -> httpx2.Response:
            sent = case.request(server.url if server else case.operation.servers[0], "t")
            return http.request(sent.method, sent.url, headers=sent.headers, content=sent.body)

        yield answer


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_service_gives_the_verdict(post: Callable[[Case], int], case: Case) -> None:
    """The service answers a boundary case as the case says."""
    refusals = {"security": {401}, "path": {404}, "body": {400, 413}}[case.constraint.location]
    assert post(case) in ({200} if case.accepted else refusals)


def test_case_breaks_one_property() -> None:
    """A case that is refused is refused for the property of its constraint alone."""
    for case in BODIES:
        expected = frozenset() if case.accepted else frozenset(case.constraint.field[:1]) or {""}
        assert case.empty or expected == blamed(case.value), case.id


def test_every_constraint_has_both_sides() -> None:
    """Each constraint has a case that is accepted and, unless nothing breaks it, one that is not."""
    for constraint in CONTRACT.constraints:
        sides = {case.accepted for case in CASES if case.constraint == constraint}
        assert sides == ({True, False} if can_be_broken(constraint) else {True}), constraint.id


def test_every_limit_has_its_three_cases() -> None:
    """The sizes at a limit, one below and one above are among its cases, and it lies between two of them."""
    for constraint in (c for c in CONTRACT.constraints if c.keyword in LIMITS):
        names = {case.name.split()[0]: case.accepted for case in CASES if case.constraint == constraint}
        step = schema_at(constraint.operation, constraint.field).get("multipleOf", 1)
        sizes = (constraint.value - step, constraint.value, constraint.value + step)
        around = [str(size) for size in sizes if size >= 0 or constraint.keyword.endswith("imum")]
        assert around == [name for name in names if name.lstrip("-").isdigit()]
        assert 1 == sum(names[one] != names[other] for one, other in pairwise(around))


def test_no_case_stands_twice() -> None:
    """Each case has an id of its own."""
    assert [] == [name for name, count in Counter(case.id for case in CASES).items() if count > 1]


def test_refuses_examples_that_are_not_accepted() -> None:
    """A document whose own example breaks a constraint has no cases, and the constraint is named."""
    schemas = CONTRACT.document["components"]["schemas"]
    request = schemas["EditRequest"]
    prompt = request["properties"]["prompt"] | {"maxLength": 3}
    changed = {**request, "properties": {**request["properties"], "prompt": prompt}}
    components = {**CONTRACT.document["components"], "schemas": {**schemas, "EditRequest": changed}}
    with pytest.raises(
        ValueError, match=r"/EditRequest/properties/prompt/example has 34 characters; the limit is 1 to 3\."
    ):
        boundary_cases(parse({**CONTRACT.document, "components": components}))
