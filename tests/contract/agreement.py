"""What agreement of the layers means: the oracle's verdict, and no blame beside the oracle's."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from ..document import DEFAULTS
from .layers import WRAPPERS, Door, Layer, Verdict
from .oracle import blamed, sound


def agree(layers: Iterable[Layer], body: Any) -> frozenset[str]:
    """Assert that each layer says what the oracle says of a body, and return the properties at fault."""
    fields = blamed(body)
    for layer in layers:
        verdict = layer(body)
        if verdict is not None:
            _assert_agrees(layer, verdict, fields, body)
    return fields


def _assert_agrees(layer: Layer, verdict: Verdict, fields: frozenset[str], body: Any) -> None:
    name = layer.__name__
    if verdict.blamed is None:
        assert not fields, f"{name} accepts; the document refuses {set(fields)}"
        sent = DEFAULTS | body if layer in WRAPPERS else body
        assert _text(sent) == _text(verdict.received), f"{name} changes the body"
        return
    assert fields, f"{name} refuses {set(verdict.blamed)}; the document accepts"
    # A layer may stop at the first fault; the mock goes on, unless it cannot trust its reading of the body.
    all_of_them = isinstance(layer, Door) and sound(body, level=1)
    assert verdict.blamed <= fields, f"{name} blames {set(verdict.blamed)}; the document {set(fields)}"
    assert not all_of_them or verdict.blamed == fields, f"{name} blames only {set(verdict.blamed)} of {set(fields)}"


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)  # tells true from 1 and 1.0, which Python's equality does not
