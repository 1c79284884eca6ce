"""Contains shared errors types that can be raised from API functions"""

from reprlib import repr as shorten
from typing import Any


class UnexpectedStatus(Exception):
    """Raised by api functions when the response status an undocumented status and Client.raise_on_unexpected_status is True"""

    def __init__(self, status_code: int, content: bytes):
        self.status_code = status_code
        self.content = content

        super().__init__(
            f"Unexpected status code: {status_code}\n\nResponse content:\n{content.decode(errors='ignore')}"
        )


class UnreadableResponse(Exception):
    """Raised by `Response.parsed` if the content does not match the document

    Attributes:
        status_code: The status of the response.
        content: The body as received.
        problem: What is wrong with it.
    """

    def __init__(self, status_code: int, content: bytes, problem: str):
        self.status_code = status_code
        self.content = content
        self.problem = problem
        super().__init__(status_code, content, problem)

    def __str__(self) -> str:
        return f"The response with status {self.status_code} does not match the document: {self.problem}"


class ConstraintViolation(ValueError):
    """Raised by a model if a property breaks a constraint of the document

    Attributes:
        field: Name of the property, with the index of an item: `image_urls[3]`; empty for the whole body.
        value: The value received; None if it is missing.
        keyword: The keyword of the document that the value breaks: `maxLength`.
        limit: The keyword's value.
        problem: What is wrong with the value, and the limit.
    """

    def __init__(self, field: str, value: Any, keyword: str, limit: Any, problem: str):
        self.field = field
        self.value = value
        self.keyword = keyword
        self.limit = limit
        self.problem = problem
        super().__init__(field, value, keyword, limit, problem)

    def __str__(self) -> str:
        readable = self.field.isprintable() and len(self.field) <= 100
        return f"{(self.field if readable else shorten(self.field)) or 'The body'} {self.problem}"


__all__ = ["ConstraintViolation", "UnexpectedStatus", "UnreadableResponse"]
