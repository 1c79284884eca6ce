from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..constraints import an_object, constraints, present
from ..types import UNSET

T = TypeVar("T", bound="TaskFile")


@_attrs_define
class TaskFile:
    """A resulting file.

    Attributes:
        type_ (str): Kind of the file.
        url (str): The file's URL.
    """

    type_: str = _attrs_field(
        validator=constraints(
            "type",
            True,
            {
                "type": "string",
            },
        )
    )

    url: str = _attrs_field(
        validator=constraints(
            "url",
            True,
            {
                "type": "string",
            },
        )
    )

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        type_ = self.type_

        url = self.url

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "type": type_,
                "url": url,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = an_object(src_dict)
        type_ = present(d.pop("type", UNSET))

        url = present(d.pop("url", UNSET))

        task_file = cls(
            type_=type_,
            url=url,
        )

        task_file.additional_properties = d
        return task_file

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
