"""The nano-banana-edit service, offline.

In process it stands behind httpx (`mock_router`, `mock_transport`), on a port it is an HTTP server (`MockServer`); both
are doors to the same `MockService`.

The package has five rooms, and each imports only those before it: `contract`, the document and its constraints;
`engine`, the service without I/O; `admin`, the API under `/__mock__/` and its page; `doors`, the ways in, of which the
port serves `admin` too; `tools`, boundary cases, conformance and drift. What is public is here, and in `contract`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

_HINT = "The mock needs {}: pip install 'nano-banana-edit[mock]'"

_HOMES = {  # the module that each public name is in, or that it is
    "Constraint": "contract",
    "Contract": "contract",
    "Edit": "engine.records",
    "Entry": "engine.records",
    "Fault": "engine.records",
    "Lognormal": "engine.timing",
    "MockServer": "doors.port",
    "MockService": "engine.service",
    "Outcome": "engine.records",
    "Reply": "engine.replies",
    "Request": "engine.records",
    "Response": "engine.records",
    "Uniform": "engine.timing",
    "UnsupportedKeyword": "contract",
    "Upload": "engine.records",
    "Violation": "contract.schemas",
    "conformance": "tools.conformance",
    "drift": "tools.drift",
    "load": "contract",
    "mock_router": "doors.router",
    "mock_transport": "doors.transport",
}

if TYPE_CHECKING:
    from .contract import Constraint, Contract, UnsupportedKeyword, load
    from .contract.schemas import Violation
    from .doors.port import MockServer
    from .doors.router import mock_router
    from .doors.transport import mock_transport
    from .engine.records import Edit, Entry, Fault, Outcome, Request, Response, Upload
    from .engine.replies import Reply
    from .engine.service import MockService
    from .engine.timing import Lognormal, Uniform
    from .tools import conformance, drift
else:

    def __getattr__(name: str) -> Any:
        """Load a name when it is asked for: pytest imports the plugin in this package in every run."""
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        try:
            home = import_module(f"{__name__}.{_HOMES[name]}")
        except ModuleNotFoundError as missing:
            hint = _HINT.format(missing.name)
            raise ModuleNotFoundError(hint, name=missing.name) from missing
        return globals().setdefault(name, home if home.__name__.endswith(f".{name}") else getattr(home, name))


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
    "conformance",
    "drift",
    "load",
    "mock_router",
    "mock_transport",
]


def __dir__() -> list[str]:
    return __all__
