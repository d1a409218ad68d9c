"""Tools that do what their argument says, and go wrong as it says. In a module of their own for worker processes.

A spec says of one call: where its body runs, what it tells, which calls it makes inside, and how it ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections import Counter
from typing import Any

from toolrun.callbacks import current_run
from toolrun.tools import BaseTool, tool

TIMEOUT = 0.05
HANG = 0.15
"""Seconds that a body which overruns its timeout lasts; a thread cannot be made to end earlier."""

bodies: Counter[str] = Counter()
"""How many bodies run in this process: a cancel does not stop one that is in a thread."""


class Boom(Exception):
    """What bodies and handlers raise."""


def _end(spec: dict[str, Any]) -> str:
    match spec["ends"]:
        case "raises":
            raise Boom("body")
        case "exits":
            raise SystemExit(3)
        case "killed":
            os.kill(os.getpid(), signal.SIGKILL)
    return "done"


def run_body(spec: dict[str, Any]) -> str:
    """Does what the spec says."""
    bodies["running"] += 1
    try:
        run: Any = current_run()
        for number in range(spec["texts"]):
            run.on_text(str(number))
        for child in spec["children"]:
            with contextlib.suppress(Exception, SystemExit):
                tool_of(child).invoke({"spec": child})
        if spec["ends"] == "hangs":
            time.sleep(HANG)
        return _end(spec)
    finally:
        bodies["running"] -= 1


async def arun_body(spec: dict[str, Any]) -> str:
    """Does what the spec says."""
    bodies["running"] += 1
    try:
        run: Any = current_run()
        for number in range(spec["texts"]):
            await run.on_text(str(number))
        if spec["at_once"]:
            await asyncio.gather(*map(_called, spec["children"]))
        else:
            for child in spec["children"]:
                await _called(child)
        if spec["ends"] == "hangs":
            await asyncio.sleep(HANG)
        return _end(spec)
    finally:
        bodies["running"] -= 1


async def _called(child: dict[str, Any]) -> None:
    with contextlib.suppress(Exception, SystemExit):
        await tool_of(child).ainvoke({"spec": child})


def _tools() -> dict[tuple[str, bool], BaseTool]:
    sync = {engine: tool(f"in_{engine}", engine=engine)(run_body) for engine in ("inline", "threads", "processes")}
    bounded = {
        engine: tool(f"bounded_in_{engine}", engine=engine, timeout=TIMEOUT)(run_body)
        for engine in ("threads", "processes")
    }
    return {
        **{(engine, False): made for engine, made in sync.items()},
        **{(engine, True): made for engine, made in bounded.items()},
        ("async", False): tool("on_the_loop")(arun_body),
        ("async", True): tool("bounded_on_the_loop", timeout=TIMEOUT)(arun_body),
    }


TOOLS = _tools()


def tool_of(spec: dict[str, Any]) -> BaseTool:
    """The tool that a spec is for."""
    return TOOLS[spec["engine"], spec["bounded"]]
