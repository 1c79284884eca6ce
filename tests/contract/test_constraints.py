"""Each constraint of the document, through every layer: the same verdict, and the same field blamed."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from nano_banana_edit_client.models import EditRequest
from nano_banana_edit_mock.contract import Constraint

from ..document import DEFAULTS
from . import strategies
from .layers import Layer, async_wrapper, sync_wrapper
from .strategies import CONTRACT, JSON, bodies, bodies_with, body_constraints, edges, outside, put, sized

EDIT = body_constraints("createEdit")
# Stated by the shape of the models and signatures, and proved by tests of their own below.
NOT_VALUES = {"required", "default", "additionalProperties"}
VALUES = [c for c in EDIT if c.field and c.keyword not in NOT_VALUES]
LIMITS = [c for c in VALUES if c.keyword in strategies.LIMITS]
REQUIRED = [c for c in EDIT if c.keyword == "required"]
WITH_DEFAULT = [c for c in EDIT if c.keyword == "default"]

ORACLE = jsonschema.Draft202012Validator({**CONTRACT.document, "$ref": "#/components/schemas/EditRequest"})


def named(constraints: list[Constraint]) -> Any:
    return pytest.mark.parametrize("constraint", constraints, ids=lambda constraint: constraint.id)


@given(body=bodies("createEdit"), extra=st.dictionaries(st.text(max_size=9), JSON, max_size=2))
def test_accepts_what_the_document_accepts(layer: Layer, body: dict[str, Any], extra: dict[str, Any]) -> None:
    """Every body that meets all constraints is accepted, with properties that are not documented, and arrives whole."""
    body = extra | body
    verdict = layer(body)
    assert ORACLE.is_valid(body)
    assert verdict.accepted, verdict
    assert verdict.received == (DEFAULTS | body if layer in (sync_wrapper, async_wrapper) else body)


@named(VALUES)
@given(data=st.data())
def test_rejects_outside(layer: Layer, constraint: Constraint, data: st.DataObject) -> None:
    """A body that breaks one constraint is refused, and the constraint's property is blamed."""
    body = data.draw(bodies_with(constraint))
    body = put(body, constraint.field, data.draw(outside(constraint)), data.draw(st.integers(0, 9)))
    verdict = layer(body)
    assert not verdict.accepted, verdict
    assert constraint.field[0] == verdict.field


@named(LIMITS)
@given(data=st.data())
def test_decides_at_the_limit(layer: Layer, constraint: Constraint, data: st.DataObject) -> None:
    """At limit-1, limit and limit+1 the verdict is the document's."""
    body = data.draw(bodies_with(constraint))
    for size, accepted in edges(constraint):
        changed = put(body, constraint.field, data.draw(sized(constraint, size)))
        assert accepted == ORACLE.is_valid(changed)
        assert accepted == layer(changed).accepted, size


@named(REQUIRED)
@given(body=bodies("createEdit"))
def test_rejects_without_what_is_required(layer: Layer, constraint: Constraint, body: dict[str, Any]) -> None:
    """A body without a required property is refused, and that property is blamed."""
    body = {name: value for name, value in body.items() if name != constraint.value}
    verdict = layer(body)
    assert not verdict.accepted
    assert constraint.value == verdict.field


@named(WITH_DEFAULT)
@given(body=bodies("createEdit"))
def test_default_is_the_documents(constraint: Constraint, body: dict[str, Any]) -> None:
    """What the model and both wrappers send, where nothing is given, is the document's default."""
    (name,) = constraint.field
    body.pop(name, None)
    assert constraint.value == EditRequest(**body).to_dict()[name]
    assert [constraint.value] * 2 == [layer(body).received[name] for layer in (sync_wrapper, async_wrapper)]


@given(data=st.data())
@example(data=None)
def test_agrees_with_the_oracle(layer: Layer, data: st.DataObject | None) -> None:
    """On bodies with any number of wrong values every layer says what an independent validator says."""
    body = {"image_urls": ["https://example.test/"], "prompt": "p", "image_size": 1.0}
    if data:
        body = data.draw(bodies("createEdit"))
        for name in data.draw(st.lists(st.sampled_from([*strategies.properties("createEdit"), "callBackUrl"]))):
            body[name] = data.draw(JSON)
    urls = body["image_urls"]
    if isinstance(urls, str) or (isinstance(urls, list) and any(isinstance(url, str) for url in urls)):
        body["image_urls"] = ["https://example.test/"]  # other strings are paths to the wrapper, and to it alone
    assert ORACLE.is_valid(body) == layer(body).accepted


@named([c for c in VALUES if len(c.field) == 1])
@given(data=st.data())
def test_assignment_is_held_to_the_constraint(constraint: Constraint, data: st.DataObject) -> None:
    """Assigning a value that breaks a constraint to a model is refused, and changes nothing."""
    request = EditRequest.from_dict(data.draw(bodies("createEdit")))
    before = request.to_dict()
    with pytest.raises(ValueError, match=rf"^{constraint.field[0]}\b"):
        setattr(request, constraint.field[0], data.draw(outside(constraint)))
    assert before == request.to_dict()


@named(LIMITS)
def test_edges_lie_on_both_sides(constraint: Constraint) -> None:
    """The sizes tried at a limit are the last one that it accepts and the first one that it does not."""
    verdicts = dict(edges(constraint))
    turns = [size for size in verdicts if size + 1 in verdicts and verdicts[size] != verdicts[size + 1]]
    assert 1 == len(turns) or (constraint.keyword, constraint.value) in [("minLength", 0), ("minItems", 0)]
