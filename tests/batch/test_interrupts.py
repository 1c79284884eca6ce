"""An interrupt leaves every row known or listed, and nothing running."""

from __future__ import annotations

import asyncio
import gc
import signal
from contextlib import aclosing
from typing import Any

import httpx2
import pytest
from nano_banana_edit.batch import Limits

from .conftest import Desk, rows


class Gate:
    """Holds the answers to submissions back."""

    def __init__(self, desk: Desk, after: int = 0) -> None:
        self.desk, self.after, self.opened = desk, after, asyncio.Event()
        self.held = 0
        desk.shop.hook = self

    async def __call__(self, request: httpx2.Request) -> None:
        if "/generate/" in request.url.path and self.desk.shop.count("submit") > self.after:
            self.held += 1
            await self.opened.wait()

    async def full(self, number: int) -> None:
        while self.held < number:
            await asyncio.sleep(0.001)


def others() -> set[Any]:
    return asyncio.all_tasks() - {asyncio.current_task()}


def test_the_first_interrupt_lets_submissions_end(desk: Desk) -> None:
    """Those in flight are known afterwards, nothing more is submitted, and the next run goes on."""

    async def interrupted() -> None:
        gate = Gate(desk)
        running = asyncio.create_task(desk.batch(rows(30), limits=Limits(in_flight=4)).arun())
        await gate.full(4)
        running.cancel()
        for _ in range(50):
            await asyncio.sleep(0.001)
        assert not running.done()
        gate.opened.set()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert not others()

    asyncio.run(interrupted())
    status = desk.batch(None).status()
    assert (status.unknown, status.billed, status.to_submit) == (0, 4, 26)
    desk.shop.hook = None
    assert desk.run(None).states == {"saved": 30}
    assert len(desk.service.edits) == 30


def test_the_second_interrupt_ends_it_at_once(desk: Desk) -> None:
    """What is in flight then is listed as unknown, and no more than that."""

    async def interrupted() -> None:
        gate = Gate(desk)
        running = asyncio.create_task(desk.batch(rows(30), limits=Limits(in_flight=4)).arun())
        await gate.full(4)
        for _ in range(2):
            running.cancel()
            await asyncio.sleep(0.01)
        with pytest.raises(asyncio.CancelledError):
            await running
        assert not others()

    asyncio.run(interrupted())
    status = desk.batch(None).status()
    assert (status.unknown, status.to_submit) == (4, 26)


def test_a_loop_that_is_left_early_leaves_nothing_running(desk: Desk) -> None:
    """`break` out of `async for`, with aclosing, ends the submissions in flight and every task."""

    async def left() -> None:
        async with aclosing(desk.batch(rows(30), limits=Limits(in_flight=4)).outcomes()) as outcomes:
            async for _ in outcomes:
                break
        assert not others()
        assert not any(desk.shop.active.values())

    asyncio.run(left())
    gc.collect()
    assert desk.batch(None).status().unknown == 0
    assert desk.run(None).states == {"saved": 30}
    assert len(desk.service.edits) == 30


def test_a_bare_break_pays_nothing_twice(desk: Desk) -> None:
    """Also without aclosing no task is destroyed while it is pending, and each row is submitted once."""

    async def left() -> None:
        async for _ in desk.batch(rows(30), limits=Limits(in_flight=4)):
            break
        while others():
            await asyncio.sleep(0.001)

    asyncio.run(left())
    gc.collect()
    assert desk.batch(None).status().unknown == 0
    assert desk.run(None).states == {"saved": 30}
    assert len(desk.service.edits) == 30


def test_ctrl_c_in_run_is_a_first_interrupt(desk: Desk) -> None:
    """`run` raises KeyboardInterrupt when the submissions in flight have ended."""
    pressed = False

    async def press(request: httpx2.Request) -> None:
        nonlocal pressed
        if desk.shop.count("submit") >= 9 and not pressed:
            pressed = True
            signal.raise_signal(signal.SIGINT)

    desk.shop.hook = press
    with pytest.raises(KeyboardInterrupt):
        desk.run(rows(30), limits=Limits(in_flight=4))
    status = desk.batch(None).status()
    assert status.unknown == 0
    assert status.billed == len(desk.service.edits) < 20
    assert desk.run(None).states == {"saved": 30}
    assert len(desk.service.edits) == 30


def test_an_interrupt_while_all_wait_for_their_photo_uploads_no_more(desk: Desk) -> None:
    """Rows that wait for a slot do not upload what they would not submit."""
    source = [
        {"key": f"k{index}", "image": desk.photo(f"{index}.png", bytes([137, *b"PNG\r\n\x1a\n", index])), "prompt": "p"}
        for index in range(20)
    ]

    async def interrupted() -> None:
        gate = Gate(desk)
        running = asyncio.create_task(desk.batch(source, limits=Limits(in_flight=2)).arun())
        await gate.full(2)
        running.cancel()
        await asyncio.sleep(0.01)
        gate.opened.set()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(interrupted())
    assert desk.shop.count("upload") == 2
