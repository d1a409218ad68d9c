"""Plans: who is to be called for an event, found out once for a tuple of handlers.

A `Plan` holds one `Table` per event, compiled when the event first happens. Tables name handlers by their
position and hold plain functions, so a cached plan keeps no handler alive; it goes when one of its handlers goes.

    Table.sync        sync handlers, in order          (sync manager: called in the caller's thread)
    Table.inline      those with `run_inline`          (async manager: in the caller's task, sync and async)
    Table.blocking    the other sync handlers          (async manager: off the loop, all in one hop)
    Table.tasks       the other async handlers         (async manager: on the loop, concurrently)
    Table.coroutines  all async handlers               (sync manager: on the background loop)
    Table.lanes       those with `background`
"""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from toolrun.callbacks import _chat
from toolrun.callbacks._events import Heard
from toolrun.callbacks._lane import Lane, lane_of
from toolrun.callbacks.base import (
    EVENTS,
    AsyncCallbackHandler,
    BaseCallbackHandler,
    ChainManagerMixin,
    LLMManagerMixin,
    RetrieverManagerMixin,
    ToolManagerMixin,
)
from toolrun.errors import InvalidHandler, UnknownEvent

Call = tuple[int, Heard]


@dataclass(slots=True)
class Table:
    """Who hears one event, by how they are called."""

    sync: tuple[Call, ...] = ()
    inline: tuple[tuple[int, Heard, bool], ...] = ()
    blocking: tuple[Call, ...] = ()
    tasks: tuple[Call, ...] = ()
    coroutines: tuple[Call, ...] = ()
    lanes: tuple[tuple[int, Heard, Lane], ...] = ()
    only_sync: bool = False
    hands_off: bool = False


def _ignore_flag(event: str) -> str | None:
    if event == "on_retry":
        return "ignore_retry"
    if event == "on_custom_event":
        return "ignore_custom_event"
    if event == "on_chat_model_start":
        return "ignore_chat_model"
    if event in vars(ToolManagerMixin) or event in {"on_tool_start", "on_agent_action", "on_agent_finish"}:
        return "ignore_agent"
    if event in vars(ChainManagerMixin) or event == "on_chain_start":
        return "ignore_chain"
    if event in vars(LLMManagerMixin) or event == "on_llm_start":
        return "ignore_llm"
    if event in vars(RetrieverManagerMixin) or event == "on_retriever_start":
        return "ignore_retriever"
    return None


IGNORE_FLAGS = {event: flag for event in EVENTS if (flag := _ignore_flag(event))}
"""Which property of a handler silences which event."""

_UNHEARD = {getattr(kind, event) for kind in (BaseCallbackHandler, AsyncCallbackHandler) for event in EVENTS}


def declare_unheard(kind: type) -> None:
    """Take what this base of another library's handlers declares for what a handler does not hear."""
    _UNHEARD.update(method for event in EVENTS if (method := getattr(kind, event, None)))


def is_overridden(handler: Any, event: str) -> bool:
    """Whether the handler has a method of its own for the event."""
    method = getattr(handler, event, None)
    return method is not None and getattr(method, "__func__", method) not in _UNHEARD


def _refuse_misspelt(kind: type) -> None:
    unknown = [name for name in dir(kind) if name.startswith("on_") and name not in EVENTS]
    if unknown:
        from difflib import get_close_matches

        for name in unknown:
            if nearest := get_close_matches(name, EVENTS, 1, cutoff=0.9):
                raise UnknownEvent(kind, name, nearest[0])


def _refuse_generators(kind: type, handler: Any) -> None:
    for event in EVENTS:
        method = getattr(kind, event, None)
        if inspect.isgeneratorfunction(method) or inspect.isasyncgenfunction(method):
            raise InvalidHandler(handler, f"its {event} has a yield, so calling it would do nothing")


_checked: weakref.WeakSet[type] = weakref.WeakSet()


def check_handler(handler: Any) -> None:
    """Refuse what is no handler, and a handler with a misspelt event; each class is looked at once."""
    kind = type(handler)
    if kind in _checked:
        return
    if isinstance(handler, type) or not any(hasattr(handler, event) for event in EVENTS):
        raise InvalidHandler(handler)
    _refuse_misspelt(kind)
    _refuse_generators(kind, handler)
    _checked.add(kind)


def _guarded(function: Heard, flag: str) -> Heard:
    """The function, silent while the handler's flag is set; flags may change, so they are read each time."""
    if inspect.iscoroutinefunction(function):

        async def heard_async(handler: Any, *args: Any, **kwargs: Any) -> Any:
            if not getattr(handler, flag):
                await function(handler, *args, **kwargs)

        return heard_async

    def heard(handler: Any, *args: Any, **kwargs: Any) -> Any:
        return None if getattr(handler, flag) else function(handler, *args, **kwargs)

    return heard


def _as_function(handler: Any, event: str) -> Heard:
    """The handler's method as a function of (handler, ...), also where it was set on the instance."""
    method = getattr(handler, event)
    if getattr(method, "__self__", None) is handler and hasattr(method, "__func__"):
        function: Heard = method.__func__
        return function
    if inspect.iscoroutinefunction(method):

        async def call_async(handler: Any, *args: Any, **kwargs: Any) -> Any:
            return await getattr(handler, event)(*args, **kwargs)

        return call_async

    def call(handler: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(handler, event)(*args, **kwargs)

    return call


def _heard(handler: Any, event: str) -> Heard | None:
    """How this handler hears this event; None if it does not."""
    if event == "on_chat_model_start":
        function = _chat.start_function(
            _as_function(handler, event) if is_overridden(handler, event) else None,
            _as_function(handler, "on_llm_start") if is_overridden(handler, "on_llm_start") else None,
        )
    else:
        function = _as_function(handler, event) if is_overridden(handler, event) else None
    flag = IGNORE_FLAGS.get(event)
    if function is None or flag is None:
        return function
    if inspect.getattr_static(handler, flag, None) in (None, vars(BaseCallbackHandler)[flag]):
        return function
    return _guarded(function, flag)


def _compile(handlers: tuple[Any, ...], event: str) -> Table | None:
    sync: list[Call] = []
    inline: list[tuple[int, Heard, bool]] = []
    blocking: list[Call] = []
    tasks: list[Call] = []
    coroutines: list[Call] = []
    lanes: list[tuple[int, Heard, Lane]] = []
    for position, handler in enumerate(handlers):
        function = _heard(handler, event)
        if function is None:
            continue
        if getattr(handler, "background", False) is True:
            lanes.append((position, function, lane_of(handler)))
            continue
        is_async = inspect.iscoroutinefunction(function)
        call = (position, function)
        (coroutines if is_async else sync).append(call)
        if getattr(handler, "run_inline", False) is True:
            inline.append((*call, is_async))
        else:
            (tasks if is_async else blocking).append(call)
    if not (sync or coroutines or lanes):
        return None
    return Table(
        tuple(sync),
        tuple(inline),
        tuple(blocking),
        tuple(tasks),
        tuple(coroutines),
        tuple(lanes),
        only_sync=not (coroutines or lanes),
        hands_off=bool(blocking or lanes),
    )


def _reference(handler: Any, forget: Callable[[Any], object]) -> Callable[[], Any]:
    try:
        return weakref.ref(handler, forget)
    except TypeError:
        raise InvalidHandler(handler, "it takes no weak references: add '__weakref__' to its __slots__") from None


class Plan(dict[str, "Table | None"]):
    """The tables of a tuple of handlers by event, each compiled when first looked up; None if nobody hears it."""

    __slots__ = ("_handlers",)

    def __init__(self, handlers: tuple[Any, ...], forget: Callable[[Any], object]) -> None:
        for handler in handlers:
            check_handler(handler)
        self._handlers = [_reference(handler, forget) for handler in handlers]

    def __missing__(self, event: str) -> Table | None:
        handlers = tuple(handler() for handler in self._handlers)
        table = self[event] = _compile(handlers, event)
        return table


_plans: dict[Any, Plan] = {}


def plan_for(handlers: tuple[Any, ...]) -> Plan:
    """The plan of these very handlers, cached as long as all of them live."""
    key = id(handlers[0]) if len(handlers) == 1 else tuple(map(id, handlers))
    plan = _plans.get(key)
    return plan if plan is not None else _new_plan(handlers, key)


def _new_plan(handlers: tuple[Any, ...], key: Any) -> Plan:
    def forget(_: Any) -> None:
        _plans.pop(key, None)

    plan = _plans[key] = Plan(handlers, forget)
    return plan
