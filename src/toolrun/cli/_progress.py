"""How far a batch is: a live bar on a terminal, now and then a line elsewhere, nothing if quiet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from toolrun._ids import monotonic
from toolrun.cli._source import CallsFile
from toolrun.cli._summary import Summary

LINE_EVERY = 5.0
"""Seconds between two lines where there is no terminal."""


class Watcher(Protocol):
    """Is told when the figures have changed."""

    def __enter__(self) -> Self:
        """Begin to show."""

    def __exit__(self, *exc: object) -> None:
        """End to show."""

    def update(self) -> None:
        """Show the figures as they are now."""

    def paused(self) -> AbstractContextManager[None]:
        """Show nothing meanwhile."""


class Quiet:
    """Shows nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def update(self) -> None:
        """Nothing."""

    def paused(self) -> AbstractContextManager[None]:
        """There is nothing to pause."""
        return nullcontext()


class Lines:
    """A line every few seconds."""

    def __init__(self, console: Console, source: CallsFile, summary: Summary) -> None:
        self._console, self._source, self._summary = console, source, summary
        self._began = self._told = monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def update(self) -> None:
        """A line, if it is time for one."""
        moment = monotonic()
        if moment - self._told < LINE_EVERY:
            return
        self._told = moment
        done, expected = len(self._summary.total.durations), self._source.expected_calls
        rate = done / (moment - self._began)
        text = f"{done:,}{f' of {expected:,}' if expected else ''} calls, {self._summary.total.errors:,} failed, "
        left = f", {(expected - done) / rate:.0f} s left" if expected and rate else ""
        self._console.print(f"{text}{rate:.0f}/s{left}", highlight=False)

    def paused(self) -> AbstractContextManager[None]:
        """Lines do not get into anybody's way."""
        return nullcontext()


class Bar:
    """rich's progress bar with count, errors, rate and time left."""

    def __init__(self, console: Console, source: CallsFile, summary: Summary) -> None:
        self._source, self._summary = source, summary
        self._began = monotonic()
        self._is_over = False
        self._progress = Progress(
            SpinnerColumn(),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("[red]{task.fields[errors]:,} failed"),
            TextColumn("{task.fields[rate]:.0f}/s"),
            TimeRemainingColumn(),
            console=console,
            expand=True,
            transient=True,
        )
        self._task = self._progress.add_task("", total=source.expected_calls, errors=0, rate=0.0)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._is_over = True
        self._progress.stop()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Take the bar off the terminal meanwhile; from any thread."""
        self._progress.stop()
        try:
            yield
        finally:
            if not self._is_over:
                self._progress.start()

    def update(self) -> None:
        """New figures; rich draws them ten times a second."""
        done = len(self._summary.total.durations)
        self._progress.update(
            self._task,
            completed=done,
            total=self._source.expected_calls,
            errors=self._summary.total.errors,
            rate=done / max(monotonic() - self._began, 0.001),
        )
