"""Who is called for an event is found out once, and truthfully."""

from __future__ import annotations

import gc
import weakref
from typing import Any
from unittest.mock import MagicMock

import pytest

from toolrun.callbacks import AsyncCallbackHandler, BaseCallbackHandler, CallbackManager
from toolrun.callbacks._plan import _plans, plan_for
from toolrun.errors import InvalidHandler, UnknownEvent


class Ends(BaseCallbackHandler):
    def __init__(self) -> None:
        self.outputs: list[Any] = []

    def on_tool_end(self, output: Any, **kwargs: Any) -> None:
        self.outputs.append(output)


class AsyncEnds(AsyncCallbackHandler):
    async def on_tool_end(self, output: Any, **kwargs: Any) -> None: ...


def test_an_event_that_nobody_overrides_has_no_table() -> None:
    handlers = (Ends(), AsyncEnds())
    assert plan_for(handlers)["on_tool_start"] is None
    table = plan_for(handlers)["on_tool_end"]
    assert table is not None
    assert [at for at, _ in table.sync] == [0]
    assert [at for at, _ in table.coroutines] == [1]


def test_a_method_set_on_the_instance_is_heard() -> None:
    handler = BaseCallbackHandler()
    handler.on_tool_end = heard = MagicMock(return_value=None)  # type: ignore[method-assign]
    CallbackManager([handler]).on_tool_start({}, "").on_tool_end(7)
    assert heard.call_args.args == (7,)


def test_the_same_handlers_share_a_plan_and_the_plan_goes_with_them() -> None:
    handler = Ends()
    key = id(handler)
    assert plan_for((handler,)) is plan_for((handler,)) is _plans[key]
    del handler
    gc.collect()
    assert key not in _plans


def test_a_plan_keeps_no_handler_alive() -> None:
    handler = Ends()
    CallbackManager([handler]).on_tool_start({}, "").on_tool_end(1)
    alive = weakref.ref(handler)
    del handler
    gc.collect()
    assert alive() is None


@pytest.mark.parametrize("name", ["on_tol_end", "on_tool_ended", "on_llm_new_tokens", "on_chain_ends"])
def test_a_misspelt_event_is_refused_with_the_right_name(name: str) -> None:
    handler = type("Typo", (BaseCallbackHandler,), {name: lambda self, *args, **kwargs: None})()
    with pytest.raises(UnknownEvent, match=rf"Typo\.{name} is no event\. Did you mean 'on_"):
        CallbackManager([handler])


@pytest.mark.parametrize("name", ["on_message", "on_tool_chosen", "on_interrupt", "once"])
def test_other_names_are_left_alone(name: str) -> None:
    CallbackManager([type("Fine", (BaseCallbackHandler,), {name: lambda self: None})()])


@pytest.mark.parametrize(
    ("value", "why"), [(Ends, "pass an instance"), ("console", "no event method"), (None, "no event method")]
)
def test_what_is_no_handler_is_refused_where_it_is_given(value: Any, why: str) -> None:
    with pytest.raises(InvalidHandler, match=why):
        CallbackManager([value])


def test_an_ignore_flag_is_read_at_each_event() -> None:
    class Moody(Ends):
        silent = False

        @property
        def ignore_agent(self) -> bool:
            return self.silent

    handler = Moody()
    manager = CallbackManager([handler])
    manager.on_tool_start({}, "").on_tool_end("heard")
    handler.silent = True
    manager.on_tool_start({}, "").on_tool_end("not heard")
    assert handler.outputs == ["heard"]


class Message:
    type = "human"
    content = "hello"


def test_a_handler_without_chat_models_gets_the_messages_as_text(driver: Any) -> None:
    class Prompts(BaseCallbackHandler):
        def __init__(self) -> None:
            self.prompts: list[str] = []

        def on_llm_start(self, serialized: dict[str, Any], prompts: list[str], **kwargs: Any) -> None:
            self.prompts += prompts

    handler = Prompts()
    start_and_end_chat(driver, handler)
    assert handler.prompts == ["Human: hello"]


def test_a_handler_that_gives_up_on_chat_models_gets_the_messages_as_text_too(driver: Any) -> None:
    class GivesUp(AsyncCallbackHandler):
        def __init__(self) -> None:
            self.prompts: list[str] = []

        async def on_chat_model_start(self, serialized: Any, messages: Any, **kwargs: Any) -> None:
            raise NotImplementedError

        async def on_llm_start(self, serialized: dict[str, Any], prompts: list[str], **kwargs: Any) -> None:
            self.prompts += prompts

    handler = GivesUp()
    start_and_end_chat(driver, handler)
    assert handler.prompts == ["Human: hello"]


def start_and_end_chat(driver: Any, handler: Any) -> None:
    from toolrun.callbacks import AsyncCallbackManager

    async def main() -> None:
        (run,) = await AsyncCallbackManager([handler]).on_chat_model_start({}, [[Message()]])
        await run.on_llm_end(None)

    if driver.is_async:
        driver.run(main())
    else:
        (run,) = CallbackManager([handler]).on_chat_model_start({}, [[Message()]])
        run.on_llm_end(None)


def test_a_handler_method_with_a_yield_is_refused() -> None:
    class Yields(BaseCallbackHandler):
        def on_tool_end(self, output: Any, **kwargs: Any) -> Any:
            yield output

    with pytest.raises(InvalidHandler, match="has a yield"):
        CallbackManager([Yields()])


def test_a_mock_is_a_plain_handler() -> None:
    handler = MagicMock()
    CallbackManager([handler]).on_tool_start({}, "").on_tool_end(7)
    assert handler.on_tool_end.call_args.args == (7,)


def test_a_misspelt_event_is_refused_when_a_manager_is_configured_or_changed() -> None:
    typo = type("Typo", (BaseCallbackHandler,), {"on_tol_end": lambda self: None})()
    with pytest.raises(UnknownEvent):
        CallbackManager.configure([typo])
    with pytest.raises(UnknownEvent):
        CallbackManager([]).handlers = [typo]


def test_one_handler_in_place_of_a_list_is_told_to_go_into_a_list() -> None:
    with pytest.raises(InvalidHandler, match="put it into a list"):
        CallbackManager.configure(Ends())  # type: ignore[arg-type]
