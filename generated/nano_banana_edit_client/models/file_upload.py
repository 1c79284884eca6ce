from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field
from attrs import validate as _attrs_validate

from .. import constraints as _constraints
from .. import types
from ..types import UNSET, File

T = TypeVar("T", bound="FileUpload")


@_attrs_define
class FileUpload:
    """
    Attributes:
        file (File): The file's content; at most 50000000 bytes.
    """

    file: File = _attrs_field(
        validator=_constraints.Declared(
            "file",
            True,
            {
                "maxLength": 50000000,
                "format": "binary",
            },
        )
    )

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        _attrs_validate(self)
        _dict: dict[str, Any] = {}
        _dict.update(self.additional_properties)
        file = self.file.to_tuple()

        _dict["file"] = file

        return _dict

    def to_multipart(self) -> types.RequestFiles:
        _attrs_validate(self)
        files: types.RequestFiles = []

        files.append(("file", self.file.to_tuple()))

        for _str, _object in self.additional_properties.items():
            files.append((_str, (None, str(_object).encode(), "text/plain")))

        return files

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        _dict = _constraints.read(cls, src_dict)
        _vars: dict[str, Any] = {}
        _vars["file"] = _dict.pop("file", UNSET)
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
