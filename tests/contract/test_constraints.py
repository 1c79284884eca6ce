"""Each constraint of the document, through every layer: the same verdict, and the same property blamed."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nano_banana_edit_client.errors import ConstraintViolation
from nano_banana_edit_client.models import EditRequest
from nano_banana_edit_mock.contract import Constraint

from .. import promises
from . import strategies
from .agreement import agree
from .layers import WRAPPERS, Layer
from .strategies import JSON, bodies, bodies_with, body_constraints, edges, outside, put, sized

EDIT = body_constraints("createEdit")
# Stated by the shape of the models and signatures, and proved by tests of their own below.
NOT_VALUES = {"required", "default", "additionalProperties"}
VALUES = [c for c in EDIT if c.field and c.keyword not in NOT_VALUES]
LIMITS = [c for c in VALUES if c.keyword in strategies.LIMITS]
REQUIRED = [c for c in EDIT if c.keyword == "required"]
WITH_DEFAULT = [c for c in EDIT if c.keyword == "default"]
OF_THE_BODY = [c for c in EDIT if not c.field and c.keyword == "type"]


def named(constraints: list[Constraint]) -> Any:
    return pytest.mark.parametrize("constraint", constraints, ids=lambda constraint: constraint.id)


@given(body=bodies("createEdit"), extra=st.dictionaries(st.text(max_size=9), JSON, max_size=2))
def test_accepts_what_the_document_accepts(layers: list[Layer], body: dict[str, Any], extra: dict[str, Any]) -> None:
    """Every body that meets all constraints is accepted, with properties that are not documented, and arrives whole."""
    assert frozenset() == agree(layers, extra | body)


@promises.CHECKED_FIRST
@named(VALUES)
@given(data=st.data())
def test_rejects_outside(layers: list[Layer], constraint: Constraint, data: st.DataObject) -> None:
    """A body that breaks one constraint is refused, and the constraint's property is blamed."""
    body = data.draw(bodies_with(constraint))
    body = put(body, constraint.field, data.draw(outside(constraint)), data.draw(st.integers(0, 9)))
    assert {constraint.field[0]} == agree(layers, body)


@named(VALUES)
@given(data=st.data())
def test_model_refuses_by_the_documents_value(constraint: Constraint, data: st.DataObject) -> None:
    """What the model says it is held to is the keyword's value in the document, down to every item of a list."""
    body = put(data.draw(bodies_with(constraint)), constraint.field, data.draw(outside(constraint)))
    with pytest.raises(ConstraintViolation) as refusal:
        EditRequest.from_dict(body)
    beside = {c.keyword: c.value for c in EDIT if c.field == constraint.field}
    assert refusal.value.keyword in {constraint.keyword, "enum"}
    assert _sorted(beside[refusal.value.keyword]) == _sorted(refusal.value.limit)


def _sorted(value: Any) -> Any:
    return sorted(value) if isinstance(value, list) else value


@named(LIMITS)
@settings(max_examples=max(1, settings().max_examples // 3))  # as each example is three bodies
@given(data=st.data())
def test_decides_at_the_limit(layers: list[Layer], constraint: Constraint, data: st.DataObject) -> None:
    """At limit-1, limit and limit+1 the verdict is the document's."""
    body = data.draw(bodies_with(constraint))
    for size, accepted in edges(constraint):
        fields = agree(layers, put(body, constraint.field, data.draw(sized(constraint, size))))
        assert accepted == (not fields), size


@named(REQUIRED)
@given(body=bodies("createEdit"))
def test_rejects_without_what_is_required(layers: list[Layer], constraint: Constraint, body: dict[str, Any]) -> None:
    """A body without a required property is refused, and that property is blamed."""
    body = {name: value for name, value in body.items() if name != constraint.value}
    assert {constraint.value} == agree(layers, body)


@named(OF_THE_BODY)
@given(body=JSON.filter(lambda value: not isinstance(value, dict)))
def test_rejects_what_is_no_object(layers: list[Layer], constraint: Constraint, body: Any) -> None:
    """A body of another type is refused, and no property is blamed."""
    assert {""} == agree(layers, body)


@named(WITH_DEFAULT)
@given(body=bodies("createEdit"))
def test_default_is_the_documents(constraint: Constraint, body: dict[str, Any]) -> None:
    """What the model and both wrappers send, where nothing is given, is the document's default."""
    (name,) = constraint.field
    body.pop(name, None)
    assert constraint.value == EditRequest(**body).to_dict()[name]
    assert [constraint.value] * len(WRAPPERS) == [layer(body).received[name] for layer in WRAPPERS]


@named([c for c in VALUES if len(c.field) == 1])
@given(data=st.data())
def test_assignment_is_held_to_the_constraint(constraint: Constraint, data: st.DataObject) -> None:
    """Assigning a value that breaks a constraint to a model is refused, and changes nothing."""
    request = EditRequest.from_dict(data.draw(bodies("createEdit")))
    before = request.to_dict()
    with pytest.raises(ValueError, match=rf"^{constraint.field[0]}\b"):
        setattr(request, constraint.field[0], data.draw(outside(constraint)))
    assert before == request.to_dict()


def test_edges_lie_on_both_sides() -> None:
    """The sizes tried at a limit are the last one that it accepts and the first one that it does not."""
    for constraint in LIMITS:
        verdicts = [accepted for _, accepted in edges(constraint)]
        turns = sum(one != other for one, other in pairwise(verdicts))
        assert 1 == turns or (constraint.keyword, constraint.value) in [("minLength", 0), ("minItems", 0)]
