"""Which failure may be sent again, and when."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain, repeat
from typing import Any, NoReturn

from . import _clock
from ._effects import Send
from ._errors import APIConnectionError, APIStatusError, InvalidResponse, NotFound, RateLimited
from ._log import logger
from ._settings import Settings

TRANSIENT = frozenset({408, 409, 425})
LONGEST = threading.TIMEOUT_MAX / 2  # seconds that may be slept; the system's own clock is added to them


def may_pass(error: Exception, settings: Settings, *, patient: bool = False) -> bool:
    """Return whether a failure may pass by itself; to who is patient, also the answer of a proxy before the service."""
    if isinstance(error, RateLimited):
        return settings.retry_rate_limited
    if isinstance(error, APIStatusError):
        odd = patient and error.status_code < 400
        return odd or error.status_code >= 500 or error.status_code in TRANSIENT
    return isinstance(error, APIConnectionError) or (patient and isinstance(error, InvalidResponse))


def again(
    caller: Callable[..., Any], send: Send, settings: Settings, failure: Exception, attempt: Callable[[], Any]
) -> Any:
    """Let a caller of stamina repeat what failed, as often as may be; the failure is that of its first try."""
    tries: Iterator[Callable[[], Any]] = chain([partial(_raise, failure)], repeat(attempt))
    # The hook counts, and each call takes the next try.
    return caller(attempts=None, timeout=None)(_backoff(send, settings), lambda: next(tries)())  # noqa: PLW0108


def _raise(failure: Exception) -> NoReturn:
    raise failure


def _backoff(send: Send, settings: Settings) -> Callable[[Exception], bool | float]:
    """Return stamina's hook: whether a failure of this request may be sent again, or after how many seconds."""
    delays = spread(first=0.5, longest=10.0, growth=2.0)
    left, absent = settings.max_retries, send.settles

    def decide(error: Exception) -> bool | float:
        nonlocal left, absent
        if isinstance(error, NotFound) and absent:
            absent -= 1
            again = True
        else:
            harmless = not send.billed or isinstance(error, APIConnectionError | RateLimited)
            again = harmless and (left > 0 or send.patient) and may_pass(error, settings, patient=send.patient)
            left -= 1
        asked = getattr(error, "retry_after", None)
        delay = next(delays) if asked is None or send.patient else asked
        delay = max(delay, asked or 0)  # one who is patient may not ask without a pause
        if not again or delay >= min(send.deadline.remaining(), LONGEST):
            return False
        logger.info("%s: %s, sent again in %.1f s", send.name, type(error).__name__, delay)
        return _slept(delay) if _clock.is_frozen() else delay

    return decide


def _slept(seconds: float) -> float:
    """Sleep, as stamina would go by a clock that stands still, and return the seconds that are left to it."""
    import stamina  # noqa: PLC0415 - not before something fails

    if not stamina.is_testing():
        _clock.sleep(seconds)
    return 0.0


def spread(first: float, longest: float, growth: float) -> Iterator[float]:
    """Yield growing delays in seconds without end, each spread by a tenth so that many callers do not meet."""
    while True:
        yield first * random.uniform(0.9, 1.1)  # noqa: S311 - spreads load, guards nothing
        first = min(longest, first * growth)
