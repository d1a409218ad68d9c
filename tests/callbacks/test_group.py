"""Groups gather runs under one chain run that ends with the block."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from toolrun.callbacks import (
    AsyncCallbackManager,
    BaseCallbackHandler,
    CallbackManager,
    atrace_as_chain_group,
    trace_as_chain_group,
)


class Chains(BaseCallbackHandler):
    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []
        self.parents: list[Any] = []

    def on_chain_start(self, serialized: Any, inputs: Any, *, run_id: Any, **kwargs: Any) -> None:
        self.events.append(("start", run_id))

    def on_chain_end(self, outputs: Any, *, run_id: Any, **kwargs: Any) -> None:
        self.events.append(("end", outputs))

    def on_chain_error(self, error: BaseException, *, run_id: Any, **kwargs: Any) -> None:
        self.events.append(("error", type(error)))

    def on_tool_start(self, serialized: Any, input_str: str, *, parent_run_id: Any, **kwargs: Any) -> None:
        self.parents.append(parent_run_id)


def in_group(driver: Any, handler: Chains, body: Any) -> None:
    """Run `body(group, call)` in a group; `call` awaits under the async driver."""
    if not driver.is_async:
        with trace_as_chain_group("group", CallbackManager([handler], [handler])) as group:
            body(group)
        return

    async def main() -> None:
        manager = AsyncCallbackManager([handler], [handler])
        async with atrace_as_chain_group("group", manager) as group:
            result = body(group)
            if result is not None:
                await result

    driver.run(main())


def test_runs_opened_by_the_group_are_children_of_its_run(driver: Any) -> None:
    handler = Chains()
    in_group(driver, handler, lambda group: group.on_tool_start({}, ""))
    assert handler.parents == [handler.events[0][1]]
    assert handler.events[1:] == [("end", {})]


def test_a_group_ended_by_hand_is_not_ended_again(driver: Any) -> None:
    handler = Chains()
    in_group(driver, handler, lambda group: group.on_chain_end({"answer": 42}))
    assert handler.events[1:] == [("end", {"answer": 42})]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, asyncio.CancelledError])
def test_a_group_that_raises_ends_by_an_error(driver: Any, error: type[BaseException]) -> None:
    handler = Chains()

    def fail(group: Any) -> None:
        raise error

    with pytest.raises(error):
        in_group(driver, handler, fail)
    assert handler.events[1:] == [("error", error)]


def test_merging_and_copying_a_group_keeps_it_a_group() -> None:
    other = BaseCallbackHandler()
    with trace_as_chain_group("group") as group:
        merged = group.merge(CallbackManager([other], inheritable_metadata={"k": 1}))
        assert type(merged) is type(group) is type(group.copy())
        assert merged.parent_run_manager is group.parent_run_manager
        assert (merged.handlers, merged.inheritable_handlers) == ([other], [])
        assert merged.inheritable_metadata == {"k": 1}
