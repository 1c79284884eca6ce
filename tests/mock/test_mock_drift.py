"""What a changed document means for those who use the old one."""

import copy
import re
from pathlib import Path

import pytest
import yaml
from nano_banana_edit_mock import load
from nano_banana_edit_mock.__main__ import main
from nano_banana_edit_mock.contract import parse
from nano_banana_edit_mock.contract.census import resolve
from nano_banana_edit_mock.tools.drift import bump, changes, raised, suffices

REQUEST = "/components/schemas/EditRequest"
PROMPT = f"{REQUEST}/properties/prompt"
IMAGES = f"{REQUEST}/properties/image_urls"
CREATE = "/paths/~1generate~1k~1nano-banana-edit"
TASK = "/components/schemas/Task"
ADDED = {"strength": {"type": "integer", "minimum": 1}}


def set_to(at, keyword, value):
    def apply(document):
        node = resolve(document, at)
        old = node.get(keyword)
        node[keyword] = value(old) if callable(value) else value

    return apply


def without(at, keyword):
    return lambda document: resolve(document, at).pop(keyword)


def all_of(*steps):
    return lambda document: [step(document) for step in steps]


@pytest.fixture
def document():
    return copy.deepcopy(dict(load().document))


@pytest.mark.parametrize(
    ("apply", "effect", "text"),
    [
        (set_to(PROMPT, "maxLength", lambda n: n - 1), "tightens", r"EditRequest.prompt.maxLength is \d+, not \d+"),
        (set_to(PROMPT, "maxLength", lambda n: n + 1), "loosens", r"EditRequest.prompt.maxLength is \d+, not \d+"),
        (set_to(IMAGES, "minItems", lambda n: n + 1), "tightens", "EditRequest.image_urls.minItems is 2, not 1"),
        (set_to(IMAGES, "minItems", 0), "loosens", "EditRequest.image_urls.minItems is 0, not 1"),
        (without(IMAGES, "maxItems"), "loosens", "EditRequest.image_urls.maxItems is gone: it was 10"),
        (set_to(IMAGES, "uniqueItems", True), "tightens", "EditRequest.image_urls.uniqueItems is new: True"),
        (set_to(IMAGES, "uniqueItems", False), None, ""),
        (set_to(f"{IMAGES}/items", "minLength", 3), "tightens", "EditRequest.image_urls.items.minLength is new: 3"),
        (set_to(PROMPT, "pattern", "^a"), "tightens", r"EditRequest.prompt.pattern is new: \^a"),
        (set_to(PROMPT, "type", ["string", "null"]), "loosens", "EditRequest.prompt.type has null, too"),
        (set_to(REQUEST, "additionalProperties", False), "tightens", "EditRequest.additionalProperties is new: False"),
        (
            set_to("/components/schemas/OutputFormat", "enum", ["png"]),
            "tightens",
            "EditRequest.output_format.enum has no jpeg any more",
        ),
        (
            set_to("/components/schemas/OutputFormat", "enum", ["png", "jpeg", "webp"]),
            "loosens",
            "EditRequest.output_format.enum has webp, too",
        ),
        (
            set_to(f"{REQUEST}/properties/image_size", "default", "auto"),
            "breaks",
            "EditRequest.image_size.default is auto, not 1:1",
        ),
        (without(f"{REQUEST}/properties/image_size", "default"), "breaks", "EditRequest.image_size.default is gone"),
        (
            set_to(f"{REQUEST}/properties/output_format", "default", "png"),
            "adds",
            "EditRequest.output_format.default is new: png",
        ),
        (set_to(REQUEST, "properties", lambda old: old | ADDED), "adds", "EditRequest.strength is new, not required"),
        (
            all_of(
                set_to(REQUEST, "properties", lambda old: old | ADDED),
                set_to(REQUEST, "required", lambda old: [*old, "strength"]),
            ),
            "breaks",
            "EditRequest.strength is new, required",
        ),
        (
            without(f"{REQUEST}/properties", "output_format"),
            "breaks",
            "EditRequest.output_format is no longer documented",
        ),
        (set_to(REQUEST, "required", ["image_urls"]), "loosens", "EditRequest.required.prompt is gone"),
        (set_to(f"{CREATE}/post/requestBody", "required", False), "loosens", "createEdit.requestBody.required is gone"),
        (set_to(f"{CREATE}/post", "security", []), "loosens", "createEdit.security.bearer is gone"),
        (
            set_to("/paths/~1tasks~1{id}/get", "security", []),
            "loosens",
            "getTask.security.bearer is gone: it was bearer",
        ),
        (
            set_to("/paths/~1tasks~1{id}/get", "security", [{"bearer": []}, {}]),
            "loosens",
            "getTask.security.bearer is gone",
        ),
        (set_to(REQUEST, "additionalProperties", True), None, ""),
        (
            set_to(REQUEST, "properties", lambda old: old | {"style": {"enum": ["oil", "ink"]}}),
            "adds",
            "EditRequest.style is new, not required",
        ),
        (without("/paths", "/tasks/{id}"), "breaks", "getTask is gone"),
        (set_to("/paths", "/new", {"get": {"operationId": "new"}}), "adds", "new is new"),
        (set_to(CREATE, "put", lambda _: None), None, ""),
        (set_to("/servers/0", "url", "https://else.test"), "breaks", "has another servers: .*else.test"),
        (
            set_to(TASK, "required", ["id"]),
            "breaks",
            r"getTask 200 application/json.status \(required\) is no longer promised",
        ),
        (
            set_to(f"{TASK}/properties/status", "type", "integer"),
            "breaks",
            "getTask 200 application/json.status.type is integer in the",
        ),
        (
            without(f"{TASK}/properties", "result"),
            "breaks",
            r"getTask 200 application/json.result is no longer promised",
        ),
        (
            set_to(f"{TASK}/properties", "cost", {"type": "number"}),
            "adds",
            "getTask 200 application/json.cost is promised",
        ),
        (
            set_to(f"{TASK}/properties/id", "maxLength", 9),
            "adds",
            "getTask 200 application/json.id.maxLength is promised",
        ),
        (set_to(f"{TASK}/properties/id", "description", "other"), None, ""),
        (set_to(f"{TASK}/properties/id", "x-note", "other"), None, ""),
        (
            set_to(f"{CREATE}/post/responses/200", "content", {"application/xml": {}}),
            None,
            r"createEdit 200 application/json is no longer promised",
        ),
        (
            set_to(f"{CREATE}/post/responses/200", "headers", {"X-Id": {}}),
            "adds",
            "createEdit 200 header X-Id is promised",
        ),
        (without(f"{CREATE}/post/responses", "200"), "breaks", "createEdit 200 is no longer promised"),
    ],
)
def test_effect_of_a_change(document, apply, effect, text):
    """Each change has its effect on callers and readers, and is named."""
    old = parse(copy.deepcopy(document))
    apply(document)
    if resolve(document, CREATE).get("put", 1) is None:  # a path item without the method is no change
        del resolve(document, CREATE)["put"]
    found = changes(old, parse(document))
    effects = {effect} if effect else {"breaks", "adds"} if text else set()
    assert effects == {change.effect for change in found}
    assert bool(text) == any(re.search(text, str(change)) for change in found)


@pytest.mark.parametrize("security", [[], [{}], [{"bearer": []}, {}]])
def test_a_token_that_becomes_necessary(document, security):
    """An operation that begins to demand a token tightens, even if it demanded nothing else of the kind."""
    task = resolve(document, "/paths/~1tasks~1{id}/get")
    new = parse(copy.deepcopy(document))
    task["security"] = security
    found = changes(parse(document), new)
    assert ["tightens getTask.security.bearer is new: bearer"] == list(map(str, found))


@pytest.mark.parametrize(
    ("apply", "needed"),
    [
        (set_to(PROMPT, "maxLength", 10), "major"),
        (set_to(REQUEST, "properties", lambda old: old | ADDED), "minor"),
        (without("/paths", "/tasks/{id}"), "major"),
        (set_to(PROMPT, "description", "other"), "patch"),
        (set_to("/info", "title", "other"), "patch"),
        (set_to("/info", "version", "7.0.0"), "none"),
    ],
)
def test_version_that_follows(document, apply, needed):
    """A break needs another major version, an addition a minor one, words alone a patch."""
    old = parse(copy.deepcopy(document))
    apply(document)
    assert needed == bump(old, parse(document))


@pytest.mark.parametrize(
    ("version", "part"),
    [
        ("2.0.0", "major"),
        ("1.1.0", "minor"),
        ("1.0.1", "patch"),
        ("1.0.0", "none"),
        ("0.9.9", "none"),
        ("0.10.1", "none"),
        ("2", "major"),
        ("1.1", "minor"),
        ("1", "none"),
    ],
)
def test_part_that_rose(document, version, part):
    """The part of the version that rose is the first that differs, unless it fell."""
    old = parse(copy.deepcopy(document))
    document["info"]["version"] = version
    assert part == raised(old, parse(document))


def test_part_that_rose_from_a_short_version(document):
    """A version that leaves out its last parts has zeros there."""
    document["info"]["version"] = "1.0"
    old = parse(copy.deepcopy(document))
    document["info"]["version"] = "1.0.1"
    assert "patch" == raised(old, parse(document))


def test_a_greater_rise_suffices():
    """More than what is needed is enough, less is not."""
    parts = ["major", "minor", "patch", "none"]
    for index, part in enumerate(parts):
        assert [suffices(part, needed) for needed in parts] == [index <= other for other in range(len(parts))]


def thing(**schema):
    """A document whose only request has one property."""
    body = {"content": {"application/json": {"schema": {"title": "Thing", "properties": {"n": schema}}}}}
    operation = {"operationId": "make", "requestBody": body}
    return parse({"openapi": "3.1.0", "servers": [{"url": "/"}], "paths": {"/": {"post": operation}}})


def test_wider_multiples_and_numbers():
    """A divisor of the old step, and numbers where integers were, accept more."""
    steps = [str(change) for change in changes(thing(multipleOf=6), thing(multipleOf=3))]
    assert ["loosens  Thing.n.multipleOf is 3, not 6"] == steps
    assert ["breaks   Thing.n.multipleOf is 4, not 6"] == [
        str(change) for change in changes(thing(multipleOf=6), thing(multipleOf=4))
    ]
    assert {"loosens"} == {change.effect for change in changes(thing(type="integer"), thing(type="number"))}
    assert ["tightens Thing.n.type has no number any more"] == [
        str(change) for change in changes(thing(type="number"), thing(type="integer"))
    ]
    assert [] == changes(thing(type="number"), thing(type=["number", "integer"]))
    assert ["loosens  Thing.n.type has integer, too", "tightens Thing.n.type has no string any more"] == [
        str(change) for change in changes(thing(type="string"), thing(type="integer"))
    ]
    assert ["loosens  Thing.n.enum has number, too"] == [
        str(change) for change in changes(thing(enum=["a"]), thing(enum=["a", "number"]))
    ]


def test_items_belong_to_their_array():
    """What is demanded of items for the first time tightens, and is nothing new that may be left out."""
    found = changes(thing(type="array"), thing(type="array", items={"minLength": 2}))
    assert ["tightens Thing.n.items.minLength is new: 2"] == [str(change) for change in found]


def test_another_media_type():
    """A body in another media type breaks callers, and is named in words."""
    old, new = thing(type="string"), thing(type="string").document
    content = new["paths"]["/"]["post"]["requestBody"]["content"]
    content["multipart/form-data"] = content.pop("application/json")
    (found,) = changes(old, parse(new))
    assert "breaks   make has another media type: multipart/form-data, not application/json" == str(found)


def answering(schema, **schemas):
    """A document whose only operation answers with a schema, by way of a reference."""
    operation = {"operationId": "look", "responses": {"200": {"$ref": "#/components/responses/A~1B"}, "204": {}}}
    content = {"application/json": {"schema": schema}}
    components = {"responses": {"A/B": {"content": content}}, "schemas": schemas}
    return parse(
        {
            "openapi": "3.1.0",
            "servers": [{"url": "/"}],
            "paths": {"/": {"get": operation}},
            "components": components,
        }
    )


PROMISES = {
    "look 200 application/json.type": {"type": "object"},
    "look 200 application/json.a/b": {"properties": {"a/b": {"format": "uri"}}},
    "look 200 application/json.a/b.format": {"properties": {"a/b": {"format": "uri"}}},
    "look 200 application/json.a/b (required)": {"required": ["a/b"]},
    "look 200 application/json[].enum": {"items": {"enum": ["x"]}},
    "look 200 application/json anyOf 1.const": {"anyOf": [{}, {"const": 1}]},
    "look 200 application/json oneOf 0.type": {"oneOf": [{"type": "null"}]},
    "look 200 application/json allOf 0.type": {"allOf": [{"type": "object"}]},
    "look 200 application/json.b.type": {"$ref": "#/components/schemas/B"},
}


def promises(*schemas):
    """A document whose answer holds all that the schemas do, and one that holds itself."""
    merged = {key: value for schema in schemas for key, value in schema.items()}
    again = {"$ref": "#/components/schemas/B"}
    inner = {"type": "string", "items": again, "anyOf": [again]}
    return answering(merged, B={"properties": {"b": inner, "again": again}})


@pytest.mark.parametrize("place", PROMISES)
def test_promises_of_an_answer(place):
    """Whatever a schema says of an answer is a promise: new it adds, gone it breaks, beside any other."""
    whole = promises(*PROMISES.values())
    less = promises(*(schema for name, schema in PROMISES.items() if PROMISES[place].keys() != schema.keys()))
    assert f"adds     {place} is promised in the answer" in map(str, changes(less, whole))
    assert f"breaks   {place} is no longer promised in the answer" in map(str, changes(whole, less))
    assert {"adds"} == {change.effect for change in changes(less, whole)}
    assert [] == changes(whole, promises(*reversed(PROMISES.values())))


def test_command(document, tmp_path, capsys):
    """The command says each change and the version that follows, and fails where the version did not rise."""
    old, new = tmp_path / "old.yaml", tmp_path / "new.yaml"
    old.write_text(yaml.safe_dump(document))
    resolve(document, PROMPT)["maxLength"] += 1
    new.write_text(yaml.safe_dump(document))
    with pytest.raises(SystemExit, match=r"^1$"):
        main(["diff", str(old), str(new)])
    assert re.match(r"loosens  EditRequest.prompt.maxLength .*\nVersion bump: needs minor", capsys.readouterr().out)
    document["info"]["version"] = "1.1.0"
    new.write_text(yaml.safe_dump(document))
    main(["diff", str(old), str(new)])
    assert capsys.readouterr().out.endswith("Version bump: needs minor, has minor.\n")


def test_changelog_names_the_document(document):
    """The newest section of the changelog names the version of the document that it comes with."""
    changelog = (Path(__file__).parents[2] / "CHANGELOG.md").read_text()
    newest = re.split(r"^## ", changelog, flags=re.MULTILINE)[1]
    assert re.findall(r"`openapi\.yaml` is version (\d+\.\d+\.\d+)", newest) == [document["info"]["version"]]
