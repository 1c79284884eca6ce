"""What the client says of itself, on the logger `nano_banana_edit`: no token, header, body, prompt or query, ever.

Silent unless the application listens, or NANO_BANANA_EDIT_LOG is `info` (stages and repetitions) or `debug` (each
answer as well), which writes to stderr.
"""

from __future__ import annotations

import logging
import os

VARIABLE = "NANO_BANANA_EDIT_LOG"

logger = logging.getLogger("nano_banana_edit")
logger.addHandler(logging.NullHandler())
# stamina logs each retry too; without a handler of the application's own that would go to stderr.
logging.getLogger("stamina").addHandler(logging.NullHandler())


def turn_on() -> None:
    """Write to stderr what the environment asks for."""
    asked = os.environ.get(VARIABLE, "").strip().upper()
    if not asked:
        return
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
    logger.addHandler(handler)
    logger.propagate = False  # said once, whatever the application does with its own records
    known = asked in ("DEBUG", "INFO", "WARNING", "ERROR")
    logger.setLevel(asked if known else "INFO")
    if not known:
        logger.warning("%s is %r; it must be debug, info, warning or error. Taken as info.", VARIABLE, asked)
