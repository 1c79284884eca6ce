"""The drill: change the document in one place, regenerate, and see that every layer has moved with it.

`make drill` runs each change in a scratch copy. A change passes when type check and tests are as green as before with
no hand edit, or, where one is needed, when exactly the expected place says so. Words after the command choose changes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from attrs import frozen

ROOT = Path(__file__).parents[1]
SUITES = ("tests/contract", "tests/generated/test_alone.py", "tests/test_public.py")
# The three places that need a hand when the document grows, and how each of them speaks up.
ARGUMENT = "test_every_property_is_an_argument"
METHOD = "test_every_operation_is_a_method"
SERVICE = "test_service_gives_the_verdict"  # the mock must play a new operation
TYPES = "mypy"
REFUSED = "make generate"

Document = dict[str, Any]


@frozen
class Change:
    """One change.

    Attributes:
        name: What is changed.
        apply: Changes the document in place.
        told: Who must speak up; nobody where all layers move by themselves.
    """

    name: str
    apply: Callable[[Document], None]
    told: frozenset[str] = frozenset()


def edit_request(document: Document) -> Document:
    found: Document = document["components"]["schemas"]["EditRequest"]
    return found


def schema(document: Document, path: str) -> Document:
    """The schema that a path such as `prompt` or `ImageSize` or `file` names."""
    components = document["components"]["schemas"]
    body = document["paths"]["/api/upload/file"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    found: Document = {**components, **edit_request(document)["properties"], **body["properties"]}[path]
    return found


def number(path: str, keyword: str, step: int) -> Change:
    def apply(document: Document) -> None:
        schema(document, path)[keyword] += step

    return Change(f"{path}.{keyword} {step:+}", apply)


def keyword(path: str, name: str, value: Any, *told: str) -> Change:
    return Change(
        f"{path}.{name} = {value!r}", lambda document: schema(document, path).update({name: value}), frozenset(told)
    )


def optional(name: str, added: Document) -> Change:
    def apply(document: Document) -> None:
        edit_request(document)["properties"][name] = added

    return Change(f"optional property {name}: {added}", apply, frozenset({ARGUMENT}))


def required(document: Document) -> None:
    edit_request(document)["properties"]["style"] = {"type": "string"}
    edit_request(document)["required"].append("style")


def renamed(document: Document) -> None:
    request = edit_request(document)
    request["properties"] = {
        {"prompt": "instruction"}.get(name, name): value for name, value in request["properties"].items()
    }
    request["required"] = ["image_urls", "instruction"]


def operation(document: Document) -> None:
    added = {**document["paths"]["/tasks/{id}"]["get"], "operationId": "cancelTask"}
    document["paths"]["/tasks/{id}/cancel"] = {"post": added}


def more_images(document: Document) -> None:
    images = schema(document, "image_urls")
    images.update(minItems=images["minItems"] + 1, example=images["example"] * 2)


def task_id(document: Document) -> Document:
    found: Document = document["paths"]["/tasks/{id}"]["get"]["parameters"][0]["schema"]
    return found


CHANGES = [
    *(
        number(path, limit, step)
        for path, limit in [("prompt", "maxLength"), ("image_urls", "maxItems")]
        for step in (-3, 3)
    ),
    *(number("file", "maxLength", step) for step in (-1_000, 1_000)),
    number("prompt", "minLength", 1),
    Change("image_urls.minItems and its example +1", more_images),
    Change(
        "image_urls.minItems +1, but not its example", number("image_urls", "minItems", 1).apply, frozenset({REFUSED})
    ),
    Change("ImageSize without its last value", lambda document: schema(document, "ImageSize")["enum"].pop()),
    Change("ImageSize with one more value", lambda document: schema(document, "ImageSize")["enum"].append("8:1")),
    Change(
        "OutputFormat with one more value", lambda document: schema(document, "OutputFormat")["enum"].append("webp")
    ),
    keyword("image_size", "default", "auto"),
    keyword("prompt", "pattern", "^[^<>]+$"),
    keyword("image_urls", "uniqueItems", True),
    keyword("prompt", "type", ["string", "integer"]),
    optional("strength", {"type": "integer", "minimum": 1, "maximum": 9, "default": 5}),
    optional("scale", {"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 90, "multipleOf": 5}),
    optional(
        "tags", {"type": "array", "items": {"type": "string", "minLength": 2}, "maxItems": 3, "uniqueItems": True}
    ),
    Change("required property style", required, frozenset({TYPES})),
    Change("prompt is called instruction", renamed, frozenset({TYPES})),
    Change("operation cancelTask", operation, frozenset({METHOD, SERVICE})),
    keyword("image_urls", "minContains", 1, REFUSED),
    Change("task id with a pattern", lambda document: task_id(document).update(pattern="^t"), frozenset({REFUSED})),
]


def copy() -> Path:
    """A scratch copy of the repository, uncommitted changes included."""
    target = Path(tempfile.mkdtemp(prefix="drill-"))
    listed = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    return target


def run(scratch: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a scratch copy, on the copy's code."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": ":".join(str(scratch / folder) for folder in ("wrapper", "generated", "mock_server")),
    }
    return subprocess.run(command, cwd=scratch, env=environment, capture_output=True, text=True, check=False)


def make(scratch: Path, *targets: str) -> bool:
    return run(scratch, "make", *targets, "--assume-old", ".venv/ready").returncode == 0


def pytest(scratch: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(scratch, "pytest", "--quiet", "--no-header", "-p", "no:cacheprovider", *arguments)


def write(document: Document, path: Path) -> None:
    path.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True))


def told(scratch: Path, change: Change) -> frozenset[str]:
    """Who speaks up after the change."""
    document = yaml.safe_load((ROOT / "openapi.yaml").read_text())
    change.apply(document)
    write(document, scratch / "openapi.yaml")
    if not make(scratch, "generate"):
        return frozenset({REFUSED})
    if run(scratch, "mypy", "wrapper", "generated/nano_banana_edit_client", "mock_server").returncode:
        return frozenset({TYPES})
    make(scratch, "contract")
    tests = pytest(scratch, "--numprocesses", "2", *SUITES)
    lines = [line for line in tests.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    names = frozenset(line.split()[1].rpartition("::")[2].partition("[")[0] for line in lines)
    return names if tests.returncode in (0, 1) else frozenset({tests.stdout[-2_000:] + tests.stderr[-2_000:]})


def main() -> int:
    """Run every change and say what came of it."""
    scratch = copy()
    failed = 0
    for change in [change for change in CHANGES if all(word in change.name for word in sys.argv[1:])]:
        found = told(scratch, change)
        good = found == change.told
        failed += not good
        what = "all layers moved" if not found else f"told by {', '.join(sorted(found))}"
        sys.stdout.write(f"{'ok  ' if good else 'FAIL'} {change.name}: {what}\n")
        sys.stdout.flush()
    shutil.rmtree(scratch)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
