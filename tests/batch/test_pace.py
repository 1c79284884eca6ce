"""A batch keeps the pace that is allowed, and goes slower while the service asks for it."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest
from nano_banana_edit.batch import Limits
from nano_banana_edit_mock import Reply

from ..wrapper.conftest import Clock
from .conftest import Desk, rows


@pytest.mark.parametrize(("how", "window", "most"), [({"per_second": 4}, 1, 4), ({"per_minute": 30}, 60, 30)])
def test_no_window_has_more_submissions_than_are_allowed(
    desk: Desk, clock: Clock, how: dict[str, float], window: float, most: int
) -> None:
    """In any second, or minute, there are no more; and time is not wasted."""
    desk.run(rows(70), limits=Limits(in_flight=1, **how))
    times = sorted(desk.shop.times)
    assert max(sum(start <= time < start + window - 1e-6 for time in times) for start in times) == most
    assert times[-1] - times[0] == pytest.approx(69 * window / most)


def test_the_lower_of_both_limits_holds(desk: Desk, clock: Clock) -> None:
    """60 a minute are 1 a second."""
    desk.run(rows(5), limits=Limits(in_flight=1, per_second=10, per_minute=60))
    assert desk.shop.times[-1] - desk.shop.times[0] == pytest.approx(4)


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), True, "1"])
@pytest.mark.parametrize("name", ["per_second", "per_minute"])
def test_a_pace_is_a_number(desk: Desk, name: str, value: Any) -> None:
    """A pace that is none is refused by name."""
    with pytest.raises(ValueError, match=f"{name} .* a number above 0"):
        desk.run(rows(1), limits=Limits(**{name: value}))


def test_a_429_holds_the_whole_batch_back(desk: Desk, clock: Clock) -> None:
    """Nothing is submitted for as long as the service asks, by none of the slots."""
    desk.service.on("createEdit", Reply.rate_limited(retry_after=40), nth=4)
    assert desk.run(rows(12), limits=Limits(in_flight=1)).states == {"saved": 12}
    gaps = [later - earlier for earlier, later in zip(desk.shop.times, desk.shop.times[1:], strict=False)]
    assert (max(gaps), gaps.index(max(gaps))) == (pytest.approx(40), 3)
    assert len(desk.shop.times) == 13


def test_a_batch_quickens_again(desk: Desk, clock: Clock) -> None:
    """After a 429 the gaps are wider, and come back to what is allowed."""
    desk.service.on("createEdit", Reply.rate_limited(retry_after=1), nth=2, times=4)
    desk.run(rows(60), limits=Limits(in_flight=1, per_second=100))
    gaps = [later - earlier for earlier, later in zip(desk.shop.times, desk.shop.times[1:], strict=False)]
    assert gaps[6] > 0.1
    assert gaps[-1] == pytest.approx(0.01)


def test_many_429_at_once_slow_the_batch_once(desk: Desk, clock: Clock) -> None:
    """All submissions in flight are refused together: that is one sign, not sixteen, and no stall of minutes."""
    desk.service.on("createEdit", Reply.rate_limited(), times=16)
    assert desk.run(rows(40), limits=Limits(in_flight=16)).states == {"saved": 40}
    assert clock.time < 1020


def test_without_a_time_the_delays_grow(desk: Desk, clock: Clock) -> None:
    """A service that goes on answering 429 is asked ever less often, and at least once a minute."""
    desk.service.on("createEdit", Reply.rate_limited(), times=10)
    desk.run(rows(1))
    gaps = [later - earlier for earlier, later in zip(desk.shop.times, desk.shop.times[1:], strict=False)]
    assert gaps[:3] == pytest.approx([1, 2, 4], rel=0.11)
    assert max(gaps) < 67


def test_who_waits_for_its_turn_stops_at_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of a run does not wait for a pace of hours, and nothing more is sent; by the real clock."""
    monkeypatch.undo()

    async def stopped() -> None:
        running = asyncio.create_task(desk.batch(rows(9), limits=Limits(per_minute=0.001)).arun())
        while not (desk.files() or running.done()):
            await asyncio.sleep(0.01)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(stopped())
    assert desk.batch(None).status().to_submit == 8


def test_how_long_submissions_are_held_back(desk: Desk, clock: Clock) -> None:
    """A batch says for how long nothing can be submitted, so that a program can show it."""
    batch = desk.batch(rows(2), limits=Limits(per_minute=1, in_flight=1))
    held = [batch.held]

    async def note(request: httpx2.Request) -> None:
        if "/tasks/" in request.url.path:
            held.append(batch.held)

    desk.shop.hook = note
    batch.run()
    assert held[:2] == [0.0, pytest.approx(60)]
