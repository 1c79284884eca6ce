"""Bounds that a double cannot hold: the generated client has them to the last digit."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest
from nano_banana_edit_mock.contract import parse
from nano_banana_edit_mock.contract.schemas import Schemas

from ..document import BODY
from .generating import client_of, refusal_of_the_generator, with_properties

BOUNDS: dict[str, dict[str, Any]] = {
    "low": {"minimum": -(2**63)},
    "high": {"maximum": 2**63 - 1},
    "past": {"exclusiveMaximum": 2**64 - 1},
    "after": {"exclusiveMinimum": -(2**53) - 1},
    "odd": {"multipleOf": 2**53 + 1},
    "list": {"minimum": 2**60 + 1},
    "float": {"minimum": 1e22},
}


def test_big_bounds_are_exact() -> None:
    """One beyond a bound is refused and the bound itself is not, by model and mock, and the docstring states it."""
    properties = {name: {"type": "integer", **bound} for name, bound in BOUNDS.items()}
    properties["list"] = {"type": "array", "items": properties["list"]}
    document = with_properties(**properties)
    schemas = Schemas(parse(document))
    with client_of(document) as client:
        for name, bound in BOUNDS.items():
            limit = int(next(iter(bound.values())))
            for value in (limit - 1, limit, limit + 1, -limit, 2 * limit):
                body = BODY | {name: [value] if name == "list" else value}
                try:
                    client.models.EditRequest.from_dict(body)
                    accepted = True
                except client.errors.ConstraintViolation:
                    accepted = False
                assert accepted == (not schemas.check("/components/schemas/EditRequest", body)), (name, value)
        assert f"At most {2**63 - 1}." in inspect.getdoc(client.models.EditRequest)


def test_bounds_that_are_one_to_the_generator(tmp_path: Path) -> None:
    """Two bounds that only their last digits tell apart are refused, as nobody knows which of them is meant."""
    bounds = {"a": {"type": "integer", "maximum": 2**53}, "b": {"type": "integer", "maximum": 2**53 + 1}}
    refusal = refusal_of_the_generator(with_properties(**bounds), tmp_path)
    assert f"EditRequest.a has the maximum {2**53} or {2**53 + 1}, one number to the generator. Change one." in refusal


@pytest.mark.parametrize("text", ["5000", "5000.0", "5e3"])
def test_whole_numbers_are_integers(text: str, tmp_path: Path) -> None:
    """A whole number may be written as a float, as JSON Schema has it."""
    document = with_properties(text={"type": "string", "maxLength": float(text)})
    assert "" == refusal_of_the_generator(document, tmp_path)
    assert '"maxLength": 5000' in (tmp_path / "client/models/edit_request.py").read_text("utf-8")
