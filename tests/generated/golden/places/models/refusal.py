from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import constraints as _constraints
from ..types import UNSET, Unset

T = TypeVar("T", bound="Refusal")


@_attrs_define
class Refusal:
    """
    Attributes:
        reason (str | Unset): At most 20 characters.
    """

    reason: str | Unset = UNSET

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        _dict: dict[str, Any] = {}
        _dict.update(self.additional_properties)
        if self.reason is not UNSET:
            _dict["reason"] = self.reason

        return _dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        _dict = _constraints.an_object(src_dict)
        _vars: dict[str, Any] = {}
        _vars["reason"] = _constraints.present(_dict.pop("reason", UNSET))
        _self = cls(**_vars)
        _self.additional_properties = _dict
        return _self

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
