"""What tests need to know of the document, read from it: nobody types a limit into Python."""

from pathlib import Path

from nano_banana_edit_mock.contract import load

# The root's, so that a mock with another document is caught; the mock finds its own.
DOCUMENT = Path(__file__).parents[1] / "openapi.yaml"
CONTRACT = load(DOCUMENT)
LIMITS = {constraint.id: constraint.value for constraint in CONTRACT.constraints}

MOST_IMAGES: int = LIMITS["EditRequest.image_urls.maxItems"]
LONGEST_PROMPT: int = LIMITS["EditRequest.prompt.maxLength"]
SIZES: list[str] = LIMITS["EditRequest.image_size.enum"]
DEFAULT_SIZE: str = LIMITS["EditRequest.image_size.default"]
DEFAULTS = {name.split(".")[1]: value for name, value in LIMITS.items() if name.endswith(".default")}
FORMATS: list[str] = LIMITS["EditRequest.output_format.enum"]

BODY = {
    "image_urls": [f"https://example.test/{index}.png" for index in range(LIMITS["EditRequest.image_urls.minItems"])],
    "prompt": "p" * LIMITS["EditRequest.prompt.minLength"],
}

SHAPE = next(size for size in SIZES if ":" in size and size != DEFAULT_SIZE)
WIDTH, HEIGHT = map(int, SHAPE.split(":"))
