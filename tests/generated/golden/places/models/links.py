from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field
from attrs import validate as _attrs_validate

from .. import constraints as _constraints
from ..types import UNSET

T = TypeVar("T", bound="Links")


@_attrs_define
class Links:
    """
    Attributes:
        urls (list[str]): At least 1 item.
    """

    urls: list[str] = _attrs_field(
        validator=_constraints.Declared(
            "urls",
            True,
            {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "string",
                },
            },
        )
    )

    additional_properties: dict[str, Any] = _attrs_field(
        init=False, factory=dict, validator=_constraints.Undeclared({})
    )

    def to_dict(self) -> dict[str, Any]:
        _attrs_validate(self)
        _dict: dict[str, Any] = {}
        _dict.update(self.additional_properties)
        urls = self.urls

        _dict["urls"] = urls

        return _dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        _dict = _constraints.read(cls, src_dict)
        _vars: dict[str, Any] = {}
        urls = cast(list[str], _dict.pop("urls", UNSET))

        _vars["urls"] = urls
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
