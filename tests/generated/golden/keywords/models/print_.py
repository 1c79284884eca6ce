from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field
from attrs import validate as _attrs_validate

from ..constraints import an_object, checked, constraints, undeclared, within
from ..models.print_color import PrintColor
from ..models.size import Size
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.line import Line
    from ..models.print_frame import PrintFrame
    from ..models.print_free import PrintFree


T = TypeVar("T", bound="Print")


@_attrs_define
class Print:
    """What to print, and how.

    Attributes:
        kind (Literal['print']): Always 'print'.
        name (str): A name; 2 to 9 characters, matching `^[a-z]+\\d$`. Example: ab1.
        size (Size): A size; one of 'large', 'small'.
        lines (list[Line]): At most 2 items.
        frame (PrintFrame):
        back (Size | Unset): A size; one of 'large', 'small'. Default: 'small'.
        color (PrintColor | Unset): Color of the ink; one of 'red', 'blue'.
        copies (int | Unset): 1 to 9. Default: 1.
        scale (float | Unset): In percent; more than 0 and less than 90, a multiple of 0.5.
        gloss (bool | Unset): Default: False.
        note (None | str | Unset): At most 80 characters.
        nothing (None | Unset):
        anything (Any | Unset): Any JSON.
        tags (list[str] | Unset): 1 to 3 items, all different, each at least 2 characters.
        grid (list[list[int]] | Unset): Each at least 2 items, each at most 5.
        free (PrintFree | Unset):
    """

    kind: Literal["print"] = _attrs_field(
        validator=constraints(
            "kind",
            True,
            {
                "type": "string",
                "const": "print",
            },
        )
    )

    name: str = _attrs_field(
        validator=constraints(
            "name",
            True,
            {
                "type": "string",
                "maxLength": 9,
                "minLength": 2,
                "pattern": "^[a-z]+\\d$",
            },
        )
    )

    size: Size = _attrs_field(
        validator=constraints(
            "size",
            True,
            {
                "enum": ["large", "small"],
            },
        )
    )

    lines: list[Line] = _attrs_field(
        validator=constraints(
            "lines",
            True,
            {
                "type": "array",
                "maxItems": 2,
                "items": {
                    "type": "object",
                },
            },
        )
    )

    frame: PrintFrame = _attrs_field(
        validator=constraints(
            "frame",
            True,
            {
                "type": "object",
            },
        )
    )

    back: Size | Unset = _attrs_field(
        default="small",
        validator=constraints(
            "back",
            False,
            {
                "enum": ["large", "small"],
            },
        ),
    )

    color: PrintColor | Unset = _attrs_field(
        default=UNSET,
        validator=constraints(
            "color",
            False,
            {
                "type": "string",
                "enum": ["red", "blue"],
            },
        ),
    )

    copies: int | Unset = _attrs_field(
        default=1,
        validator=constraints(
            "copies",
            False,
            {
                "type": "integer",
                "maximum": 9,
                "minimum": 1,
            },
        ),
    )

    scale: float | Unset = _attrs_field(
        default=UNSET,
        validator=constraints(
            "scale",
            False,
            {
                "type": "number",
                "multipleOf": 0.5,
                "exclusiveMaximum": 90,
                "exclusiveMinimum": 0,
            },
        ),
    )

    gloss: bool | Unset = _attrs_field(
        default=False,
        validator=constraints(
            "gloss",
            False,
            {
                "type": "boolean",
            },
        ),
    )

    note: None | str | Unset = _attrs_field(
        default=UNSET,
        validator=constraints(
            "note",
            False,
            {
                "type": ["string", "null"],
                "maxLength": 80,
            },
        ),
    )

    nothing: None | Unset = _attrs_field(
        default=UNSET,
        validator=constraints(
            "nothing",
            False,
            {
                "type": "null",
            },
        ),
    )

    anything: Any | Unset = UNSET

    tags: list[str] | Unset = _attrs_field(
        default=UNSET,
        validator=constraints(
            "tags",
            False,
            {
                "type": "array",
                "maxItems": 3,
                "minItems": 1,
                "uniqueItems": True,
                "items": {
                    "type": "string",
                    "minLength": 2,
                },
            },
        ),
    )

    grid: list[list[int]] | Unset = _attrs_field(
        default=UNSET,
        validator=constraints(
            "grid",
            False,
            {
                "type": "array",
                "items": {
                    "type": "array",
                    "minItems": 2,
                    "items": {
                        "type": "integer",
                        "maximum": 5,
                    },
                },
            },
        ),
    )

    free: PrintFree | Unset = _attrs_field(
        default=UNSET,
        validator=constraints(
            "free",
            False,
            {
                "type": "object",
            },
        ),
    )

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict, validator=undeclared)

    def to_dict(self) -> dict[str, Any]:
        _attrs_validate(self)
        kind = self.kind

        name = self.name

        size: str = self.size

        lines = []
        for lines_item_data in self.lines:
            lines_item = lines_item_data.to_dict()
            lines.append(lines_item)

        frame = self.frame.to_dict()

        back: str | Unset = UNSET
        if not isinstance(self.back, Unset):
            back = self.back

        color: str | Unset = UNSET
        if not isinstance(self.color, Unset):
            color = self.color

        copies = self.copies

        scale = self.scale

        gloss = self.gloss

        note: None | str | Unset
        if isinstance(self.note, Unset):
            note = UNSET
        else:
            note = self.note

        nothing = self.nothing

        anything = self.anything

        tags: list[str] | Unset = UNSET
        if not isinstance(self.tags, Unset):
            tags = self.tags

        grid: list[list[int]] | Unset = UNSET
        if not isinstance(self.grid, Unset):
            grid = []
            for grid_item_data in self.grid:
                grid_item = grid_item_data

                grid.append(grid_item)

        free: dict[str, Any] | Unset = UNSET
        if not isinstance(self.free, Unset):
            free = self.free.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "kind": kind,
                "name": name,
                "size": size,
                "lines": lines,
                "frame": frame,
            }
        )
        if back is not UNSET:
            field_dict["back"] = back
        if color is not UNSET:
            field_dict["color"] = color
        if copies is not UNSET:
            field_dict["copies"] = copies
        if scale is not UNSET:
            field_dict["scale"] = scale
        if gloss is not UNSET:
            field_dict["gloss"] = gloss
        if note is not UNSET:
            field_dict["note"] = note
        if nothing is not UNSET:
            field_dict["nothing"] = nothing
        if anything is not UNSET:
            field_dict["anything"] = anything
        if tags is not UNSET:
            field_dict["tags"] = tags
        if grid is not UNSET:
            field_dict["grid"] = grid
        if free is not UNSET:
            field_dict["free"] = free

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.line import Line  # noqa: PLC0415
        from ..models.print_frame import PrintFrame  # noqa: PLC0415
        from ..models.print_free import PrintFree  # noqa: PLC0415

        d = an_object(src_dict)
        kind = d.pop("kind", UNSET)

        name = d.pop("name", UNSET)

        size = d.pop("size", UNSET)

        with within("lines"):
            lines = []
            _lines = checked("", True, {"type": "array"}, d.pop("lines", UNSET))
            for lines_item_data in _lines:
                lines_item = Line.from_dict(lines_item_data)

                lines.append(lines_item)

        with within("frame"):
            frame = PrintFrame.from_dict(d.pop("frame", UNSET))

        back = d.pop("back", UNSET)

        color = d.pop("color", UNSET)

        copies = d.pop("copies", UNSET)

        scale = d.pop("scale", UNSET)

        gloss = d.pop("gloss", UNSET)

        def _parse_note(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        note = _parse_note(d.pop("note", UNSET))

        nothing = d.pop("nothing", UNSET)

        anything = d.pop("anything", UNSET)

        tags = cast(list[str], d.pop("tags", UNSET))

        _grid = checked("grid", False, {"type": "array"}, d.pop("grid", UNSET))
        grid: list[list[int]] | Unset = UNSET
        if _grid is not UNSET:
            grid = []
            for grid_item_data in _grid:
                grid_item = cast(list[int], grid_item_data)

                grid.append(grid_item)

        with within("free"):
            _free = d.pop("free", UNSET)
            free: PrintFree | Unset
            if isinstance(_free, Unset):
                free = UNSET
            else:
                free = PrintFree.from_dict(_free)

        print_ = cls(
            kind=kind,
            name=name,
            size=size,
            lines=lines,
            frame=frame,
            back=back,
            color=color,
            copies=copies,
            scale=scale,
            gloss=gloss,
            note=note,
            nothing=nothing,
            anything=anything,
            tags=tags,
            grid=grid,
            free=free,
        )

        print_.additional_properties = d
        return print_

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
