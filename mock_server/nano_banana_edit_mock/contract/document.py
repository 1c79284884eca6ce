"""An OpenAPI document, read once: the contract."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from attrs import frozen

from .census import Constraint, UnsupportedKeyword, escape, point
from .files import read_file
from .operations import Operation, OperationReader
from .reading import check_json
from .wording import show

_PACKAGE = Path(str(files("nano_banana_edit_mock")))

_VERSION = re.compile(r"3\.1\.[0-9]+(-.+)?")
_DIALECT = "https://spec.openapis.org/oas/3.1/dialect/base"
_ROOT = frozenset({"openapi", "info", "jsonSchemaDialect", "servers", "paths", "webhooks", "components", "security"})
_ROOT |= {"tags", "externalDocs", "$schema"}
_EXACT = 2**53  # up to which each whole number is a double (RFC 7493, section 2.2)


@frozen(kw_only=True, eq=False)
class Contract:
    """The document, its operations, and the census of their constraints.

    Attributes:
        document: The root of the document, as it was read; do not change it. Whole numbers are integers.
        servers: Server URLs of the document, as those of an operation.
        operations: Every operation, in the document's order.
        constraints: Every constraint on a request, in the document's order.
    """

    document: Mapping[str, Any]
    servers: tuple[str, ...]
    operations: tuple[Operation, ...]
    constraints: tuple[Constraint, ...]


def load(path: Path | str | None = None) -> Contract:
    """Read a document from a file.

    Args:
        path: An OpenAPI 3.1 document in YAML 1.2 or JSON; default is the one shipped, read once per process.

    Returns:
        The contract.

    Raises:
        OSError: The file cannot be read.
        UnsupportedKeyword: The client or the mock cannot enforce a constraint on a request.
        ValueError: The file is neither, or not an OpenAPI 3.1 document; the message names the place.

    Source: `openapi.yaml`
    """
    return _shipped() if path is None else parse(read_file(Path(path), name_place))


def name_place(path: Sequence[str | int]) -> str:
    """Return a path into a document as a message names it."""
    return point(path) or "The document"


def parse(document: Any) -> Contract:
    """Read a document that is already in memory.

    Args:
        document: The root of an OpenAPI 3.1 document.

    Returns:
        The contract.

    Raises:
        UnsupportedKeyword: The client or the mock cannot enforce a constraint on a request.
        ValueError: It is not an OpenAPI 3.1 document, JSON cannot express it, or something is missing in it; the
            message names the place.

    Source: `openapi.yaml`
    """
    check_json(document, name_place)
    _check_version(document)
    reader = OperationReader(_whole(document))
    operations = tuple(reader.operations())
    return Contract(
        document=reader.document, servers=reader.servers(""), operations=operations, constraints=tuple(reader.census)
    )


@cache
def load_admin() -> Contract:
    """Return the document of the API under `/__mock__/`; its schemas also describe what a script may hold."""
    return load(_PACKAGE / "admin" / "admin.yaml")


@cache
def _shipped() -> Contract:
    return load(_locate(_PACKAGE))


def _locate(package: Path) -> Path:
    # A wheel carries a copy inside the package; an editable install reads the one at the root of the repository.
    inside = package / "openapi.yaml"
    return inside if inside.is_file() else package.parents[1] / inside.name


def _check_version(document: Any) -> None:
    if not isinstance(document, dict):
        raise ValueError("The document is not an object; it must be an OpenAPI 3.1 document.")  # noqa: TRY004
    if "swagger" in document:
        raise ValueError(f"/swagger is {show(document['swagger'])}. Convert the document to OpenAPI 3.1.")
    if not _VERSION.fullmatch(str(document.get("openapi"))):
        raise ValueError(f"/openapi is {show(document.get('openapi'))}; it must be 3.1.0, or another 3.1 in quotes.")
    for keyword in document:  # others would be read as those of a schema
        if keyword not in _ROOT and not keyword.startswith("x-"):
            raise UnsupportedKeyword(keyword, f"/{escape(keyword)}", "Leave it out, or begin it with x-.")
    if document.get("jsonSchemaDialect", _DIALECT) != _DIALECT:
        raise UnsupportedKeyword("jsonSchemaDialect", "/jsonSchemaDialect", "Leave it out.")


def _whole(value: Any) -> Any:
    """Return a copy in which 5000.0 is 5000, as in JSON Schema; a larger number than that stays as it is written."""
    if isinstance(value, dict):
        return {key: _whole(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_whole(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT else value
