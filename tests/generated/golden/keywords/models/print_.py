from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field
from attrs import validate as _attrs_validate

from .. import constraints as _constraints
from ..models.print_color import PrintColor
from ..models.print_maybe_type_1 import PrintMaybeType1
from ..models.print_maybe_type_2_type_1 import PrintMaybeType2Type1
from ..models.print_maybe_type_3_type_1 import PrintMaybeType3Type1
from ..models.size import Size
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.line import Line
    from ..models.print_back_frame_type_0 import PrintBackFrameType0
    from ..models.print_frame import PrintFrame
    from ..models.print_free import PrintFree
    from ..models.print_shares import PrintShares


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
        never (Any | Unset): Always None.
        maybe (None | PrintMaybeType1 | PrintMaybeType2Type1 | PrintMaybeType3Type1 | Unset):
        big (int | Unset): At most 9223372036854775807.
        code (str | Unset):
        sizes (list[Size] | Unset): Each one of 'large', 'small'.
        back_frame (None | PrintBackFrameType0 | Unset):
        anything (Any | Unset): Any JSON.
        tags (list[str] | Unset): 1 to 3 items, all different, each at least 2 characters.
        grid (list[list[int]] | Unset): Each at least 2 items, each at most 5.
        free (PrintFree | Unset):
        shares (PrintShares | Unset):
        cast_ (str | Unset): A name that the code of a model uses.
    """

    kind: Literal["print"] = _attrs_field(
        validator=_constraints.Declared(
            "kind",
            True,
            {
                "type": "string",
                "const": "print",
            },
        )
    )

    name: str = _attrs_field(
        validator=_constraints.Declared(
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
        validator=_constraints.Declared(
            "size",
            True,
            {
                "enum": ["small", "large"],
                "type": "string",
            },
        )
    )

    lines: list[Line] = _attrs_field(
        validator=_constraints.Declared(
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
        validator=_constraints.Declared(
            "frame",
            True,
            {
                "type": "object",
            },
        )
    )

    back: Size | Unset = _attrs_field(
        default="small",
        validator=_constraints.Declared(
            "back",
            False,
            {
                "enum": ["small", "large"],
                "type": "string",
            },
        ),
    )

    color: PrintColor | Unset = _attrs_field(
        default=UNSET,
        validator=_constraints.Declared(
            "color",
            False,
            {
                "enum": ["red", "blue"],
                "type": "string",
            },
        ),
    )

    copies: int | Unset = _attrs_field(
        default=1,
        validator=_constraints.Declared(
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
        validator=_constraints.Declared(
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
        validator=_constraints.Declared(
            "gloss",
            False,
            {
                "type": "boolean",
            },
        ),
    )

    note: None | str | Unset = _attrs_field(
        default=UNSET,
        validator=_constraints.Declared(
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
        validator=_constraints.Declared(
            "nothing",
            False,
            {
                "type": "null",
            },
        ),
    )

    never: Any | Unset = _attrs_field(
        default=UNSET,
        validator=_constraints.Declared(
            "never",
            False,
            {
                "const": None,
            },
        ),
    )

    maybe: None | PrintMaybeType1 | PrintMaybeType2Type1 | PrintMaybeType3Type1 | Unset = _attrs_field(
        default=UNSET,
        validator=_constraints.Declared(
            "maybe",
            False,
            {
                "enum": ["some", None],
                "type": ["string", "null"],
            },
        ),
    )

    big: int | Unset = _attrs_field(
        default=UNSET,
        validator=_constraints.Declared(
            "big",
            False,
            {
                "type": "integer",
                "maximum": 9223372036854775807,
            },
        ),
    )

    code: str | Unset = _attrs_field(
        default=UNSET,
        validator=_constraints.Declared(
            "code",
            False,
            {
                "type": "string",
                "maxLength": 2,
            },
        ),
    )

    sizes: list[Size] | Unset = _attrs_field(
        default=UNSET,
        validator=_constraints.Declared(
            "sizes",
            False,
            {
                "type": "array",
                "items": {
                    "enum": ["small", "large"],
                    "type": "string",
                },
            },
        ),
    )

    back_frame: None | PrintBackFrameType0 | Unset = _attrs_field(
        default=UNSET,
        validator=_constraints.Declared(
            "back_frame",
            False,
            {
                "type": ["object", "null"],
            },
        ),
    )

    anything: Any | Unset = _attrs_field(default=UNSET, validator=_constraints.Declared("anything", False, {}))

    tags: list[str] | Unset = _attrs_field(
        default=UNSET,
        validator=_constraints.Declared(
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
        validator=_constraints.Declared(
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
        validator=_constraints.Declared(
            "free",
            False,
            {
                "type": "object",
            },
        ),
    )

    shares: PrintShares | Unset = _attrs_field(
        default=UNSET,
        validator=_constraints.Declared(
            "shares",
            False,
            {
                "type": "object",
            },
        ),
    )

    cast_: str | Unset = _attrs_field(
        default=UNSET,
        validator=_constraints.Declared(
            "cast",
            False,
            {
                "type": "string",
            },
        ),
    )

    additional_properties: dict[str, Any] = _attrs_field(
        init=False, factory=dict, validator=_constraints.Undeclared({})
    )

    def to_dict(self) -> dict[str, Any]:
        from ..models.print_back_frame_type_0 import PrintBackFrameType0  # noqa: PLC0415

        _attrs_validate(self)
        _dict: dict[str, Any] = {}
        _dict.update(self.additional_properties)
        _dict["kind"] = self.kind

        _dict["name"] = self.name

        size: str = self.size
        _dict["size"] = size

        lines = []
        for lines_item_data in self.lines:
            lines_item = lines_item_data.to_dict()
            lines.append(lines_item)

        _dict["lines"] = lines

        frame = self.frame.to_dict()
        _dict["frame"] = frame

        back: str | Unset = UNSET
        if not isinstance(self.back, Unset):
            back = self.back

        if back is not UNSET:
            _dict["back"] = back

        color: str | Unset = UNSET
        if not isinstance(self.color, Unset):
            color = self.color

        if color is not UNSET:
            _dict["color"] = color

        if self.copies is not UNSET:
            _dict["copies"] = self.copies

        if self.scale is not UNSET:
            _dict["scale"] = self.scale

        if self.gloss is not UNSET:
            _dict["gloss"] = self.gloss

        note: None | str | Unset
        if isinstance(self.note, Unset):
            note = UNSET
        else:
            note = self.note
        if note is not UNSET:
            _dict["note"] = note

        if self.nothing is not UNSET:
            _dict["nothing"] = self.nothing

        if self.never is not UNSET:
            _dict["never"] = self.never

        maybe: None | str | Unset
        if isinstance(self.maybe, Unset):
            maybe = UNSET
        elif isinstance(self.maybe, str):
            maybe = self.maybe
        elif isinstance(self.maybe, str):
            maybe = self.maybe
        elif isinstance(self.maybe, str):
            maybe = self.maybe
        else:
            maybe = self.maybe
        if maybe is not UNSET:
            _dict["maybe"] = maybe

        if self.big is not UNSET:
            _dict["big"] = self.big

        if self.code is not UNSET:
            _dict["code"] = self.code

        sizes: list[str] | Unset = UNSET
        if not isinstance(self.sizes, Unset):
            sizes = []
            for sizes_item_data in self.sizes:
                sizes_item: str = sizes_item_data
                sizes.append(sizes_item)

        if sizes is not UNSET:
            _dict["sizes"] = sizes

        back_frame: dict[str, Any] | None | Unset
        if isinstance(self.back_frame, Unset):
            back_frame = UNSET
        elif isinstance(self.back_frame, PrintBackFrameType0):
            back_frame = self.back_frame.to_dict()
        else:
            back_frame = self.back_frame
        if back_frame is not UNSET:
            _dict["back_frame"] = back_frame

        if self.anything is not UNSET:
            _dict["anything"] = self.anything

        tags: list[str] | Unset = UNSET
        if not isinstance(self.tags, Unset):
            tags = self.tags

        if tags is not UNSET:
            _dict["tags"] = tags

        grid: list[list[int]] | Unset = UNSET
        if not isinstance(self.grid, Unset):
            grid = []
            for grid_item_data in self.grid:
                grid_item = grid_item_data

                grid.append(grid_item)

        if grid is not UNSET:
            _dict["grid"] = grid

        free: dict[str, Any] | Unset = UNSET
        if not isinstance(self.free, Unset):
            free = self.free.to_dict()
        if free is not UNSET:
            _dict["free"] = free

        shares: dict[str, Any] | Unset = UNSET
        if not isinstance(self.shares, Unset):
            shares = self.shares.to_dict()
        if shares is not UNSET:
            _dict["shares"] = shares

        if self.cast_ is not UNSET:
            _dict["cast"] = self.cast_

        return _dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.line import Line  # noqa: PLC0415
        from ..models.print_back_frame_type_0 import PrintBackFrameType0  # noqa: PLC0415
        from ..models.print_frame import PrintFrame  # noqa: PLC0415
        from ..models.print_free import PrintFree  # noqa: PLC0415
        from ..models.print_shares import PrintShares  # noqa: PLC0415

        _dict = _constraints.read(cls, src_dict)
        _vars: dict[str, Any] = {}
        _vars["kind"] = _dict.pop("kind", UNSET)
        _vars["name"] = _dict.pop("name", UNSET)
        _vars["size"] = _dict.pop("size", UNSET)
        with _constraints.within("lines"):
            lines = []
            _lines = _dict.pop("lines", UNSET)
            for lines_item_data in _lines:
                lines_item = Line.from_dict(lines_item_data)

                lines.append(lines_item)

        _vars["lines"] = lines
        with _constraints.within("frame"):
            frame = PrintFrame.from_dict(_dict.pop("frame", UNSET))

        _vars["frame"] = frame
        _vars["back"] = _dict.pop("back", UNSET)
        _vars["color"] = _dict.pop("color", UNSET)
        _vars["copies"] = _dict.pop("copies", UNSET)
        _vars["scale"] = _dict.pop("scale", UNSET)
        _vars["gloss"] = _dict.pop("gloss", UNSET)

        def _parse_note(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        note = _parse_note(_dict.pop("note", UNSET))

        _vars["note"] = note
        _vars["nothing"] = _dict.pop("nothing", UNSET)
        _vars["never"] = _dict.pop("never", UNSET)

        def _parse_maybe(data: object) -> None | PrintMaybeType1 | PrintMaybeType2Type1 | PrintMaybeType3Type1 | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | PrintMaybeType1 | PrintMaybeType2Type1 | PrintMaybeType3Type1 | Unset, data)

        maybe = _parse_maybe(_dict.pop("maybe", UNSET))

        _vars["maybe"] = maybe
        _vars["big"] = _dict.pop("big", UNSET)
        _vars["code"] = _dict.pop("code", UNSET)
        sizes = cast(list[Size], _dict.pop("sizes", UNSET))

        _vars["sizes"] = sizes
        with _constraints.within("back_frame"):

            def _parse_back_frame(data: object) -> None | PrintBackFrameType0 | Unset:
                if data is None:
                    return data
                if isinstance(data, Unset):
                    return data
                try:
                    if not isinstance(data, dict):
                        raise TypeError()
                    back_frame_type_0 = PrintBackFrameType0.from_dict(data)

                    return back_frame_type_0
                except TypeError:
                    pass
                return cast(None | PrintBackFrameType0 | Unset, data)

            back_frame = _parse_back_frame(_dict.pop("back_frame", UNSET))

        _vars["back_frame"] = back_frame
        _vars["anything"] = _dict.pop("anything", UNSET)
        tags = cast(list[str], _dict.pop("tags", UNSET))

        _vars["tags"] = tags
        _grid = _dict.pop("grid", UNSET)
        grid: list[list[int]] | Unset = UNSET
        if _grid is not UNSET:
            grid = []
            for grid_item_data in _grid:
                grid_item = cast(list[int], grid_item_data)

                grid.append(grid_item)

        _vars["grid"] = grid
        with _constraints.within("free"):
            _free = _dict.pop("free", UNSET)
            free: PrintFree | Unset
            if isinstance(_free, Unset):
                free = UNSET
            else:
                free = PrintFree.from_dict(_free)

        _vars["free"] = free
        with _constraints.within("shares"):
            _shares = _dict.pop("shares", UNSET)
            shares: PrintShares | Unset
            if isinstance(_shares, Unset):
                shares = UNSET
            else:
                shares = PrintShares.from_dict(_shares)

        _vars["shares"] = shares
        _vars["cast_"] = _dict.pop("cast", UNSET)
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
