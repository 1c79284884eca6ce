"""The nano-banana-edit service, offline.

In process it answers callers on httpx and httpx2 (`mock_router`, `mock_transport`), and on a port any other
(`MockServer`). All of them are doors to a `MockService`.

The package has five rooms, and each imports only those before it: `contract`, the document and its constraints;
`engine`, the service without I/O; `admin`, the API under `/__mock__/` and its page; `doors`, the ways in, of which the
port serves `admin` too; `tools`, boundary cases, conformance, drift and proxy. Public names are here and in
`contract`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

_HINT = "The mock needs {}: pip install 'nano-banana-edit[mock]'"

_MODULES = {  # the module of each public name; two of them are modules themselves
    "contract": ("Constraint", "Contract", "UnsupportedKeyword", "load"),
    "contract.schemas": ("Violation",),
    "doors.port": ("MockServer",),
    "doors.router": ("mock_router",),
    "doors.transport": ("mock_transport",),
    "engine.records": ("Edit", "Entry", "Fault", "Outcome", "Request", "Response", "Upload"),
    "engine.replies": ("Reply",),
    "engine.service": ("MockService",),
    "engine.timing": ("Lognormal", "Uniform"),
    "tools.conformance": ("conformance",),
    "tools.drift": ("drift",),
    "tools.proxy": ("Proxy",),
    "tools.recorder": ("Recorder",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

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
    from .tools.proxy import Proxy
    from .tools.recorder import Recorder
else:

    def __getattr__(name: str) -> Any:
        """Load a name on its first use: pytest imports this package in every run, for the plugin."""
        if name not in _MODULE_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        try:
            module = import_module(f"{__name__}.{_MODULE_OF[name]}")
        except ModuleNotFoundError as missing:
            hint = _HINT.format(missing.name)
            raise ModuleNotFoundError(hint, name=missing.name) from missing
        return globals().setdefault(name, module if module.__name__.endswith(f".{name}") else getattr(module, name))


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
    "Proxy",
    "Recorder",
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
