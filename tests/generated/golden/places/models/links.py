from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field
from attrs import validate as _attrs_validate

from ..constraints import an_object, constraints, undeclared
from ..types import UNSET

T = TypeVar("T", bound="Links")


@_attrs_define
class Links:
    """
    Attributes:
        urls (list[str]): At least 1 item.
    """

    urls: list[str] = _attrs_field(
        validator=constraints(
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

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict, validator=undeclared)

    def to_dict(self) -> dict[str, Any]:
        _attrs_validate(self)
        urls = self.urls

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "urls": urls,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = an_object(src_dict)
        urls = cast(list[str], d.pop("urls", UNSET))

        links = cls(
            urls=urls,
        )

        links.additional_properties = d
        return links

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
