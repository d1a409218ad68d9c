"""What `toolrun tail` does."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime

from rich.console import Console
from rich.text import Text

from toolrun.cli._errors import Unusable
from toolrun.cli._querying import opened, parsed
from toolrun.cli._run_text import PREVIEW, account, began, one_line, status_text, took
from toolrun.cli._stdout import printing
from toolrun.errors import ToolrunError
from toolrun.store import Store
from toolrun.store.exchange.export import line_of
from toolrun.store.query import SHORT, Payload, Reader, StoredRun

LEAST = 20
SECONDS = 0.2
"""Between two looks at the store."""


def tail_runs(words: Sequence[str], last: int, store: str | None, as_json: bool) -> None:
    """Print runs as they come."""
    query = parsed(words)
    try:
        with opened(store) as there, Reader(there) as reader, printing(), suppress(KeyboardInterrupt):
            show = _show_json if as_json else Lines(Console(highlight=False)).show
            watch = reader.watch(query)
            _print(reader, reversed(reader.runs(query, last).items) if last else (), show)
            while True:
                time.sleep(SECONDS)
                _take_over(there)
                _print(reader, watch.look(), show)
    except ToolrunError as error:
        raise Unusable(str(error)) from None


def _take_over(store: Store) -> None:
    """Where nobody else does it, as after a crash, move what the journal has into the files that are read."""
    if not store.readonly:
        store.refresh()


def _print(reader: Reader, runs: Iterable[StoredRun], show: Callable[[StoredRun, Payload], None]) -> None:
    for run in runs:
        show(run, reader.payload(run))
    sys.stdout.flush()


def _show_json(run: StoredRun, payload: Payload) -> None:
    if run.status != "running":
        sys.stdout.buffer.write(line_of(run, payload))
        sys.stdout.buffer.flush()


class Lines:
    """A line a run, as wide as the terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def show(self, run: StoredRun, payload: Payload) -> None:
        """Print the line of a run."""
        line = Text(f"{began(run, datetime.now()):<8}  ").append_text(status_text(run))
        line.pad_right(max(0, 21 - len(line)))
        line.append(f"{took(run.us):>8}  {run.id[-SHORT:]}  ")
        line.append(f"{one_line(run.name)}  ", "bold")
        taken, given = (payload.inputs_json or "")[:PREVIEW], (payload.output_json or "")[:PREVIEW]
        line.append_text(account(run, taken, given, max(LEAST, self._console.width - line.cell_len)))
        self._console.print(line, no_wrap=True, overflow="ellipsis")
