"""Values judged by the schemas of a document, by jsonschema-rs."""

from collections.abc import Collection, Sequence
from functools import reduce
from itertools import islice
from operator import getitem
from typing import Any
from urllib.parse import quote

from jsonschema_rs import Draft202012Validator

from ..contract import Contract
from ..contract.census import escape
from ..contract.wording import explain, spell
from .records import Violation

MAX_VIOLATIONS = 20  # of one value, so that an array of a million wrong items is answered in one line


def violation(keyword: str, message: str, path: Sequence[str | int] = ()) -> Violation:
    """Return what is wrong at a place in a body."""
    return Violation(
        location="body",
        pointer="".join(f"/{escape(str(token))}" for token in path),
        field=path[0] if path and isinstance(path[0], str) else None,
        keyword=keyword,
        message=message,
    )


class Schemas:
    """The schemas of the bodies of a contract, by their pointers."""

    def __init__(self, contract: Contract) -> None:
        self._document: Any = contract.document
        self._validators = {
            # The whole document, so that every `$ref` resolves and every error is located in it. The mask keeps a large
            # value out of messages that nobody reads.
            pointer: Draft202012Validator({**self._document, "$ref": f"#{quote(pointer, safe='/~')}"}, mask="")
            for pointer in {operation.schema for operation in contract.operations if operation.schema}
        }

    def check(self, pointer: str, value: Any, files: Collection[str] = ()) -> tuple[Violation, ...]:
        """Return what a schema refuses in a value; of the properties in `files` only the length is known."""
        validator = self._validators[pointer]
        if validator.is_valid(value):  # which is quicker than to look for none
            return ()
        found = []
        for error in islice(validator.iter_errors(value), MAX_VIOLATIONS):
            *parents, last = error.schema_path
            schema, keyword = reduce(getitem, parents, self._document), str(last)
            match keyword:
                case "required":
                    ends = [[error.kind.value]]
                case "additionalProperties":
                    # Where none is declared, no name is given: it is each that the object has.
                    ends = [[name] for name in error.kind.value or reduce(getitem, error.instance_path, value)]
                case _:
                    ends = [[]]  # the value itself is at fault, not one of its properties
            for end in ends:
                path = (*error.instance_path, *end)
                unit = "bytes" if {*path} & {*files} else "characters"
                found.append(violation(keyword, explain(spell(path), keyword, schema, error.instance, unit), path))
        return tuple(found)
