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
    from ._flow import Progress
    from .client import AsyncNanoBananaEdit, NanoBananaEdit, aiohttp_client
    from .results import AsyncEdit, AsyncResultImage, Edit, ResultImage, Task, TaskFile, UploadedFile
else:

    def __getattr__(name: str) -> Any:
        """Load a name when it is asked for: an application may import this package and never edit an image."""
        if name in __all__:
            homes = (import_module(f"{__name__}.{home}") for home in ("_errors", "results", "_flow", "client"))
            return globals().setdefault(name, getattr(next(home for home in homes if hasattr(home, name)), name))
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
