"""Edit images from a text instruction."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._log import turn_on as _turn_on_log
from ._version import __version__

_HOMES = {  # the module of each public name; `_errors` has the rest
    **dict.fromkeys(("AsyncEdit", "AsyncResultImage", "Edit", "FormatWarning", "ResultImage"), "results"),
    **dict.fromkeys(("AsyncNanoBananaEdit", "NanoBananaEdit", "aiohttp_client"), "client"),
    **dict.fromkeys(("Task", "TaskFile", "UploadedFile"), "models"),
    "Progress": "_operations",
    "prepare": "_pillow",
}

if TYPE_CHECKING:
    from ._errors import (
        APIConnectionError,
        APIStatusError,
        APITimeout,
        AuthenticationError,
        EditFailed,
        InvalidRequest,
        InvalidResponse,
        LedgerError,
        NanoBananaEditError,
        NotFound,
        PermissionDenied,
        RateLimited,
        ServerError,
        SubmissionUnknown,
        WaitTimeout,
    )
    from ._operations import Progress
    from ._pillow import prepare
    from .client import AsyncNanoBananaEdit, NanoBananaEdit, aiohttp_client
    from .models import Task, TaskFile, UploadedFile
    from .results import AsyncEdit, AsyncResultImage, Edit, FormatWarning, ResultImage
else:

    def __getattr__(name: str) -> Any:
        """Load a name when it is asked for: an application may import this package and never edit an image."""
        if name in __all__:
            return globals().setdefault(name, getattr(import_module(f".{_HOMES.get(name, '_errors')}", __name__), name))
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


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
    "LedgerError",
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
    "prepare",
]


def __dir__() -> list[str]:
    return __all__


_turn_on_log()
