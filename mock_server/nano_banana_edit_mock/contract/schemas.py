"""Values judged by the schemas of a document, by jsonschema-rs."""

from collections.abc import Collection, Iterable, Sequence
from functools import cache, reduce
from itertools import islice
from operator import getitem
from typing import Any

from attrs import frozen
from jsonschema_rs import Draft202012Validator, ValidationError

from .census import Location, point, reference
from .document import Contract, load_admin
from .reading import check_json
from .wording import explain, spell

MAX_VIOLATIONS = 20  # of one value, so that an array of a million wrong items is answered in one line
MAX_LISTED = 10_000  # values within one with more than its first violation; jsonschema-rs makes all errors at once


@frozen(kw_only=True)
class Violation:
    """One thing that is wrong with a request.

    Attributes:
        location: Where in the request.
        pointer: JSON pointer into the body; empty for the whole body and outside it.
        field: Top-level property, parameter or header at fault; None for the whole body.
        keyword: The violated keyword of the document; `security`, `content` or `size` outside the schemas, `paths`
            for a path or method that is not in the document.
        message: The field, what is wrong, and the limit.
    """

    location: Location
    pointer: str = ""
    field: str | None = None
    keyword: str
    message: str

    @classmethod
    def of_body(cls, keyword: str, message: str, path: Sequence[str | int] = ()) -> "Violation":
        """Return the violation at a path into the body."""
        return cls(
            location="body",
            pointer=point(path),
            field=path[0] if path and isinstance(path[0], str) else None,
            keyword=keyword,
            message=message,
        )


class Schemas:
    """The schemas of a document, by their pointers; those of the bodies are compiled at once.

    A `format` is checked if `formats` is True; on a request it constrains nothing.
    """

    def __init__(self, contract: Contract, *, formats: bool = False) -> None:
        self._document: Any = contract.document
        self._formats = formats
        self._validator = cache(self._compile)
        for operation in contract.operations:
            if operation.schema:
                self._validator(operation.schema)

    def check(self, pointer: str, value: Any, files: Collection[str] = ()) -> tuple[Violation, ...]:
        """Return what a schema refuses in a value; of the properties in `files` only the length in bytes is known."""
        validator = self._validator(pointer)
        try:
            validator.validate(value)  # much quicker than to list no errors
        except ValidationError as first:
            errors = islice(validator.iter_errors(value), MAX_VIOLATIONS) if _few(value) else [first]
        else:
            return ()
        found = []
        for error in errors:
            *parents, last = named(self._document, error.schema_path)
            at = named(value, error.instance_path)
            schema, keyword = reduce(getitem, parents, self._document), str(last)
            match keyword:
                case "required":
                    ends = [[error.kind.value]]
                case "additionalProperties":
                    # If the schema declares none, jsonschema-rs names none: then each property is at fault.
                    names = error.kind.value or reduce(getitem, at, value)
                    ends = [[name] for name in islice(names, MAX_VIOLATIONS)]
                case _:
                    ends = [[]]  # the value itself is at fault, not one of its properties
            for end in ends:
                path = (*at, *end)
                unit = "byte" if {*path} & {*files} else "character"
                found.append((keyword, explain(spell(path), keyword, schema, error.instance, unit), path))
        return tuple(Violation.of_body(*one) for one in found[:MAX_VIOLATIONS])

    def _compile(self, pointer: str) -> Draft202012Validator:
        # The whole document, so that every `$ref` resolves and every error is located in it. The mask keeps large
        # values out of messages that nobody reads.
        schema = {**self._document, "$ref": reference(pointer)}
        return Draft202012Validator(schema, mask="", validate_formats=self._formats)


def named(value: Any, path: Iterable[str | int]) -> list[str | int]:
    """Return a path into a value with the names of its objects.

    jsonschema-rs makes 7 of a property called 007, and leaves out one without a name.
    """
    found = []
    for token in path:
        name = token
        while isinstance(value, dict) and name not in value:
            same = (key for key in (str(token), *value) if (key.lstrip("+0") or "0") == str(token))
            name = next((key for key in same if key in value), "")
            if not name:
                found.append(name)
                value, name = value[name], token
        value = value[name]
        found.append(name)
    return found


def _few(value: Any) -> bool:
    """Return whether a value has at most `MAX_LISTED` values within."""
    waiting = [value]
    for inner in waiting:
        if isinstance(inner, dict | list):
            if len(waiting) + len(inner) > MAX_LISTED:
                return False
            waiting += inner.values() if isinstance(inner, dict) else inner
    return True


def hold(schema: str, /, **values: Any) -> None:
    """Hold what a test gives to the schema of that name in admin.yaml."""
    check_json(values)
    if found := _own().check(f"/components/schemas/{schema}", values):
        raise ValueError(" ".join(violation.message for violation in found))


@cache
def _own() -> Schemas:
    return Schemas(load_admin())
