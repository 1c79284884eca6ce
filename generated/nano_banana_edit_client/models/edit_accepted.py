from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..constraints import an_object, constraints, present
from ..types import UNSET

T = TypeVar("T", bound="EditAccepted")


@_attrs_define
class EditAccepted:
    """The task of an accepted edit.

    Attributes:
        task_id (str): Id of the task to poll. Example: 01234567-89ab-cdef-0123-456789abcdef.
    """

    task_id: str = _attrs_field(
        validator=constraints(
            "task_id",
            True,
            {
                "type": "string",
            },
        )
    )

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        task_id = self.task_id

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "task_id": task_id,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = an_object(src_dict)
        task_id = present(d.pop("task_id", UNSET))

        edit_accepted = cls(
            task_id=task_id,
        )

        edit_accepted.additional_properties = d
        return edit_accepted

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
