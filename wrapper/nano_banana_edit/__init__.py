"""Edit images from a text instruction."""

from ._errors import (
    APIConnectionError,
    APIStatusError,
    APITimeout,
    AuthenticationError,
    EditFailed,
    InvalidRequest,
    InvalidResponse,
    NanoBananaEditError,
    NotFound,
    PermissionDenied,
    RateLimited,
    ServerError,
    SubmissionUnknown,
    WaitTimeout,
)
from ._flow import Progress
from ._log import turn_on as _turn_on_log
from ._version import __version__
from .client import AsyncNanoBananaEdit, NanoBananaEdit
from .results import AsyncEdit, AsyncResultImage, Edit, ResultImage, Task, TaskFile, UploadedFile

__all__ = [
    "APIConnectionError",
    "APIStatusError",
    "APITimeout",
    "AsyncEdit",
    "AsyncNanoBananaEdit",
    "AsyncResultImage",
    "AuthenticationError",
    "Edit",
    "EditFailed",
    "InvalidRequest",
    "InvalidResponse",
    "NanoBananaEdit",
    "NanoBananaEditError",
    "NotFound",
    "PermissionDenied",
    "Progress",
    "RateLimited",
    "ResultImage",
    "ServerError",
    "SubmissionUnknown",
    "Task",
    "TaskFile",
    "UploadedFile",
    "WaitTimeout",
    "__version__",
]

_turn_on_log()
