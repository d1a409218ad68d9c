"""What a batch came to: calls, errors and durations of each tool."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import ceil

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from toolrun.cli._visible import visible
from toolrun.execution.statistics import statistics
from toolrun.run import RunStatus, StoppedBy
from toolrun.runner import CallResult

SHOWN_FAILURES = 8
KEPT_FAILURES = 1000


@dataclass(slots=True)
class ToolFigures:
    """Eight bytes a call are kept, so that the percentiles are exact."""

    errors: int = 0
    durations: array[float] = field(default_factory=lambda: array("d"))

    def add(self, result: CallResult) -> None:
        """Count one result."""
        self.errors += not result.ok
        self.durations.append(result.duration_ms)


class Summary:
    """Counts results as they come."""

    def __init__(self) -> None:
        self.total = ToolFigures()
        self.by_tool: defaultdict[str, ToolFigures] = defaultdict(ToolFigures)
        self.failures: Counter[str] = Counter()
        self.statuses: Counter[RunStatus] = Counter()
        self.stopped: Counter[StoppedBy] = Counter()
        self.cached = self.retried = 0

    def add(self, result: CallResult) -> None:
        """Count one result, under the name that the call asked for."""
        self.total.add(result)
        self.by_tool[result.name or "(no call)"].add(result)
        self.statuses[result.status] += 1
        self.stopped[result.stopped_by] += result.status is RunStatus.TIMEOUT
        self.cached += result.cached
        self.retried += result.attempts > 1
        if not result.ok:
            failure = _failure(result)
            if failure in self.failures or len(self.failures) < KEPT_FAILURES:
                self.failures[failure] += 1

    def print(self, console: Console, elapsed: float, notes: Iterable[str] = ()) -> None:
        """A table with one row a tool, the most frequent failures, and `notes` a line each."""
        table = Table("tool", box=box.SIMPLE_HEAD, pad_edge=False, show_footer=len(self.by_tool) > 1)
        table.columns[0].footer = "all"
        for title, footer in zip(("calls", "errors", "p50", "p95", "max"), _cells(self.total), strict=True):
            table.add_column(title, footer, justify="right", no_wrap=True)
        for name, figures in sorted(self.by_tool.items()):
            table.add_row(Text(visible(name), overflow="ellipsis", no_wrap=True), *_cells(figures))
        console.print(table)
        shown = self.failures.most_common(SHOWN_FAILURES)
        for failure, count in shown:
            console.print(Text(f"{count:>6,} x {visible(failure)}"), no_wrap=True, overflow="ellipsis")
        if more := self.total.errors - sum(count for _, count in shown):
            console.print(f"{more:>6,} x other failures", highlight=False)
        for note in notes:
            console.print(Text(visible(note)), no_wrap=True, overflow="ellipsis")
        calls = len(self.total.durations)
        console.print(f"{calls:,} calls in {elapsed:.2f} s, {self.total.errors:,} failed.", highlight=False)
        if abandoned := statistics().abandoned_threads:
            console.print(f"{abandoned:,} of them would not stop and were abandoned in their threads.", highlight=False)


def _cells(figures: ToolFigures) -> tuple[str, ...]:
    durations = sorted(figures.durations)
    times = (percentile(durations, 0.5), percentile(durations, 0.95), durations[-1])
    return (f"{len(durations):,}", f"{figures.errors:,}", *map(milliseconds, times))


def _failure(result: CallResult) -> str:
    """What failed, in one line; failures of the same line are counted together."""
    error = result.error or {}
    name = f"{result.name}: " if result.name else ""
    return f"{name}{error.get('type')}: {' '.join(error.get('message', '').split())}"[:200]


def percentile(ordered: list[float], share: float) -> float:
    """The nearest-rank percentile: a value that occurred, not one in between."""
    return ordered[max(0, ceil(share * len(ordered)) - 1)]


def milliseconds(value: float) -> str:
    """A duration in the unit that a person would choose."""
    if value < 9.995:
        return f"{value:.2f} ms"
    return f"{value:.0f} ms" if value < 999.5 else f"{value / 1000:.2f} s"
