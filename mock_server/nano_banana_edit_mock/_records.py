"""What a test tells the service, and what the service remembers for it."""

from typing import Any, Literal

from attrs import frozen

from ._verdict import Violation


@frozen(kw_only=True)
class Outcome:
    """What becomes of an edit.

    Attributes:
        status: The status it ends with: `completed`, `failed`, or one that is not documented; default `completed`.
        error_code: Code of the failure; default None leaves it out.
        error_msg: Text of the failure; default None leaves it out.
        result_form: Form of `result` when completed: `url` for an array of URLs, `file` for an array of objects with
            type and url; default `url`.

    Source: `openapi.yaml#/components/schemas/Task`
    """

    status: str = "completed"
    error_code: str | None = None
    error_msg: str | None = None
    result_form: Literal["url", "file"] = "url"


@frozen(kw_only=True)
class Edit:
    """An accepted edit.

    Attributes:
        task_id: The id answered.
        body: The body exactly as received, without defaults.
    """

    task_id: str
    body: dict[str, Any]


@frozen(kw_only=True)
class Upload:
    """An accepted upload.

    Attributes:
        key: The key answered.
        filename: The file name sent.
        content_type: The media type sent; `application/octet-stream` when none was.
        body: The bytes.
    """

    key: str
    filename: str
    content_type: str
    body: bytes

    @property
    def size(self) -> int:
        """The size in bytes."""
        return len(self.body)


@frozen(kw_only=True)
class Entry:
    """One request, as the journal keeps it.

    Attributes:
        operation: The operationId; None for a file and for a request without a route.
        method: The method.
        path: The encoded path.
        status: The status answered.
        violations: What was wrong with the request.
        body: The JSON body; None when there is none, it cannot be read, or it was not looked into.
        authorization: Whether an Authorization header was present. Its value is not kept.
    """

    operation: str | None
    method: str
    path: str
    status: int
    violations: tuple[Violation, ...]
    body: Any
    authorization: bool
