"""The logger `nano_banana_edit`. No line has a token, header, body, prompt or query.

It is silent unless the application configures it, or NANO_BANANA_EDIT_LOG is `info` (stages and retries) or `debug`
(each response as well), which writes to stderr.
"""

from __future__ import annotations

import logging
import os

VARIABLE = "NANO_BANANA_EDIT_LOG"

logger = logging.getLogger("nano_banana_edit")
logger.addHandler(logging.NullHandler())
# stamina logs each retry too; without a handler of the application that would go to stderr.
logging.getLogger("stamina").addHandler(logging.NullHandler())


def turn_on() -> None:
    asked = os.environ.get(VARIABLE, "").strip().upper()
    if not asked:
        return
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
    logger.addHandler(handler)
    logger.propagate = False  # each line once, whatever handlers the application has
    known = asked in ("DEBUG", "INFO", "WARNING", "ERROR")
    logger.setLevel(asked if known else "INFO")
    if not known:
        logger.warning("%s is %r; it must be debug, info, warning or error. The level is info.", VARIABLE, asked)
