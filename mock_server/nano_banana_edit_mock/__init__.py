"""The nano-banana-edit service, offline.

In process it stands behind httpx (`mock_router`, `mock_transport`), on a port it is an HTTP server (`MockServer`); both
are doors to the same `MockService`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

try:
    from ._records import Edit, Entry, Outcome, Request, Response, Upload, Violation
    from .contract import Constraint, Contract, UnsupportedKeyword, load
    from .router import mock_router, mock_transport
    from .service import MockService
except ModuleNotFoundError as missing:
    hint = f"The mock needs {missing.name}: pip install 'nano-banana-edit[mock]'"
    raise ModuleNotFoundError(hint, name=missing.name) from missing

if TYPE_CHECKING:
    from .app import MockServer

__all__ = [
    "Constraint",
    "Contract",
    "Edit",
    "Entry",
    "MockServer",
    "MockService",
    "Outcome",
    "Request",
    "Response",
    "UnsupportedKeyword",
    "Upload",
    "Violation",
    "load",
    "mock_router",
    "mock_transport",
]


def __dir__() -> list[str]:
    return __all__


def __getattr__(name: str) -> Any:
    if name == "MockServer":  # in process nobody needs uvicorn
        return import_module(".app", __name__).MockServer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
