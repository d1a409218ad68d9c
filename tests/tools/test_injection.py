"""What toolrun fills in itself: the config, the run manager, the manager for children."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from toolrun.callbacks import (
    AsyncCallbackManager,
    AsyncCallbackManagerForToolRun,
    BaseCallbackManager,
    CallbackManager,
    CallbackManagerForToolRun,
    Callbacks,
    current_run,
)
from toolrun.testing import RecordingHandler
from toolrun.tools import BaseTool, RunConfig, StructuredTool, tool


@tool
def leaf(n: int) -> int:
    """Do."""
    return n


@tool
def passes_config(n: int, settings: RunConfig) -> Any:
    """Do."""
    return leaf.invoke({"n": n}, settings)


@tool
def passes_callbacks(n: int, callbacks: Callbacks = None) -> Any:
    """Do."""
    return leaf.invoke({"n": n}, {"callbacks": callbacks})


@tool
def passes_callbacks_by_another_name(n: int, listeners: Callbacks = None) -> Any:
    """Do."""
    return leaf.invoke({"n": n}, {"callbacks": listeners})


@tool
def passes_bare_callbacks(n: int, callbacks) -> Any:  # type: ignore[no-untyped-def]
    """Do."""
    return leaf.invoke({"n": n}, {"callbacks": callbacks})


@tool
def passes_run_manager(n: int, run_manager: CallbackManagerForToolRun) -> Any:
    """Do."""
    return leaf.invoke({"n": n}, {"callbacks": run_manager.get_child("tagged")})


@tool
def passes_nothing(n: int) -> Any:
    """Do."""
    return leaf.invoke({"n": n})


@tool
async def passes_config_async(n: int, settings: RunConfig) -> Any:
    """Do."""
    return await leaf.ainvoke({"n": n}, settings)


@tool
async def passes_run_manager_async(n: int, run_manager: AsyncCallbackManagerForToolRun) -> Any:
    """Do."""
    return await leaf.ainvoke({"n": n}, {"callbacks": run_manager.get_child()})


@tool
async def passes_nothing_async(n: int) -> Any:
    """Do."""
    return await leaf.ainvoke({"n": n})


PARENTS = [
    passes_config,
    passes_callbacks,
    passes_callbacks_by_another_name,
    passes_bare_callbacks,
    passes_run_manager,
    passes_nothing,
    passes_config_async,
    passes_run_manager_async,
    passes_nothing_async,
]


@pytest.mark.parametrize("parent", PARENTS, ids=lambda one: one.name)
def test_a_call_inside_a_tool_is_its_child(driver: Any, parent: BaseTool) -> None:
    handler = RecordingHandler()
    assert driver.invoke(parent, {"n": 3}, {"callbacks": [handler], "tags": ["given"]}) == 3
    outer, inner = handler.named("on_tool_start")
    assert inner.parent_run_id == outer.run_id
    assert outer.parent_run_id is None
    assert "given" in inner.keywords["tags"]
    assert handler.names == ["on_tool_start", "on_tool_start", "on_tool_end", "on_tool_end"]


@pytest.mark.parametrize("parent", PARENTS, ids=lambda one: one.name)
def test_what_is_filled_in_is_no_argument(parent: BaseTool) -> None:
    assert list(parent.args) == ["n"]


def kind_of_config(settings: RunConfig | None = None) -> Any:
    """Do."""
    return settings


def test_the_config_is_the_childs_and_not_the_callers(driver: Any) -> None:
    subject = StructuredTool.from_function(kind_of_config)
    run_id = UUID(int=7)
    given: RunConfig = {
        "run_id": run_id,
        "run_name": "one call's",
        "tags": ["t"],
        "metadata": {"m": 1},
        "configurable": {"user": "ann"},
        "engine": "inline",
        "callbacks": [RecordingHandler()],
    }
    config = driver.invoke(subject, {}, given)
    manager = config.pop("callbacks")
    assert isinstance(manager, CallbackManager)
    assert manager.parent_run_id == run_id
    assert config == {"tags": ["t"], "metadata": {"m": 1}, "configurable": {"user": "ann"}}


@pytest.mark.parametrize("given", [None, {}, {"tags": None, "metadata": None, "configurable": None}])
def test_tags_metadata_and_configurable_are_always_there(driver: Any, given: Any) -> None:
    config = driver.invoke(StructuredTool.from_function(kind_of_config), {}, given)
    assert config.pop("callbacks") is not None
    assert config == {"tags": [], "metadata": {}, "configurable": {}}


def test_an_async_tool_gets_an_async_manager_whoever_calls_it(driver: Any) -> None:
    @tool
    async def kinds(config: RunConfig, run_manager, callbacks: BaseCallbackManager) -> Any:  # type: ignore[no-untyped-def]
        """Do."""
        return type(config["callbacks"]), type(run_manager), type(callbacks), type(current_run())

    manager, run = AsyncCallbackManager, AsyncCallbackManagerForToolRun
    assert driver.invoke(kinds, {}) == (manager, run, manager, run)


def test_a_sync_tool_gets_a_sync_manager_whoever_calls_it(driver: Any) -> None:
    @tool
    def kinds(config: RunConfig, run_manager, callbacks: BaseCallbackManager) -> Any:  # type: ignore[no-untyped-def]
        """Do."""
        return type(config["callbacks"]), type(run_manager), type(callbacks), type(current_run())

    manager, run = CallbackManager, CallbackManagerForToolRun
    assert driver.invoke(kinds, {}) == (manager, run, manager, run)


def test_configurable_is_handed_on_to_calls_inside(driver: Any) -> None:
    inner = StructuredTool.from_function(kind_of_config, name="inner")

    @tool
    def outer() -> Any:
        """Do."""
        first = inner.invoke({})["configurable"]
        second = inner.invoke({}, {"configurable": {"b": 3}})["configurable"]
        return first, second

    assert driver.invoke(outer, {}, {"configurable": {"a": 1, "b": 2}}) == ({"a": 1, "b": 2}, {"a": 1, "b": 3})


@tool
def ordinary(config: str, callbacks: list[str], run_manager: int = 0) -> Any:
    """Do."""
    return config, callbacks, run_manager


def test_arguments_that_happen_to_have_such_a_name_are_ordinary(driver: Any) -> None:
    assert list(ordinary.args) == ["config", "callbacks", "run_manager"]
    assert driver.invoke(ordinary, {"config": "c", "callbacks": ["x"], "run_manager": "3"}) == ("c", ["x"], 3)
    handler = RecordingHandler()
    driver.invoke(ordinary, {"config": "c", "callbacks": ["x"]}, {"callbacks": [handler]})
    assert handler.events[0].keywords["inputs"] == {"config": "c", "callbacks": ["x"]}


def test_a_subclass_around_a_function_hands_on_what_is_filled_in(driver: Any) -> None:
    class Around(StructuredTool):
        def _run(self, *args: Any, config: RunConfig, run_manager: CallbackManagerForToolRun, **kwargs: Any) -> Any:
            return ["around", super()._run(*args, config=config, run_manager=run_manager, **kwargs)]

    handler = RecordingHandler()
    subject = Around.from_function(passes_callbacks.func)
    assert driver.invoke(subject, {"n": 3}, {"callbacks": [handler]}) == ["around", 3]
    outer, inner = handler.named("on_tool_start")
    assert inner.parent_run_id == outer.run_id
