"""Contains shared errors types that can be raised from API functions"""

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
    """Raised by `Response.parsed` when the content is not what the document promises for its status"""

    def __init__(self, status_code: int, content: bytes, problem: str):
        self.status_code = status_code
        self.content = content
        self.problem = problem
        super().__init__(status_code, content, problem)

    def __str__(self) -> str:
        return f"The answer with status {self.status_code} is not what the document promises: {self.problem}"


class ConstraintViolation(ValueError):
    """Raised by a model when a property breaks a constraint of the document

    Attributes:
        field: Name of the property, with the index of the item where there is one: `image_urls[3]`.
        value: The value received.
        keyword: The keyword of the document that it breaks: `maxLength`.
        limit: The keyword's value.
    """

    def __init__(self, field: str, value: Any, keyword: str, limit: Any, message: str):
        self.field = field
        self.value = value
        self.keyword = keyword
        self.limit = limit
        self.message = message
        super().__init__(field, value, keyword, limit, message)

    def __str__(self) -> str:
        return self.message


__all__ = ["ConstraintViolation", "UnexpectedStatus", "UnreadableResponse"]
