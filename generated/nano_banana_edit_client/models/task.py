from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..constraints import an_object, checked, constraints, present
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
        validator=constraints(
            "id",
            True,
            {
                "type": "string",
            },
        )
    )

    status: str = _attrs_field(
        validator=constraints(
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

        id = self.id

        status = self.status

        error_code = self.error_code

        error_msg = self.error_msg

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

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "status": status,
            }
        )
        if error_code is not UNSET:
            field_dict["error_code"] = error_code
        if error_msg is not UNSET:
            field_dict["error_msg"] = error_msg
        if result is not UNSET:
            field_dict["result"] = result

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.task_file import TaskFile  # noqa: PLC0415

        d = an_object(src_dict)
        id = present(d.pop("id", UNSET))

        status = present(d.pop("status", UNSET))

        error_code = present(d.pop("error_code", UNSET))

        error_msg = present(d.pop("error_msg", UNSET))

        _result = checked("result", False, {"type": "array"}, present(d.pop("result", UNSET)))
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

        task = cls(
            id=id,
            status=status,
            error_code=error_code,
            error_msg=error_msg,
            result=result,
        )

        task.additional_properties = d
        return task

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
