"""What a failed call leaves behind: nothing that only the garbage collector would find."""

from __future__ import annotations

import contextlib
import weakref
from threading import Event
from typing import Any

import pytest

from toolrun import ToolRunner
from toolrun.callbacks import BaseCallbackHandler
from toolrun.tools import BaseTool, ToolException, tool


class Failure(ToolException):
    """To be answered, or not."""


class Token:
    """Something to be let go."""


class Listening(BaseCallbackHandler):
    """Hears the error and forgets it."""

    def on_tool_error(self, error: BaseException, **kwargs: Any) -> None:
        """Nothing."""


@tool
def fails(token: Any) -> None:
    """Fail."""
    raise Failure


@tool
async def afails(token: Any) -> None:
    """Fail."""
    raise Failure


@tool
def refuses(token: str) -> None:
    """Refuse all but strings."""


@tool(response_format="content_and_artifact")
def no_pair(token: Any) -> None:
    """Return what is no pair."""


FAILING = {
    "raised": fails,
    "raised in a thread": fails.with_options(engine="threads"),
    "raised before a timeout": fails.with_options(timeout=10.0),
    "answered": fails.with_options(handle_tool_error=True),
    "refused": refuses,
    "refused and answered": refuses.with_options(handle_validation_error=True),
    "no pair": no_pair,
}


def is_let_go(driver: Any, subject: BaseTool, listening: bool) -> bool:
    """Whether what was passed to a call is let go after it; a thread may take a moment to leave its last frame."""
    token, gone = Token(), Event()
    weakref.finalize(token, gone.set)
    given, config = [{"token": token}], {"callbacks": [Listening()] if listening else []}
    del token

    async def make() -> None:
        with contextlib.suppress(Exception):  # here, because asyncio.Runner makes a cycle of its own
            await subject.ainvoke(given.pop(), config)

    if driver.is_async:
        driver.run(make())
    else:
        with contextlib.suppress(Exception):
            subject.invoke(given.pop(), config)
    return gone.wait(2)


@pytest.mark.parametrize("listening", [False, True], ids=["nobody listens", "a handler listens"])
@pytest.mark.parametrize("subject", FAILING.values(), ids=FAILING)
def test_a_failed_call_leaves_no_cycle(driver: Any, no_collector: None, subject: BaseTool, listening: bool) -> None:
    assert is_let_go(driver, subject, listening)


def test_a_failed_call_of_an_async_tool_leaves_no_cycle(driver: Any, no_collector: None) -> None:
    assert is_let_go(driver, afails, True)


@pytest.mark.parametrize("answered", [False, True])
def test_a_failed_call_of_a_runner_lives_as_long_as_its_result(no_collector: None, answered: bool) -> None:
    token, gone = Token(), Event()
    weakref.finalize(token, gone.set)
    runner = ToolRunner([afails.with_options(handle_tool_error=answered)])
    results = runner.run_all([{"name": "afails", "arguments": {"token": token}}])
    assert isinstance(results[0].exception, Failure)
    assert not gone.is_set()
    del token, results
    assert gone.wait(2)
