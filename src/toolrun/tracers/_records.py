"""How a run's record begins, grows and ends: what both tracers decide alike."""

from __future__ import annotations

import itertools
import traceback
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from toolrun import _ids
from toolrun.tracers.schemas import Run

if TYPE_CHECKING:
    from tenacity import RetryCallState


def moment() -> datetime:
    """Now, as records have it."""
    return datetime.fromtimestamp(_ids.now(), UTC)


def opened(
    run_type: str,
    run_id: UUID,
    serialized: dict[str, Any] | None,
    inputs: dict[str, Any],
    *,
    name: str | None = None,
    tags: list[str] | None = None,
    parent_run_id: UUID | None = None,
    metadata: dict[str, Any] | None = None,
    **extra: Any,
) -> Run:
    """The record of a run that starts now. What the event carried besides is kept in `extra`."""
    start = moment()
    return Run(
        id=run_id,
        name=name or "",
        run_type=run_type,
        start_time=start,
        inputs=inputs,
        serialized=serialized,
        events=[{"name": "start", "time": start}],
        extra={**extra, "metadata": metadata} if metadata else extra,
        tags=list(tags or ()),
        parent_run_id=parent_run_id,
    )


def noted(run: Run, name: str, **facts: Any) -> Run:
    """The record after something happened in the run."""
    run.events.append({"name": name, "time": moment(), "kwargs": facts})
    return run


def ended(run: Run, outputs: dict[str, Any]) -> Run:
    """The record of a run that ended with outputs."""
    run.outputs.update(outputs)
    return _closed(run, "end")


def failed(run: Run, error: BaseException) -> Run:
    """The record of a run that ended by an exception."""
    run.error = f"{error!r}\n\n{''.join(traceback.format_exception(error))}".strip()
    return _closed(run, "error")


def _closed(run: Run, how: str) -> Run:
    run.end_time = moment()
    run.events.append({"name": how, "time": run.end_time})
    return run


def retry_facts(state: RetryCallState) -> dict[str, Any]:
    """What an event says about an attempt that is going to be repeated."""
    facts: dict[str, Any] = {"slept": state.idle_for, "attempt": state.attempt_number}
    if state.outcome is None:
        return {**facts, "outcome": "N/A"}
    if not state.outcome.failed:
        return {**facts, "outcome": "success", "result": str(state.outcome.result())}
    error = state.outcome.exception()
    return {**facts, "outcome": "failed", "exception": str(error), "exception_type": type(error).__name__}


def as_dict(value: Any) -> dict[str, Any]:
    """A model's response or message as plain data, whosever class it is.

    An object that says itself how it is written (`to_json`, as LangChain's do) can be loaded from that again.
    """
    for method in ("to_json", "model_dump"):
        if hasattr(value, method):
            dumped: dict[str, Any] = getattr(value, method)()
            return dumped
    return value if isinstance(value, dict) else {"output": value}


def answer(response: Any) -> dict[str, Any]:
    """A model's response as plain data, its messages each in the form that they choose."""
    data = as_dict(response)
    for generation, dumped in zip(
        _flat(getattr(response, "generations", ())), _flat(data.get("generations", ())), strict=False
    ):
        if "message" in dumped:
            dumped["message"] = as_dict(generation.message)
    return data


def tool_call_count(response: Any) -> int:
    """How many tool calls the model asked for in its answer."""
    messages = (getattr(generation, "message", None) for generation in _flat(getattr(response, "generations", ())))
    return sum(len(getattr(message, "tool_calls", None) or ()) for message in messages)


def _flat(batches: Iterable[Iterable[Any]]) -> Iterator[Any]:
    return itertools.chain.from_iterable(batches)
