"""Interleaved rounds and medians.

In each round every subject of a scenario is measured once, so that a slow minute of the machine is shared by all of
them. A figure is the median over the rounds. A scenario that misses a bound is measured once more and the better
attempt counts: noise only ever adds time.

The bounds in microseconds and milliseconds were set on one machine. Each round also measures a yardstick that took a
known time there, and a bound grows by as much as the yardstick does.
"""

from __future__ import annotations

import asyncio
import gc
import math
import os
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

Figures = Sequence[float]
Measure = Callable[[], Figures]

OURS = "toolrun"
PEER = "langchain_core"
FLOOR = "floor"
YARDSTICK = "yardstick"
YARDSTICK_THEN = 130.0  # us, of langchain-core's bare `tool.invoke` where the bounds were set

BATCH_SECONDS = 0.003  # short, so that most batches are not preempted
PATIENCE_SECONDS = 5.0  # a subject that has used this much of a scenario is not measured in further rounds

_LOOP = asyncio.Runner()  # one loop for all async subjects, as in a server


@dataclass(frozen=True)
class Bound:
    """What a figure of ours must reach; a missing part always holds."""

    at_most: float | None = None
    of_floor: float | None = None
    faster_than_peer: float | None = None
    scales: bool = True  # `at_most` is time of the CPU: it grows on a machine that is slower than the one it was set on

    def limit(self, slowness: float) -> float:
        """`at_most` on this machine."""
        if self.at_most is None:
            return math.inf
        return self.at_most * slowness if self.scales else self.at_most

    def describe(self, slowness: float) -> str:
        here = f" (here {self.limit(slowness):.1f})" if self.limit(slowness) != self.at_most else ""
        parts = [
            self.at_most is not None and f"<= {self.at_most:g}{here}",
            self.of_floor is not None and f"<= {self.of_floor:g}x floor",
            self.faster_than_peer is not None and f">= {self.faster_than_peer:g}x",
        ]
        return ", ".join(part for part in parts if part) or "for information"


@dataclass(frozen=True)
class Metric:
    """One figure of a scenario: one line of the table."""

    label: str
    unit: str
    bound: Bound


@dataclass(frozen=True)
class Scenario:
    """Subjects that do the same thing, measured side by side."""

    name: str
    metrics: tuple[Metric, ...]
    subjects: Mapping[str, Measure]
    rounds: int = 31
    pinned: bool = False


@dataclass(frozen=True)
class Row:
    """The medians of one metric, and how much slower this machine was meanwhile than the one the bounds were set on."""

    scenario: str
    metric: Metric
    figures: Mapping[str, float]
    slowness: float

    @property
    def holds(self) -> bool:
        ours, bound = self.figures[OURS], self.metric.bound
        return (
            ours <= self.metric.bound.limit(self.slowness)
            and ours <= self.figures.get(FLOOR, math.inf) * (bound.of_floor or math.inf)
            and ours * (bound.faster_than_peer or 0) <= self.figures.get(PEER, math.inf)
        )

    def ratio(self) -> float | None:
        """How many times ours fits into langchain-core's figure."""
        peer = self.figures.get(PEER)
        return peer / self.figures[OURS] if peer and self.figures[OURS] else None


def run(scenario: Scenario, yardstick: Measure | None) -> list[Row]:
    """Measures a scenario, a second time if a bound was missed."""
    rows = _attempt(scenario, yardstick)
    if all(row.holds for row in rows):
        return rows
    return min(rows, _attempt(scenario, yardstick), key=_misses)


def per_run(call: Callable[[], object]) -> Measure:
    """Microseconds of one call, from a batch long enough for the clock and short enough for the scheduler."""
    repeat = 0

    def batch(count: int) -> float:
        started = time.perf_counter()
        for _ in range(count):
            call()
        return time.perf_counter() - started

    def measure() -> Figures:
        nonlocal repeat
        repeat = repeat or _batch_size(batch(20) / 20)
        return (batch(repeat) / repeat * 1e6,)

    return measure


def per_async_run(
    call: Callable[[], Awaitable[object]], after: Callable[[], Awaitable[object]] | None = None
) -> Measure:
    """The same for an awaited call; `after` runs untimed at the end of each batch."""
    repeat = 0

    async def batch(count: int) -> float:
        started = time.perf_counter()
        for _ in range(count):
            await call()
        elapsed = time.perf_counter() - started
        if after is not None:
            await after()
        return elapsed

    async def measure() -> Figures:
        nonlocal repeat
        repeat = repeat or _batch_size(await batch(20) / 20)
        return (await batch(repeat) / repeat * 1e6,)

    return on_loop(measure)


def on_loop(measure: Callable[[], Awaitable[Figures]]) -> Measure:
    """An async measure as a plain one."""

    async def main() -> Figures:
        return await measure()

    return lambda: _LOOP.run(main())


def _misses(rows: list[Row]) -> tuple[int, float]:
    return sum(not row.holds for row in rows), sum(row.figures[OURS] for row in rows)


def _batch_size(seconds: float) -> int:
    return max(5, int(BATCH_SECONDS / seconds))


def _attempt(scenario: Scenario, yardstick: Measure | None) -> list[Row]:
    gc.collect()
    with _pinned(scenario.pinned):
        samples = _rounds(scenario, yardstick)
    measured = samples.pop(YARDSTICK, [(YARDSTICK_THEN,)])
    slowness = max(1.0, median(microseconds for (microseconds,) in measured) / YARDSTICK_THEN)
    medians = {name: [median(figures) for figures in zip(*taken, strict=True)] for name, taken in samples.items()}
    return [
        Row(scenario.name, metric, {name: figures[index] for name, figures in medians.items()}, slowness)
        for index, metric in enumerate(scenario.metrics)
    ]


def _rounds(scenario: Scenario, yardstick: Measure | None) -> dict[str, list[Figures]]:
    subjects = dict(scenario.subjects) | ({YARDSTICK: yardstick} if yardstick else {})
    samples: dict[str, list[Figures]] = {name: [] for name in subjects}
    spent = dict.fromkeys(subjects, 0.0)
    for _ in range(scenario.rounds):
        for name, measure in subjects.items():
            if spent[name] < PATIENCE_SECONDS:
                started = time.perf_counter()
                samples[name].append(measure())
                spent[name] += time.perf_counter() - started
    return samples


@contextmanager
def _pinned(wanted: bool) -> Iterator[None]:
    """Keeps every thread of this process on one CPU, so that a hop does not depend on which core wakes up."""
    if not wanted or not hasattr(os, "sched_setaffinity"):
        yield
        return
    everywhere = os.sched_getaffinity(0)
    _set_affinity({min(everywhere)})
    try:
        yield
    finally:
        _set_affinity(everywhere)


def _set_affinity(cpus: set[int]) -> None:
    for thread in os.listdir("/proc/self/task"):
        try:
            os.sched_setaffinity(int(thread), cpus)
        except ProcessLookupError:  # a pool thread ended meanwhile
            continue
