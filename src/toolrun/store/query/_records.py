"""What the store gives back: a run for lists, what it took and gave, a run in its tree, a line of a list of traces.

Ids are 32 hex digits, times are microseconds (since 1970, where they are points in time). JSON stays text until
somebody asks for the value: viewers and exports pass it on as it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, NamedTuple, TypeVar

import orjson

T = TypeVar("T")

NOT_FAILED = frozenset(("ok", "running", "paused", "cancelled"))


class StoredRun(NamedTuple):
    """A run without what it took and gave. `file` and `seq` say where it is, to the store alone."""

    id: str
    trace: str
    parent: str | None
    kind: str
    name: str
    status: str
    at: int
    us: int | None
    error_type: str | None
    error_message: str | None
    stopped_by: str | None
    engine: str | None
    worker: int | None
    attempts: int
    cached: bool
    session: str | None
    call_id: str | None
    file: int
    seq: int

    @property
    def is_failed(self) -> bool:
        """Whether it counts as an error."""
        return self.status not in NOT_FAILED


@dataclass(frozen=True)
class StoredEvent:
    """Something that happened in a run between its start and its end; `json` is the text of its value."""

    at: int
    event: str
    json: str | None

    @cached_property
    def value(self) -> Any:
        """What the event said."""
        return _value(self.json)


@dataclass(frozen=True)
class Payload:
    """What a run took and gave, as JSON texts, and as values."""

    inputs_json: str | None = None
    output_json: str | None = None
    error_json: str | None = None
    tags_json: str | None = None
    metadata_json: str | None = None
    notes_json: str | None = None
    events: tuple[StoredEvent, ...] = ()

    @cached_property
    def inputs(self) -> Any:
        """The arguments, as handlers saw them."""
        return _value(self.inputs_json)

    @cached_property
    def output(self) -> Any:
        """What it returned."""
        return _value(self.output_json)

    @cached_property
    def error(self) -> dict[str, Any] | None:
        """Type, message and traceback of what it raised."""
        return _value(self.error_json) or None

    @cached_property
    def tags(self) -> list[str]:
        """Its tags."""
        return _value(self.tags_json) or []

    @cached_property
    def metadata(self) -> dict[str, Any]:
        """Its metadata."""
        return _value(self.metadata_json) or {}

    @cached_property
    def notes(self) -> dict[str, Any]:
        """Which fields are inexact, masked or cut; the digest of the arguments."""
        return _value(self.notes_json) or {}


@dataclass(frozen=True, slots=True)
class TreeRun:
    """A run in its trace: how deep it lies below the root, and how many runs lie below it."""

    run: StoredRun
    depth: int
    below: int


@dataclass(frozen=True, slots=True)
class Trace:
    """A trace in a list: its root, its counts, and how the JSON begins of what the root took, and gave."""

    root: StoredRun
    runs: int
    failed: int
    running: int
    inputs: str
    output: str


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A part of a list. `after` continues it, None at its end. Of `unsearched` runs the words are not known yet."""

    items: list[T] = field(default_factory=list)
    after: str | None = None
    unsearched: int = 0


def in_tree_order(runs: Iterable[StoredRun]) -> list[TreeRun]:
    """Each run before those below it, siblings by their start. A run whose parent is not there stands at the top."""
    ordered = sorted(runs, key=lambda run: (run.at, run.id), reverse=True)
    known = {run.id for run in ordered}
    children: dict[str | None, list[StoredRun]] = {}
    for run in ordered:
        children.setdefault(run.parent if run.parent in known else None, []).append(run)
    walked = _walked(children)
    if len(walked) < len(ordered):  # damaged: runs that are above themselves
        seen = {run.id for run, _ in walked}
        walked += [(run, 0) for run in reversed(ordered) if run.id not in seen]
    return [TreeRun(run, depth, below) for (run, depth), below in zip(walked, _below(walked), strict=True)]


def _walked(children: dict[str | None, list[StoredRun]]) -> list[tuple[StoredRun, int]]:
    """Depth first, on a stack of its own: traces may be deeper than Python's."""
    stack = [(run, 0) for run in children.get(None, ())]
    walked = []
    while stack:
        run, depth = stack.pop()
        walked.append((run, depth))
        stack.extend((child, depth + 1) for child in children.get(run.id, ()))
    return walked


def _below(walked: list[tuple[StoredRun, int]]) -> list[int]:
    """How many runs follow each that lie deeper, up to the next that does not."""
    below = [0] * len(walked)
    open_: list[int] = []
    for place, (_, depth) in enumerate(walked):
        while open_ and walked[open_[-1]][1] >= depth:
            last = open_.pop()
            below[last] = place - last - 1
        open_.append(place)
    for last in open_:
        below[last] = len(walked) - last - 1
    return below


def _value(json: str | None) -> Any:
    return None if json is None else orjson.loads(json)
