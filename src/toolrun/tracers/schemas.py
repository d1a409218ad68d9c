"""A run as tracers keep it: one node of the tree of runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

__all__ = ["Run"]


@dataclass(slots=True, kw_only=True, repr=False, weakref_slot=True)
class Run:
    """One run with everything below it. The tracer fills it in while the run goes on; `end_time` is None until it ends.

    `run_type` is tool, chain, llm, chat_model or retriever. `extra` holds what came with the start of the run,
    metadata and tool call id among it. `dotted_order` sorts the runs of a trace: start and id of every run from the
    root down. Ids may be given as text.
    """

    id: UUID
    name: str = ""
    run_type: str = "chain"
    start_time: datetime
    end_time: datetime | None = None
    inputs: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    error: str | None = None
    serialized: dict[str, Any] | None = None
    events: list[dict[str, Any]] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    parent_run_id: UUID | None = None
    child_runs: list[Run] = field(default_factory=list)
    trace_id: UUID | None = None
    dotted_order: str = ""
    session_name: str = "default"
    reference_example_id: UUID | None = None

    def __post_init__(self) -> None:
        self.id, self.parent_run_id = _uuid(self.id), self.parent_run_id and _uuid(self.parent_run_id)
        self.trace_id = self.trace_id or self.id
        self.dotted_order = self.dotted_order or self.own_order
        self.name = self.name or _name_of(self.serialized)
        self.outputs, self.tags = self.outputs or {}, self.tags or []

    @property
    def own_order(self) -> str:
        """The last part of `dotted_order`: when this run started, and its id."""
        return f"{self.start_time:%Y%m%dT%H%M%S%fZ}{self.id}"

    @property
    def metadata(self) -> dict[str, Any]:
        """The metadata, which is kept in `extra`."""
        metadata: dict[str, Any] = self.extra.setdefault("metadata", {})
        return metadata

    @property
    def latency(self) -> float | None:
        """How long the run took, in seconds; None while it goes on."""
        return (self.end_time - self.start_time).total_seconds() if self.end_time else None

    def walk(self) -> Iterator[Run]:
        """This run and all below it, parents before their children, siblings in the order of their starts."""
        yield self
        for child in self.child_runs:
            yield from child.walk()

    def __repr__(self) -> str:
        return f"Run(id={self.id}, name={self.name!r}, run_type={self.run_type!r}, dotted_order={self.dotted_order!r})"


def _uuid(value: UUID | str) -> UUID:
    return value if isinstance(value, UUID) else UUID(value)


def _name_of(serialized: dict[str, Any] | None) -> str:
    """The name in what was sent of the tool, chain or model; the last part of its path where it has none."""
    facts = serialized or {}
    return str(facts.get("name") or (facts.get("id") or ["Unnamed"])[-1])
