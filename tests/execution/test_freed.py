"""A call leaves nothing behind that only the garbage collector could find: what it held is freed when it is over."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Any
from weakref import ref

import pytest

from toolrun.execution.retry import Retry
from toolrun.tools import tool

pytestmark = pytest.mark.timeout(30)


class Argument:
    """Something that can be watched, and sent to a worker."""


def fails(argument: Argument) -> None:
    """Fails."""
    raise ValueError


def succeeds_in_the_end(argument: Argument) -> None:
    """Fails every other time."""
    _calls.append(None)
    if len(_calls) % 2:
        raise ValueError


_calls: list[None] = []


def burns(argument: Argument) -> None:
    """Never ends."""
    while True:
        pass


async def waits(argument: Argument) -> None:
    """Suspends."""
    await asyncio.sleep(0)


async def waits_and_fails(argument: Argument) -> None:
    """Suspends, then fails."""
    await asyncio.sleep(0)
    raise ValueError


async def sleeps(argument: Argument) -> None:
    """Never ends."""
    await asyncio.sleep(1e9)


CASES: list[tuple[Any, dict[str, Any]]] = [
    (fails, {}),
    (fails, {"retry": Retry(2, wait=0)}),
    (fails, {"engine": "processes"}),
    (fails, {"engine": "processes", "retry": Retry(2, wait=0)}),
    (succeeds_in_the_end, {"retry": Retry(2, wait=0)}),
    (burns, {"timeout": 0.02}),
    (burns, {"timeout": 0.02, "engine": "processes"}),
    (waits, {"timeout": 60}),
    (waits_and_fails, {}),
    (waits_and_fails, {"timeout": 60}),
    (waits_and_fails, {"timeout": 60, "retry": Retry(2, wait=0)}),
    (sleeps, {"timeout": 0.02}),
]


@pytest.mark.parametrize(("function", "options"), CASES, ids=lambda each: getattr(each, "__name__", None))
@pytest.mark.usefixtures("no_collector")
def test_what_a_call_held_is_freed_when_it_is_over(driver: Any, function: Any, options: dict[str, Any]) -> None:
    subject = tool(function, **options)
    argument = Argument()
    watched = ref(argument)
    given = {"argument": argument}
    del argument

    async def acall() -> bool:
        with suppress(Exception):
            await subject.ainvoke(given)
        given.clear()
        return await _in_time_async(watched)

    if driver.is_async:
        assert driver.run(acall())
    else:
        with suppress(Exception):
            subject.invoke(given)
        given.clear()
        assert _in_time(watched)


def _in_time(watched: Any) -> bool:
    """Whether it is freed within a few seconds: a thread may still be on its way out."""
    last = time.monotonic() + 3
    while watched() is not None and time.monotonic() < last:
        time.sleep(0.001)
    return watched() is None


async def _in_time_async(watched: Any) -> bool:
    last = time.monotonic() + 3
    while watched() is not None and time.monotonic() < last:
        await asyncio.sleep(0.001)
    return watched() is None
