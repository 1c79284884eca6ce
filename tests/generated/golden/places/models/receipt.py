from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from .. import constraints as _constraints
from ..models.size import Size
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.receipt_prices import ReceiptPrices
    from ..models.refusal import Refusal


T = TypeVar("T", bound="Receipt")


@_attrs_define
class Receipt:
    """
    Attributes:
        id (UUID):
        at (datetime.datetime):
        parts (list[Refusal | str]):
        day (datetime.date | Unset):
        kind (Literal['receipt'] | Unset): Always 'receipt'.
        size (Size | Unset): One of 'large', 'small'.
        prices (ReceiptPrices | Unset):
    """

    id: UUID = _attrs_field(validator=_constraints.Declared("id", True, None))

    at: datetime.datetime = _attrs_field(validator=_constraints.Declared("at", True, None))

    parts: list[Refusal | str] = _attrs_field(
        validator=_constraints.Declared(
            "parts",
            True,
            {
                "type": "array",
            },
        )
    )

    day: datetime.date | Unset = UNSET

    kind: Literal["receipt"] | Unset = UNSET

    size: Size | Unset = UNSET

    prices: ReceiptPrices | Unset = UNSET

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.refusal import Refusal  # noqa: PLC0415

        _dict: dict[str, Any] = {}
        _dict.update(self.additional_properties)
        id = str(self.id)
        _dict["id"] = id

        at = self.at.isoformat()
        _dict["at"] = at

        parts = []
        for parts_item_data in self.parts:
            parts_item: dict[str, Any] | str
            if isinstance(parts_item_data, Refusal):
                parts_item = parts_item_data.to_dict()
            else:
                parts_item = parts_item_data
            parts.append(parts_item)

        _dict["parts"] = parts

        day: str | Unset = UNSET
        if not isinstance(self.day, Unset):
            day = self.day.isoformat()
        if day is not UNSET:
            _dict["day"] = day

        if self.kind is not UNSET:
            _dict["kind"] = self.kind

        size: str | Unset = UNSET
        if not isinstance(self.size, Unset):
            size = self.size

        if size is not UNSET:
            _dict["size"] = size

        prices: dict[str, Any] | Unset = UNSET
        if not isinstance(self.prices, Unset):
            prices = self.prices.to_dict()
        if prices is not UNSET:
            _dict["prices"] = prices

        return _dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.receipt_prices import ReceiptPrices  # noqa: PLC0415
        from ..models.refusal import Refusal  # noqa: PLC0415

        _dict = _constraints.an_object(src_dict)
        _vars: dict[str, Any] = {}
        id = UUID(_constraints.checked("id", True, {"type": "string"}, _constraints.present(_dict.pop("id", UNSET))))

        _vars["id"] = id
        at = datetime.datetime.fromisoformat(
            _constraints.checked("at", True, {"type": "string"}, _constraints.present(_dict.pop("at", UNSET)))
        )

        _vars["at"] = at
        with _constraints.within("parts"):
            parts = []
            _parts = _constraints.checked("", True, {"type": "array"}, _constraints.present(_dict.pop("parts", UNSET)))
            for parts_item_data in _parts:

                def _parse_parts_item(data: object) -> Refusal | str:
                    try:
                        if not isinstance(data, dict):
                            raise TypeError()
                        parts_item_type_1 = Refusal.from_dict(data)

                        return parts_item_type_1
                    except (TypeError, ValueError, AttributeError, KeyError):
                        pass
                    return cast(Refusal | str, data)

                parts_item = _parse_parts_item(parts_item_data)

                parts.append(parts_item)

        _vars["parts"] = parts
        _day = _constraints.checked("day", False, {"type": "string"}, _constraints.present(_dict.pop("day", UNSET)))
        day: datetime.date | Unset
        if isinstance(_day, Unset):
            day = UNSET
        else:
            day = datetime.date.fromisoformat(_day)

        _vars["day"] = day
        _vars["kind"] = _constraints.present(_dict.pop("kind", UNSET))
        _vars["size"] = _constraints.present(_dict.pop("size", UNSET))
        with _constraints.within("prices"):
            _prices = _constraints.present(_dict.pop("prices", UNSET))
            prices: ReceiptPrices | Unset
            if isinstance(_prices, Unset):
                prices = UNSET
            else:
                prices = ReceiptPrices.from_dict(_prices)

        _vars["prices"] = prices
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
