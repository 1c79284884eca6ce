from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field
from attrs import validate as _attrs_validate

from .. import constraints as _constraints
from ..models.image_size import ImageSize
from ..models.output_format import OutputFormat
from ..types import UNSET, Unset

T = TypeVar("T", bound="EditRequest")


@_attrs_define
class EditRequest:
    """The images to edit and the instruction.

    Attributes:
        image_urls (list[str]): URLs of the images to edit; 1 to 10 items. Example:
            ['https://storage.googleapis.com/falserverless/example_inputs/nano-banana-edit-input.png'].
        prompt (str): The instruction; 1 to 5000 characters. Example: Make the sky a clear evening blue.
        image_size (ImageSize | Unset): Shape of an image as width:height, or `auto` to let the service choose; one of
            '16:9', '1:1', '21:9', '2:3', '3:2', '3:4', '4:3', '4:5', '5:4', '9:16', 'auto'. Default: '1:1'.
        output_format (OutputFormat | Unset): File format of an image; one of 'jpeg', 'png'.
    """

    image_urls: list[str] = _attrs_field(
        validator=_constraints.Declared(
            "image_urls",
            True,
            {
                "type": "array",
                "maxItems": 10,
                "minItems": 1,
                "items": {
                    "type": "string",
                },
            },
        )
    )

    prompt: str = _attrs_field(
        validator=_constraints.Declared(
            "prompt",
            True,
            {
                "type": "string",
                "maxLength": 5000,
                "minLength": 1,
            },
        )
    )

    image_size: ImageSize | Unset = _attrs_field(
        default="1:1",
        validator=_constraints.Declared(
            "image_size",
            False,
            {
                "enum": ["1:1", "9:16", "16:9", "3:4", "4:3", "3:2", "2:3", "5:4", "4:5", "21:9", "auto"],
                "type": "string",
            },
        ),
    )

    output_format: OutputFormat | Unset = _attrs_field(
        default=UNSET,
        validator=_constraints.Declared(
            "output_format",
            False,
            {
                "enum": ["png", "jpeg"],
                "type": "string",
            },
        ),
    )

    additional_properties: dict[str, Any] = _attrs_field(
        init=False, factory=dict, validator=_constraints.Undeclared({})
    )

    def to_dict(self) -> dict[str, Any]:
        _attrs_validate(self)
        _dict: dict[str, Any] = {}
        _dict.update(self.additional_properties)
        image_urls = self.image_urls

        _dict["image_urls"] = image_urls

        _dict["prompt"] = self.prompt

        image_size: str | Unset = UNSET
        if not isinstance(self.image_size, Unset):
            image_size = self.image_size

        if image_size is not UNSET:
            _dict["image_size"] = image_size

        output_format: str | Unset = UNSET
        if not isinstance(self.output_format, Unset):
            output_format = self.output_format

        if output_format is not UNSET:
            _dict["output_format"] = output_format

        return _dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        _dict = _constraints.read(cls, src_dict)
        _vars: dict[str, Any] = {}
        image_urls = cast(list[str], _dict.pop("image_urls", UNSET))

        _vars["image_urls"] = image_urls
        _vars["prompt"] = _dict.pop("prompt", UNSET)
        _vars["image_size"] = _dict.pop("image_size", UNSET)
        _vars["output_format"] = _dict.pop("output_format", UNSET)
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
