"""The nano-banana-edit service, offline.

In process it stands behind httpx (`mock_router`, `mock_transport`), on a port it is an HTTP server (`MockServer`); both
are doors to the same `MockService`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

_HINT = "The mock needs {}: pip install 'nano-banana-edit[mock]'"

if TYPE_CHECKING:
    from ._latency import Lognormal, Uniform
    from ._records import Edit, Entry, Fault, Outcome, Request, Response, Upload, Violation
    from ._rules import Reply
    from .app import MockServer
    from .contract import Constraint, Contract, UnsupportedKeyword, load
    from .router import mock_router, mock_transport
    from .service import MockService
else:

    def __getattr__(name: str) -> Any:
        """Load a name when it is asked for: pytest imports the plugin in this package in every run."""
        if name in __all__:
            try:
                names = ("_records", "_latency", "_rules", "contract", "service", "router", "app")
                homes = (import_module(f"{__name__}.{home}") for home in names)
                return globals().setdefault(name, getattr(next(home for home in homes if hasattr(home, name)), name))
            except ModuleNotFoundError as missing:
                hint = _HINT.format(missing.name)
                raise ModuleNotFoundError(hint, name=missing.name) from missing
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "Constraint",
    "Contract",
    "Edit",
    "Entry",
    "Fault",
    "Lognormal",
    "MockServer",
    "MockService",
    "Outcome",
    "Reply",
    "Request",
    "Response",
    "Uniform",
    "UnsupportedKeyword",
    "Upload",
    "Violation",
    "load",
    "mock_router",
    "mock_transport",
]


def __dir__() -> list[str]:
    return __all__
