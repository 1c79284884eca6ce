from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field
from attrs import validate as _attrs_validate

from .. import constraints as _constraints
from .. import types
from ..types import UNSET, File, FileTypes, Unset

T = TypeVar("T", bound="Pictures")


@_attrs_define
class Pictures:
    """
    Attributes:
        cover (File): The first picture; 1 to 8 bytes.
        others (list[File] | Unset): At most 2 items, each at most 8 bytes.
        year (int | Unset): At least 1826.
    """

    cover: File = _attrs_field(
        validator=_constraints.Declared(
            "cover",
            True,
            {
                "maxLength": 8,
                "minLength": 1,
                "format": "binary",
            },
        )
    )

    others: list[File] | Unset = _attrs_field(
        default=UNSET,
        validator=_constraints.Declared(
            "others",
            False,
            {
                "type": "array",
                "maxItems": 2,
                "items": {
                    "maxLength": 8,
                    "format": "binary",
                },
            },
        ),
    )

    year: int | Unset = _attrs_field(
        default=UNSET,
        validator=_constraints.Declared(
            "year",
            False,
            {
                "type": "integer",
                "minimum": 1826,
            },
        ),
    )

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        _attrs_validate(self)
        _dict: dict[str, Any] = {}
        _dict.update(self.additional_properties)
        cover = self.cover.to_tuple()

        _dict["cover"] = cover

        others: list[FileTypes] | Unset = UNSET
        if not isinstance(self.others, Unset):
            others = []
            for others_item_data in self.others:
                others_item = others_item_data.to_tuple()

                others.append(others_item)

        if others is not UNSET:
            _dict["others"] = others

        if self.year is not UNSET:
            _dict["year"] = self.year

        return _dict

    def to_multipart(self) -> types.RequestFiles:
        _attrs_validate(self)
        files: types.RequestFiles = []

        files.append(("cover", self.cover.to_tuple()))

        if not isinstance(self.others, Unset):
            for others_item_element in self.others:
                files.append(("others", others_item_element.to_tuple()))

        if not isinstance(self.year, Unset):
            files.append(("year", (None, str(self.year).encode(), "text/plain")))

        for _str, _object in self.additional_properties.items():
            files.append((_str, (None, str(_object).encode(), "text/plain")))

        return files

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        _dict = _constraints.read(cls, src_dict)
        _vars: dict[str, Any] = {}
        _vars["cover"] = _dict.pop("cover", UNSET)
        _vars["others"] = _dict.pop("others", UNSET)
        _vars["year"] = _dict.pop("year", UNSET)
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
