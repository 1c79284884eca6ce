from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field
from attrs import validate as _attrs_validate

from .. import constraints as _constraints
from ..types import UNSET

T = TypeVar("T", bound="PrintFrame")


@_attrs_define
class PrintFrame:
    """
    Attributes:
        width (int):
    """

    width: int = _attrs_field(
        validator=_constraints.Declared(
            "width",
            True,
            {
                "type": "integer",
            },
        )
    )

    def to_dict(self) -> dict[str, Any]:
        _attrs_validate(self)
        _dict: dict[str, Any] = {}

        _dict["width"] = self.width

        return _dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        _dict = _constraints.read(cls, src_dict)
        _vars: dict[str, Any] = {}
        _vars["width"] = _dict.pop("width", UNSET)
        _self = cls(**_vars)
        return _self
