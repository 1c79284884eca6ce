"""Bodies of any shape, through every layer: the same verdict, and the same property blamed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ..document import BODY
from .agreement import agree
from .layers import Door, Layer
from .oracle import MAX_LEVELS
from .strategies import JSON, SURROGATES, bodies, inside, properties

URLS = BODY["image_urls"]


def nested(levels: int, kind: type) -> Any:
    """A value of so many containers, one in the other."""
    value: Any = kind()
    for _ in range(levels - 1):
        value = [value] if kind is list else {"": value}
    return value


NUMBERS = st.sampled_from(
    [0, -0.0, 1.0, 5e-324, 2**53 + 1, 2**63, 2**64, -(2**63) - 1, 10**308, 1.7976931348623157e308]
)
BEYOND = st.sampled_from([10**309, -(10**400), 10**4_000, float("inf"), float("-inf"), float("nan")])
DEEP = st.builds(nested, st.sampled_from([1, 2, MAX_LEVELS - 1, MAX_LEVELS, 200]), st.sampled_from([list, dict]))
TEXTS = st.sampled_from(
    ["", "\x00", "\x7f", "\u2028", "\ufeff", "\ufffe", "e\u0301", "é", "🍌", "🏳️‍🌈", "\u202e", "true", "null"]
)
STRANGE = JSON | NUMBERS | BEYOND | DEEP | TEXTS | SURROGATES | st.lists(SURROGATES | BEYOND | TEXTS, max_size=3)
NAMES = (
    st.sampled_from([*properties("createEdit"), "callBackUrl", "Prompt", "prompt ", "image_urls[0]", "0"])
    | TEXTS
    | SURROGATES
)


@st.composite
def strange_bodies(draw: st.DrawFn) -> Any:
    """A valid body with up to four properties replaced, added or left out, or any value instead of it."""
    if draw(st.integers(0, 19)) == 0:
        return draw(STRANGE)
    body = draw(bodies("createEdit"))
    for name in draw(st.lists(NAMES, max_size=4)):
        if name in properties("createEdit") and draw(st.booleans()):
            body[name] = draw(inside("createEdit", (name,)))
        elif draw(st.integers(0, 5)):
            body[name] = draw(STRANGE)
        else:
            body.pop(name, None)
    return body


@given(body=strange_bodies())
@example(body=BODY | {"image_size": 1.0})
@example(body=BODY | {"image_size": True, "extra": {"": "\x00"}})
@example(body=BODY | {"extra": nested(MAX_LEVELS - 1, list)})
@example(body=BODY | {"extra": nested(MAX_LEVELS, dict)})
@example(body=BODY | {"extra": 10**400})
@example(body=BODY | {"image_urls[0]": 10**400})
@example(body=BODY | {"\ud800": 1})
@example(body=BODY | {"prompt": ["\ud800"], "image_size": 1})
@example(body=BODY | {"image_urls": [*URLS, nested(MAX_LEVELS, list)]})
@example(body=nested(MAX_LEVELS + 1, list))
def test_agrees_with_the_oracle(layers: list[Layer], body: Any) -> None:
    """On bodies of any shape every layer says what an independent validator says."""
    agree(layers, body)


@given(body=bodies("createEdit"), name=st.sampled_from([*BODY, "extra", ""]), again=JSON)
def test_refuses_a_key_given_twice(doors: list[Door], body: dict[str, Any], name: str, again: Any) -> None:
    """A property that is written twice is refused by every door, and blamed, whatever its values are."""
    text = json.dumps({name: 1} | body)
    twice = f"{{{json.dumps(name)}: {json.dumps(again)}, {text[1:]}".encode()
    assert [{name}] * len(doors) == [door(twice).blamed for door in doors]


@given(
    body=bodies("createEdit"),
    extra=st.dictionaries(st.text(max_size=9), JSON, max_size=2),
    indent=st.none() | st.just(1),
)
def test_spelling_of_json_does_not_matter(
    doors: list[Door], body: dict[str, Any], extra: Any, indent: int | None
) -> None:
    """Escaped or not, indented or not, the same value is received."""
    body = extra | body
    spelled = json.dumps(body, ensure_ascii=False, indent=indent).encode()
    assert [body] * len(doors) == [door(spelled).received for door in doors]


@pytest.mark.parametrize(
    "text", ["{%s", "%s]", "%s x", "\ufeff%s", "[%s]", "01", "+1", ".5", "1.", "0x1", "'a'", "//\n%s", "", "NaN"]
)
def test_refuses_what_is_no_json_object(doors: list[Door], text: str) -> None:
    """What is no JSON text, or no object, is refused by every door, and no property is blamed."""
    content = text.replace("%s", json.dumps(BODY)).encode()
    assert [{""}] * len(doors) == [door(content).blamed for door in doors]


@pytest.mark.parametrize(
    "octets", [b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe9", b"\x00", b"\n"]
)
def test_refuses_octets_that_are_no_text(doors: list[Door], octets: bytes) -> None:
    """Octets that are not UTF-8, and control characters that are not escaped, are refused by every door."""
    content = json.dumps(BODY | {"prompt": "X"}).encode().replace(b"X", octets)
    assert [{""}] * len(doors) == [door(content).blamed for door in doors]
