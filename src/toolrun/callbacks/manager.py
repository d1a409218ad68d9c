"""Callback managers: they hold handlers, tags and metadata, and open runs.

`CallbackManager` and `AsyncCallbackManager` have the same methods; the async ones are awaited. The run manager
that opening a run gives back is the handle of that run.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, Generic, Self, TypeAlias, TypeVar
from uuid import UUID

from toolrun.callbacks import _configure
from toolrun.callbacks._plan import plan_for
from toolrun.callbacks._scope import Scope
from toolrun.callbacks.base import BaseCallbackHandler
from toolrun.callbacks.run_manager import (
    AsyncCallbackManagerForChainRun,
    AsyncCallbackManagerForLLMRun,
    AsyncCallbackManagerForRetrieverRun,
    AsyncCallbackManagerForToolRun,
    AsyncParentRunManager,
    AsyncRunManager,
    BaseRunManager,
    CallbackManagerForChainRun,
    CallbackManagerForLLMRun,
    CallbackManagerForRetrieverRun,
    CallbackManagerForToolRun,
    ParentRunManager,
    RunManager,
)

Run = TypeVar("Run", bound=BaseRunManager[Any])
AsyncRun = TypeVar("AsyncRun", bound=AsyncRunManager)
SyncRun = TypeVar("SyncRun", bound=RunManager)

ToolRun = TypeVar("ToolRun")
ChainRun = TypeVar("ChainRun")
LLMRuns = TypeVar("LLMRuns")
RetrieverRun = TypeVar("RetrieverRun")
Sent = TypeVar("Sent")


class BaseCallbackManager:
    """Holds handlers, tags and metadata, each both local and inheritable. Reading gives copies; the methods change."""

    __slots__ = ("_scope",)

    def __init__(
        self,
        handlers: Sequence[Any],
        inheritable_handlers: Sequence[Any] | None = None,
        parent_run_id: UUID | None = None,
        *,
        tags: Sequence[str] | None = None,
        inheritable_tags: Sequence[str] | None = None,
        metadata: dict[str, Any] | None = None,
        inheritable_metadata: dict[str, Any] | None = None,
    ) -> None:
        self._scope = Scope(
            tuple(handlers),
            tuple(inheritable_handlers or ()),
            parent_run_id,
            tuple(tags or ()),
            tuple(inheritable_tags or ()),
            metadata or {},
            inheritable_metadata or {},
        )
        plan_for(self._scope.handlers)  # refuses what is no handler, here and not at the first event

    @classmethod
    def of(cls, scope: Scope) -> Self:
        """A manager for a scope."""
        manager = cls.__new__(cls)
        manager._scope = scope
        return manager

    @property
    def is_async(self) -> bool:
        """Whether the methods that open runs are to be awaited."""
        return False

    @property
    def handlers(self) -> list[Any]:
        """All handlers, in the order in which they are called. To change them use `add_handler` and its like."""
        return list(self._scope.handlers)

    @handlers.setter
    def handlers(self, handlers: Sequence[Any]) -> None:
        plan_for(tuple(handlers))
        self._scope = self._scope._replace(handlers=tuple(handlers))

    @property
    def inheritable_handlers(self) -> list[Any]:
        """The handlers that children get."""
        return list(self._scope.inheritable_handlers)

    @inheritable_handlers.setter
    def inheritable_handlers(self, handlers: Sequence[Any]) -> None:
        self._scope = self._scope._replace(inheritable_handlers=tuple(handlers))

    @property
    def parent_run_id(self) -> UUID | None:
        """The run in which this manager opens runs."""
        return self._scope.parent_run_id

    @property
    def tags(self) -> list[str]:
        """All tags."""
        return list(self._scope.tags)

    @property
    def inheritable_tags(self) -> list[str]:
        """The tags that children get."""
        return list(self._scope.inheritable_tags)

    @property
    def metadata(self) -> dict[str, Any]:
        """All metadata."""
        return dict(self._scope.metadata)

    @property
    def inheritable_metadata(self) -> dict[str, Any]:
        """The metadata that children get."""
        return dict(self._scope.inheritable_metadata)

    def add_handler(self, handler: Any, inherit: bool = True) -> None:
        """Add a handler, unless it is there already."""
        plan_for((handler,))
        self._scope = self._scope.with_handlers((handler,), inherit)

    def remove_handler(self, handler: Any) -> None:
        """Take a handler out; one that is not there does no harm."""
        self._scope = self._scope.without_handler(handler)

    def set_handlers(self, handlers: Sequence[Any], inherit: bool = True) -> None:
        """Replace all handlers."""
        handlers = tuple(handlers)
        plan_for(handlers)
        self._scope = self._scope._replace(handlers=handlers, inheritable_handlers=handlers if inherit else ())

    def set_handler(self, handler: Any, inherit: bool = True) -> None:
        """Replace all handlers by one."""
        self.set_handlers([handler], inherit)

    def add_tags(self, tags: Sequence[str], inherit: bool = True) -> None:
        """Add tags, each once."""
        self._scope = self._scope.with_tags(tags, inherit)

    def remove_tags(self, tags: Sequence[str]) -> None:
        """Take tags out."""
        self._scope = self._scope.without_tags(tags)

    def add_metadata(self, metadata: dict[str, Any], inherit: bool = True) -> None:
        """Add metadata; a later value of a key wins."""
        self._scope = self._scope.with_metadata(metadata, inherit)

    def remove_metadata(self, keys: Sequence[str]) -> None:
        """Take keys out of the metadata."""
        self._scope = self._scope.without_metadata(keys)

    def copy(self) -> Self:
        """A manager of the same kind that can be changed without changing this one."""
        return self.of(self._scope)

    def merge(self, other: BaseCallbackManager) -> Self:
        """Both together, in order, each handler once; local stays local. This manager's parent wins."""
        return self.of(self._scope.merge(other._scope))


Callbacks: TypeAlias = Sequence[BaseCallbackHandler] | BaseCallbackManager | None
"""What every `callbacks` argument takes: handlers, which children inherit, or a manager with a split of its own."""


class _Opens(BaseCallbackManager, Generic[ToolRun, ChainRun, LLMRuns, RetrieverRun, Sent]):
    """The runs that a manager can open, declared once for both drivers."""

    __slots__ = ()

    _tool_run: type[BaseRunManager[Any]]
    _chain_run: type[BaseRunManager[Any]]
    _llm_run: type[BaseRunManager[Any]]
    _retriever_run: type[BaseRunManager[Any]]

    @classmethod
    def configure(
        cls,
        inheritable_callbacks: Callbacks = None,
        local_callbacks: Callbacks = None,
        verbose: bool = False,
        inheritable_tags: Sequence[str] | None = None,
        local_tags: Sequence[str] | None = None,
        inheritable_metadata: dict[str, Any] | None = None,
        local_metadata: dict[str, Any] | None = None,
        **_langsmith: Any,
    ) -> Self:
        """A manager from what a caller passes down and what is meant for this run alone.

        A list counts as inheritable in `inheritable_callbacks`; a manager brings its own split. `verbose` adds a
        `StdOutCallbackHandler`. Handlers from `register_configure_hook` come last. Keywords for LangSmith are ignored.
        """
        scope = _configure.combine(inheritable_callbacks, local_callbacks, verbose)
        if inheritable_tags or local_tags:
            scope = scope.with_tags(inheritable_tags or (), True).with_tags(local_tags or (), False)
        if inheritable_metadata or local_metadata:
            scope = scope.with_metadata(inheritable_metadata or {}, True).with_metadata(local_metadata or {}, False)
        plan_for(scope.handlers)  # refuses what is no handler, here and not at the first event
        return cls.of(scope)

    def _open(
        self,
        kind: type[BaseRunManager[Any]],
        event: str,
        args: tuple[Any, ...],
        run_id: UUID | None,
        parent_run_id: UUID | None,
        kwargs: dict[str, Any],
        common: dict[str, Any] | None,
    ) -> Any:
        """Open a run and send its start event."""
        scope = self._scope
        if parent_run_id is not None and parent_run_id != scope.parent_run_id:
            scope = scope._replace(parent_run_id=parent_run_id)
        kwargs["metadata"] = dict(scope.metadata)
        return self._start(partial(kind.of, scope, run_id, common), event, args, kwargs)

    def _start(self, opened: Callable[[], Any], event: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        raise NotImplementedError

    def _all(self, runs: list[Any]) -> Any:
        raise NotImplementedError

    def on_tool_start(
        self,
        serialized: dict[str, Any] | None,
        input_str: str,
        run_id: UUID | None = None,
        parent_run_id: UUID | None = None,
        inputs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> ToolRun:
        """Open a tool run. `tool_call_id=` goes with all of its events. If a handler makes the start event raise,
        the run is ended by `on_tool_error` first."""
        common = {"tool_call_id": kwargs["tool_call_id"]} if "tool_call_id" in kwargs else None
        kwargs["inputs"] = inputs
        args = (serialized or {}, input_str)
        opened: ToolRun = self._open(self._tool_run, "on_tool_start", args, run_id, parent_run_id, kwargs, common)
        return opened

    def on_chain_start(
        self,
        serialized: dict[str, Any] | None,
        inputs: Any,
        run_id: UUID | None = None,
        parent_run_id: UUID | None = None,
        **kwargs: Any,
    ) -> ChainRun:
        """Open a chain run."""
        args = (serialized, inputs)
        opened: ChainRun = self._open(self._chain_run, "on_chain_start", args, run_id, parent_run_id, kwargs, None)
        return opened

    def on_retriever_start(
        self,
        serialized: dict[str, Any] | None,
        query: str,
        run_id: UUID | None = None,
        parent_run_id: UUID | None = None,
        **kwargs: Any,
    ) -> RetrieverRun:
        """Open a retriever run."""
        args = (serialized or {}, query)
        opened: RetrieverRun = self._open(
            self._retriever_run, "on_retriever_start", args, run_id, parent_run_id, kwargs, None
        )
        return opened

    def on_llm_start(
        self, serialized: dict[str, Any], prompts: Sequence[str], run_id: UUID | None = None, **kwargs: Any
    ) -> LLMRuns:
        """Open one LLM run a prompt; a given `run_id` goes to the first."""
        return self._open_each("on_llm_start", serialized, prompts, run_id, kwargs)

    def on_chat_model_start(
        self, serialized: dict[str, Any], messages: Sequence[list[Any]], run_id: UUID | None = None, **kwargs: Any
    ) -> LLMRuns:
        """Open one LLM run a list of messages; a given `run_id` goes to the first."""
        return self._open_each("on_chat_model_start", serialized, messages, run_id, kwargs)

    def _open_each(
        self, event: str, serialized: dict[str, Any], inputs: Sequence[Any], run_id: UUID | None, kwargs: dict[str, Any]
    ) -> LLMRuns:
        ids = [run_id, *[None] * len(inputs)]
        opened: LLMRuns = self._all(
            [
                self._open(self._llm_run, event, (serialized, [one]), run_id, None, dict(kwargs), None)
                for one, run_id in zip(inputs, ids, strict=False)
            ]
        )
        return opened

    def on_custom_event(self, name: str, data: Any, run_id: UUID | None = None, **kwargs: Any) -> Sent:
        """Send an event of the caller's own kind to these handlers. No other keywords are taken."""
        if kwargs and self._scope.handlers:
            raise ValueError(f"on_custom_event takes no further keywords, got {sorted(kwargs)}: put them into data.")
        run = self._chain_run.of(self._scope, run_id or self._scope.parent_run_id)
        sent: Sent = run.on_custom_event(name, data)
        return sent


class CallbackManager(
    _Opens[
        CallbackManagerForToolRun,
        CallbackManagerForChainRun,
        list[CallbackManagerForLLMRun],
        CallbackManagerForRetrieverRun,
        None,
    ]
):
    """Opens runs for sync callers: each call returns when the handlers have had the event."""

    __slots__ = ()

    _tool_run = CallbackManagerForToolRun
    _chain_run = CallbackManagerForChainRun
    _llm_run = CallbackManagerForLLMRun
    _retriever_run = CallbackManagerForRetrieverRun

    def _start(
        self, opened: Callable[[], RunManager], event: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> RunManager:
        run = opened()
        try:
            run.send(event, args, kwargs)
        except BaseException as error:
            run._fail(_error_event(event), error, {})
            raise
        return run

    def _all(self, runs: list[Any]) -> Any:
        return runs


class AsyncCallbackManager(
    _Opens[
        Coroutine[Any, Any, AsyncCallbackManagerForToolRun],
        Coroutine[Any, Any, AsyncCallbackManagerForChainRun],
        Coroutine[Any, Any, list[AsyncCallbackManagerForLLMRun]],
        Coroutine[Any, Any, AsyncCallbackManagerForRetrieverRun],
        Coroutine[Any, Any, None],
    ]
):
    """Opens runs for async callers: awaited, and the event loop is never held meanwhile."""

    __slots__ = ()

    _tool_run = AsyncCallbackManagerForToolRun
    _chain_run = AsyncCallbackManagerForChainRun
    _llm_run = AsyncCallbackManagerForLLMRun
    _retriever_run = AsyncCallbackManagerForRetrieverRun

    @property
    def is_async(self) -> bool:
        """Whether the methods that open runs are to be awaited."""
        return True

    async def _start(
        self, opened: Callable[[], AsyncRunManager], event: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> AsyncRunManager:
        run = opened()
        try:
            await run.send(event, args, kwargs)
        except GeneratorExit as error:
            run.close(_error_event(event), error)
            raise
        except BaseException as error:
            await run._fail(_error_event(event), error, {})
            raise
        return run

    async def _all(self, runs: list[Coroutine[Any, Any, Any]]) -> list[Any]:
        return [await run for run in runs]


ParentRunManager._child_manager = CallbackManager
AsyncParentRunManager._child_manager = AsyncCallbackManager


def _error_event(start_event: str) -> str:
    """The event that ends, by an exception, a run that this event opened."""
    kind = start_event.removeprefix("on_").removesuffix("_start").replace("chat_model", "llm")
    return f"on_{kind}_error"
