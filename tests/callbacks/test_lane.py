"""Background lanes: in order, one at a time, bounded, and nothing lost by silence."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from typing import Any

import pytest

from toolrun.callbacks import (
    AsyncCallbackHandler,
    AsyncCallbackManager,
    BaseCallbackHandler,
    CallbackManager,
    _lane,
    flush,
    flush_sync,
)
from toolrun.callbacks._lane import lane_of


class Numbers(BaseCallbackHandler):
    background = True

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.gate = threading.Event()
        self.gate.set()
        self.at_once = 0
        self.most_at_once = 0

    def on_text(self, text: str, **kwargs: Any) -> None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.gate.wait(timeout=10)
        self.heard.append(text)
        self.at_once -= 1


def test_events_of_many_runs_come_in_order_and_never_two_at_once() -> None:
    handler = Numbers()
    runs = [CallbackManager([handler]).on_tool_start({}, "") for _ in range(20)]
    for step in range(50):
        for run in runs:
            run.on_text(f"{step}")
    assert flush_sync(10)
    assert handler.heard == [f"{step}" for step in range(50) for _ in runs]
    assert handler.most_at_once == 1


def test_the_run_does_not_wait_for_its_handler(async_driver: Any) -> None:
    handler = Numbers()
    handler.gate.clear()

    async def main() -> None:
        run = await AsyncCallbackManager([handler]).on_tool_start({}, "")
        await run.on_text("later")
        assert handler.heard == []
        handler.gate.set()
        assert await flush(10)
        assert handler.heard == ["later"]

    async_driver.run(main())


def test_a_full_lane_makes_the_run_wait(monkeypatch: pytest.MonkeyPatch, async_driver: Any) -> None:
    monkeypatch.setattr(_lane, "BOUND", 3)
    handler = Numbers()
    handler.gate.clear()

    async def main() -> None:
        run = await AsyncCallbackManager([handler]).on_tool_start({}, "")
        say = asyncio.create_task(talk(run))
        done, _ = await asyncio.wait([say], timeout=0.05)
        assert not done
        handler.gate.set()
        await say
        await flush()
        assert handler.heard == [str(n) for n in range(10)]

    async def talk(run: Any) -> None:
        for n in range(10):
            await run.on_text(str(n))

    async_driver.run(main())


def test_a_full_lane_that_may_drop_drops_and_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_lane, "BOUND", 3)
    handler = Numbers()
    handler.on_full = "drop"
    handler.gate.clear()
    run = CallbackManager([handler]).on_tool_start({}, "")
    for n in range(50):
        run.on_text(str(n))
    handler.gate.set()
    flush_sync(10)
    assert lane_of(handler).dropped == 50 - len(handler.heard)
    assert lane_of(handler).dropped > 0
    assert handler.heard == sorted(handler.heard, key=int)


def test_an_async_handler_may_be_in_the_background_too(driver: Any) -> None:
    class Slow(AsyncCallbackHandler):
        background = True

        def __init__(self) -> None:
            self.heard: list[str] = []

        async def on_text(self, text: str, **kwargs: Any) -> None:
            await asyncio.sleep(0)
            self.heard.append(text)

    handler = Slow()

    async def main() -> None:
        run = await AsyncCallbackManager([handler]).on_tool_start({}, "")
        for n in range(10):
            await run.on_text(str(n))

    if driver.is_async:
        driver.run(main())
    else:
        run = CallbackManager([handler]).on_tool_start({}, "")
        for n in range(10):
            run.on_text(str(n))
    flush_sync(10)
    assert handler.heard == [str(n) for n in range(10)]


def test_a_failing_background_handler_is_logged_and_the_lane_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    class Fails(Numbers):
        def on_text(self, text: str, **kwargs: Any) -> None:
            if text == "bad":
                raise ValueError("bad text")
            super().on_text(text)

    handler = Fails()
    run = CallbackManager([handler]).on_tool_start({}, "")
    run.on_text("bad")
    run.on_text("good")
    flush_sync(10)
    assert handler.heard == ["good"]
    assert "Fails.on_text failed for run" in caplog.text


def test_the_end_of_the_process_waits_for_the_lanes() -> None:
    program = """
import time
from toolrun.callbacks import BaseCallbackHandler, CallbackManager
class Slow(BaseCallbackHandler):
    background = True
    def on_text(self, text, **kwargs):
        time.sleep(0.05)
        print(text, flush=True)
run = CallbackManager([Slow()]).on_tool_start({}, "")
for n in range(5):
    run.on_text(str(n))
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert ended.stdout.split() == ["0", "1", "2", "3", "4"], ended.stderr
