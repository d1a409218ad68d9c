"""Promise 5: one error policy for all four pairs of sync and async handler and manager."""

from __future__ import annotations

import logging
from typing import Any

import pytest


class Broken(Exception):
    """What a broken handler raises."""


def work() -> str:
    """Works."""
    return "done"


async def async_work() -> str:
    """Works."""
    return "done"


def broken_at(event: str, lib: Any, is_async: bool, **attributes: Any) -> Any:
    """A handler that raises at one event."""

    def react(seen: Any) -> None:
        if seen.event == event:
            raise Broken(event)

    async def areact(seen: Any) -> None:
        react(seen)

    return lib.async_recorder(areact, **attributes) if is_async else lib.recorder(react, **attributes)


@pytest.mark.defect(16)
@pytest.mark.parametrize("event", ["on_tool_start", "on_tool_end"])
def test_a_handler_that_insists_on_its_error_raises_it_for_every_pair(
    lib: Any, driver: Any, handler_is_async: bool, event: str
) -> None:
    broken = broken_at(event, lib, handler_is_async, raise_error=True)
    tool = lib.tool(async_work if driver.is_async else work)

    with pytest.raises(Broken, match=event):
        driver.invoke(tool, {}, {"callbacks": [broken]})


@pytest.mark.defect(16)
@pytest.mark.parametrize("event", ["on_tool_start", "on_tool_end"])
def test_the_others_have_the_event_before_an_error_is_raised(
    lib: Any, driver: Any, handler_is_async: bool, event: str
) -> None:
    broken = broken_at(event, lib, handler_is_async, raise_error=True)
    others = [lib.recorder(), lib.async_recorder()]
    tool = lib.tool(async_work if driver.is_async else work)

    with pytest.raises(Broken):
        driver.invoke(tool, {}, {"callbacks": [others[0], broken, others[1]]})

    terminal = {"on_tool_start": "on_tool_error", "on_tool_end": "on_tool_end"}[event]
    assert [other.events for other in others] == [["on_tool_start", terminal]] * 2


@pytest.mark.parametrize("event", ["on_tool_start", "on_tool_end"])
def test_a_broken_handler_is_logged_and_harms_nobody(
    lib: Any, driver: Any, handler_is_async: bool, event: str, caplog: pytest.LogCaptureFixture
) -> None:
    broken = broken_at(event, lib, handler_is_async)
    other = lib.recorder()
    tool = lib.tool(async_work if driver.is_async else work)

    with caplog.at_level(logging.WARNING):
        assert driver.invoke(tool, {}, {"callbacks": [broken, other]}) == "done"

    assert other.events == ["on_tool_start", "on_tool_end"]
    assert "Broken" in caplog.text


@pytest.mark.defect(16)
def test_the_log_names_the_handler_the_event_and_the_run(
    lib: Any, driver: Any, handler_is_async: bool, caplog: pytest.LogCaptureFixture
) -> None:
    broken = broken_at("on_tool_end", lib, handler_is_async)
    with caplog.at_level(logging.WARNING):
        driver.invoke(lib.tool(async_work if driver.is_async else work), {}, {"callbacks": [broken]})

    run_id = str(broken.of("on_tool_start")[0].kwargs["run_id"])
    messages = [record.getMessage() for record in caplog.records]
    assert any(type(broken).__name__ in text and "on_tool_end" in text and run_id in text for text in messages)
