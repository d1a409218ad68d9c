"""The watchdog: who holds the loop is named while it still does, and told as the run's next event.

Bodies and handlers here hold their loop until the watchdog has reported them, so no test depends on a clock.
"""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from toolrun.callbacks import AsyncCallbackHandler, BaseCallbackHandler
from toolrun.execution.watchdog import InvalidThreshold, LoopBlocked, watch_this_loop, watchdog
from toolrun.testing import AsyncRecordingHandler, RecordingHandler
from toolrun.tools import tool

PATIENCE = 20.0  # seconds; how long a test holds its loop in the end, if the watchdog says nothing


@pytest.fixture(autouse=True)
def sharp_watchdog() -> Iterator[None]:
    before = watchdog.threshold
    watchdog(threshold=0.02)
    yield
    watchdog(threshold=before)


def reports(name: str) -> list[LoopBlocked]:
    return [report for report in watchdog.reports() if report.name.endswith(name)]


def hold_until_reported(name: str) -> None:
    """Hold this thread until the watchdog has named it, and for a moment more."""
    before, began = len(reports(name)), time.monotonic()
    while len(reports(name)) == before and time.monotonic() - began < PATIENCE:
        time.sleep(0.001)


@tool
async def holding() -> str:
    """Holds the loop."""
    await asyncio.sleep(0)
    hold_until_reported("holding")
    return "done"


def call(tool: Any, *handlers: Any) -> Any:
    async def scenario() -> Any:
        return await tool.ainvoke({}, {"callbacks": list(handlers)})

    return scenario()


def test_a_tool_that_holds_the_loop_is_named_while_it_still_does(
    async_driver: Any, caplog: pytest.LogCaptureFixture
) -> None:
    said_meanwhile: list[str] = []

    @tool
    async def looking() -> None:
        """Holds the loop, and reads the log."""
        hold_until_reported("looking")
        while not caplog.messages:
            time.sleep(0.001)
        said_meanwhile.extend(caplog.messages)

    with caplog.at_level(logging.WARNING, "toolrun.watchdog"):
        async_driver.run(call(looking))

    [line] = said_meanwhile
    assert line.startswith("looking has blocked the event loop for 0.")
    assert f"{__file__}:" in line
    assert "task " in line


def test_a_report_has_tool_line_task_run_seconds_and_stack(async_driver: Any) -> None:
    recorder = AsyncRecordingHandler()

    async def scenario() -> None:
        await asyncio.create_task(call(holding, recorder), name="an agent's step")

    async_driver.run(scenario())

    report = reports("holding")[-1]
    assert (report.event, report.file, report.task) == (None, __file__, "an agent's step")
    assert "hold_until_reported" in report.stack
    assert report.run_id == recorder.events[0].run_id
    assert report.seconds >= watchdog.threshold  # type: ignore[operator]


@pytest.mark.parametrize("kind", [RecordingHandler, AsyncRecordingHandler])
def test_the_run_is_told_before_its_next_event(async_driver: Any, kind: Callable[[], Any]) -> None:
    recorder = kind()

    async_driver.run(call(holding, recorder))

    assert recorder.names == ["on_tool_start", "on_loop_blocked", "on_tool_end"]
    seconds, stack = recorder.events[1].payload
    assert seconds >= watchdog.threshold
    assert "hold_until_reported" in stack


def test_a_run_that_goes_on_without_an_event_is_told_when_the_loop_goes_on(async_driver: Any) -> None:
    told = asyncio.Event()

    class Listening(AsyncRecordingHandler):
        async def on_loop_blocked(self, *args: Any, **kwargs: Any) -> None:
            told.set()

    @tool
    async def waiting() -> None:
        """Holds the loop, and then waits until that was told."""
        hold_until_reported("waiting")
        await told.wait()

    async_driver.run(asyncio.wait_for(call(waiting, Listening()), PATIENCE))


class SlowToStart(AsyncCallbackHandler):
    """Holds the loop in its first step."""

    async def on_tool_start(self, *args: Any, **kwargs: Any) -> None:
        hold_until_reported("SlowToStart")


class SlowToContinue(AsyncCallbackHandler):
    """Holds the loop in a later step."""

    async def on_tool_start(self, *args: Any, **kwargs: Any) -> None:
        await asyncio.sleep(0)
        hold_until_reported("SlowToContinue")


class SlowInline(BaseCallbackHandler):
    """Holds the loop as a sync handler that asked to run on it."""

    run_inline = True

    def on_tool_start(self, *args: Any, **kwargs: Any) -> None:
        hold_until_reported("SlowInline")


@pytest.mark.parametrize("kind", [SlowToStart, SlowToContinue, SlowInline])
def test_a_handler_that_holds_the_loop_is_named_with_its_event(async_driver: Any, kind: type) -> None:
    @tool
    async def quick() -> None:
        """Does nothing."""

    recorder = AsyncRecordingHandler()
    async_driver.run(call(quick, recorder, kind()))

    report = reports(kind.__name__)[-1]
    assert (report.event, report.function) == ("on_tool_start", f"{kind.__name__}.on_tool_start")
    assert recorder.names == ["on_tool_start", "on_loop_blocked", "on_tool_end"]
    assert report.run_id == recorder.events[0].run_id


def test_nothing_follows_the_end_not_even_a_report_of_its_handler(async_driver: Any) -> None:
    class SlowAtTheEnd(AsyncCallbackHandler):
        async def on_tool_end(self, *args: Any, **kwargs: Any) -> None:
            hold_until_reported("SlowAtTheEnd")

    @tool
    async def quick() -> None:
        """Does nothing."""

    recorder = AsyncRecordingHandler()

    async def scenario() -> None:
        await call(quick, recorder, SlowAtTheEnd())
        await asyncio.sleep(0.05)

    async_driver.run(scenario())

    assert recorder.names == ["on_tool_start", "on_tool_end"]
    assert reports("SlowAtTheEnd")[-1].event == "on_tool_end"


def test_a_sync_tool_that_is_invoked_on_the_loop_is_named_rather_than_its_caller(async_driver: Any) -> None:
    recorder = RecordingHandler()

    @tool
    def blocking() -> None:
        """Blocks."""
        hold_until_reported("blocking")

    @tool
    async def careless() -> None:
        """Calls a blocking tool where it should await it."""
        blocking.invoke({})

    async_driver.run(call(careless, recorder))

    report = reports("blocking")[-1]
    inner = recorder.of(report.run_id)  # type: ignore[arg-type]
    assert [event.name for event in inner] == ["on_tool_start", "on_loop_blocked", "on_tool_end"]


def test_a_tool_with_a_timeout_is_named_in_its_later_steps(async_driver: Any) -> None:
    @tool(timeout=60)
    async def bounded() -> None:
        """Holds the loop when it goes on."""
        await asyncio.sleep(0)
        hold_until_reported("bounded")

    recorder = AsyncRecordingHandler()
    async_driver.run(call(bounded, recorder))

    assert recorder.names == ["on_tool_start", "on_loop_blocked", "on_tool_end"]


def test_the_background_loop_is_watched_too() -> None:
    @tool
    async def only_async() -> None:
        """Holds the background loop, on which it runs for a sync caller."""
        await asyncio.sleep(0)
        hold_until_reported("only_async")

    recorder = RecordingHandler()
    only_async.invoke({}, {"callbacks": [recorder]})

    assert recorder.names == ["on_tool_start", "on_loop_blocked", "on_tool_end"]


def test_c_code_that_holds_the_gil_is_named_when_it_returns(async_driver: Any) -> None:
    @tool
    async def counting() -> int:
        """Holds the GIL."""
        await asyncio.sleep(0)
        return sum(range(20_000_000))

    recorder = AsyncRecordingHandler()
    async_driver.run(call(counting, recorder))

    assert recorder.names == ["on_tool_start", "on_loop_blocked", "on_tool_end"]
    assert "sum(range(" in recorder.events[1].payload[1]


def test_code_outside_any_run_is_named_by_its_task(async_driver: Any) -> None:
    @tool
    async def waiting() -> None:
        """Waits."""
        await asyncio.sleep(0.01)

    async def foreign() -> None:
        await asyncio.sleep(0)
        hold_until_reported("foreign")

    async def scenario() -> None:
        await asyncio.gather(call(waiting), foreign())

    async_driver.run(scenario())

    report = reports("foreign")[-1]
    assert (report.event, report.run_id) == (None, None)


def test_a_loop_that_only_waits_is_not_blocked(async_driver: Any) -> None:
    @tool
    async def patient() -> None:
        """Waits for longer than the threshold."""
        await asyncio.sleep(0.1)

    before = watchdog.reports()
    async_driver.run(call(patient))

    assert [report for report in watchdog.reports() if report not in before and report.name == "patient"] == []


def test_it_beats_only_while_runs_are_in_flight(async_driver: Any) -> None:
    beating: list[bool] = []

    @tool
    async def looking() -> None:
        """Looks at the beats of its loop."""
        beating.append(watch_this_loop().armed)

    async def scenario() -> None:
        watch = watch_this_loop()
        await call(looking)
        assert watch.runs == 0
        while watch.armed:
            await asyncio.sleep(0.005)
        beating.append(watch.armed)

    async_driver.run(scenario())

    assert beating == [True, False]


def test_switched_off_it_says_nothing(async_driver: Any) -> None:
    watchdog(threshold=None)

    @tool
    async def unwatched() -> bool:
        """Holds the loop for a moment."""
        time.sleep(0.1)
        return watch_this_loop().armed

    recorder = AsyncRecordingHandler()

    assert async_driver.run(call(unwatched, recorder)) is False
    assert recorder.names == ["on_tool_start", "on_tool_end"]


def test_a_threshold_is_a_positive_number() -> None:
    with pytest.raises(InvalidThreshold, match="above 0"):
        watchdog(threshold=0)


@pytest.mark.parametrize(("text", "threshold"), [("0.25", "0.25"), ("off", "None"), ("soon", "InvalidThreshold")])
def test_the_environment_sets_the_threshold(text: str, threshold: str) -> None:
    program = "from toolrun.execution.watchdog import watchdog; print(watchdog.threshold)"
    ended = subprocess.run(
        [sys.executable, "-c", program], env={"TOOLRUN_WATCHDOG": text}, capture_output=True, text=True, check=False
    )
    assert threshold in ended.stdout + ended.stderr
