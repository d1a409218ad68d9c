"""What `toolrun tail` does."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Protocol

from rich.console import Console
from rich.text import Text

from toolrun.cli._errors import Unusable
from toolrun.cli._querying import opened, parsed
from toolrun.cli._run_text import account, began, one_line, status_text, took
from toolrun.cli._stdout import printing
from toolrun.errors import ToolrunError
from toolrun.store import Store
from toolrun.store.exchange.export import line_of
from toolrun.store.query import SHORT, Reader, StoredRun

LEAST = 20
SECONDS = 0.2
"""Between two looks at the store."""


def tail_runs(words: Sequence[str], last: int, store: str | None, as_json: bool) -> None:
    """Print runs as they come."""
    query = parsed(words)
    try:
        with opened(store) as there, Reader(there) as reader, printing(), suppress(KeyboardInterrupt):
            show: Show = show_json if as_json else ShowLines()
            watch = reader.watch(query)
            show(reader, reader.runs(query, last).items[::-1] if last else [])
            while True:
                time.sleep(SECONDS)
                _take_over(there)
                show(reader, watch.look())
    except ToolrunError as error:
        raise Unusable(str(error)) from None


def _take_over(store: Store) -> None:
    """Where nobody else does it, as after a crash, move what the journal has into the files that are read."""
    if not store.readonly:
        store.refresh()


class Show(Protocol):
    """Prints runs."""

    def __call__(self, reader: Reader, runs: Sequence[StoredRun]) -> None: ...


def show_json(reader: Reader, runs: Sequence[StoredRun]) -> None:
    """A line of an export for each run that has ended."""
    for run in runs:
        if run.status != "running":
            sys.stdout.buffer.write(line_of(run, reader.payload(run)))
    sys.stdout.buffer.flush()


class ShowLines:
    """A line a run, as wide as the terminal."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)

    def __call__(self, reader: Reader, runs: Sequence[StoredRun]) -> None:
        previews = reader.previews(runs)
        for run in runs:
            line = Text(f"{began(run, datetime.now()):<8}  ").append_text(status_text(run))
            line.pad_right(max(0, 21 - len(line)))
            line.append(f"{took(run.us):>8}  {run.id[-SHORT:]}  ")
            line.append(f"{one_line(run.name)}  ", "bold")
            room = max(LEAST, self._console.width - line.cell_len)
            self._console.print(line.append_text(account(run, *previews[run.id], room)), no_wrap=True)
        sys.stdout.flush()
