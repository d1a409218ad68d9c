"""Run managers: the handle of one open run, for the code that runs in it.

Each kind of run says once which events it has; the sync and the async manager differ only in what `send` returns:
nothing, or a coroutine to await. Events that come after the terminal one are dropped.
"""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar
from uuid import UUID

from toolrun.callbacks._deliver_async import AsyncDelivery
from toolrun.callbacks._deliver_sync import SyncDelivery
from toolrun.callbacks._scope import EMPTY, Scope
from toolrun.run import OK, RUNNING, RunStatus, status_of

if TYPE_CHECKING:
    from tenacity import RetryCallState

    from toolrun.callbacks.manager import AsyncCallbackManager, CallbackManager

Sent = TypeVar("Sent")
"""What sending an event gives back: None, or a coroutine."""

Awaited = Coroutine[Any, Any, None]
Delivery = SyncDelivery | AsyncDelivery


class BaseRunManager(Generic[Sent]):
    """What every run manager has: the run's ids, handlers, tags and metadata, and the events of any run.

    A run manager is a view of the run; its state is in the delivery, which all faces of the run share.
    """

    __slots__ = ("_delivery",)

    _delivery: Delivery

    def __init__(
        self,
        *,
        run_id: UUID,
        handlers: Sequence[Any],
        inheritable_handlers: Sequence[Any],
        parent_run_id: UUID | None = None,
        tags: Sequence[str] | None = None,
        inheritable_tags: Sequence[str] | None = None,
        metadata: dict[str, Any] | None = None,
        inheritable_metadata: dict[str, Any] | None = None,
    ) -> None:
        scope = Scope(
            tuple(handlers),
            tuple(inheritable_handlers),
            parent_run_id,
            tuple(tags or ()),
            tuple(inheritable_tags or ()),
            metadata or {},
            inheritable_metadata or {},
        )
        self._delivery = self._new_delivery(scope, run_id)

    _new_delivery: ClassVar[type[SyncDelivery | AsyncDelivery]]

    @classmethod
    def of(cls, scope: Scope, run_id: UUID | None = None, common: dict[str, Any] | None = None) -> Self:
        """Open a run in a scope; `common` are keywords that all of its events carry beside ids and tags."""
        run = cls.__new__(cls)
        run._delivery = cls._new_delivery(scope, run_id, common)
        return run

    def _as(self, kind: type[BaseRunManager[Any]]) -> Any:
        """Another face of the same run: sync or async, as the caller needs it."""
        face = kind.__new__(kind)
        face._delivery = self._delivery
        return face

    @classmethod
    def get_noop_manager(cls) -> Self:
        """A manager that nobody listens to."""
        return cls.of(EMPTY)

    @property
    def run_id(self) -> UUID:
        """The id of this run."""
        return self._delivery.run_id

    @property
    def parent_run_id(self) -> UUID | None:
        """The run that this one happens in."""
        return self._delivery.scope.parent_run_id

    @property
    def handlers(self) -> list[Any]:
        """The handlers of this run."""
        return list(self._delivery.handlers)

    @property
    def inheritable_handlers(self) -> list[Any]:
        """The handlers that child runs get."""
        return list(self._delivery.scope.inheritable_handlers)

    @property
    def tags(self) -> list[str]:
        """The tags of this run."""
        return list(self._delivery.scope.tags)

    @property
    def inheritable_tags(self) -> list[str]:
        """The tags that child runs get."""
        return list(self._delivery.scope.inheritable_tags)

    @property
    def metadata(self) -> dict[str, Any]:
        """The metadata of this run."""
        return dict(self._delivery.scope.metadata)

    @property
    def inheritable_metadata(self) -> dict[str, Any]:
        """The metadata that child runs get."""
        return dict(self._delivery.scope.inheritable_metadata)

    @property
    def status(self) -> RunStatus:
        """How the run stands."""
        return self._delivery.status

    @property
    def cancelled(self) -> bool:
        """Whether the run is asked to stop. A tool that loops should look at it and return early."""
        return self._delivery.cancelled

    def child_scope(self, tag: str | None = None) -> Scope:
        """What runs inside this one start from."""
        return self._delivery.scope.child(self._delivery.run_id, tag)

    def send(self, event: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Sent:
        """Send an event of this name with these arguments and keywords, whatever the state of the run."""
        raise NotImplementedError

    def _skip(self) -> Sent:
        raise NotImplementedError

    def _tell(self, event: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Sent:
        """Send an event of an open run."""
        if self._delivery.status is not RUNNING:
            return self._skip()
        return self.send(event, args, kwargs)

    def end(self, event: str, status: RunStatus, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Sent:
        """Send a terminal event, once: what comes later is dropped."""
        if not self._delivery.end(status):
            return self._skip()
        return self.send(event, args, kwargs)

    def _fail(self, event: str, error: BaseException, kwargs: dict[str, Any]) -> Sent:
        return self.end(event, status_of(error), (error,), kwargs)

    def on_text(self, text: str, **kwargs: Any) -> Sent:
        """Say something."""
        return self._tell("on_text", (text,), kwargs)

    def on_retry(self, retry_state: RetryCallState, **kwargs: Any) -> Sent:
        """Say that an attempt failed and another one follows."""
        return self._tell("on_retry", (retry_state,), kwargs)

    def on_custom_event(self, name: str, data: Any, **kwargs: Any) -> Sent:
        """Send an event of the caller's own kind, as part of this run."""
        return self._tell("on_custom_event", (name, data), kwargs)


class _ToolRun(BaseRunManager[Sent]):
    __slots__ = ()

    def on_tool_progress(
        self, progress: float, total: float | None = None, message: str | None = None, **kwargs: Any
    ) -> Sent:
        """Say how far the tool is: `progress` of `total`, in any unit."""
        return self._tell("on_tool_progress", (progress, total, message), kwargs)

    def on_tool_output(self, chunk: Any, **kwargs: Any) -> Sent:
        """Hand on a part of the output."""
        return self._tell("on_tool_output", (chunk,), kwargs)

    def on_tool_end(self, output: Any, **kwargs: Any) -> Sent:
        """End the run with its output."""
        return self.end("on_tool_end", OK, (output,), kwargs)

    def on_tool_error(self, error: BaseException, **kwargs: Any) -> Sent:
        """End the run with an exception; one that only pauses the agent is sent with `paused=True`."""
        if status_of(error) is RunStatus.PAUSED:
            kwargs["paused"] = True
        return self._fail("on_tool_error", error, kwargs)


class _ChainRun(BaseRunManager[Sent]):
    __slots__ = ()

    def on_chain_end(self, outputs: Any, **kwargs: Any) -> Sent:
        """End the run with its outputs."""
        return self.end("on_chain_end", OK, (outputs,), kwargs)

    def on_chain_error(self, error: BaseException, **kwargs: Any) -> Sent:
        """End the run with an exception."""
        return self._fail("on_chain_error", error, kwargs)

    def on_agent_action(self, action: Any, **kwargs: Any) -> Sent:
        """Say what the agent does next."""
        return self._tell("on_agent_action", (action,), kwargs)

    def on_agent_finish(self, finish: Any, **kwargs: Any) -> Sent:
        """Say that the agent is done; the run itself goes on to its end."""
        return self._tell("on_agent_finish", (finish,), kwargs)


class _LLMRun(BaseRunManager[Sent]):
    __slots__ = ()

    def on_llm_new_token(self, token: str, *, chunk: Any = None, **kwargs: Any) -> Sent:
        """Hand on a token."""
        return self._tell("on_llm_new_token", (token,), {"chunk": chunk, **kwargs})

    def on_stream_event(self, event: Any, **kwargs: Any) -> Sent:
        """Hand on an event of the model's streaming protocol."""
        return self._tell("on_stream_event", (event,), kwargs)

    def on_llm_end(self, response: Any, **kwargs: Any) -> Sent:
        """End the run with the model's response."""
        return self.end("on_llm_end", OK, (response,), kwargs)

    def on_llm_error(self, error: BaseException, **kwargs: Any) -> Sent:
        """End the run with an exception; `response=` holds what had come."""
        return self._fail("on_llm_error", error, kwargs)


class _RetrieverRun(BaseRunManager[Sent]):
    __slots__ = ()

    def on_retriever_end(self, documents: Sequence[Any], **kwargs: Any) -> Sent:
        """End the run with what was found."""
        return self.end("on_retriever_end", OK, (documents,), kwargs)

    def on_retriever_error(self, error: BaseException, **kwargs: Any) -> Sent:
        """End the run with an exception."""
        return self._fail("on_retriever_error", error, kwargs)


class RunManager(BaseRunManager[None]):
    """The sync driver: an event is delivered when the call returns."""

    __slots__ = ()

    _new_delivery = SyncDelivery

    def send(self, event: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._delivery.deliver(event, args, kwargs)

    def _skip(self) -> None:
        return None


class AsyncRunManager(BaseRunManager[Awaited]):
    """The async driver: an event is delivered when the await returns, and the loop is never held meanwhile."""

    __slots__ = ()

    _new_delivery = AsyncDelivery

    def send(self, event: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Awaited:
        return self._delivery.send(event, args, kwargs)

    async def _skip(self) -> None:
        return None

    def close(self, event: str, error: BaseException, kwargs: dict[str, Any] | None = None) -> None:
        """End the run where nothing can be awaited (`GeneratorExit`): sync handlers now, async ones on the loop."""
        if self._delivery.end(status_of(error)):
            self._delivery.deliver_at_once(event, (error,), kwargs or {})


class ParentRunManager(RunManager):
    """A sync run that can have children."""

    __slots__ = ()

    _child_manager: ClassVar[type[CallbackManager]]  # set in manager.py, which stands above this file

    def get_child(self, tag: str | None = None) -> CallbackManager:
        """A manager for runs inside this one; `tag` is for them alone, not for their children."""
        return self._child_manager.of(self.child_scope(tag))


class AsyncParentRunManager(AsyncRunManager):
    """An async run that can have children."""

    __slots__ = ()

    _child_manager: ClassVar[type[AsyncCallbackManager]]

    def get_child(self, tag: str | None = None) -> AsyncCallbackManager:
        """A manager for runs inside this one; `tag` is for them alone, not for their children."""
        return self._child_manager.of(self.child_scope(tag))


class CallbackManagerForToolRun(_ToolRun[None], ParentRunManager):
    """The handle of a tool run, sync: its caller waits until the handlers have had each event."""

    __slots__ = ()

    def get_async(self) -> AsyncCallbackManagerForToolRun:
        """The same run for a coroutine that a sync caller waits for; its events are delivered from a thread."""
        face: AsyncCallbackManagerForToolRun = self._as(AsyncCallbackManagerForToolRun)
        return face


class AsyncCallbackManagerForToolRun(_ToolRun[Awaited], AsyncParentRunManager):
    """The handle of a tool run, async."""

    __slots__ = ()

    def get_sync(self) -> CallbackManagerForToolRun:
        """The same run for sync code, in any thread. Events are delivered by the loop of the run."""
        face: CallbackManagerForToolRun = self._as(CallbackManagerForToolRun)
        return face


class CallbackManagerForChainRun(_ChainRun[None], ParentRunManager):
    """The handle of a chain run, sync."""

    __slots__ = ()


class AsyncCallbackManagerForChainRun(_ChainRun[Awaited], AsyncParentRunManager):
    """The handle of a chain run, async."""

    __slots__ = ()

    def get_sync(self) -> CallbackManagerForChainRun:
        """The same run for sync code, in any thread."""
        face: CallbackManagerForChainRun = self._as(CallbackManagerForChainRun)
        return face


class CallbackManagerForLLMRun(_LLMRun[None], RunManager):
    """The handle of an LLM run, sync."""

    __slots__ = ()


class AsyncCallbackManagerForLLMRun(_LLMRun[Awaited], AsyncRunManager):
    """The handle of an LLM run, async."""

    __slots__ = ()

    def get_sync(self) -> CallbackManagerForLLMRun:
        """The same run for sync code, in any thread."""
        face: CallbackManagerForLLMRun = self._as(CallbackManagerForLLMRun)
        return face


class CallbackManagerForRetrieverRun(_RetrieverRun[None], ParentRunManager):
    """The handle of a retriever run, sync."""

    __slots__ = ()


class AsyncCallbackManagerForRetrieverRun(_RetrieverRun[Awaited], AsyncParentRunManager):
    """The handle of a retriever run, async."""

    __slots__ = ()

    def get_sync(self) -> CallbackManagerForRetrieverRun:
        """The same run for sync code, in any thread."""
        face: CallbackManagerForRetrieverRun = self._as(CallbackManagerForRetrieverRun)
        return face
