"""pydantic-ai's way to call a tool, beside ours where it has one: the `ToolManager` of an agent's step.

A development dependency that may be absent. Its hooks before and after a tool stand for start and end events.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from importlib.util import find_spec
from typing import Any

from benchmarks.harness import Measure
from benchmarks.libraries import ARGUMENTS

NAME = "pydantic-ai"

Call = Callable[[], Awaitable[Any]]


def call_of(function: Callable[..., Any], hooks: int, sync_hooks: bool) -> Call:
    """A call of the function as a tool of pydantic-ai with so many pairs of hooks."""
    manager = asyncio.run(_manager(function, hooks, sync_hooks))
    part = _call_part(function.__name__)
    return partial(manager.handle_call, part)


def pydantic_ai_beside(
    measure: Callable[[Call], Measure], function: Callable[..., Any], hooks: int = 0, *, sync_hooks: bool = False
) -> dict[str, Measure]:
    """pydantic-ai as a subject of a scenario, or nothing where it is absent."""
    if find_spec("pydantic_ai") is None:
        return {}
    return {NAME: measure(call_of(function, hooks, sync_hooks))}


async def _manager(function: Callable[..., Any], hooks: int, sync_hooks: bool) -> Any:
    from pydantic_ai import RunContext
    from pydantic_ai.capabilities import CombinedCapability
    from pydantic_ai.models.test import TestModel
    from pydantic_ai.tool_manager import ToolManager
    from pydantic_ai.toolsets import FunctionToolset
    from pydantic_ai.usage import RunUsage

    listening = [_sync_hooks() if sync_hooks else _async_hooks() for _ in range(hooks)]
    capability = CombinedCapability(listening) if len(listening) > 1 else next(iter(listening), None)
    manager = ToolManager(FunctionToolset([function]), root_capability=capability)
    return await manager.for_run_step(RunContext(deps=None, model=TestModel(), usage=RunUsage()))


def _async_hooks() -> Any:
    """Async hooks are cheapest as methods of a capability."""
    from pydantic_ai.capabilities import AbstractCapability

    class Listener(AbstractCapability[Any]):
        async def before_tool_execute(self, ctx: Any, *, args: Any, **kwargs: Any) -> Any:
            return args

        async def after_tool_execute(self, ctx: Any, *, result: Any, **kwargs: Any) -> Any:
            return result

    return Listener()


def _sync_hooks() -> Any:
    from pydantic_ai.capabilities import Hooks

    return Hooks(before_tool_execute=_before, after_tool_execute=_after)


def _call_part(name: str) -> Any:
    from pydantic_ai.messages import ToolCallPart

    return ToolCallPart(name, ARGUMENTS, "call-1")


def _before(ctx: Any, /, *, args: Any, **kwargs: Any) -> Any:
    return args


def _after(ctx: Any, /, *, result: Any, **kwargs: Any) -> Any:
    return result
