from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field
from attrs import validate as _attrs_validate

from .. import constraints as _constraints

T = TypeVar("T", bound="PrintShares")


@_attrs_define
class PrintShares:
    additional_properties: dict[str, float] = _attrs_field(
        init=False,
        factory=dict,
        validator=_constraints.Undeclared(
            {
                "type": "number",
                "maximum": 1,
            }
        ),
    )

    def to_dict(self) -> dict[str, Any]:
        _attrs_validate(self)
        _dict: dict[str, Any] = {}
        _dict.update(self.additional_properties)
        return _dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        _dict = _constraints.read(cls, src_dict)
        _vars: dict[str, Any] = {}
        _self = cls(**_vars)
        _self.additional_properties = _dict
        return _self

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> float:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: float) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
