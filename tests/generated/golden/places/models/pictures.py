from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field
from attrs import validate as _attrs_validate

from .. import types
from ..constraints import an_object, checked, constraints
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
        validator=constraints(
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
        validator=constraints(
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
        validator=constraints(
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
        cover = self.cover.to_tuple()

        others: list[FileTypes] | Unset = UNSET
        if not isinstance(self.others, Unset):
            others = []
            for others_item_data in self.others:
                others_item = others_item_data.to_tuple()

                others.append(others_item)

        year = self.year

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "cover": cover,
            }
        )
        if others is not UNSET:
            field_dict["others"] = others
        if year is not UNSET:
            field_dict["year"] = year

        return field_dict

    def to_multipart(self) -> types.RequestFiles:
        _attrs_validate(self)
        files: types.RequestFiles = []

        files.append(("cover", self.cover.to_tuple()))

        if not isinstance(self.others, Unset):
            for others_item_element in self.others:
                files.append(("others", others_item_element.to_tuple()))

        if not isinstance(self.year, Unset):
            files.append(("year", (None, str(self.year).encode(), "text/plain")))

        for prop_name, prop in self.additional_properties.items():
            files.append((prop_name, (None, str(prop).encode(), "text/plain")))

        return files

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = an_object(src_dict)
        cover = File(payload=BytesIO(d.pop("cover", UNSET)))

        _others = checked("others", False, {"type": "array"}, d.pop("others", UNSET))
        others: list[File] | Unset = UNSET
        if _others is not UNSET:
            others = []
            for others_item_data in _others:
                others_item = File(payload=BytesIO(others_item_data))

                others.append(others_item)

        year = d.pop("year", UNSET)

        pictures = cls(
            cover=cover,
            others=others,
            year=year,
        )

        pictures.additional_properties = d
        return pictures

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
