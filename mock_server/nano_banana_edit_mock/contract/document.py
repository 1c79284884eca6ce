"""An OpenAPI document, read once: its operations, and the census of their constraints."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar

import yaml
from attrs import evolve, frozen

from . import expressible
from .census import Constraint, UnsupportedKeyword, escape, has, point, refer, resolve, state, step, walk
from .reading import check_json, read_yaml

JSON = "application/json"
MULTIPART = "multipart/form-data"

_PACKAGE = Path(str(files("nano_banana_edit_mock")))

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # the quick one, if libyaml is there
    """Reads a date, and a status that is a key, as text, as JSON has them."""

    yaml_implicit_resolvers: ClassVar = {
        first: [(tag, form) for tag, form in forms if tag != "tag:yaml.org,2002:timestamp"]
        for first, forms in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        mapping = super().construct_mapping(node, deep)
        return {str(key) if type(key) is int else key: value for key, value in mapping.items()}


@frozen(kw_only=True)
class Operation:
    """One operation of the document.

    Attributes:
        id: The operationId.
        method: Upper-case HTTP method.
        path: Path template, without the base path of the servers.
        servers: Server URLs: the operation's own, otherwise those of the path, otherwise those of the document.
        parameters: JSON pointer to the schema of each path parameter, by its name; default none.
        bearer: Whether a bearer token is required; default False.
        media_type: The media type of the body, `JSON` or `MULTIPART`; default None if there is no body.
        schema: JSON pointer to the body's schema; empty if there is no body.
        body_required: Whether the body is required; default False.
    """

    id: str
    method: str
    path: str
    servers: tuple[str, ...]
    parameters: Mapping[str, str] = {}
    bearer: bool = False
    media_type: str | None = None
    schema: str = ""
    body_required: bool = False


@frozen(kw_only=True, eq=False)
class Contract:
    """The document, its operations, and the census of their constraints.

    Attributes:
        document: The root of the document; do not change it.
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
        UnsupportedKeyword: The client or the mock cannot enforce a constraint on a request.
        ValueError: The file is not YAML, or not an OpenAPI document.

    Source: `openapi.yaml`
    """
    return _shipped() if path is None else parse(read(path))


def read(path: Path) -> Mapping[str, Any]:
    """Return the root of the document in a file.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is not YAML, or has no paths; the message names the file.
    """
    document = read_yaml(path, _Loader)
    if not isinstance(document, dict) or "paths" not in document:
        raise ValueError(f"{path} has no paths; it is not an OpenAPI document.")
    return document


def parse(document: Mapping[str, Any]) -> Contract:
    """Read a document that is already in memory.

    Args:
        document: The root of an OpenAPI 3.1 document. It is kept, not copied.

    Returns:
        The contract.

    Raises:
        UnsupportedKeyword: The client or the mock cannot enforce a constraint on a request.
        ValueError: JSON cannot express the document, or something is missing in it; the message names the place.

    Source: `openapi.yaml`
    """
    check_json(document, lambda path: point(path) or "The document")
    reader = _Reader(document)
    operations = tuple(
        reader.operation(path, method)
        for path, item in document["paths"].items()
        for method in _METHODS
        if method in item
    )
    expressible.check(document)
    return Contract(document=document, operations=operations, constraints=tuple(reader.census))


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


class _Reader:
    """Reads operations, and collects their constraints in `census`."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self.census: list[Constraint] = []

    def operation(self, path: str, method: str) -> Operation:
        item, parent = self.document["paths"][path], f"/paths/{escape(path)}"
        if "parameters" in item:
            raise UnsupportedKeyword("parameters", f"{parent}/parameters")
        node, at = item[method], f"{parent}/{method}"
        name = node.get("operationId")
        if not isinstance(name, str):
            raise ValueError(f"{at} has no operationId; it is required.")  # noqa: TRY004
        place = Constraint(id=name, operation=name, location="security", owner=name)
        return Operation(
            id=name,
            method=method.upper(),
            path=path,
            servers=self.servers(at, parent, ""),
            bearer=self.bearer(place, at if "security" in node else ""),
            parameters=self.parameters(evolve(place, location="path"), node, f"{at}/parameters"),
            **(self.body(evolve(place, location="body"), f"{at}/requestBody") if "requestBody" in node else {}),
        )

    def servers(self, *holders: str) -> tuple[str, ...]:
        """Return the URLs of the first holder that names any; the default of OpenAPI is `/`."""
        for holder in holders:
            servers = resolve(self.document, holder).get("servers", ())
            for index, server in enumerate(servers):
                if not isinstance(server.get("url"), str):
                    raise ValueError(f"{holder}/servers/{index} has no url; it is required.")  # noqa: TRY004
            if servers:
                return tuple(server["url"] for server in servers)
        return ("/",)

    def bearer(self, place: Constraint, holder: str) -> bool:
        requirements = resolve(self.document, holder).get("security", ())
        for index, requirement in enumerate(requirements):
            for name in requirement:
                home = f"/components/securitySchemes/{escape(name)}"
                pointer = f"{holder}/security/{index}/{escape(name)}"
                if not has(self.document, home):
                    raise ValueError(f"{pointer} is not a known scheme. Define {home}.")
                scheme, at = self.follow(home)
                if (scheme["type"], scheme.get("scheme", "").lower()) != ("http", "bearer"):
                    raise UnsupportedKeyword("type", f"{at}/type")
                stated = state(place, "security", name)
                self.census.append(evolve(stated, id=f"{stated.id}.{name}", pointer=pointer))
        return bool(requirements) and all(requirements)

    def parameters(self, place: Constraint, node: Mapping[str, Any], holder: str) -> Mapping[str, str]:
        parameters = {}
        for index in range(len(node.get("parameters", ()))):
            parameter, at = self.follow(f"{holder}/{index}")
            if parameter["in"] != "path" or "content" in parameter:
                keyword = "content" if parameter["in"] == "path" else "in"
                raise UnsupportedKeyword(keyword, f"{at}/{keyword}")
            here = step(place, parameter["name"], at)
            self.required(here)
            for constraint in walk(self.document, evolve(here, pointer=f"{at}/schema")):
                # A path carries only text, and the generator tells its templates no more about a parameter.
                if (constraint.keyword, constraint.value) != ("type", "string"):
                    raise UnsupportedKeyword(constraint.keyword, constraint.pointer)
                self.census.append(constraint)
            parameters[parameter["name"]] = f"{at}/schema"
        return parameters

    def body(self, place: Constraint, at: str) -> dict[str, Any]:
        node, at = self.follow(at)
        required = self.required(evolve(place, id=f"{place.id}.requestBody", pointer=at))
        media_type = next(iter(node["content"]))
        if len(node["content"]) != 1 or media_type not in {JSON, MULTIPART}:
            raise UnsupportedKeyword("content", f"{at}/content")
        pointer = f"{at}/content/{escape(media_type)}/schema"
        schema = resolve(self.document, pointer)
        owner = schema.get("title", place.owner)
        if "$ref" in schema:
            owner = refer(self.document, f"{pointer}/$ref").rpartition("/")[2]
        self.census += walk(self.document, evolve(place, id=owner, owner=owner, pointer=pointer))
        return {"media_type": media_type, "schema": pointer, "body_required": required}

    def required(self, place: Constraint) -> bool:
        """Return whether the object at a place is required, and if so add that to the census."""
        required = bool(resolve(self.document, place.pointer).get("required"))
        self.census += [state(place, "required", required)] if required else []
        return required

    def follow(self, pointer: str) -> tuple[Any, str]:
        """Follow a pointer and each `$ref` after it; return the object at the end, and the pointer to it."""
        seen = {pointer}
        while "$ref" in (node := resolve(self.document, pointer)):
            pointer = refer(self.document, f"{pointer}/$ref")
            if pointer in seen:
                raise ValueError(f"{pointer} refers to itself.")
            seen.add(pointer)
        return node, pointer
