"""One long-lived event loop in a daemon thread, for async code that sync callers need done.

Started on first use, started anew in a forked child. Async handlers of runs that a sync manager opened run
here, and async-only tools that are called by `invoke`.
"""

from __future__ import annotations

import asyncio
import os
import threading
from asyncio import AbstractEventLoop
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")

_lock = threading.Lock()
_loop: AbstractEventLoop | None = None


def _forget() -> None:
    global _loop, _lock
    _loop, _lock = None, threading.Lock()


os.register_at_fork(after_in_child=_forget)


def _serve(loop: AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    while True:
        try:
            loop.run_forever()
        except BaseException:  # a task raised SystemExit or KeyboardInterrupt: its future has it, the loop goes on
            continue


def loop() -> AbstractEventLoop:
    """The background loop, running."""
    global _loop
    if _loop is None:
        with _lock:
            if _loop is None:
                fresh = asyncio.new_event_loop()
                threading.Thread(target=_serve, args=(fresh,), name="toolrun-loop", daemon=True).start()
                _loop = fresh
    return _loop


def submit(coroutine: Coroutine[Any, Any, T]) -> Future[T]:
    """Start the coroutine on the background loop, from any thread."""
    return asyncio.run_coroutine_threadsafe(coroutine, loop())


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run the coroutine to its end and wait for it; Ctrl-C cancels it .

    Called by code that itself runs on the background loop, it takes a loop of its own in a new thread: to wait
    for oneself would never end.
    """
    if _in_background_loop():
        return _in_new_thread(coroutine)
    future = submit(coroutine)
    try:
        return future.result()
    except BaseException:
        if not future.done():
            future.cancel()
        raise


def finish(coroutine: Coroutine[Any, Any, Any]) -> None:
    """Run the coroutine to its end; inside a running loop, only start it: that loop must not be held."""
    if asyncio._get_running_loop() is None:
        run(coroutine)
    else:
        submit(coroutine)


def _in_background_loop() -> bool:
    return _loop is not None and asyncio._get_running_loop() is _loop


def _in_new_thread(coroutine: Coroutine[Any, Any, T]) -> T:
    future: Future[T] = Future()

    def work() -> None:
        try:
            future.set_result(asyncio.run(coroutine))
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=work, name="toolrun-loop-nested", daemon=True).start()
    return future.result()
