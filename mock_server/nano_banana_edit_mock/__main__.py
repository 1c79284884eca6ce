"""`python -m nano_banana_edit_mock`: the service on a port."""

import argparse
from collections.abc import Sequence

from .app import serve
from .service import MockService


def main(argv: Sequence[str] | None = None) -> None:
    """Read the command line and serve until interrupted.

    Args:
        argv: Arguments after the program's name; default are those of the process.

    Raises:
        SystemExit: The arguments are wrong, the address is taken, or help was asked for.
    """
    parser = argparse.ArgumentParser("python -m nano_banana_edit_mock", description="Play nano-banana-edit offline.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=4010, help="port, 0 for a free one (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="where task ids start (default: %(default)s)")
    parser.add_argument("--polls", type=int, default=2, help="looks until a task is finished (default: %(default)s)")
    options = parser.parse_args(argv)
    try:
        serve(host=options.host, port=options.port, service=MockService(seed=options.seed, polls=options.polls))
    except (OSError, ValueError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
