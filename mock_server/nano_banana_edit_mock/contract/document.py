"""The document, read once: its operations, and a census of every constraint it sets on a request."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar

import yaml
from attrs import evolve, frozen

from .census import Constraint, UnsupportedKeyword, escape, has, refer, resolve, state, step, walk
from .reading import Place, check_json, read_yaml

JSON = "application/json"
MULTIPART = "multipart/form-data"

_PACKAGE = Path(str(files("nano_banana_edit_mock")))

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # the quick one, where libyaml is
    """Reads a date, and a status that is a key, as the text that they are in JSON."""

    yaml_implicit_resolvers: ClassVar = {
        first: [(tag, form) for tag, form in forms if tag != "tag:yaml.org,2002:timestamp"]
        for first, forms in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        mapping = super().construct_mapping(node, deep)
        return {str(key) if type(key) is int else key: value for key, value in mapping.items()}


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
    return _shipped() if path is None else parse(read(path))


def read(path: Path) -> Mapping[str, Any]:
    """Return the root of the document in a file.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is not YAML, or no OpenAPI document; the message names it.
    """
    document = read_yaml(path, _Loader)
    if not isinstance(document, dict) or "paths" not in document:
        raise ValueError(f"{path} has no paths; an OpenAPI document has some. Name another file.")
    return document


def parse(document: Mapping[str, Any]) -> Contract:
    """Read a document that is already in memory.

    Args:
        document: The root of an OpenAPI 3.1 document. It is kept, not copied.

    Returns:
        The contract.

    Raises:
        UnsupportedKeyword: A request is constrained in a way that the client or the mock cannot enforce.
        ValueError: It is no JSON, or what it says of a request leads nowhere; the message names the place.

    Source: `openapi.yaml`
    """
    check_json(document, _spell)
    reader = _Reader(document)
    operations = tuple(
        reader.operation(path, method)
        for path, item in document["paths"].items()
        for method in _METHODS
        if method in item
    )
    return Contract(document=document, operations=operations, constraints=tuple(reader.census))


def _spell(place: Place) -> str:
    return "".join(f"/{escape(str(token))}" for token in place) or "The document"


@cache
def load_admin() -> Contract:
    """Return the document of what is under `/__mock__/`, which has the steps of a script as well."""
    return load(_PACKAGE / "admin" / "admin.yaml")


@cache
def _shipped() -> Contract:
    return load(_locate(_PACKAGE))


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
        name = node.get("operationId")
        if not isinstance(name, str):
            raise ValueError(  # noqa: TRY004
                f"{at} has no operationId; the mock accepts operations with one. Add it."
            )
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
        """Return the URLs of the first of some holders that names any; where none does it is `/`, by OpenAPI."""
        for holder in holders:
            servers = resolve(self.document, holder).get("servers", ())
            for index, server in enumerate(servers):
                if not isinstance(server.get("url"), str):
                    message = f"{holder}/servers/{index} has no url; the mock accepts servers with one. Add it."
                    raise ValueError(message)  # noqa: TRY004
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
                    raise ValueError(f"{pointer} is no scheme; the mock accepts those of the document. Define {home}.")
                scheme, at = self.follow(home)
                if (scheme["type"], scheme.get("scheme", "").lower()) != ("http", "bearer"):
                    raise UnsupportedKeyword("type", f"{at}/type")
                stated = state(place, "security", name)
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
        owner = schema.get("title", place.owner)
        if "$ref" in schema:
            owner = refer(self.document, f"{pointer}/$ref").rpartition("/")[2]
        self.census += walk(self.document, evolve(place, id=owner, owner=owner, pointer=pointer))
        return {"media_type": media_type, "schema": pointer, "body_required": required}

    def required(self, place: Constraint) -> bool:
        """Return whether what a place points to is required, which is a constraint as well."""
        required = bool(resolve(self.document, place.pointer).get("required"))
        self.census += [state(place, "required", required)] if required else []
        return required

    def follow(self, pointer: str) -> tuple[Any, str]:
        """Return the object behind a pointer and behind the `$ref`s found there, and the pointer to it."""
        seen = {pointer}
        while "$ref" in (node := resolve(self.document, pointer)):
            pointer = refer(self.document, f"{pointer}/$ref")
            if pointer in seen:
                raise ValueError(f"{pointer} refers to itself; the mock accepts what leads to an end. Define it.")
            seen.add(pointer)
        return node, pointer
