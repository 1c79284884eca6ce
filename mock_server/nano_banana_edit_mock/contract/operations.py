"""The operations of a document: their servers, parameters and bodies, and the constraints on these."""

import re
from collections.abc import Collection, Iterator, Mapping
from itertools import product
from math import prod
from typing import Any
from urllib.parse import urlsplit

from attrs import evolve, frozen

from .census import (
    ANNOTATIONS,
    Constraint,
    UnsupportedKeyword,
    escape,
    facets,
    follow,
    has,
    refer,
    resolve,
    state,
    step,
    unescape,
    walk,
)
from .wording import show

JSON = "application/json"
MULTIPART = "multipart/form-data"
PARAMETER = re.compile(r"\{([^{}]+)\}")  # in a path, and in the URL of a server

_SERVER = re.compile(r"(?:(?:https?:)?//[^/?#\s\\{}]+)?(?:/[^?#\s\\{}]*)?", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_FIELDS = ("string", "integer", "number", "boolean", "object")  # and a file, which is a string
_OF_FILES = ("type", "format", "minLength", "maxLength", "$ref", "allOf")
_KINDS = {bool: "true or false", dict: "an object", list: "a list", str: "text"}
_MAX_URLS = 100  # of one server with variables
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


@frozen
class Field:
    """A field of a form: what its parts hold, a `file` or a type of JSON Schema, and whether there may be `many`."""

    kind: str
    many: bool = False


@frozen(kw_only=True)
class Operation:
    """One operation of the document.

    Attributes:
        id: The operationId.
        method: Upper-case HTTP method.
        path: Path template, without the base path of the servers.
        servers: Server URLs: the operation's own, otherwise those of the path, otherwise those of the document; with
            every value of their variables, the defaults first.
        parameters: JSON pointer to the schema of each path parameter, by its name; default none.
        bearer: Whether a bearer token is required; default False.
        media_type: The media type of the body, `JSON` or `MULTIPART`; default None if there is no body.
        schema: JSON pointer to the body's schema; empty if there is no body.
        body_required: Whether the body is required; default False.
        fields: The declared fields of a form, by their names; default none.
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
    fields: Mapping[str, Field] = {}

    @property
    def is_upload(self) -> bool:
        """Whether it takes files: such an operation may have a service of its own, and bills nothing."""
        return self.media_type == MULTIPART


class OperationReader:
    """Reads operations, and collects their constraints in `census`."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.census: list[Constraint] = []

    def take(self, pointer: str, kind: type = dict) -> Any:
        """Return the node at a pointer; it must be there, and of that kind."""
        parent, _, name = pointer.rpartition("/")
        if not has(self.document, pointer):
            raise ValueError(f"{parent or 'The document'} has no {unescape(name)}; it is required.")
        node = resolve(self.document, pointer)
        if not isinstance(node, kind):
            raise ValueError(f"{pointer} is {show(node)}; it must be {_KINDS[kind]}.")  # noqa: TRY004
        return node

    def only(self, pointer: str, known: Collection[str], remedy: str = "Leave it out.") -> None:
        """Refuse a keyword of the object at a pointer that is not a known one."""
        for keyword in self.take(pointer):
            if keyword not in known and not keyword.startswith("x-"):
                raise UnsupportedKeyword(keyword, f"{pointer}/{escape(keyword)}", remedy)

    def operations(self) -> Iterator[Operation]:
        """Yield every operation, in the order of the document."""
        paths = {path: item for path, item in self.take("/paths").items() if not path.startswith("x-")}
        self.document["paths"] = paths
        shapes: dict[str, str] = {}
        ids: dict[str, str] = {}
        for path, item in paths.items():
            parent = f"/paths/{escape(path)}"
            shape = PARAMETER.sub("*", path)
            if not path.startswith("/") or {*shape} & set("{}?#"):
                raise ValueError(
                    f"{parent} is not a path; it must begin with /, and have no ? and #, nor a lone brace."
                )
            if shapes.setdefault(shape, parent) != parent:
                raise ValueError(f"{parent} is the same path as {shapes[shape]}. Leave one out.")
            self.only(parent, ("summary", "description", "servers", *_METHODS), "Write it out in each operation.")
            for method in _METHODS:
                if method in item:
                    operation = self.operation(path, parent, method)
                    at = f"{parent}/{method}"
                    if ids.setdefault(operation.id, at) != at:
                        raise ValueError(f"{at}/operationId is also that of {ids[operation.id]}. Use another one.")
                    yield operation

    def operation(self, path: str, parent: str, method: str) -> Operation:
        """Return one operation of a path, which is at `parent`."""
        at = f"{parent}/{method}"
        node, name = self.take(at), self.take(f"{at}/operationId", str)
        place = Constraint(id=name, operation=name, location="security", owner=name)
        return Operation(
            id=name,
            method=method.upper(),
            path=path,
            servers=self.servers(at, parent, ""),
            bearer=self.bearer(place, at if "security" in node else ""),
            parameters=self.parameters(evolve(place, location="path"), path, at),
            **(self.body(evolve(place, location="body"), f"{at}/requestBody") if "requestBody" in node else {}),
        )

    def servers(self, *holders: str) -> tuple[str, ...]:
        """Return the URLs of the first holder that names any; the default of OpenAPI is `/`."""
        for holder in holders:
            count = len(self.take(f"{holder}/servers", list)) if has(self.document, f"{holder}/servers") else 0
            if count:
                return tuple(url for index in range(count) for url in self.urls(f"{holder}/servers/{index}"))
        return ("/",)

    def urls(self, at: str) -> Iterator[str]:
        """Yield the URLs of a server, with every value of its variables; the defaults come first."""
        url = self.take(f"{at}/url", str)
        values = {}
        for name in PARAMETER.findall(url):
            variable = f"{at}/variables/{escape(name)}"
            self.take(variable)
            default = self.take(f"{variable}/default", str)
            options = self.take(f"{variable}/enum", list) if has(self.document, f"{variable}/enum") else [default]
            if default not in options:
                raise ValueError(f"{variable}/default is {show(default)}, which is not in its enum.")
            values[name] = dict.fromkeys((default, *map(str, options)))
        if prod(map(len, values.values())) > _MAX_URLS:
            raise ValueError(f"{at}/variables make more than {_MAX_URLS} URLs. Shorten an enum.")
        for chosen in product(*values.values()):
            value = dict(zip(values, chosen, strict=True))
            filled = "".join(value[part] if index % 2 else part for index, part in enumerate(PARAMETER.split(url)))
            try:
                odd = not _SERVER.fullmatch(filled) or urlsplit(filled).port == 0
            except ValueError:
                odd = True
            if odd:
                remedy = "it must be a URL without a query and a fragment, of http or https, or a path from /"
                raise ValueError(f"{at}/url is {show(filled)}; {remedy}.")
            yield filled

    def bearer(self, place: Constraint, holder: str) -> bool:
        """Return whether the holder requires a bearer token; no other scheme is known."""
        at = f"{holder}/security"
        requirements = self.take(at, list) if has(self.document, at) else []
        for index in range(len(requirements)):
            for name in self.take(f"{at}/{index}"):
                pointer, home = f"{at}/{index}/{escape(name)}", f"/components/securitySchemes/{escape(name)}"
                if not has(self.document, home):
                    raise ValueError(f"{pointer} is not a known scheme. Define {home}.")
                found = self.follow(home)
                if self.take(f"{found}/type", str) != "http" or self.take(f"{found}/scheme", str).lower() != "bearer":
                    raise UnsupportedKeyword("type", f"{found}/type", "Use the type http with the scheme bearer.")
                stated = state(place, "security", name)
                self.census.append(evolve(stated, id=f"{stated.id}.{name}", pointer=pointer))
        return bool(requirements) and all(requirements)

    def parameters(self, place: Constraint, path: str, at: str) -> Mapping[str, str]:
        """Return the pointers to the schemas of the parameters in a path, by their names."""
        holder, names = f"{at}/parameters", PARAMETER.findall(path)
        found: dict[str, str] = {}
        for index in range(len(self.take(holder, list)) if has(self.document, holder) else 0):
            here = self.follow(f"{holder}/{index}")
            if self.take(f"{here}/in", str) != "path":
                raise UnsupportedKeyword("in", f"{here}/in")
            self.only(here, ("in", "name", "required", "schema", "deprecated", *ANNOTATIONS))
            name = self.take(f"{here}/name", str)
            if name not in names or name in found:
                raise ValueError(f"{here}/name is {show(name)}; {path} must have it once in braces.")
            if not _NAME.fullmatch(name):
                raise ValueError(f"{here}/name is {show(name)}; use letters, digits, - and _, and begin with a letter.")
            inside = step(place, name, here)
            if not self.required(inside):
                raise ValueError(f"{here}/required must be true, as that of every path parameter.")
            self.take(f"{here}/schema")
            for constraint in walk(self.document, evolve(inside, pointer=f"{here}/schema")):
                # A path carries only text, and the generator tells its templates no more about a parameter.
                if (constraint.keyword, constraint.value) != ("type", "string"):
                    raise UnsupportedKeyword(constraint.keyword, constraint.pointer)
                self.census.append(constraint)
            found[name] = f"{here}/schema"
        if len(found) < len(names):
            missing = next(name for name in names if name not in found or names.count(name) > 1)
            raise ValueError(f"{at} has {missing} in its path. Declare it as a path parameter, and use it once.")
        return found

    def body(self, place: Constraint, at: str) -> dict[str, Any]:
        """Return what an operation has of the body at a pointer, as its attributes."""
        at = self.follow(at)
        self.only(at, ("description", "content", "required"))
        required = self.required(evolve(place, id=f"{place.id}.requestBody", pointer=at))
        content = self.take(f"{at}/content")
        media_type = next(iter(content), "")
        if len(content) != 1 or media_type not in {JSON, MULTIPART}:
            raise UnsupportedKeyword("content", f"{at}/content", f"Use one of {JSON} and {MULTIPART}.")
        holder = f"{at}/content/{escape(media_type)}"
        self.only(holder, ("schema", "example", "examples"))
        pointer = f"{holder}/schema"
        schema = self.take(pointer)
        owner = str(schema.get("title", place.owner))
        if "$ref" in schema:
            owner = refer(self.document, f"{pointer}/$ref").rpartition("/")[2]
        found = [*walk(self.document, evolve(place, id=owner, owner=owner, pointer=pointer))]
        self.census += found
        fields = self.fields(pointer) if media_type == MULTIPART else {}
        for stated in found:
            if stated.keyword == "format" and fields.get("".join(stated.field[:1]), Field("")).kind != "file":
                raise UnsupportedKeyword("format", stated.pointer, "Only a field of a form can be a file.")
        return {"media_type": media_type, "schema": pointer, "body_required": required, "fields": fields}

    def fields(self, form: str) -> Mapping[str, Field]:
        """Return the fields of a form. Each is one part, or a part for each item, as OpenAPI has it by default."""
        stated = facets(self.document, form)
        if self.kind(form) not in ("object", None):
            raise UnsupportedKeyword("type", f"{form}/type", "A form must have the type object.")
        if not isinstance(resolve(self.document, stated.get("additionalProperties", "/openapi")), bool | str):
            raise UnsupportedKeyword("additionalProperties", stated["additionalProperties"], "Declare each field.")
        found = {}
        for name in self.take(stated["properties"]) if "properties" in stated else ():
            at = f"{stated['properties']}/{escape(name)}"
            many, outer = self.kind(at) == "array", facets(self.document, at)
            if many:
                at = outer.get("items", f"{at}/items")
                self.take(at)
            kind = self.kind(at)
            if kind not in _FIELDS:
                raise UnsupportedKeyword("type", f"{at}/type", f"A field must have one type: {', '.join(_FIELDS)}.")
            keywords = facets(self.document, at)
            if "format" in keywords and "uniqueItems" in outer:
                raise UnsupportedKeyword("uniqueItems", outer["uniqueItems"], "Files are not compared.")
            for keyword in keywords if "format" in keywords else ():
                if keyword not in (*_OF_FILES, *ANNOTATIONS) and not keyword.startswith("x-"):
                    raise UnsupportedKeyword(keyword, keywords[keyword], "Of a file only the size can be limited.")
            found[name] = Field("file" if "format" in keywords else kind, many)
        return found

    def kind(self, pointer: str) -> Any:
        """Return the type that a schema states; None if it states none."""
        stated = facets(self.document, pointer)
        return resolve(self.document, stated["type"]) if "type" in stated else None

    def required(self, place: Constraint) -> bool:
        """Return whether the object at a place is required, and if so add that to the census."""
        at = f"{place.pointer}/required"
        required = has(self.document, at) and self.take(at, bool)
        self.census += [state(place, "required", required)] if required else []
        return required

    def follow(self, pointer: str) -> str:
        """Follow a pointer and each `$ref` after it; return the pointer to the object at the end."""
        self.take(pointer)
        self.take(found := follow(self.document, pointer))
        return found
