from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import constraints as _constraints
from ..types import UNSET

T = TypeVar("T", bound="EditAccepted")


@_attrs_define
class EditAccepted:
    """The task of an accepted edit.

    Attributes:
        task_id (str): Id of the task to poll. Example: 01234567-89ab-cdef-0123-456789abcdef.
    """

    task_id: str = _attrs_field(
        validator=_constraints.Declared(
            "task_id",
            True,
            {
                "type": "string",
            },
        )
    )

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        _dict: dict[str, Any] = {}
        _dict.update(self.additional_properties)
        _dict["task_id"] = self.task_id

        return _dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        _dict = _constraints.an_object(src_dict)
        _vars: dict[str, Any] = {}
        _vars["task_id"] = _constraints.present(_dict.pop("task_id", UNSET))
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
