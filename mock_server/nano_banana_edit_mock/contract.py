"""The document, read once: its operations, and a census of every constraint it sets on a request."""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from attrs import frozen

from ._census import Constraint, Location, Place, UnsupportedKeyword, escape, follow, resolve, target, walk

__all__ = [
    "JSON",
    "MULTIPART",
    "Constraint",
    "Contract",
    "Operation",
    "Parameter",
    "UnsupportedKeyword",
    "load",
    "parse",
]

JSON = "application/json"
MULTIPART = "multipart/form-data"

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


@frozen(kw_only=True)
class Parameter:
    """One declared parameter.

    Attributes:
        name: Its name.
        location: `path`, `query` or `header`.
        required: Whether it may not be left out.
        schema: JSON pointer to its schema.
    """

    name: str
    location: Location
    required: bool
    schema: str


@frozen(kw_only=True)
class Operation:
    """One operation of the document.

    Attributes:
        id: The operationId.
        method: Upper-case HTTP method.
        path: Path template, without the servers' base path.
        servers: Server URLs; the operation's own go before the path's, those before the document's.
        parameters: The parameters, those of the path included.
        bearer: Whether a bearer token is required.
        media_type: The media type of the body, `JSON` or `MULTIPART`; None when there is no body.
        schema: JSON pointer to the body's schema; empty when there is no body.
        body_required: Whether the body may not be left out.
    """

    id: str
    method: str
    path: str
    servers: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    bearer: bool
    media_type: str | None = None
    schema: str = ""
    body_required: bool = False


@frozen(kw_only=True, eq=False)
class Contract:
    """The document, its operations, and the census of their constraints.

    Attributes:
        document: The root of the document.
        operations: Every operation, in the document's order.
        constraints: Every constraint on a request, in the document's order.
    """

    document: Mapping[str, Any]
    operations: tuple[Operation, ...]
    constraints: tuple[Constraint, ...]


def load(path: Path | None = None) -> Contract:
    """Read a document from a file.

    Args:
        path: An OpenAPI 3.1 document in YAML; default is the one shipped with the package.

    Returns:
        The contract.

    Raises:
        OSError: The file cannot be read.
        UnsupportedKeyword: A request is constrained in a way the mock cannot enforce.

    Source: `openapi.yaml`
    """
    path = path or _shipped(Path(str(files("nano_banana_edit_mock"))))
    return parse(yaml.safe_load(path.read_text("utf-8")))


def parse(document: Mapping[str, Any]) -> Contract:
    """Read a document that is already in memory.

    Args:
        document: The root of an OpenAPI 3.1 document. It is kept, not copied.

    Returns:
        The contract.

    Raises:
        UnsupportedKeyword: A request is constrained in a way the mock cannot enforce.

    Source: `openapi.yaml`
    """
    reader = _Reader(document)
    operations = tuple(
        reader.operation(f"/paths/{escape(path)}", method, path)
        for path, item in document["paths"].items()
        for method in _METHODS
        if method in item
    )
    return Contract(document=document, operations=operations, constraints=tuple(reader.census))


def _shipped(package: Path) -> Path:
    # A wheel carries a copy inside the package; an editable install reads the one at the repository's root.
    inside = package / "openapi.yaml"
    return inside if inside.is_file() else package.parents[1] / inside.name


class _Reader:
    """Reads operations, and collects their constraints in `census` on the way."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self.census: list[Constraint] = []

    def operation(self, parent: str, method: str, path: str) -> Operation:
        at = f"{parent}/{method}"
        item, node = resolve(self.document, parent), resolve(self.document, at)
        name = node["operationId"]
        servers = node.get("servers") or item.get("servers") or self.document["servers"]
        bearer = self.bearer(at if "security" in node else "", name)
        parameters: dict[tuple[str, str], str] = {}  # one of the operation replaces its namesake of the path
        for owner, holder in ((item, parent), (node, at)):
            for index in range(len(owner.get("parameters", ()))):
                parameter, pointer = follow(self.document, f"{holder}/parameters/{index}")
                parameters[parameter["in"], parameter["name"]] = pointer
        return Operation(
            id=name,
            method=method.upper(),
            path=path,
            servers=tuple(server["url"] for server in servers),
            parameters=tuple(self.parameter(pointer, name) for pointer in parameters.values()),
            bearer=bearer,
            **(self.body(f"{at}/requestBody", name) if "requestBody" in node else {}),
        )

    def bearer(self, owner: str, operation: str) -> bool:
        requirements = resolve(self.document, owner).get("security", ())
        place = Place(operation=operation, location="security", owner=operation)
        for index, requirement in enumerate(requirements):
            for name in requirement:
                scheme, at = follow(self.document, f"/components/securitySchemes/{escape(name)}")
                if (scheme["type"], scheme.get("scheme", "").lower()) != ("http", "bearer"):
                    raise UnsupportedKeyword("type", f"{at}/type")
                pointer = f"{owner}/security/{index}/{escape(name)}"
                self.census.append(place.constraint("security", name, pointer, name))
        return bool(requirements) and all(requirements)

    def parameter(self, at: str, operation: str) -> Parameter:
        node = resolve(self.document, at)
        name, location, required = node["name"], node["in"], bool(node.get("required"))
        for keyword, refused in (("in", location == "cookie"), ("content", "content" in node)):
            if refused:
                raise UnsupportedKeyword(keyword, f"{at}/{keyword}")
        place = Place(operation=operation, location=location, owner=operation).step(name, name)
        if required:
            self.census.append(place.constraint("required", required, f"{at}/required"))
        self.census.extend(walk(self.document, f"{at}/schema", place))
        return Parameter(name=name, location=location, required=required, schema=f"{at}/schema")

    def body(self, at: str, operation: str) -> dict[str, Any]:
        node, at = follow(self.document, at)
        required = bool(node.get("required"))
        if required:
            place = Place(operation=operation, location="body", owner=operation, names=("requestBody",))
            self.census.append(place.constraint("required", required, f"{at}/required"))
        media_type = next(iter(node["content"]))
        if len(node["content"]) != 1 or media_type not in {JSON, MULTIPART}:
            raise UnsupportedKeyword("content", f"{at}/content")
        pointer = f"{at}/content/{escape(media_type)}/schema"
        schema = resolve(self.document, pointer)
        owner = target(schema["$ref"]).rpartition("/")[2] if "$ref" in schema else schema.get("title", operation)
        self.census.extend(walk(self.document, pointer, Place(operation=operation, location="body", owner=owner)))
        return {"media_type": media_type, "schema": pointer, "body_required": required}
