"""The recorder: writes every run to the journal of a store, in the caller, before the event's delivery returns.

    tool.invoke({"query": "x"}, {"callbacks": [Recorder(".toolrun")]})

A start record tells that a run goes on, and what it was given; an end record what became of it. Between them are the
events that say something: texts, retries, progress, output in parts, custom events. When `on_tool_end` has returned,
the record survives the death of the process; with `durability="disk"` also that of the machine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Literal, Self
from uuid import UUID

from toolrun.callbacks.base import BaseCallbackHandler
from toolrun.handlers._fields import Redacts
from toolrun.handlers._recording import Recording
from toolrun.redaction import default
from toolrun.store._drops import Drops

LARGEST_VALUE = 1024 * 1024
"""Bytes of JSON that a value may have; of a larger one its beginning is kept, and its size."""


class Recorder(Recording, BaseCallbackHandler):
    """Records runs in a store.

    It may be used by any number of runs, threads and event loops at once, and in forked children. Several recorders for
    the same store record each run once: the first in the run's list of handlers does.
    """

    run_inline = True

    def __init__(
        self,
        path: str | PathLike[str],
        *,
        durability: Literal["process", "disk"] = "process",
        redact: Redacts | Literal["default"] | None = "default",
        largest_value: int = LARGEST_VALUE,
        index: bool = True,
    ) -> None:
        """Opens the store at `path`, which is made if there is none.

        `durability` says what a record survives once its event is delivered: the death of the process, or, with
        "disk", a power cut. `redact` masks secrets; None writes everything as it is. `index=False` leaves it to whoever
        opens the store to move the records into SQLite.

        Raises `StoreUnwritable` or `NotAStore` when nothing can be recorded there.
        """
        if durability not in ("process", "disk"):
            raise ValueError(f'durability is "process" or "disk", not {durability!r}.')
        redactor = default() if redact == "default" else redact
        super().__init__(Path(path), durability == "disk", redactor, largest_value)
        if index:
            self._book.index()

    @property
    def path(self) -> Path:
        """The folder of the store."""
        return self._book.store

    @property
    def dropped(self) -> Drops:
        """What this process could not write so far, by kind of record and reason."""
        return self._journal.dropped

    def close(self) -> None:
        """End the segment of the journal. A record that comes later begins another one."""
        self._book.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def on_tool_start(
        self,
        serialized: dict[str, Any] | None,
        input_str: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        inputs: Any = None,
        name: str | None = None,
        tool_call_id: str | None = None,
        session: object = None,
        **kwargs: Any,
    ) -> Any:
        """Record the arguments."""
        given = input_str if inputs is None else inputs
        name = name or (serialized or kwargs).get("name")
        return self._start("tool", name, given, run_id, parent_run_id, tags, metadata, tool_call_id, session)

    def on_tool_end(self, output: Any, *, run_id: UUID, **kwargs: Any) -> Any:
        """Record the output, and how the body ran."""
        return self._end(output, run_id, kwargs)

    def on_tool_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> Any:
        """Record the error, and how the body ran."""
        return self._fail(error, run_id, kwargs)

    def on_tool_progress(
        self, progress: float, total: float | None = None, message: str | None = None, *, run_id: UUID, **kwargs: Any
    ) -> Any:
        """Record how far it is."""
        given = {"progress": progress, "total": total, "message": message}
        return self._event("progress", {key: one for key, one in given.items() if one is not None}, run_id)

    def on_tool_output(self, chunk: Any, *, run_id: UUID, **kwargs: Any) -> Any:
        """Record a part of the output."""
        return self._event("output", chunk, run_id)

    def _begin(
        self, kind: str, serialized: Mapping[str, Any] | None, inputs: Any, run_id: UUID, facts: Mapping[str, Any]
    ) -> Any:
        get = facts.get
        name = _name_of(serialized, facts)
        return self._start(kind, name, inputs, run_id, get("parent_run_id"), get("tags"), get("metadata"))

    def on_chain_start(self, serialized: dict[str, Any] | None, inputs: Any, *, run_id: UUID, **kwargs: Any) -> Any:
        """Record a chain, or an agent."""
        kind = "agent" if kwargs.get("run_type") == "agent" else "chain"
        return self._begin(kind, serialized, inputs, run_id, kwargs)

    def on_chain_end(self, outputs: Any, *, run_id: UUID, **kwargs: Any) -> Any:
        """Record the outputs."""
        return self._end(outputs, run_id, kwargs)

    def on_chain_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> Any:
        """Record the error."""
        return self._fail(error, run_id, kwargs)

    def on_agent_action(self, action: Any, *, run_id: UUID, **kwargs: Any) -> Any:
        """Record what the agent chose."""
        return self._event("agent_action", action, run_id)

    def on_agent_finish(self, finish: Any, *, run_id: UUID, **kwargs: Any) -> Any:
        """Record that the agent is done."""
        return self._event("agent_finish", finish, run_id)

    def on_llm_start(self, serialized: dict[str, Any], prompts: list[str], *, run_id: UUID, **kwargs: Any) -> Any:
        """Record the prompts; tokens are not recorded, the answer holds them."""
        return self._begin("llm", serialized, prompts, run_id, kwargs)

    def on_chat_model_start(
        self, serialized: dict[str, Any], messages: list[list[Any]], *, run_id: UUID, **kwargs: Any
    ) -> Any:
        """Record the messages."""
        return self._begin("chat_model", serialized, messages, run_id, kwargs)

    def on_llm_end(self, response: Any, *, run_id: UUID, **kwargs: Any) -> Any:
        """Record the answer."""
        return self._end(response, run_id, kwargs)

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> Any:
        """Record the error, and what had come of the answer."""
        return self._fail(error, run_id, kwargs)

    def on_retriever_start(self, serialized: dict[str, Any], query: str, *, run_id: UUID, **kwargs: Any) -> Any:
        """Record the query."""
        return self._begin("retriever", serialized, query, run_id, kwargs)

    def on_retriever_end(self, documents: Sequence[Any], *, run_id: UUID, **kwargs: Any) -> Any:
        """Record the documents."""
        return self._end(documents, run_id, kwargs)

    def on_retriever_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> Any:
        """Record the error."""
        return self._fail(error, run_id, kwargs)

    def on_text(self, text: str, *, run_id: UUID, **kwargs: Any) -> Any:
        """Record what the code said."""
        return self._event("text", text, run_id)

    def on_retry(self, retry_state: Any, *, run_id: UUID, **kwargs: Any) -> Any:
        """Record the attempt that failed."""
        return self._event("retry", _attempt(retry_state), run_id)

    def on_custom_event(self, name: str, data: Any, *, run_id: UUID, **kwargs: Any) -> Any:
        """Record it in its run; one that belongs to no run that is open is a run of its own."""
        if run_id.int in self._open:
            return self._event("custom", {"name": name, "data": data}, run_id)
        return self._whole(name, data, run_id, kwargs)

    def on_loop_blocked(self, seconds: float, stack: str, *, run_id: UUID, **kwargs: Any) -> Any:
        """Record that the run held the event loop."""
        return self._event("loop_blocked", {"seconds": seconds, "stack": stack}, run_id)


def _name_of(serialized: Mapping[str, Any] | None, kwargs: Mapping[str, Any]) -> str | None:
    """What a run is called: as its caller says, or by its class."""
    if kwargs.get("name") or not serialized:
        return kwargs.get("name")
    path = serialized.get("id")
    return serialized.get("name") or (str(path[-1]) if path else None)


def _attempt(state: Any) -> dict[str, Any]:
    """What a retry state of tenacity says of the attempt that failed."""
    outcome, action = getattr(state, "outcome", None), getattr(state, "next_action", None)
    error = outcome.exception() if outcome is not None and outcome.failed else None
    told: dict[str, Any] = {"attempt": getattr(state, "attempt_number", None)}
    if error is not None:
        told["error"] = {"type": type(error).__qualname__, "message": str(error)}
    if action is not None:
        told["wait"] = action.sleep
    return told
