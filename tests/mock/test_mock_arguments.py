"""Arguments of another type or out of their range: each is refused by its name, with what to use."""

import re

import pytest
from nano_banana_edit_mock import MockServer, MockService, load, mock_router, mock_transport

LOWER = "use a name or an address without scheme, port and path, such as 127.0.0.1."
DOORS = (mock_router, mock_transport, MockServer)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": "x"}, "seed is 'x'; use a whole number."),
        ({"clock": 5}, "clock is 5; use a function without arguments."),
        ({"now": 5}, "now is 5; use a function without arguments."),
        ({"token": 5}, "token is not a bearer token; use letters, digits and -._~+/, with = at the end."),
        ({"contract": "x.yaml"}, "contract is 'x.yaml'; use what load() returns."),
        ({"contract": ""}, "contract is ''; use what load() returns."),
        ({"polls": 1, "seconds": 1}, "polls is 1 and seconds is 1; use one of them."),
        ({"polls": "x"}, 'polls is "x"; it must be an integer.'),
    ],
)
def test_a_service(options, message):
    """An argument of a service is refused where it is given, not at the first request."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        MockService(**options)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("service", [5, 0, MockService])
def test_a_door(door, service):
    """A door has a service behind it, and nothing else."""
    with pytest.raises(ValueError, match=r"^service is .*; use a MockService\.$"):
        door(service)


@pytest.mark.parametrize("port", [-1, 65_536, 99_999, "80", None, 1.5, True])
def test_a_port(port):
    """A port is a number in the range of TCP."""
    with pytest.raises(ValueError, match=rf"^port is {port!r}; the limit is 0 to 65535\.$"):
        MockServer(port=port)


@pytest.mark.parametrize(
    "host", ["http://127.0.0.1:80/", "127.0.0.1:80", "127.0.0.1/", "*", "*.test", "", " a", "a ", "[::1]", 5, None]
)
@pytest.mark.parametrize("as_list", [True, False])
def test_hosts_that_can_never_be_reached(host, as_list):
    """A host that no URL has is refused, alone and in a list."""
    with pytest.raises(ValueError, match=f"^{re.escape(f'allow_hosts has {host!r}; {LOWER}')}$"):
        mock_router(allow_hosts=[host] if as_list else host)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "a-b.example", "127.0.0.1", "::1", "fe80::1", "bücher.de"])
def test_hosts_that_can_be_reached(host):
    """A name, in any case, and an address of either family are hosts."""
    assert mock_router(allow_hosts=host) is not None


def test_a_document_by_its_path_as_text(tmp_path):
    """The path of a document may be text."""
    file = tmp_path / "small.yaml"
    file.write_text("{openapi: 3.1.0, paths: {}}")
    assert () == load(str(file)).operations
    with pytest.raises(FileNotFoundError, match=r"^x\.yaml cannot be read \(No such file or directory\)\.$"):
        load("x.yaml")


@pytest.mark.nano_banana_edit_mock(seconds=5)
def test_seconds_in_a_marker(nano_banana_edit_mock):
    """A marker may name seconds; the polls of the command line are for tasks that it leaves open."""
    assert MockService is type(nano_banana_edit_mock)
