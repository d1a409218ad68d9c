"""Several calls of one tool at once. All run to their end, whatever becomes of the others."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from toolrun._offload import TOOL_POOL
from toolrun.tools._call import Call, arun_call, run_call

if TYPE_CHECKING:
    from toolrun.tools.base import BaseTool
    from toolrun.tools.config import RunConfig

Outcome = tuple[Any, "BaseException | None"]

DEFAULT_THREADS = 32
"""How many calls of a sync batch run at once, unless its config says."""


def batch(
    tool: BaseTool,
    inputs: Sequence[Any],
    config: RunConfig | Sequence[RunConfig] | None,
    extras: dict[str, Any],
    *,
    return_exceptions: bool,
) -> list[Any]:
    """Make the calls in this thread and in some of the pool.

    This thread takes its share, so that a batch inside a batch ends even when all threads of the pool are taken.
    """
    configs = _configs(config, len(inputs))
    todo = deque(enumerate(zip(inputs, configs, strict=True)))
    outcomes: dict[int, Outcome] = {}
    all_done = threading.Event()

    def work() -> None:
        while todo:
            try:
                index, (given, own) = todo.popleft()
            except IndexError:  # another thread was faster
                return
            outcomes[index] = copy_context().run(_outcome, tool, given, own, extras)
            if len(outcomes) == len(inputs):
                all_done.set()

    threads = min(_max_concurrency(configs) or DEFAULT_THREADS, len(inputs))
    for _ in range(threads - 1):
        TOOL_POOL.submit(copy_context().run, work)
    try:
        work()
        if inputs:
            all_done.wait()
    except BaseException:
        todo.clear()
        raise
    return _results([outcomes[index] for index in range(len(inputs))], return_exceptions)


async def abatch(
    tool: BaseTool,
    inputs: Sequence[Any],
    config: RunConfig | Sequence[RunConfig] | None,
    extras: dict[str, Any],
    *,
    return_exceptions: bool,
) -> list[Any]:
    """Make the calls on the running loop."""
    configs = _configs(config, len(inputs))
    limit = _max_concurrency(configs)
    slots: AbstractAsyncContextManager[Any] = asyncio.Semaphore(limit) if limit else nullcontext()
    outcomes = await asyncio.gather(
        *(_aoutcome(tool, given, own, extras, slots) for given, own in zip(inputs, configs, strict=True))
    )
    return _results(outcomes, return_exceptions)


def _outcome(tool: BaseTool, given: Any, config: RunConfig | None, extras: dict[str, Any]) -> Outcome:
    try:
        return run_call(Call(tool, given, config, extras=extras)), None
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt) and threading.current_thread() is threading.main_thread():
            raise  # Ctrl-C, not the tool's
        return None, error


async def _aoutcome(
    tool: BaseTool,
    given: Any,
    config: RunConfig | None,
    extras: dict[str, Any],
    slots: AbstractAsyncContextManager[Any],
) -> Outcome:
    try:
        async with slots:
            return await arun_call(Call(tool, given, config, extras=extras)), None
    except BaseException as error:  # if the batch itself is cancelled, gather raises that for all
        return None, error


def _configs(config: RunConfig | Sequence[RunConfig] | None, count: int) -> list[RunConfig | None]:
    """One config a call; a `run_id` given for the batch goes to the first."""
    if config is None:
        return [None] * count
    if isinstance(config, Sequence):
        if len(config) != count:
            raise ValueError(f"config must be a list of the same length as inputs: {len(config)}, not {count}.")
        return list(config)
    rest: RunConfig = {**config}
    rest.pop("run_id", None)
    return [config if index == 0 else rest for index in range(count)]


def _max_concurrency(configs: list[RunConfig | None]) -> int | None:
    return next((config.get("max_concurrency") for config in configs if config), None)


def _results(outcomes: Sequence[Outcome], return_exceptions: bool) -> list[Any]:
    if not return_exceptions:
        for _, error in outcomes:
            if error is not None:
                raise error
    return [value if error is None else error for value, error in outcomes]
