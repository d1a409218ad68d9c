"""The events of runs as dicts, in the schema (v2) that users of LangChain's `astream_events` know.

    event, name, run_id, parent_ids (root first), tags, metadata, data

`data` holds what belongs to the event: `input`, `output`, `chunk`, `error` and so on; of a tool always its
`tool_call_id`. Partial output is `on_tool_stream`, as there. Errors of every kind of run have an event, and the last
event of a run has its input, the root's too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from toolrun.callbacks import AsyncCallbackHandler

StreamEvent = dict[str, Any]
Take = Callable[[StreamEvent], Awaitable[None]]


class _Open(NamedTuple):
    """What is known of a run until it ends."""

    kind: str
    name: str
    input: Any
    parent_ids: tuple[str, ...]
    metadata: dict[str, Any]


class EventHandler(AsyncCallbackHandler):
    """Gives each event as a dict to `take`, and lets the run wait until that is done."""

    def __init__(self, take: Take) -> None:
        self._take = take
        self._open: dict[UUID, _Open] = {}

    # ── how a run begins, goes on and ends ─────────────────────────────────────────────────────────────

    async def _begin(self, kind: str, serialized: Any, input: Any, run_id: UUID, kwargs: dict[str, Any]) -> None:
        parent_run_id, named = kwargs.get("parent_run_id"), kwargs.get("name") or (serialized or {}).get("name")
        run = _Open(kind, named or kind, input, self._ids_down_to(parent_run_id), dict(kwargs.get("metadata") or {}))
        self._open[run_id] = run
        await self._send("start", run, run_id, kwargs, {"input": input})

    def _ids_down_to(self, run_id: UUID | None) -> tuple[str, ...]:
        if run_id is None:
            return ()
        run = self._open.get(run_id)
        return (*(run.parent_ids if run else ()), str(run_id))

    async def _go_on(self, what: str, run_id: UUID, kwargs: dict[str, Any], **data: Any) -> None:
        run = self._open.get(run_id)
        if run is not None:
            await self._send(what, run, run_id, kwargs, data)

    async def _end(self, what: str, run_id: UUID, kwargs: dict[str, Any], **data: Any) -> None:
        run = self._open.pop(run_id, None)
        if run is not None:
            await self._send(what, run, run_id, kwargs, {**data, "input": run.input})

    async def _send(self, what: str, run: _Open, run_id: UUID, kwargs: dict[str, Any], data: dict[str, Any]) -> None:
        """`what` is an event's full name, or what has to follow the kind of the run in it."""
        if run.kind == "tool":
            data["tool_call_id"] = kwargs.get("tool_call_id")
        await self._take(
            {
                "event": what if what.startswith("on_") else f"on_{run.kind}_{what}",
                "name": run.name,
                "run_id": str(run_id),
                "parent_ids": [*run.parent_ids],
                "tags": [*(kwargs.get("tags") or ())],
                "metadata": run.metadata,
                "data": data,
            }
        )

    # ── tools ──────────────────────────────────────────────────────────────────────────────────────────

    async def on_tool_start(self, serialized: Any, input_str: str, *, run_id: UUID, **kwargs: Any) -> None:
        inputs = kwargs.get("inputs")
        await self._begin("tool", serialized, input_str if inputs is None else inputs, run_id, kwargs)

    async def on_tool_end(self, output: Any, *, run_id: UUID, **kwargs: Any) -> None:
        await self._end("end", run_id, kwargs, output=output)

    async def on_tool_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        paused = {"paused": True} if kwargs.get("paused") else {}
        await self._end("error", run_id, kwargs, error=error, **paused)

    async def on_tool_output(self, chunk: Any, *, run_id: UUID, **kwargs: Any) -> None:
        await self._go_on("stream", run_id, kwargs, chunk=chunk)

    async def on_tool_progress(
        self, progress: float, total: float | None = None, message: str | None = None, *, run_id: UUID, **kwargs: Any
    ) -> None:
        await self._go_on("progress", run_id, kwargs, progress=progress, total=total, message=message)

    # ── any run ────────────────────────────────────────────────────────────────────────────────────────

    async def on_text(self, text: str, *, run_id: UUID, **kwargs: Any) -> None:
        await self._go_on("on_text", run_id, kwargs, text=text)

    async def on_retry(self, retry_state: Any, *, run_id: UUID, **kwargs: Any) -> None:
        outcome = retry_state.outcome
        error = outcome.exception() if outcome is not None and outcome.failed else None
        await self._go_on("on_retry", run_id, kwargs, attempt=retry_state.attempt_number, error=error)

    async def on_loop_blocked(self, seconds: float, stack: str, *, run_id: UUID, **kwargs: Any) -> None:
        await self._go_on("on_loop_blocked", run_id, kwargs, seconds=seconds, stack=stack)

    async def on_custom_event(self, name: str, data: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """As in the field's schema, `name` and `data` are the event's own; the run is told by its id."""
        run = self._open.get(run_id)
        parents, metadata = (run.parent_ids, run.metadata) if run else ((), kwargs.get("metadata") or {})
        await self._take(
            {
                "event": "on_custom_event",
                "name": name,
                "run_id": str(run_id),
                "parent_ids": [*parents],
                "tags": [*(kwargs.get("tags") or ())],
                "metadata": metadata,
                "data": data,
            }
        )

    # ── chains, models, retrievers: agents' trees are made of all of them ──────────────────────────────

    async def on_chain_start(self, serialized: Any, inputs: Any, *, run_id: UUID, **kwargs: Any) -> None:
        await self._begin("chain", serialized, inputs, run_id, kwargs)

    async def on_chain_end(self, outputs: Any, *, run_id: UUID, **kwargs: Any) -> None:
        await self._end("end", run_id, kwargs, output=outputs)

    async def on_chain_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        await self._end("error", run_id, kwargs, error=error)

    async def on_agent_action(self, action: Any, *, run_id: UUID, **kwargs: Any) -> None:
        await self._go_on("on_agent_action", run_id, kwargs, action=action)

    async def on_agent_finish(self, finish: Any, *, run_id: UUID, **kwargs: Any) -> None:
        await self._go_on("on_agent_finish", run_id, kwargs, finish=finish)

    async def on_llm_start(self, serialized: Any, prompts: Sequence[str], *, run_id: UUID, **kwargs: Any) -> None:
        await self._begin("llm", serialized, {"prompts": prompts}, run_id, kwargs)

    async def on_chat_model_start(self, serialized: Any, messages: Any, *, run_id: UUID, **kwargs: Any) -> None:
        await self._begin("chat_model", serialized, {"messages": messages}, run_id, kwargs)

    async def on_llm_new_token(self, token: str, *, chunk: Any = None, run_id: UUID, **kwargs: Any) -> None:
        await self._go_on("stream", run_id, kwargs, chunk=token if chunk is None else chunk)

    async def on_stream_event(self, event: Any, *, run_id: UUID, **kwargs: Any) -> None:
        await self._go_on("on_stream_event", run_id, kwargs, event=event)

    async def on_llm_end(self, response: Any, *, run_id: UUID, **kwargs: Any) -> None:
        await self._end("end", run_id, kwargs, output=response)

    async def on_llm_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        await self._end("error", run_id, kwargs, error=error)

    async def on_retriever_start(self, serialized: Any, query: str, *, run_id: UUID, **kwargs: Any) -> None:
        await self._begin("retriever", serialized, {"query": query}, run_id, kwargs)

    async def on_retriever_end(self, documents: Sequence[Any], *, run_id: UUID, **kwargs: Any) -> None:
        await self._end("end", run_id, kwargs, output=documents)

    async def on_retriever_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        await self._end("error", run_id, kwargs, error=error)
