from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import constraints as _constraints
from ..types import UNSET, Unset

T = TypeVar("T", bound="Error")


@_attrs_define
class Error:
    """Why a request failed; every property may be missing.

    Attributes:
        message (str | Unset): Text for a reader, preferred over error_msg.
        error_msg (str | Unset): Text for a reader, preferred over error_code.
        error_code (str | Unset): Code of the failure.
    """

    message: str | Unset = UNSET

    error_msg: str | Unset = UNSET

    error_code: str | Unset = UNSET

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        _dict: dict[str, Any] = {}
        _dict.update(self.additional_properties)
        if self.message is not UNSET:
            _dict["message"] = self.message

        if self.error_msg is not UNSET:
            _dict["error_msg"] = self.error_msg

        if self.error_code is not UNSET:
            _dict["error_code"] = self.error_code

        return _dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        _dict = _constraints.an_object(src_dict)
        _vars: dict[str, Any] = {}
        _vars["message"] = _constraints.present(_dict.pop("message", UNSET))
        _vars["error_msg"] = _constraints.present(_dict.pop("error_msg", UNSET))
        _vars["error_code"] = _constraints.present(_dict.pop("error_code", UNSET))
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
