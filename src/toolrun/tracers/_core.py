"""The tree of runs in flight, and what each event does to it. Sync and async tracers share it and only drive it.

    on_..._start   a record is made and hung under its parent; a run whose parent is not here is a root
    on_..._end     the record is completed and leaves `run_map`; a root is then persisted, with all below it

Nothing is kept of a run that has ended, but in the tree of its root while that goes on.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Literal, Self
from uuid import UUID

from toolrun.errors import ToolrunError
from toolrun.tracers import _records
from toolrun.tracers.schemas import Run

logger = logging.getLogger("toolrun.tracers")

SchemaFormat = Literal["original", "original+chat", "streaming_events"]


class TracerException(ToolrunError):
    """An event that a tracer cannot place."""


class UnknownRun(TracerException):
    """An event came for a run that has not started, or has ended."""

    def __init__(self, run_id: UUID) -> None:
        self.run_id = run_id
        super().__init__(f"No run {run_id} is in flight here: its start did not reach this tracer, or it has ended.")


class WrongRunType(TracerException):
    """An event came for a run of another kind."""

    def __init__(self, run: Run, expected: Sequence[str]) -> None:
        self.run, self.expected = run, expected
        super().__init__(
            f"Run {run.id} is a {run.run_type} run, but the event is one of a {' or '.join(expected)} run."
        )


class TracerCore:
    """The decisions of a tracer.

    `run_map` holds the runs in flight by their id as text, and may be given, to share it between tracers.
    `_schema_format` says what records look like: with "original" a chat model's run is an `llm` run with its messages
    as text, with "original+chat" a `chat_model` run with the messages; "streaming_events" also wraps every input and
    output as `{"input": ...}` and `{"output": ...}`.
    """

    log_missing_parent: bool = True
    """Say in the debug log when a run's parent is not here."""

    def __init__(
        self, *, _schema_format: SchemaFormat = "original", run_map: dict[str, Run] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._schema_format = _schema_format
        self.run_map: dict[str, Run] = {} if run_map is None else run_map

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        return self

    def _link(self, run: Run) -> None:
        """Hang the run into the tree."""
        parent = self.run_map.get(str(run.parent_run_id)) if run.parent_run_id else None
        if parent is not None:
            run.trace_id, run.dotted_order = parent.trace_id, f"{parent.dotted_order}.{run.own_order}"
            self._add_child_run(parent, run)
        elif run.parent_run_id:
            if self.log_missing_parent:
                logger.debug("The parent %s of run %s is not here: taken as a root.", run.parent_run_id, run.id)
            run.parent_run_id = None
        self.run_map[str(run.id)] = run

    def _unlink(self, run: Run) -> None:
        self.run_map.pop(str(run.id), None)

    @staticmethod
    def _add_child_run(parent_run: Run, child_run: Run) -> None:
        parent_run.child_runs.append(child_run)

    def _get_run(self, run_id: UUID, *run_types: str) -> Run:
        """The run in flight, which must be of one of the types if any are named."""
        run = self.run_map.get(str(run_id))
        if run is None:
            raise UnknownRun(run_id)
        if run_types and run.run_type not in run_types:
            raise WrongRunType(run, run_types)
        return run

    def _wrapped(self, value: Any, key: str) -> dict[str, Any]:
        return value if isinstance(value, dict) and self._schema_format != "streaming_events" else {key: value}

    def _create_tool_run(
        self, serialized: dict[str, Any], input_str: str, *, inputs: Any = None, run_id: UUID, **facts: Any
    ) -> Run:
        given = inputs if isinstance(inputs, dict) or self._schema_format == "streaming_events" else input_str
        return _records.opened("tool", run_id, serialized, self._wrapped(given, "input"), **facts)

    def _complete_tool_run(self, output: Any, run_id: UUID) -> Run:
        return _records.ended(self._get_run(run_id, "tool"), {"output": output})

    def _errored_tool_run(self, error: BaseException, run_id: UUID) -> Run:
        return _records.failed(self._get_run(run_id, "tool"), error)

    def _create_chain_run(
        self, serialized: dict[str, Any] | None, inputs: Any, *, run_id: UUID, run_type: str | None = None, **facts: Any
    ) -> Run:
        return _records.opened(run_type or "chain", run_id, serialized, self._wrapped(inputs, "input"), **facts)

    def _complete_chain_run(self, outputs: Any, run_id: UUID, inputs: Any = None) -> Run:
        run = self._with_inputs(self._get_run(run_id), inputs)
        return _records.ended(run, self._wrapped(outputs, "output"))

    def _errored_chain_run(self, error: BaseException, run_id: UUID, inputs: Any = None) -> Run:
        return _records.failed(self._with_inputs(self._get_run(run_id), inputs), error)

    def _with_inputs(self, run: Run, inputs: Any) -> Run:
        """A chain that takes a stream knows its inputs only when it ends."""
        if inputs is not None:
            run.inputs = self._wrapped(inputs, "input")
        return run

    def _create_llm_run(self, serialized: dict[str, Any], prompts: list[str], *, run_id: UUID, **facts: Any) -> Run:
        return _records.opened("llm", run_id, serialized, {"prompts": prompts}, **facts)

    def _create_chat_model_run(
        self, serialized: dict[str, Any], messages: list[list[Any]], *, run_id: UUID, **facts: Any
    ) -> Run:
        if self._schema_format == "original":  # whoever sends the event then sends `on_llm_start` instead
            raise NotImplementedError("chat models are traced as text unless _schema_format says otherwise")
        inputs = {"messages": [[_records.as_dict(message) for message in batch] for batch in messages]}
        return _records.opened("chat_model", run_id, serialized, inputs, **facts)

    def _note_token(self, token: Any, run_id: UUID, chunk: Any = None) -> Run:
        facts = {"token": token, "chunk": chunk} if chunk else {"token": token}
        return _records.noted(self._get_run(run_id, "llm", "chat_model"), "new_token", **facts)

    def _note_retry(self, retry_state: Any, run_id: UUID) -> Run:
        return _records.noted(self._get_run(run_id), "retry", **_records.retry_facts(retry_state))

    def _complete_llm_run(self, response: Any, run_id: UUID) -> Run:
        run = self._get_run(run_id, "llm", "chat_model")
        if count := _records.tool_call_count(response):
            run.extra["tool_call_count"] = count
        return _records.ended(run, _records.answer(response))

    def _errored_llm_run(self, error: BaseException, run_id: UUID, response: Any = None) -> Run:
        run = self._get_run(run_id, "llm", "chat_model")
        if response is not None:
            run.outputs.update(_records.answer(response))
        return _records.failed(run, error)

    def _create_retrieval_run(
        self, serialized: dict[str, Any] | None, query: str, *, run_id: UUID, name: str | None = None, **facts: Any
    ) -> Run:
        return _records.opened("retriever", run_id, serialized, {"query": query}, name=name or "Retriever", **facts)

    def _complete_retrieval_run(self, documents: Sequence[Any], run_id: UUID) -> Run:
        return _records.ended(self._get_run(run_id, "retriever"), {"documents": documents})

    def _errored_retrieval_run(self, error: BaseException, run_id: UUID) -> Run:
        return _records.failed(self._get_run(run_id, "retriever"), error)
