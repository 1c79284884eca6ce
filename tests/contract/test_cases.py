"""The ready-made boundary cases of every constraint: their verdicts are the oracle's, and every layer gives them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from itertools import pairwise

import httpx
import pytest
from nano_banana_edit_mock import MockServer, MockService, mock_transport
from nano_banana_edit_mock._cases import Case, boundary_cases
from nano_banana_edit_mock.contract import parse

from ..document import CONTRACT
from .agreement import agree
from .conftest import BOTH
from .layers import Layer
from .oracle import blamed
from .strategies import LIMITS

CASES = boundary_cases(CONTRACT)
BODIES = [case for case in CASES if case.operation.id == "createEdit" and case.constraint.location == "body"]
ANSWERS = {"createEdit": 200, "getTask": 404, "uploadFile": 200}  # to what is accepted; no task has the example's id
# Text is all that a path can hold, and a form is always an object of texts.
CANNOT_BE_BROKEN = {"default", "format"} | {"getTask.id.type", "FileUpload.type", "FileUpload.file.type"}


@pytest.mark.parametrize("case", [case for case in BODIES if not case.empty], ids=lambda case: case.id)
def test_every_layer_gives_the_verdict(layers: list[Layer], case: Case) -> None:
    """Each layer says of a boundary case what the case and the oracle say."""
    assert case.accepted == (not agree(layers, case.value))


@pytest.fixture(scope="session", params=BOTH)
def post(request: pytest.FixtureRequest) -> Iterator[Callable[[Case], int]]:
    """What sends a case to the service, in process or on the real port, and returns the status."""
    with (
        MockServer() if request.param else nullcontext() as server,
        httpx.Client(transport=None if server else mock_transport(MockService())) as http,
    ):

        def answer(case: Case) -> int:
            sent = case.request(server.url if server else case.operation.servers[0], "t")
            return http.request(sent.method, sent.url, headers=sent.headers, content=sent.body).status_code

        yield answer


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_service_gives_the_verdict(post: Callable[[Case], int], case: Case) -> None:
    """The service answers a boundary case as the case says."""
    refusals = {"security": {401}, "path": {404}, "body": {400, 413}}[case.constraint.location]
    assert post(case) in ({ANSWERS[case.operation.id]} if case.accepted else refusals)


def test_case_breaks_one_property() -> None:
    """A case that is refused is refused for the property of its constraint alone."""
    for case in BODIES:
        expected = frozenset() if case.accepted else frozenset(case.constraint.field[:1]) or {""}
        assert case.empty or expected == blamed(case.value), case.id


def test_every_constraint_has_both_sides() -> None:
    """Each constraint has a case that is accepted and, unless nothing breaks it, one that is not."""
    for constraint in CONTRACT.constraints:
        sides = {case.accepted for case in CASES if case.constraint == constraint}
        breakable = not {constraint.keyword, constraint.id} & CANNOT_BE_BROKEN
        assert sides == ({True, False} if breakable else {True}), constraint.id


def test_every_limit_has_its_three_cases() -> None:
    """The sizes at a limit, one below and one above are among its cases, and it lies between two of them."""
    for constraint in (c for c in CONTRACT.constraints if c.keyword in LIMITS):
        names = {case.name.split()[0]: case.accepted for case in CASES if case.constraint == constraint}
        around = [str(size) for size in range(constraint.value - 1, constraint.value + 2) if size >= 0]
        assert around == [name for name in names if name.isdigit()]
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
    with pytest.raises(ValueError, match=r"createEdit breaks maxLength; the document's examples must be accepted"):
        boundary_cases(parse({**CONTRACT.document, "components": components}))
