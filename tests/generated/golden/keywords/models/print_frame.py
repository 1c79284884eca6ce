from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field
from attrs import validate as _attrs_validate

from ..constraints import an_object, constraints, refuse_unknown
from ..types import UNSET

T = TypeVar("T", bound="PrintFrame")


@_attrs_define
class PrintFrame:
    """
    Attributes:
        width (int):
    """

    width: int = _attrs_field(
        validator=constraints(
            "width",
            True,
            {
                "type": "integer",
            },
        )
    )

    def to_dict(self) -> dict[str, Any]:
        _attrs_validate(self)
        width = self.width

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "width": width,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = an_object(src_dict)
        width = d.pop("width", UNSET)

        refuse_unknown(d, ["width"])
        print_frame = cls(
            width=width,
        )

        return print_frame
