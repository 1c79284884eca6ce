"""Edit images from a text instruction."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._log import turn_on as _turn_on_log
from ._version import __version__

if TYPE_CHECKING:
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
    from ._operations import Progress
    from .client import AsyncNanoBananaEdit, NanoBananaEdit, aiohttp_client
    from .models import Task, TaskFile, UploadedFile
    from .results import AsyncEdit, AsyncResultImage, Edit, FormatWarning, ResultImage
else:

    def __getattr__(name: str) -> Any:
        """Load a name when it is asked for: an application may import this package and never edit an image."""
        if home := _HOMES.get(name):
            return globals().setdefault(name, getattr(import_module(f"{__name__}.{home}"), name))
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


_HOMES = {
    "APIConnectionError": "_errors",
    "APIStatusError": "_errors",
    "APITimeout": "_errors",
    "AsyncEdit": "results",
    "AsyncNanoBananaEdit": "client",
    "AsyncResultImage": "results",
    "AuthenticationError": "_errors",
    "Edit": "results",
    "EditFailed": "_errors",
    "FormatWarning": "results",
    "InvalidRequest": "_errors",
    "InvalidResponse": "_errors",
    "NanoBananaEdit": "client",
    "NanoBananaEditError": "_errors",
    "NotFound": "_errors",
    "PermissionDenied": "_errors",
    "Progress": "_operations",
    "RateLimited": "_errors",
    "ResultImage": "results",
    "ServerError": "_errors",
    "SubmissionUnknown": "_errors",
    "Task": "models",
    "TaskFile": "models",
    "UploadedFile": "models",
    "WaitTimeout": "_errors",
    "aiohttp_client": "client",
}

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
    "FormatWarning",
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
    "aiohttp_client",
]


def __dir__() -> list[str]:
    return __all__


_turn_on_log()
