"""The least that a run can cost, by hand: a fresh id, arguments validated and shown as text, handlers called with the
usual keywords, the body in a context of its own in which the run is current, one terminal event on every way out.

Left out: everything that a library needs to be general (configuration, inheritance, plans, messages, an error policy).
"""

from __future__ import annotations

import _thread
import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar, copy_context
from functools import partial
from queue import SimpleQueue
from typing import Any
from uuid import UUID

from pydantic_core import SchemaValidator, core_schema
from uuid_utils.compat import uuid7

Arguments = dict[str, Any]

CURRENT: ContextVar[UUID | None] = ContextVar("current", default=None)
SERIALIZED = {"name": "add", "description": "Adds two numbers."}
VALIDATE = SchemaValidator(
    core_schema.typed_dict_schema({name: core_schema.typed_dict_field(core_schema.int_schema()) for name in "ab"})
).validate_python


def invoke(body: Callable[..., Any], arguments: Arguments, handlers: Sequence[Any] = ()) -> Any:
    """A sync run with sync handlers."""
    run_id = uuid7()
    text = str(arguments)
    for handler in handlers:
        handler.on_tool_start(
            SERIALIZED, text, run_id=run_id, parent_run_id=None, tags=(), metadata={}, inputs=arguments
        )
    try:
        output = copy_context().run(_call, run_id, body, arguments)
    except BaseException as error:
        for handler in handlers:
            handler.on_tool_error(error, run_id=run_id, parent_run_id=None, tags=())
        raise
    for handler in handlers:
        handler.on_tool_end(output, run_id=run_id, parent_run_id=None, tags=())
    return output


async def ainvoke(body: Callable[..., Awaitable[Any]], arguments: Arguments, handlers: Sequence[Any] = ()) -> Any:
    """An async run; each event of an async handler is shielded from the caller's cancel."""
    run_id = uuid7()
    text = str(arguments)
    for handler in handlers:
        started = handler.on_tool_start(
            SERIALIZED, text, run_id=run_id, parent_run_id=None, tags=(), metadata={}, inputs=arguments
        )
        if started is not None:
            await shielded(started)
    token = CURRENT.set(run_id)
    try:
        output = await body(**VALIDATE(arguments))
    except BaseException as error:
        for handler in handlers:
            await shielded(handler.on_tool_error(error, run_id=run_id, parent_run_id=None, tags=()))
        raise
    finally:
        CURRENT.reset(token)
    for handler in handlers:
        ended = handler.on_tool_end(output, run_id=run_id, parent_run_id=None, tags=())
        if ended is not None:
            await shielded(ended)
    return output


async def shielded(event: Any) -> None:
    """Runs an event that does not suspend in one step; one that has left for a thread is only waited for."""
    if isinstance(event, asyncio.Future):
        await event
        return
    try:
        copy_context().run(event.send, None)
    except StopIteration:
        return
    raise NotImplementedError("the floor's handlers do not suspend")


class Worker:
    """One thread fed through a queue: the cheapest hop off the loop and back."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[tuple[asyncio.Future[Any] | None, Callable[[], Any]]] = SimpleQueue()
        _thread.start_new_thread(self._work, ())

    def call(self, function: Callable[..., Any], *arguments: Any) -> asyncio.Future[Any]:
        future = asyncio.get_running_loop().create_future()
        self._jobs.put((future, partial(function, *arguments)))
        return future

    def put(self, job: Callable[[], Any]) -> None:
        """Hands a job over and does not wait."""
        self._jobs.put((None, job))

    def _work(self) -> None:
        while True:
            future, job = self._jobs.get()
            result = job()
            if future is not None:
                future.get_loop().call_soon_threadsafe(future.set_result, result)


async def in_new_thread(function: Callable[..., Any]) -> Any:
    """A raw thread for one call: `threading.Thread.start` would hold the loop until the thread runs."""
    future = asyncio.get_running_loop().create_future()
    _thread.start_new_thread(lambda: future.get_loop().call_soon_threadsafe(future.set_result, function()), ())
    return await future


def _call(run_id: UUID, body: Callable[..., Any], arguments: Arguments) -> Any:
    CURRENT.set(run_id)
    return body(**VALIDATE(arguments))
