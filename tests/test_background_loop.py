"""Sync callers get their coroutines run, wherever they call from."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import Any

import pytest

from toolrun._background_loop import TOOL_LOOP


async def where() -> str:
    await asyncio.sleep(0)
    return threading.current_thread().name


def test_a_coroutine_runs_on_one_long_lived_loop() -> None:
    async def loop_id() -> int:
        return id(asyncio.get_running_loop())

    assert TOOL_LOOP.run(loop_id()) == TOOL_LOOP.run(loop_id())


def test_what_it_raises_is_raised() -> None:
    async def fails() -> None:
        raise LookupError("here")

    with pytest.raises(LookupError, match="here"):
        TOOL_LOOP.run(fails())


def test_code_on_the_background_loop_may_run_a_coroutine_too() -> None:
    async def outer() -> str:
        return TOOL_LOOP.run(where())

    assert TOOL_LOOP.run(outer()) == "toolrun-tool-loop"


def test_and_so_on_to_any_depth_and_the_first_loop_is_back_in_service_afterwards() -> None:
    async def nested(depth: int) -> int:
        return 1 + TOOL_LOOP.run(nested(depth - 1)) if depth else 0

    before = TOOL_LOOP.loop()
    assert TOOL_LOOP.run(nested(5)) == 5
    assert TOOL_LOOP.loop() is before


def test_inside_a_running_loop_a_coroutine_is_only_started(async_driver: Any) -> None:
    done = threading.Event()

    async def body() -> None:
        done.set()

    async def main() -> None:
        TOOL_LOOP.finish(body())

    async_driver.run(main())
    assert done.wait(timeout=10)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_has_a_loop_of_its_own() -> None:
    TOOL_LOOP.run(where())
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, TOOL_LOOP.run(where()).encode())
        os._exit(0)
    os.close(write)
    assert os.read(read, 100) == b"toolrun-tool-loop"
    os.close(read)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_the_loop_outlives_a_coroutine_that_asks_the_process_to_end(error: type[BaseException]) -> None:
    async def fails() -> None:
        await asyncio.sleep(0)
        raise error

    with pytest.raises(error):
        TOOL_LOOP.run(fails())
    assert TOOL_LOOP.run(where()) == "toolrun-tool-loop"
