"""A long-lived event loop in a daemon thread, for async code that sync callers need done.

Started on first use, started anew in a forked child. Async handlers of runs that a sync manager opened run
here, and async-only tools that are called by `invoke`.

Code on the background loop may itself call `run`, and so hold the loop that it runs on. While it is held that loop is
out of service and another one takes its place: whoever waits for a background loop waits for one that runs.
"""

from __future__ import annotations

import asyncio
import os
import threading
from asyncio import AbstractEventLoop
from collections.abc import Coroutine
from concurrent.futures import Future
from contextvars import Context
from typing import Any, TypeVar

T = TypeVar("T")

_lock = threading.Lock()
_ours: set[AbstractEventLoop] = set()
_in_service: list[AbstractEventLoop] = []


def _forget() -> None:
    global _lock
    _lock = threading.Lock()
    _ours.clear()
    _in_service.clear()


os.register_at_fork(after_in_child=_forget)


def _serve(loop: AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    while True:
        try:
            loop.run_forever()
        except BaseException:  # a task raised SystemExit or KeyboardInterrupt: its future has it, the loop goes on
            continue


def loop() -> AbstractEventLoop:
    """The background loop, running, and not held by its own code."""
    try:
        return _in_service[0]
    except IndexError:
        with _lock:
            return _in_service[0] if _in_service else _start()


def _start() -> AbstractEventLoop:
    fresh = Context().run(asyncio.new_event_loop)  # the caller's context would keep its run alive
    threading.Thread(target=_serve, args=(fresh,), name="toolrun-loop", daemon=True).start()
    _ours.add(fresh)
    _in_service.append(fresh)
    return fresh


def submit(coroutine: Coroutine[Any, Any, T]) -> Future[T]:
    """Start the coroutine on the background loop, from any thread."""
    return asyncio.run_coroutine_threadsafe(coroutine, loop())


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run the coroutine to its end and wait for it; Ctrl-C cancels it."""
    held = asyncio._get_running_loop()
    if held not in _ours:
        return _wait_for(coroutine)
    with _lock:
        _in_service.remove(held)
    try:
        return _wait_for(coroutine)
    finally:
        with _lock:
            _in_service.insert(0, held)


def _wait_for(coroutine: Coroutine[Any, Any, T]) -> T:
    future = submit(coroutine)
    try:
        return future.result()
    except BaseException:
        if not future.done():
            future.cancel()
        raise
    finally:
        del future  # or an error's traceback would hold this frame, and this frame the error


def finish(coroutine: Coroutine[Any, Any, Any]) -> None:
    """Run the coroutine to its end; inside a running loop, only start it: that loop must not be held."""
    if asyncio._get_running_loop() is None:
        run(coroutine)
    else:
        submit(coroutine)
