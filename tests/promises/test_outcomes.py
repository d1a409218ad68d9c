"""A pause is no fault, and a tool says itself which exceptions are answers."""

from __future__ import annotations

from typing import Any

import pytest

CALL = {"type": "tool_call", "id": "call-1", "name": "look_up", "args": {"key": "a"}}


class Interrupt(Exception):
    """What an agent framework raises to ask a human."""


@pytest.mark.defect(13)
def test_a_control_flow_exception_is_told_as_a_pause(lib: Any, driver: Any) -> None:
    recorder = lib.recorder()
    if lib.name == "toolrun":
        from toolrun.errors import register_control_flow

        register_control_flow(Interrupt)

    def ask() -> str:
        """Asks a human."""
        raise Interrupt

    async def async_ask() -> str:
        """Asks a human."""
        raise Interrupt

    with pytest.raises(Interrupt):
        driver.invoke(lib.tool(async_ask if driver.is_async else ask), {}, {"callbacks": [recorder]})
    (told,) = recorder.of("on_tool_error")
    assert told.kwargs.get("paused") is True


@pytest.mark.defect(14)
@pytest.mark.parametrize("choice", [KeyError, (KeyError, ValueError)], ids=["a type", "a tuple of types"])
def test_a_tool_chooses_the_exceptions_that_answer_the_model(lib: Any, driver: Any, choice: Any) -> None:
    @lib.tool(handle_tool_error=choice)
    def look_up(key: str) -> str:
        """Looks something up."""
        raise KeyError(key)

    message = driver.invoke(look_up, CALL)

    assert (message.status, message.tool_call_id) == ("error", "call-1")
    assert "a" in message.content


@pytest.mark.defect(14)
def test_an_exception_that_was_not_chosen_is_raised(lib: Any, driver: Any) -> None:
    @lib.tool(handle_tool_error=ValueError)
    def look_up(key: str) -> str:
        """Looks something up."""
        raise KeyError(key)

    with pytest.raises(KeyError):
        driver.invoke(look_up, CALL)
