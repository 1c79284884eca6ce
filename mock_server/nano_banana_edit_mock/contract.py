"""The document, read once: its operations, and a census of every constraint it sets on a request."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from attrs import evolve, frozen

from ._census import Constraint, UnsupportedKeyword, escape, resolve, state, step, target, walk

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

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the quick one, where libyaml is
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


@frozen(kw_only=True)
class Parameter:
    """One declared parameter; it stands in the path, as any other is refused when the document is read.

    Attributes:
        name: Its name.
        schema: JSON pointer to its schema.
    """

    name: str
    schema: str


@frozen(kw_only=True)
class Operation:
    """One operation of the document.

    Attributes:
        id: The operationId.
        method: Upper-case HTTP method.
        path: Path template, without the servers' base path.
        servers: Server URLs; the operation's own go before the path's, those before the document's.
        parameters: The parameters, those of the path included; default none.
        bearer: Whether a bearer token is required; default False.
        media_type: The media type of the body, `JSON` or `MULTIPART`; default None when there is no body.
        schema: JSON pointer to the body's schema; empty when there is no body.
        body_required: Whether the body may not be left out; default False.
    """

    id: str
    method: str
    path: str
    servers: tuple[str, ...]
    parameters: tuple[Parameter, ...] = ()
    bearer: bool = False
    media_type: str | None = None
    schema: str = ""
    body_required: bool = False


@frozen(kw_only=True, eq=False)
class Contract:
    """The document, its operations, and the census of their constraints.

    Attributes:
        document: The root of the document; to be read, not changed.
        operations: Every operation, in the document's order.
        constraints: Every constraint on a request, in the document's order.
    """

    document: Mapping[str, Any]
    operations: tuple[Operation, ...]
    constraints: tuple[Constraint, ...]


def load(path: Path | None = None) -> Contract:
    """Read a document from a file.

    Args:
        path: An OpenAPI 3.1 document in YAML; default is the one shipped with the package, read once per process.

    Returns:
        The contract.

    Raises:
        OSError: The file cannot be read.
        UnsupportedKeyword: A request is constrained in a way that the client or the mock cannot enforce.
        ValueError: The file is not YAML, or no OpenAPI document.

    Source: `openapi.yaml`
    """
    if path is None:
        return _shipped()
    try:
        document = yaml.load(path.read_text("utf-8"), _LOADER)  # noqa: S506  both are safe ones
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is not YAML ({' '.join(str(error).split())}). Mend it.") from error
    if not isinstance(document, dict) or "paths" not in document:
        raise ValueError(f"{path} has no paths; an OpenAPI document has some. Name another file.")
    return parse(document)


def parse(document: Mapping[str, Any]) -> Contract:
    """Read a document that is already in memory.

    Args:
        document: The root of an OpenAPI 3.1 document. It is kept, not copied.

    Returns:
        The contract.

    Raises:
        UnsupportedKeyword: A request is constrained in a way that the client or the mock cannot enforce.

    Source: `openapi.yaml`
    """
    reader = _Reader(document)
    operations = tuple(
        reader.operation(path, method)
        for path, item in document["paths"].items()
        for method in _METHODS
        if method in item
    )
    return Contract(document=document, operations=operations, constraints=tuple(reader.census))


@cache
def _shipped() -> Contract:
    return load(_locate(Path(str(files("nano_banana_edit_mock")))))


def _locate(package: Path) -> Path:
    # A wheel carries a copy inside the package; an editable install reads the one at the repository's root.
    inside = package / "openapi.yaml"
    return inside if inside.is_file() else package.parents[1] / inside.name


class _Reader:
    """Reads operations, and collects their constraints in `census` on the way."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self.census: list[Constraint] = []

    def operation(self, path: str, method: str) -> Operation:
        item, parent = self.document["paths"][path], f"/paths/{escape(path)}"
        if "parameters" in item:
            raise UnsupportedKeyword("parameters", f"{parent}/parameters")
        node, at = item[method], f"{parent}/{method}"
        name = node["operationId"]
        servers = node.get("servers") or item.get("servers") or self.document["servers"]
        place = Constraint(id=name, operation=name, location="security", owner=name)
        return Operation(
            id=name,
            method=method.upper(),
            path=path,
            servers=tuple(server["url"] for server in servers),
            bearer=self.bearer(place, at if "security" in node else ""),
            parameters=self.parameters(evolve(place, location="path"), node, f"{at}/parameters"),
            **(self.body(evolve(place, location="body"), f"{at}/requestBody") if "requestBody" in node else {}),
        )

    def bearer(self, place: Constraint, holder: str) -> bool:
        requirements = resolve(self.document, holder).get("security", ())
        for index, requirement in enumerate(requirements):
            for name in requirement:
                scheme, at = self.follow(f"/components/securitySchemes/{escape(name)}")
                if (scheme["type"], scheme.get("scheme", "").lower()) != ("http", "bearer"):
                    raise UnsupportedKeyword("type", f"{at}/type")
                stated = state(place, "security", name)
                pointer = f"{holder}/security/{index}/{escape(name)}"
                self.census.append(evolve(stated, id=f"{stated.id}.{name}", pointer=pointer))
        return bool(requirements) and all(requirements)

    def parameters(self, place: Constraint, node: Mapping[str, Any], holder: str) -> tuple[Parameter, ...]:
        parameters = []
        for index in range(len(node.get("parameters", ()))):
            parameter, at = self.follow(f"{holder}/{index}")
            if parameter["in"] != "path" or "content" in parameter:
                keyword = "content" if parameter["in"] == "path" else "in"
                raise UnsupportedKeyword(keyword, f"{at}/{keyword}")
            here = step(place, parameter["name"], at)
            self.required(here)
            for constraint in walk(self.document, evolve(here, pointer=f"{at}/schema")):
                # A path carries text alone, and the generator shows its templates no more than that of a parameter.
                if (constraint.keyword, constraint.value) != ("type", "string"):
                    raise UnsupportedKeyword(constraint.keyword, constraint.pointer)
                self.census.append(constraint)
            parameters.append(Parameter(name=parameter["name"], schema=f"{at}/schema"))
        return tuple(parameters)

    def body(self, place: Constraint, at: str) -> dict[str, Any]:
        node, at = self.follow(at)
        required = self.required(evolve(place, id=f"{place.id}.requestBody", pointer=at))
        media_type = next(iter(node["content"]))
        if len(node["content"]) != 1 or media_type not in {JSON, MULTIPART}:
            raise UnsupportedKeyword("content", f"{at}/content")
        pointer = f"{at}/content/{escape(media_type)}/schema"
        schema = resolve(self.document, pointer)
        owner = target(schema["$ref"]).rpartition("/")[2] if "$ref" in schema else schema.get("title", place.owner)
        self.census += walk(self.document, evolve(place, id=owner, owner=owner, pointer=pointer))
        return {"media_type": media_type, "schema": pointer, "body_required": required}

    def required(self, place: Constraint) -> bool:
        """Return whether what a place points to is required, which is a constraint as well."""
        required = bool(resolve(self.document, place.pointer).get("required"))
        self.census += [state(place, "required", required)] if required else []
        return required

    def follow(self, pointer: str) -> tuple[Any, str]:
        """Return the object behind a pointer and behind the `$ref`s found there, and the pointer to it."""
        while "$ref" in (node := resolve(self.document, pointer)):
            pointer = target(node["$ref"])
        return node, pointer
