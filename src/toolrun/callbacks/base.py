"""Handlers: the one declaration of every event.

A handler subclasses `BaseCallbackHandler` (sync) or `AsyncCallbackHandler` (async) and overrides the events it
wants; what it does not override costs nothing. Every event comes with the keywords `run_id`, `parent_run_id`
and `tags`, tool events with `tool_call_id` too. Take `**kwargs`: keywords may be added in later releases.

Threads and order: each handler sees the events of one run in the order in which they happened, never two at once.
It may be called for different runs at the same time, unless it sets `background`.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

if TYPE_CHECKING:
    from tenacity import RetryCallState

__all__ = [
    "AsyncCallbackHandler",
    "BaseCallbackHandler",
    "CallbackManagerMixin",
    "ChainManagerMixin",
    "LLMManagerMixin",
    "RetrieverManagerMixin",
    "RunManagerMixin",
    "ToolManagerMixin",
]


class ToolManagerMixin:
    """What happens in a tool run after its start."""

    def on_tool_end(self, output: Any, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any) -> Any:
        """The tool returned. `output` is a tool message if a tool call came in, else the raw value."""

    def on_tool_error(
        self, error: BaseException, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> Any:
        """The tool raised, was cancelled or stopped. `paused=True` when the exception only pauses the agent."""

    def on_tool_progress(
        self,
        progress: float,
        total: float | None = None,
        message: str | None = None,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        **kwargs: Any,
    ) -> Any:
        """The tool says how far it is: `progress` of `total`, in the tool's own unit."""

    def on_tool_output(self, chunk: Any, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any) -> Any:
        """A generator tool yielded a part of its output."""


class ChainManagerMixin:
    """What happens in a chain run after its start."""

    def on_chain_end(self, outputs: Any, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any) -> Any:
        """The chain ended."""

    def on_chain_error(
        self, error: BaseException, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> Any:
        """The chain raised or was cancelled."""

    def on_agent_action(self, action: Any, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any) -> Any:
        """The agent chose its next action."""

    def on_agent_finish(self, finish: Any, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any) -> Any:
        """The agent is done."""


class LLMManagerMixin:
    """What happens in an LLM run after its start."""

    def on_llm_new_token(
        self, token: str, *, chunk: Any = None, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> Any:
        """The model produced a token; `chunk` is the generation chunk it came in."""

    def on_stream_event(self, event: Any, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any) -> Any:
        """The model's streaming protocol produced an event."""

    def on_llm_end(self, response: Any, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any) -> Any:
        """The model answered."""

    def on_llm_error(
        self, error: BaseException, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> Any:
        """The model call raised or was cancelled; `response` holds what had come, if anything."""


class RetrieverManagerMixin:
    """What happens in a retriever run after its start."""

    def on_retriever_end(
        self, documents: Sequence[Any], *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> Any:
        """The retriever found its documents."""

    def on_retriever_error(
        self, error: BaseException, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> Any:
        """The retriever raised or was cancelled."""


class CallbackManagerMixin:
    """The events that open a run. They alone carry `metadata`."""

    def on_tool_start(
        self,
        serialized: dict[str, Any],
        input_str: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        inputs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """A tool was called. `serialized` holds its name and description, `inputs` the arguments as passed.

        Injected arguments are left out of both `input_str` and `inputs`, secret ones are masked.
        `inputs` is None when the input was a string.
        """

    def on_chain_start(
        self,
        serialized: dict[str, Any] | None,
        inputs: dict[str, Any],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """A chain begins."""

    def on_llm_start(
        self,
        serialized: dict[str, Any],
        prompts: list[str],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """A completion model is called; one run a prompt."""

    def on_chat_model_start(
        self,
        serialized: dict[str, Any],
        messages: list[list[Any]],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """A chat model is called. Not overridden, `on_llm_start` is told instead, with the messages as text."""
        raise NotImplementedError(f"{type(self).__name__} does not implement on_chat_model_start")

    def on_retriever_start(
        self,
        serialized: dict[str, Any],
        query: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """A retriever is asked."""


class RunManagerMixin:
    """What may happen in a run of any kind."""

    def on_text(self, text: str, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any) -> Any:
        """The code in the run says something."""

    def on_retry(
        self, retry_state: RetryCallState, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> Any:
        """An attempt failed and another one follows."""

    def on_custom_event(
        self,
        name: str,
        data: Any,
        *,
        run_id: UUID,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """The code in the run dispatched an event of its own kind. `run_id` is that of the run it happened in."""

    def on_loop_blocked(
        self, seconds: float, stack: str, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> Any:
        """The event loop was held for `seconds` by this run; `stack` says by which line."""


class BaseCallbackHandler(
    LLMManagerMixin,
    ChainManagerMixin,
    ToolManagerMixin,
    RetrieverManagerMixin,
    CallbackManagerMixin,
    RunManagerMixin,
):
    """The base of handlers. Facts about a handler are found at its first event and kept: set options in `__init__`."""

    raise_error: bool = False
    """Let this handler's exceptions reach the caller, after all other handlers had the event; else they are logged."""

    run_inline: bool = False
    """Under an async manager, run in the caller's task and context instead of off the loop. Must not block.

    A sync method that has more to do may return an awaitable for it. Where nothing can be awaited, the method
    `at_once()` of what was returned is called, if it has one.
    """

    background: bool = False
    """Take events through an ordered, bounded lane of its own; the run does not wait. See `toolrun.flush`."""

    on_full: Literal["wait", "drop"] = "wait"
    """What a full background lane does: make the run wait, or drop the event (counted)."""

    @property
    def ignore_llm(self) -> bool:
        """Skip LLM events."""
        return False

    @property
    def ignore_retry(self) -> bool:
        """Skip retries."""
        return False

    @property
    def ignore_chain(self) -> bool:
        """Skip chain events."""
        return False

    @property
    def ignore_agent(self) -> bool:
        """Skip agent actions and tool events."""
        return False

    @property
    def ignore_retriever(self) -> bool:
        """Skip retriever events."""
        return False

    @property
    def ignore_chat_model(self) -> bool:
        """Skip the start of chat models."""
        return False

    @property
    def ignore_custom_event(self) -> bool:
        """Skip custom events."""
        return False


class AsyncCallbackHandler(BaseCallbackHandler):
    """The base of handlers whose events are coroutines: `async def on_tool_start(...)`.

    Of one event, async handlers run concurrently once they suspend. A single event may also be a plain
    method: each is taken as what it is.
    """


def _as_coroutine(event: str) -> Callable[..., Coroutine[Any, Any, Any]]:
    declared = getattr(BaseCallbackHandler, event)

    @wraps(declared)
    async def unheard(self: AsyncCallbackHandler, *args: Any, **kwargs: Any) -> Any:
        return declared(self, *args, **kwargs)

    return unheard


EVENTS: tuple[str, ...] = tuple(name for name in dir(BaseCallbackHandler) if name.startswith("on_"))
"""Every event there is, by name."""

for _event in EVENTS:  # so that `await super().on_tool_start(...)` works
    setattr(AsyncCallbackHandler, _event, _as_coroutine(_event))
