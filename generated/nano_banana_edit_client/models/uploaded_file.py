from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..constraints import an_object, checked, constraints, present
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
        validator=constraints(
            "url",
            True,
            {
                "type": "string",
            },
        )
    )

    cn_url: str = _attrs_field(
        validator=constraints(
            "cn_url",
            True,
            {
                "type": "string",
            },
        )
    )

    key: str = _attrs_field(
        validator=constraints(
            "key",
            True,
            {
                "type": "string",
            },
        )
    )

    md5: str = _attrs_field(
        validator=constraints(
            "md5",
            True,
            {
                "type": "string",
            },
        )
    )

    size: int = _attrs_field(
        validator=constraints(
            "size",
            True,
            {
                "type": "integer",
            },
        )
    )

    content_type: str = _attrs_field(
        validator=constraints(
            "content_type",
            True,
            {
                "type": "string",
            },
        )
    )

    expires_at: datetime.datetime = _attrs_field(validator=constraints("expires_at", True, {}))

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        url = self.url

        cn_url = self.cn_url

        key = self.key

        md5 = self.md5

        size = self.size

        content_type = self.content_type

        expires_at = self.expires_at.isoformat()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "url": url,
                "cn_url": cn_url,
                "key": key,
                "md5": md5,
                "size": size,
                "content_type": content_type,
                "expires_at": expires_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = an_object(src_dict)
        url = present(d.pop("url", UNSET))

        cn_url = present(d.pop("cn_url", UNSET))

        key = present(d.pop("key", UNSET))

        md5 = present(d.pop("md5", UNSET))

        size = present(d.pop("size", UNSET))

        content_type = present(d.pop("content_type", UNSET))

        expires_at = datetime.datetime.fromisoformat(
            checked("expires_at", True, {"type": "string"}, present(d.pop("expires_at", UNSET)))
        )

        uploaded_file = cls(
            url=url,
            cn_url=cn_url,
            key=key,
            md5=md5,
            size=size,
            content_type=content_type,
            expires_at=expires_at,
        )

        uploaded_file.additional_properties = d
        return uploaded_file

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
