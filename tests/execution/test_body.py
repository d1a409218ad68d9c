"""Bodies: whatever a tool is written as, it is run to its end, and told of on the way."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Generator, Iterator
from typing import Any

import pytest

from toolrun.callbacks import AsyncCallbackManager, CallbackManager
from toolrun.callbacks.context import run_context
from toolrun.execution.body import Body
from toolrun.testing import AsyncRecordingHandler, RecordingHandler


def counts(n: int) -> Iterator[int]:
    yield from range(n)


def counts_and_returns(n: int) -> Generator[int, None, str]:
    yield from range(n)
    return "counted"


async def acounts(n: int) -> AsyncIterator[int]:
    for i in range(n):
        await asyncio.sleep(0)
        yield i


def drained(function: Any, n: int) -> tuple[Any, list[Any]]:
    handler = RecordingHandler()
    run = CallbackManager([handler]).on_tool_start({}, "")
    result = run_context(run).run(Body(function).call, n)
    return result, [event.payload[0] for event in handler.named("on_tool_output")]


def test_every_value_yielded_is_output_and_the_last_is_the_result() -> None:
    assert drained(counts, 3) == (2, [0, 1, 2])


def test_what_a_generator_returns_is_its_result() -> None:
    assert drained(counts_and_returns, 2) == ("counted", [0, 1])


def test_a_generator_that_yields_nothing_gives_none() -> None:
    assert drained(counts, 0) == (None, [])


def test_an_async_generator_is_drained_on_the_loop() -> None:
    handler = AsyncRecordingHandler()

    async def main() -> Any:
        run = await AsyncCallbackManager([handler]).on_tool_start({}, "")
        return await asyncio.create_task(Body(acounts).call(3), context=run_context(run))

    assert asyncio.run(main()) == 2
    assert [event.payload[0] for event in handler.named("on_tool_output")] == [0, 1, 2]


def test_outside_a_run_there_is_nobody_to_tell() -> None:
    assert Body(counts).call(3) == 2
    assert asyncio.run(Body(acounts).call(3)) == 2


class Deaf(RecordingHandler):
    raise_error = True

    def on_tool_output(self, *args: Any, **kwargs: Any) -> None:
        raise RuntimeError("deaf")


def test_a_generator_is_closed_when_telling_fails() -> None:
    closed = []

    def tool() -> Iterator[int]:
        try:
            yield 1
        finally:
            closed.append(True)

    run = CallbackManager([Deaf()]).on_tool_start({}, "")
    with pytest.raises(RuntimeError, match="deaf"):
        run_context(run).run(Body(tool).call)
    assert closed


def test_a_body_is_copied_by_its_function() -> None:
    copied = copy.copy(Body(counts))
    assert copied.function is counts
    assert copied.call(2) == 1
