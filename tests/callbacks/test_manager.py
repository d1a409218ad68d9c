"""Managers hold handlers, tags and metadata; both kinds have the same surface."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from toolrun import callbacks
from toolrun.callbacks import (
    AsyncCallbackManager,
    BaseCallbackHandler,
    CallbackManager,
    StdOutCallbackHandler,
)

PAIRS = [name for name in callbacks.__all__ if f"Async{name}" in callbacks.__all__]


@pytest.mark.parametrize("name", PAIRS)
def test_the_async_twin_has_the_same_methods_with_the_same_parameters(name: str) -> None:
    sync, twin = getattr(callbacks, name), getattr(callbacks, f"Async{name}")
    methods = [m for m in dir(sync) if not m.startswith("_") and m != "get_async"]
    assert [m for m in dir(twin) if not m.startswith("_") and m not in {"get_sync", "close"}] == methods
    for method in methods:
        if callable(getattr(sync, method)):
            ours, theirs = inspect.signature(getattr(sync, method)), inspect.signature(getattr(twin, method))
            assert [*map(str, ours.parameters.values())] == [*map(str, theirs.parameters.values())], method


def test_the_pairs_were_found() -> None:
    assert {"CallbackManager", "CallbackManagerForToolRun", "CallbackManagerForChainGroup"} <= set(PAIRS)


def test_a_list_of_handlers_is_inheritable_and_a_manager_keeps_its_split() -> None:
    one, two, three = (BaseCallbackHandler() for _ in range(3))
    assert CallbackManager.configure([one], [two]).inheritable_handlers == [one]
    assert CallbackManager.configure([one], [two]).handlers == [one, two]
    split = CallbackManager([one, two], inheritable_handlers=[two])
    configured = CallbackManager.configure(split, [three])
    assert configured.handlers == [one, two, three]
    assert configured.inheritable_handlers == [two]
    assert split.handlers == [one, two]


def test_a_tuple_of_handlers_does_and_something_else_is_refused() -> None:
    handler = BaseCallbackHandler()
    assert AsyncCallbackManager.configure((handler, handler)).handlers == [handler]
    with pytest.raises(TypeError, match="takes a list of handlers or a callback manager"):
        CallbackManager.configure(42)  # type: ignore[arg-type]


def test_an_async_manager_can_be_configured_from_a_sync_one_and_back() -> None:
    handler = BaseCallbackHandler()
    manager = AsyncCallbackManager.configure(CallbackManager([handler], [handler]))
    assert manager.is_async
    assert manager.handlers == [handler]
    assert not CallbackManager.configure(manager).is_async


def test_verbose_adds_one_printer_for_this_run_only() -> None:
    manager = CallbackManager.configure(None, None, True)
    assert [type(one) for one in manager.handlers] == [StdOutCallbackHandler]
    assert manager.inheritable_handlers == []
    assert len(CallbackManager.configure([StdOutCallbackHandler()], None, True).handlers) == 1


def test_tags_and_metadata_reach_the_start_event_and_only_inheritable_ones_the_child() -> None:
    seen: list[dict[str, Any]] = []

    class Starts(BaseCallbackHandler):
        def on_tool_start(self, serialized: Any, input_str: str, **kwargs: Any) -> None:
            seen.append(kwargs)

    manager = CallbackManager.configure([Starts()], None, False, ["down"], ["here"], {"team": "red"}, {"step": 1})
    run = manager.on_tool_start({}, "")
    run.get_child("child").on_tool_start({}, "")
    assert [one["tags"] for one in seen] == [["down", "here"], ["down", "child"]]
    assert [one["metadata"] for one in seen] == [{"team": "red", "step": 1}, {"team": "red"}]
    assert [one["parent_run_id"] for one in seen] == [None, run.run_id]


def test_changing_a_copy_leaves_the_original_alone() -> None:
    handler = BaseCallbackHandler()
    manager = CallbackManager([], tags=["a"])
    copy = manager.copy()
    copy.add_handler(handler)
    copy.add_tags(["b"])
    copy.add_metadata({"k": 1})
    assert (manager.handlers, manager.tags, manager.metadata) == ([], ["a"], {})
    assert (copy.handlers, copy.tags, copy.metadata) == ([handler], ["a", "b"], {"k": 1})
    copy.remove_handler(handler)
    copy.remove_tags(["a", "b"])
    copy.remove_metadata(["k"])
    assert (copy.handlers, copy.tags, copy.metadata) == ([], [], {})


def test_an_open_run_does_not_see_later_changes_of_its_manager() -> None:
    heard: list[str] = []

    class Texts(BaseCallbackHandler):
        def on_text(self, text: str, **kwargs: Any) -> None:
            heard.append(text)

    manager = CallbackManager([])
    run = manager.on_tool_start({}, "")
    manager.add_handler(Texts())
    run.on_text("early")
    manager.on_tool_start({}, "").on_text("late")
    assert heard == ["late"]


def test_a_noop_manager_takes_everything_and_does_nothing(driver: Any) -> None:
    if driver.is_async:

        async def main() -> None:
            run = callbacks.AsyncCallbackManagerForToolRun.get_noop_manager()
            await run.on_text("x")
            await run.on_tool_end("y")

        driver.run(main())
    else:
        run = callbacks.CallbackManagerForToolRun.get_noop_manager()
        run.on_text("x")
        run.on_tool_end("y")
        assert run.handlers == []


def test_one_run_is_opened_for_each_prompt_and_a_given_id_goes_to_the_first() -> None:
    from toolrun._ids import new_run_id

    run_id = new_run_id()
    runs = CallbackManager([]).on_llm_start({}, ["a", "b", "c"], run_id=run_id)
    assert runs[0].run_id == run_id
    assert len({run.run_id for run in runs}) == 3
