"""What all tests share: the drivers, so that every behaviour is shown on both sides with one test."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

try:
    import uvloop
except ImportError:  # not on Windows
    uvloop = None


class SyncDriver:
    """Calls methods as they are: `driver.invoke(tool, 1)` is `tool.invoke(1)`."""

    is_async = False

    def __getattr__(self, method: str) -> Callable[..., Any]:
        return lambda subject, *args, **kwargs: getattr(subject, method)(*args, **kwargs)


class AsyncDriver:
    """Calls their async twins: `driver.invoke(tool, 1)` is `await tool.ainvoke(1)` on a loop of its own."""

    is_async = True

    def __init__(self, loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None) -> None:
        self.loop_factory = loop_factory

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        with asyncio.Runner(loop_factory=self.loop_factory) as runner:
            return runner.run(coroutine)

    def __getattr__(self, method: str) -> Callable[..., Any]:
        if method.startswith("_"):  # whoever shows this object asks for more than there is
            raise AttributeError(method)

        async def call(subject: Any, *args: Any, **kwargs: Any) -> Any:
            return await getattr(subject, f"a{method}")(*args, **kwargs)

        return lambda *args, **kwargs: self.run(call(*args, **kwargs))


LOOPS = [pytest.param(None, id="asyncio")]
if uvloop is not None:
    LOOPS.append(pytest.param(uvloop.new_event_loop, id="uvloop"))


@pytest.fixture(params=["sync", "async", *(["async-uvloop"] if uvloop else [])])
def driver(request: pytest.FixtureRequest) -> SyncDriver | AsyncDriver:
    """The sync face and the async face of whatever is tested, the latter on each kind of loop."""
    if request.param == "sync":
        return SyncDriver()
    return AsyncDriver(uvloop.new_event_loop if request.param.endswith("uvloop") else None)


@pytest.fixture(params=LOOPS)
def async_driver(request: pytest.FixtureRequest) -> AsyncDriver:
    """For what has no sync face."""
    return AsyncDriver(request.param)


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Whatever is freed is freed because nothing refers to it any more."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()
