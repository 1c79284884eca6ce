from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import constraints as _constraints
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.task_file import TaskFile


T = TypeVar("T", bound="Task")


@_attrs_define
class Task:
    """The state of a task.

    Attributes:
        id (str): The task's id.
        status (str): Documented values are pending, processing, completed and failed. They are not an enum: a new value
            must not break a client. Example: pending.
        error_code (str | Unset): Code of the failure.
        error_msg (str | Unset): Readable text of the failure; use error_code if it is empty.
        result (list[str | TaskFile] | Unset): The resulting images, in either of the two documented forms.
    """

    id: str = _attrs_field(
        validator=_constraints.Declared(
            "id",
            True,
            {
                "type": "string",
            },
        )
    )

    status: str = _attrs_field(
        validator=_constraints.Declared(
            "status",
            True,
            {
                "type": "string",
            },
        )
    )

    error_code: str | Unset = UNSET

    error_msg: str | Unset = UNSET

    result: list[str | TaskFile] | Unset = UNSET

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.task_file import TaskFile  # noqa: PLC0415

        _dict: dict[str, Any] = {}
        _dict.update(self.additional_properties)
        _dict["id"] = self.id

        _dict["status"] = self.status

        if self.error_code is not UNSET:
            _dict["error_code"] = self.error_code

        if self.error_msg is not UNSET:
            _dict["error_msg"] = self.error_msg

        result: list[dict[str, Any] | str] | Unset = UNSET
        if not isinstance(self.result, Unset):
            result = []
            for result_item_data in self.result:
                result_item: dict[str, Any] | str
                if isinstance(result_item_data, TaskFile):
                    result_item = result_item_data.to_dict()
                else:
                    result_item = result_item_data
                result.append(result_item)

        if result is not UNSET:
            _dict["result"] = result

        return _dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.task_file import TaskFile  # noqa: PLC0415

        _dict = _constraints.an_object(src_dict)
        _vars: dict[str, Any] = {}
        _vars["id"] = _constraints.present(_dict.pop("id", UNSET))
        _vars["status"] = _constraints.present(_dict.pop("status", UNSET))
        _vars["error_code"] = _constraints.present(_dict.pop("error_code", UNSET))
        _vars["error_msg"] = _constraints.present(_dict.pop("error_msg", UNSET))
        with _constraints.within("result"):
            _result = _constraints.checked(
                "", False, {"type": "array"}, _constraints.present(_dict.pop("result", UNSET))
            )
            result: list[str | TaskFile] | Unset = UNSET
            if _result is not UNSET:
                result = []
                for result_item_data in _result:

                    def _parse_result_item(data: object) -> str | TaskFile:
                        try:
                            if not isinstance(data, dict):
                                raise TypeError()
                            result_item_type_1 = TaskFile.from_dict(data)

                            return result_item_type_1
                        except (TypeError, ValueError, AttributeError, KeyError):
                            pass
                        return cast(str | TaskFile, data)

                    result_item = _parse_result_item(result_item_data)

                    result.append(result_item)

        _vars["result"] = result
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
