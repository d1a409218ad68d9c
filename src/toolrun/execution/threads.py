"""The thread engine: sync bodies run in toolrun's own elastic pool, never in asyncio's default one.

A thread cannot be stopped from outside. When the caller is cancelled, the body runs on, is told so by
`run_manager.cancelled`, and what it gives in the end is dropped.
"""

from __future__ import annotations

import types
from contextvars import Context
from typing import Any

from toolrun._offload import TOOL_POOL
from toolrun.execution.body import Body
from toolrun.execution.inline import INLINE, drive


class ThreadEngine:
    """Runs sync bodies in pool threads, async ones inline."""

    name = "threads"

    def run(self, body: Body, args: tuple[Any, ...], kwargs: dict[str, Any], context: Context) -> Any:
        if body.is_async:
            return INLINE.run(body, args, kwargs, context)
        return TOOL_POOL.submit(INLINE.run, body, args, kwargs, context).result()

    async def arun(self, body: Body, args: tuple[Any, ...], kwargs: dict[str, Any], context: Context) -> Any:
        if body.is_async:
            return await INLINE.arun(body, args, kwargs, context)
        result = await TOOL_POOL.run_in_thread(_call, body, args, kwargs, context)
        if type(result) is types.CoroutineType:
            return await drive(context, result)
        return result


THREADS = ThreadEngine()


def _call(body: Body, args: tuple[Any, ...], kwargs: dict[str, Any], context: Context) -> Any:
    return context.run(body.call, *args, **kwargs)
