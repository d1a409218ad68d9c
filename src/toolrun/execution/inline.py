"""The inline engine: the body runs right here, in the caller's thread or task.

An async body is driven step by step inside its context, in the caller's own task: no task is made for it, so cancel
scopes and timeouts around the call reach into it as they should. Called by `run`, it goes to the background loop.
"""

from __future__ import annotations

import types
from collections.abc import Coroutine, Generator
from contextvars import Context
from typing import Any

from toolrun import _background_loop
from toolrun.execution.body import Body


class InlineEngine:
    """Runs bodies where the caller is."""

    name = "inline"

    def run(self, body: Body, args: tuple[Any, ...], kwargs: dict[str, Any], context: Context) -> Any:
        result = context.run(body.call, *args, **kwargs)
        if type(result) is types.CoroutineType:
            return _background_loop.run(in_context(context, result))
        return result

    async def arun(self, body: Body, args: tuple[Any, ...], kwargs: dict[str, Any], context: Context) -> Any:
        result = context.run(body.call, *args, **kwargs)
        if type(result) is types.CoroutineType:
            return await drive(context, result)
        return result


INLINE = InlineEngine()


async def in_context(context: Context, coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Await the coroutine inside the context, for callers that need a true coroutine."""
    return await drive(context, coroutine)


@types.coroutine
def drive(context: Context, coroutine: Coroutine[Any, Any, Any]) -> Generator[Any, Any, Any]:
    """Await the coroutine so that each of its steps runs inside the context, in the task of whoever awaits."""
    run, send = context.run, coroutine.send
    try:
        waits_for = run(send, None)
        while True:
            try:
                sent = yield waits_for
            except GeneratorExit:
                run(coroutine.close)
                raise
            except BaseException as error:
                waits_for = run(coroutine.throw, error)
            else:
                waits_for = run(send, sent)
    except StopIteration as end:
        return end.value
