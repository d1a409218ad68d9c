"""What a batch left behind, or was held up by: a line each, where there is anything to say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from toolrun.cli._summary import Summary
from toolrun.execution.statistics import statistics
from toolrun.execution.watchdog import LoopBlocked, watchdog
from toolrun.run import RunStatus, StoppedBy


class Aftermath:
    """Looks at what has happened since it was made."""

    def __init__(self) -> None:
        self._seen = {id(report) for report in watchdog.reports()}

    def lines(self, summary: Summary) -> Iterator[str]:
        """What is worth a line."""
        statuses, stopped = summary.statuses, summary.stopped
        if count := statuses[RunStatus.TIMEOUT]:
            how = ", ".join(f"{stopped[by]:,} {word}" for by, word in _STOPPED.items() if stopped[by])
            yield f"{count:,} timed out{f': {how}' if how else ''}."
        if count := statuses[RunStatus.CRASHED]:
            yield f"{count:,} lost with their worker processes."
        if count := statuses[RunStatus.DENIED]:
            yield f"{count:,} denied."
        if summary.retried:
            yield f"{summary.retried:,} tried more than once."
        if summary.cached:
            yield f"{summary.cached:,} answered from the cache."
        now = statistics()
        if now.abandoned_threads:
            yield f"{now.abandoned_threads:,} threads are left behind, in bodies that would not stop."
        if now.abandoned_tasks:
            yield f"{now.abandoned_tasks:,} async bodies are left behind, which would not stop."
        if blocked := [report for report in watchdog.reports() if id(report) not in self._seen]:
            yield _blocked(blocked)


_STOPPED = {
    StoppedBy.COOPERATION: "stopped when asked to",
    StoppedBy.EXCEPTION: "stopped by an exception",
    StoppedBy.KILL: "killed",
    StoppedBy.ABANDONED: "left behind",
}


def _blocked(reports: list[LoopBlocked]) -> str:
    longest = max(reports, key=lambda report: report.seconds)
    who = f"{longest.name}.{longest.event}" if longest.event else longest.name
    times = "once" if len(reports) == 1 else f"{len(reports)} times, at most"
    where = f"{Path(longest.file).name}:{longest.line}"
    return f"The event loop was blocked {times} for {longest.seconds:.2f} s: {who}, {where}."
