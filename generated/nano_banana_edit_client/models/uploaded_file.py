from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import constraints as _constraints
from ..types import UNSET

T = TypeVar("T", bound="UploadedFile")


@_attrs_define
class UploadedFile:
    """A stored file.

    Attributes:
        url (str): The file's URL, to use in image_urls.
        cn_url (str): The same file, served from China.
        key (str): Key of the file in the service's storage.
        md5 (str): A truncated SHA-256 of the file, despite the name.
        size (int): Size in bytes.
        content_type (str): Media type of the file.
        expires_at (datetime.datetime): When the file is deleted.
    """

    url: str = _attrs_field(
        validator=_constraints.Declared(
            "url",
            True,
            {
                "type": "string",
            },
        )
    )

    cn_url: str = _attrs_field(
        validator=_constraints.Declared(
            "cn_url",
            True,
            {
                "type": "string",
            },
        )
    )

    key: str = _attrs_field(
        validator=_constraints.Declared(
            "key",
            True,
            {
                "type": "string",
            },
        )
    )

    md5: str = _attrs_field(
        validator=_constraints.Declared(
            "md5",
            True,
            {
                "type": "string",
            },
        )
    )

    size: int = _attrs_field(
        validator=_constraints.Declared(
            "size",
            True,
            {
                "type": "integer",
            },
        )
    )

    content_type: str = _attrs_field(
        validator=_constraints.Declared(
            "content_type",
            True,
            {
                "type": "string",
            },
        )
    )

    expires_at: datetime.datetime = _attrs_field(validator=_constraints.Declared("expires_at", True, None))

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        _dict: dict[str, Any] = {}
        _dict.update(self.additional_properties)
        _dict["url"] = self.url

        _dict["cn_url"] = self.cn_url

        _dict["key"] = self.key

        _dict["md5"] = self.md5

        _dict["size"] = self.size

        _dict["content_type"] = self.content_type

        expires_at = self.expires_at.isoformat()
        _dict["expires_at"] = expires_at

        return _dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        _dict = _constraints.an_object(src_dict)
        _vars: dict[str, Any] = {}
        _vars["url"] = _constraints.present(_dict.pop("url", UNSET))
        _vars["cn_url"] = _constraints.present(_dict.pop("cn_url", UNSET))
        _vars["key"] = _constraints.present(_dict.pop("key", UNSET))
        _vars["md5"] = _constraints.present(_dict.pop("md5", UNSET))
        _vars["size"] = _constraints.present(_dict.pop("size", UNSET))
        _vars["content_type"] = _constraints.present(_dict.pop("content_type", UNSET))
        expires_at = datetime.datetime.fromisoformat(
            _constraints.checked(
                "expires_at", True, {"type": "string"}, _constraints.present(_dict.pop("expires_at", UNSET))
            )
        )

        _vars["expires_at"] = expires_at
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
