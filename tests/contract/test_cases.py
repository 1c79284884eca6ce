"""The ready-made boundary cases of every constraint: their verdicts are the oracle's, and every layer gives them."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import httpx
import pytest
from nano_banana_edit_mock import MockServer, MockService, mock_transport
from nano_banana_edit_mock._cases import Case, boundary_cases
from nano_banana_edit_mock.contract import Constraint, parse

from ..document import CONTRACT
from .agreement import agree
from .layers import Layer
from .oracle import blamed
from .strategies import LIMITS
from .test_constraints import named

CASES = boundary_cases(CONTRACT)
BODIES = [case for case in CASES if case.operation.id == "createEdit" and case.constraint.location == "body"]
ANSWERS = {"createEdit": 200, "getTask": 404, "uploadFile": 200}  # to what is accepted; no task has the example's id
# Text is all that a path can hold, and a form is always an object of texts.
CANNOT_BE_BROKEN = {"default", "format"} | {"getTask.id.type", "FileUpload.type", "FileUpload.file.type"}


@pytest.mark.parametrize("case", [case for case in BODIES if not case.empty], ids=lambda case: case.id)
def test_every_layer_gives_the_verdict(layers: list[Layer], case: Case) -> None:
    """Each layer says of a boundary case what the case and the oracle say."""
    assert case.accepted == (not agree(layers, case.value))


@pytest.mark.parametrize("case", BODIES, ids=lambda case: case.id)
def test_breaks_no_other_property(case: Case) -> None:
    """A case that is refused is refused for the property of its constraint alone."""
    expected = frozenset() if case.accepted else frozenset(case.constraint.field[:1]) or {""}
    assert case.empty or expected == blamed(case.value)


def answer(case: Case, http: httpx.Client, server: str) -> int:
    request = case.request(server, "t")
    return http.request(request.method, request.url, headers=request.headers, content=request.body).status_code


def expected(case: Case) -> set[int]:
    if case.accepted:
        return {ANSWERS[case.operation.id]}
    return (
        {401} if case.constraint.location == "security" else {404} if case.constraint.location == "path" else {400, 413}
    )


def test_service_gives_the_verdict() -> None:
    """The service answers every boundary case as it says."""
    with httpx.Client(transport=mock_transport(MockService())) as http:
        wrong = [case.id for case in CASES if answer(case, http, case.operation.servers[0]) not in expected(case)]
    assert [] == wrong


@pytest.mark.server
def test_port_gives_the_verdict() -> None:
    """The real port answers every boundary case as it says."""
    with MockServer() as server, httpx.Client() as http:
        assert [] == [case.id for case in CASES if answer(case, http, server.url) not in expected(case)]


@named([*CONTRACT.constraints])
def test_every_constraint_has_both_sides(constraint: Constraint) -> None:
    """Each constraint has a case that is accepted and, unless nothing breaks it, one that is not."""
    sides = {case.accepted for case in CASES if case.constraint == constraint}
    breakable = not {constraint.keyword, constraint.id} & CANNOT_BE_BROKEN
    assert sides == ({True, False} if breakable else {True})


@named([c for c in CONTRACT.constraints if c.keyword in LIMITS])
def test_every_limit_has_its_three_cases(constraint: Constraint) -> None:
    """The sizes at a limit, one below and one above are among its cases, the last two of them apart."""
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
