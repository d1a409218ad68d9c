"""Runs as a trace that Perfetto and Chrome's tracing open (the Trace Event Format).

What is drawn on one line has to be nested. So runs are put on lanes: a run lies on its parent's lane if nothing else
does at the time, else on the first that is free. There are as many lanes as runs at once, and no more are remembered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import heappop, heappush
from math import inf
from typing import Any

import orjson

from toolrun.store.query._records import Payload, StoredRun

_SLACK_US = 1_000
"""Starts are by the wall clock and durations by another: a child may seem to end after its parent by so much."""

_PROCESS = 1


def chrome_pieces(records: Iterable[tuple[StoredRun, Payload]]) -> Iterator[bytes]:
    """The pieces of one JSON document, from runs that come oldest first."""
    lanes = Lanes()
    yield b'{"displayTimeUnit":"ms","traceEvents":[\n'
    yield orjson.dumps(_about("process_name", 0, "toolrun"))
    for run, payload in records:
        known = lanes.number
        lane = lanes.lane_for(run)
        events = [_about("thread_name", lane, f"lane {lane}")] if lanes.number > known else []
        events.extend(_events(run, payload, lane, lanes.end_of(run)))
        for event in events:
            yield b",\n" + orjson.dumps(event)
    yield b"\n]}\n"


class Lanes:
    """Where each run is drawn. Lanes are numbered from 1."""

    def __init__(self) -> None:
        self._stacks: list[list[tuple[float, str]]] = []  # of each lane, the runs that are open on it: end, id
        self._lane_of: dict[str, int] = {}  # of each open run
        self._ends: list[tuple[float, int, int]] = []  # a heap: end, -depth, lane: of equal ends, the inner first
        self._free: list[int] = []  # a heap

    @property
    def number(self) -> int:
        """How many lanes there are."""
        return len(self._stacks)

    def lane_for(self, run: StoredRun) -> int:
        """The lane of a run that starts no earlier than those before it."""
        self._close(run.at)
        lane = self._lane_below_parent(run)
        if lane is None:
            lane = heappop(self._free) if self._free else self._new()
        stack = self._stacks[lane - 1]
        end = min(_end(run), stack[-1][0]) if stack else _end(run)
        stack.append((end, run.id))
        self._lane_of[run.id] = lane
        heappush(self._ends, (end, -len(stack), lane))
        return lane

    def end_of(self, run: StoredRun) -> float:
        """Where the run that was placed last is to end, so that it lies within what it lies on."""
        return self._stacks[self._lane_of[run.id] - 1][-1][0]

    def _lane_below_parent(self, run: StoredRun) -> int | None:
        lane = self._lane_of.get(run.parent or "")
        if lane is None:
            return None
        end, id = self._stacks[lane - 1][-1]
        return lane if id == run.parent and _end(run) <= end + _SLACK_US else None

    def _new(self) -> int:
        self._stacks.append([])
        return len(self._stacks)

    def _close(self, now: int) -> None:
        while self._ends and self._ends[0][0] <= now:
            _, _, lane = heappop(self._ends)
            stack = self._stacks[lane - 1]
            del self._lane_of[stack.pop()[1]]
            if not stack:
                heappush(self._free, lane)


def _end(run: StoredRun) -> float:
    return run.at + run.us if run.us is not None else run.at if run.status != "running" else inf


def _events(run: StoredRun, payload: Payload, lane: int, end: float) -> Iterator[dict[str, Any]]:
    drawn: dict[str, Any] = {"name": run.name, "cat": run.kind, "pid": _PROCESS, "tid": lane, "ts": run.at}
    drawn |= {"ph": "B"} if end == inf else {"ph": "X", "dur": end - run.at}
    yield drawn | {"args": _args(run, payload)}
    for event in payload.events:
        at = {"name": event.event, "cat": "event", "ph": "i", "s": "t", "pid": _PROCESS, "tid": lane, "ts": event.at}
        yield at | {"args": {"value": _as_it_is(event.json)}}


def _args(run: StoredRun, payload: Payload) -> dict[str, Any]:
    args: dict[str, Any] = {"id": run.id, "trace": run.trace, "status": run.status, "session": run.session}
    args |= {"call_id": run.call_id, "stopped_by": run.stopped_by, "engine": run.engine, "worker": run.worker}
    args |= {"attempts": run.attempts if run.attempts != 1 else None, "cached": run.cached or None}
    for name in ("inputs", "output", "error", "tags", "metadata", "notes"):
        args[name] = _as_it_is(getattr(payload, f"{name}_json"))
    return {key: value for key, value in args.items() if value is not None}


def _as_it_is(json: str | None) -> orjson.Fragment | None:
    return None if json is None else orjson.Fragment(json)


def _about(what: str, lane: int, name: str) -> dict[str, Any]:
    return {"name": what, "ph": "M", "pid": _PROCESS, "tid": lane, "args": {"name": name}}
