"""The promises, each as tests that langchain-core 1.8.2 does not pass.

The tests take every name from `lib`, so that they can be pointed at either library: at toolrun by default, at
langchain-core by `python tests/promises/against_langchain_core.py`, which shows for every defect how it fails there.

    @pytest.mark.defect(N)    the test proves a promise that langchain-core breaks; N is the row of the table
                              in `docs/differences.md`. It must fail there, for at least one of its parameters.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from importlib import import_module
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

MODULES = ("callbacks", "callbacks.manager", "tools", "tracers", "tracers.base", "tracers.context")
OURS = "toolrun"
EVENTS = (
    "on_tool_start",
    "on_tool_progress",
    "on_tool_output",
    "on_tool_end",
    "on_tool_error",
    "on_text",
    "on_retry",
    "on_llm_start",
    "on_custom_event",
)

React = Callable[["Seen"], Any]
AsyncReact = Callable[["Seen"], Awaitable[Any]]


class Seen(NamedTuple):
    """One event as a handler got it."""

    event: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


class Recording:
    """Keeps the events that a handler gets, then lets the test react to them."""

    def __init__(self, react: Any = None) -> None:
        self.seen: list[Seen] = []
        self.react = react

    @property
    def events(self) -> list[str]:
        return [seen.event for seen in self.seen]

    def of(self, event: str) -> list[Seen]:
        return [seen for seen in self.seen if seen.event == event]


def _sync_method(event: str) -> Callable[..., Any]:
    def heard(self: Recording, *args: Any, **kwargs: Any) -> None:
        self.seen.append(Seen(event, args, kwargs))
        if self.react is not None:
            self.react(self.seen[-1])

    return heard


def _async_method(event: str) -> Callable[..., Any]:
    async def heard(self: Recording, *args: Any, **kwargs: Any) -> None:
        self.seen.append(seen := Seen(event, args, kwargs))
        if self.react is not None:
            await self.react(seen)

    return heard


SYNC_METHODS = MappingProxyType({event: _sync_method(event) for event in EVENTS})
ASYNC_METHODS = MappingProxyType({event: _async_method(event) for event in EVENTS})


class Library:
    """The public names of one library, and recording handlers made of its bases."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __getattr__(self, name: str) -> Any:
        for path in MODULES:
            module = import_module(f"{self.name}.{path}")
            if hasattr(module, name):
                return getattr(module, name)
        raise AttributeError(f"{self.name} has no {name}")

    @property
    def Retry(self) -> Any:
        """How often a tool is tried."""
        return import_module(f"{self.name}.execution.retry").Retry

    @property
    def ToolRunner(self) -> Any:
        """What runs calls and streams their events; langchain-core's tools do so themselves."""
        return import_module("toolrun").ToolRunner

    @property
    def RunConfig(self) -> Any:
        """The annotation by which a tool asks for its configuration."""
        if self.name == OURS:
            return import_module("toolrun.tools").RunConfig
        return import_module("langchain_core.runnables").RunnableConfig

    def recorder(self, react: React | None = None, **attributes: Any) -> Any:
        """A sync handler that records, and then calls `react`."""
        bases = (Recording, self.BaseCallbackHandler)
        return type("Recorder", bases, {**SYNC_METHODS, **attributes})(react)

    def async_recorder(self, react: AsyncReact | None = None, **attributes: Any) -> Any:
        """An async handler that records, and then awaits `react`."""
        bases = (Recording, self.AsyncCallbackHandler)
        return type("AsyncRecorder", bases, {**ASYNC_METHODS, **attributes})(react)


@pytest.fixture(scope="session")
def lib() -> Library:
    return Library(os.environ.get("PROMISES_LIBRARY", OURS))


@pytest.fixture(params=["sync handler", "async handler"])
def handler_is_async(request: pytest.FixtureRequest) -> bool:
    """Each kind of handler; with `driver` the four pairs of handler and manager."""
    return bool(request.param == "async handler")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "defect(row): a promise that langchain-core breaks")
