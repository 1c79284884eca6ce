from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..constraints import an_object, checked, constraints, present, within
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

    id: UUID = _attrs_field(validator=constraints("id", True, {}))

    at: datetime.datetime = _attrs_field(validator=constraints("at", True, {}))

    parts: list[Refusal | str] = _attrs_field(
        validator=constraints(
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

        id = str(self.id)

        at = self.at.isoformat()

        parts = []
        for parts_item_data in self.parts:
            parts_item: dict[str, Any] | str
            if isinstance(parts_item_data, Refusal):
                parts_item = parts_item_data.to_dict()
            else:
                parts_item = parts_item_data
            parts.append(parts_item)

        day: str | Unset = UNSET
        if not isinstance(self.day, Unset):
            day = self.day.isoformat()

        kind = self.kind

        size: str | Unset = UNSET
        if not isinstance(self.size, Unset):
            size = self.size

        prices: dict[str, Any] | Unset = UNSET
        if not isinstance(self.prices, Unset):
            prices = self.prices.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "at": at,
                "parts": parts,
            }
        )
        if day is not UNSET:
            field_dict["day"] = day
        if kind is not UNSET:
            field_dict["kind"] = kind
        if size is not UNSET:
            field_dict["size"] = size
        if prices is not UNSET:
            field_dict["prices"] = prices

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.receipt_prices import ReceiptPrices  # noqa: PLC0415
        from ..models.refusal import Refusal  # noqa: PLC0415

        d = an_object(src_dict)
        id = UUID(checked("id", True, {"type": "string"}, present(d.pop("id", UNSET))))

        at = datetime.datetime.fromisoformat(checked("at", True, {"type": "string"}, present(d.pop("at", UNSET))))

        parts = []
        _parts = checked("parts", True, {"type": "array"}, present(d.pop("parts", UNSET)))
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

        _day = checked("day", False, {"type": "string"}, present(d.pop("day", UNSET)))
        day: datetime.date | Unset
        if isinstance(_day, Unset):
            day = UNSET
        else:
            day = datetime.date.fromisoformat(_day)

        kind = present(d.pop("kind", UNSET))

        size = present(d.pop("size", UNSET))

        with within("prices"):
            _prices = present(d.pop("prices", UNSET))
            prices: ReceiptPrices | Unset
            if isinstance(_prices, Unset):
                prices = UNSET
            else:
                prices = ReceiptPrices.from_dict(_prices)

        receipt = cls(
            id=id,
            at=at,
            parts=parts,
            day=day,
            kind=kind,
            size=size,
            prices=prices,
        )

        receipt.additional_properties = d
        return receipt

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
