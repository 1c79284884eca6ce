"""What the generator's parser loses or cannot read is refused by name and place, by it and before it by the mock."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from nano_banana_edit_mock.__main__ import main
from nano_banana_edit_mock.contract import expressible, parse

from ..document import BODY
from .generating import OPTIONS, TEMPLATES, refusal_of_the_generator, with_properties, with_schemas

STYLE = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
TEXT = {"type": "string", "maxLength": 9}
MAYBE = {"type": ["string", "null"], "enum": ["a", None]}
TO_TEXT, TO_MAYBE = {"$ref": "#/components/schemas/Text"}, {"$ref": "#/components/schemas/Maybe"}
TO_STYLE = {"$ref": "#/components/schemas/Style"}
TO_SIZE = {"$ref": "#/components/schemas/ImageSize"}
MORE = {"properties": {"weight": {"type": "integer"}}}
OBJECT = {"type": "object"}


def of_request(**properties: Any) -> dict[str, Any]:
    document = with_properties(**properties)
    document["components"]["schemas"] |= {"Style": STYLE, "Text": TEXT, "Maybe": MAYBE}
    return document


def of_answer(schema: dict[str, Any]) -> dict[str, Any]:
    return with_schemas(Style=STYLE, Task=schema)


def test_what_is_stated_again_is_fine(tmp_path: Path) -> None:
    """The forms that the remedies name are accepted by both."""
    document = of_request(
        size={"allOf": [TO_SIZE], "default": "1:1", "description": "d", "x-a": 1},
        style=TO_STYLE,
        text=TO_TEXT,
        maybe=TO_MAYBE,
    )
    parts = [TO_STYLE, OBJECT | MORE]
    document["components"]["schemas"]["Task"] = {"allOf": parts, "description": "d"}
    expressible.check(parse(document).document)
    assert "" == refusal_of_the_generator(document, tmp_path)


@pytest.mark.parametrize(
    ("document", "place"),
    [
        (of_answer({**OBJECT, **MORE, "allOf": [TO_STYLE]}), "Task/properties"),
        (of_answer({**OBJECT, "allOf": [TO_STYLE], "required": ["name"]}), "Task/required"),
        (of_answer({**TO_STYLE, **MORE}), "Task/properties"),
        (of_answer({**OBJECT, **MORE, "anyOf": [{"required": ["weight"]}]}), "Task/properties"),
        (of_answer({"oneOf": [TO_STYLE, OBJECT], "required": ["name"]}), "Task/required"),
        (of_answer({"oneOf": [TO_STYLE], "discriminator": {"propertyName": "name"}}), "Task/discriminator"),
        (of_answer({**STYLE, "discriminator": {"propertyName": "name"}}), "Task/discriminator"),
        (of_answer({"allOf": [TO_STYLE, {"type": "string"}]}), "Task/allOf"),
        (
            of_answer({**OBJECT, "properties": {"style": {"allOf": [TO_STYLE], **MORE}}}),
            "Task/properties/style/properties",
        ),
        (of_request(size={**TO_SIZE, "default": "1:1"}), "properties/size/default"),
        (of_request(size={**TO_SIZE, "minLength": 4}), "properties/size/minLength"),
        (of_request(style={"allOf": [TO_STYLE], "required": ["x"]}), "properties/style/required"),
        (of_request(styles={"type": "array", "items": {**TO_STYLE, **MORE}}), "properties/styles/items/properties"),
        (of_request(n={"type": "integer", "minimum": 5, "exclusiveMinimum": 3}), "properties/n/minimum"),
        (of_request(n={"type": "integer", "maximum": 5, "exclusiveMaximum": 9}), "properties/n/maximum"),
    ],
)
def test_what_is_lost_is_refused(document: dict[str, Any], place: str, tmp_path: Path) -> None:
    """A keyword that would be lost in silence is named with its place and the remedy, by generator and mock alike."""
    generator = refusal_of_the_generator(document, tmp_path)
    assert place in generator
    assert " is lost" in generator
    with pytest.raises(ValueError, match=rf"{place}.*\. [A-Z].*\.$"):
        expressible.check(parse(document).document)


@pytest.mark.parametrize(
    ("document", "place"),
    [
        (of_request(**{"class": {}, "class_": {}}), "EditRequest/properties"),
        (of_request(**{"+1": {}, "-1": {}}), "EditRequest/properties"),
        (of_answer({**OBJECT, "properties": {"+1": {}, "-1": {}}}), "Task/properties"),
        (of_request(**{"$": OBJECT}), "EditRequest/properties"),
        (of_request(list={"type": "array"}), "EditRequest/properties/list/type"),
        (of_request(mixed={"enum": ["a", 1]}), "properties/mixed/enum"),
        (of_answer({**OBJECT, "properties": {"mixed": {"enum": [1.5]}}}), "Task/properties/mixed/enum"),
        (of_request(same={"const": [1]}), "EditRequest/properties/same/const"),
        (of_request(n={"type": "integer", "default": "one"}), "EditRequest/properties/n/default"),
        (of_request(tags={"type": "array", "items": {}, "default": []}), "properties/tags/default"),
        (of_request(size={"allOf": [TO_SIZE], "default": "7:1"}), "properties/size/default"),
    ],
)
def test_what_the_parser_refuses_is_refused_before(document: dict[str, Any], place: str, tmp_path: Path) -> None:
    """What ends the generator in words of its own is refused by the mock, with the place and what to write."""
    assert "" != refusal_of_the_generator(document, tmp_path)
    with pytest.raises(ValueError, match=rf"{place.replace('$', '.')} is not supported\. [A-Z].*\.$"):
        expressible.check(parse(document).document)


@pytest.mark.parametrize("version", ["2.0", "3.0.3", "3.2.0", "4.0.0", None])
def test_other_versions_are_refused(version: str | None, tmp_path: Path) -> None:
    """A document of another version is refused by the generator, which the templates would otherwise read as 3.1."""
    assert "" != refusal_of_the_generator(of_request() | {"openapi": version}, tmp_path)


def generate(document: dict[str, Any], folder: Path) -> tuple[int, str]:
    """Run the generator with the templates, as someone without this project's Makefile does."""
    source = folder / "other.yaml"
    source.write_text(yaml.safe_dump(document), "utf-8")
    scripts = Path(sys.executable).parent
    paths = ["--path", source, "--output-path", folder / "other_client"]
    command = [scripts / "openapi-python-client", "generate", *paths, "--config", OPTIONS]
    command += ["--custom-template-path", TEMPLATES, "--meta", "none", "--fail-on-warning"]
    environment = os.environ | {"PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment, check=False)
    return done.returncode, done.stdout + done.stderr


def test_the_generator_alone_makes_a_whole_package(tmp_path: Path) -> None:
    """The templates need nothing but the generator: the package works, with every module it imports."""
    status, said = generate(of_request(), tmp_path)
    assert 0 == status, said
    code = f"from other_client.models import EditRequest; print(EditRequest.from_dict({BODY!r}).to_dict())"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert f"{BODY}\n" == done.stdout


def test_the_generator_alone_refuses_in_words(tmp_path: Path) -> None:
    """Every refusal is listed as an error of the generator, without a traceback."""
    document = of_request(a={"type": "string", "format": "uri"}, b={"type": "integer", "not": {}})
    status, said = generate(document, tmp_path)
    assert (1, False) == (status, "Traceback" in said)
    for keyword in ("EditRequest.a uses 'format'", "EditRequest.b uses 'not'"):
        assert f"{keyword}, which the request models cannot check." in " ".join(said.split())


def test_the_command_line_refuses_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What `make generate` runs first, and `--spec`, name the document, the place and what to write."""
    source = tmp_path / "other.yaml"
    source.write_text(yaml.safe_dump(of_answer({**STYLE, "discriminator": {"propertyName": "name"}})), "utf-8")
    for arguments in (["contract", str(source)], ["contract", "--json", str(source)], ["--spec", str(source)]):
        with pytest.raises(SystemExit, match=r"^2$"):
            main(arguments)
        place = f"{source}: discriminator at /components/schemas/Task/discriminator is not supported. Tell the "
        assert place in capsys.readouterr().err
