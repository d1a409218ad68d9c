"""The deadline wheel, with a clock and a timer that the test turns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolrun.execution.deadlines import TICK, Wheel, wheel


class Timer:
    def __init__(self, at: float, function: Callable[[], None]) -> None:
        self.at, self.function, self.cancelled = at, function, False

    def cancel(self) -> None:
        self.cancelled = True


class FakeLoop:
    """Time passes when the test says so; timers that are due run then."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[Timer] = []

    def clock(self) -> float:
        return self.now

    def call_later(self, seconds: float, function: Callable[[], None], context: Any = None) -> Timer:
        timer = Timer(self.now + seconds, function)
        self.timers.append(timer)
        return timer

    @property
    def pending(self) -> list[Timer]:
        return [timer for timer in self.timers if not timer.cancelled]

    def pass_time(self, seconds: float) -> None:
        until = self.now + seconds
        while due := [timer for timer in self.pending if timer.at <= until]:
            first = min(due, key=lambda timer: timer.at)
            self.timers.remove(first)
            self.now = max(self.now, first.at)
            first.function()
        self.now = until


class Waits:
    def __init__(self, loop: FakeLoop) -> None:
        self.loop, self.expired_at = loop, 0.0

    def expire(self) -> None:
        self.expired_at = self.loop.now


@pytest.fixture
def loop() -> FakeLoop:
    return FakeLoop()


@pytest.fixture
def turning(loop: FakeLoop) -> Wheel:
    fake: Any = loop
    return Wheel(fake, loop.clock)


def test_a_deadline_is_met_within_a_tick_and_not_early(loop: FakeLoop, turning: Wheel) -> None:
    waits = Waits(loop)
    turning.add(waits, 0.1)
    loop.pass_time(0.0999)
    assert not waits.expired_at
    loop.pass_time(2 * TICK)
    assert 100.1 <= waits.expired_at <= 100.1 + TICK + 1e-9
    assert len(turning) == 0


def test_what_was_taken_out_does_not_expire(loop: FakeLoop, turning: Wheel) -> None:
    waits = Waits(loop)
    turning.discard(waits, turning.add(waits, 0.1))
    loop.pass_time(1)
    assert not waits.expired_at
    assert len(turning) == 0


def test_many_deadlines_share_one_timer(loop: FakeLoop, turning: Wheel) -> None:
    for i in range(1000):
        turning.add(Waits(loop), 1 + i / 100)
    assert len(loop.pending) == 1


def test_nothing_stays_of_deadlines_that_were_taken_out(loop: FakeLoop, turning: Wheel) -> None:
    for _ in range(1000):
        waits = Waits(loop)
        turning.discard(waits, turning.add(waits, 3600))
        loop.now += TICK
    assert not turning._slots
    assert len(loop.pending) == 1


def test_an_earlier_deadline_moves_the_timer(loop: FakeLoop, turning: Wheel) -> None:
    late, early = Waits(loop), Waits(loop)
    turning.add(late, 10)
    turning.add(early, 0.1)
    loop.pass_time(1)
    assert early.expired_at and not late.expired_at
    loop.pass_time(10)
    assert late.expired_at >= 110


def test_what_expires_may_set_a_new_deadline(loop: FakeLoop, turning: Wheel) -> None:
    times = []

    class Again:
        def expire(self) -> None:
            times.append(loop.now)
            if len(times) < 3:
                turning.add(self, 0.01)

    turning.add(Again(), 0.01)
    loop.pass_time(1)
    assert len(times) == 3


@given(st.lists(st.tuples(st.floats(0.001, 2), st.floats(0, 0.5), st.booleans()), max_size=40))
def test_each_deadline_that_stays_expires_once_and_in_time(steps: list[tuple[float, float, bool]]) -> None:
    loop = FakeLoop()
    fake: Any = loop
    turning, waiting = Wheel(fake, loop.clock), []
    for seconds, later, taken_out in steps:
        waits, due = Waits(loop), loop.now + seconds
        slot = turning.add(waits, seconds)
        if taken_out:
            turning.discard(waits, slot)
        waiting.append((waits, due, taken_out))
        loop.pass_time(later)
    loop.pass_time(3)
    for waits, due, taken_out in waiting:
        assert taken_out is (waits.expired_at == 0)
        assert taken_out or due <= waits.expired_at + 1e-9 <= due + 2 * TICK


def test_each_loop_has_a_wheel_of_its_own(async_driver: Any) -> None:
    async def main() -> Wheel:
        assert wheel() is wheel()
        return wheel()

    assert async_driver.run(main()) is not async_driver.run(main())
