"""What `toolrun runs` does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from shlex import quote
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from toolrun.cli._querying import note, parsed, reading, write_json
from toolrun.cli._run_text import FAILED, account, began, one_line, status_text, took
from toolrun.cli._stdout import printing
from toolrun.store.query import Page, Query, StoredRun, Trace, telling_length

NAME, LEAST = 18, 12
"""Columns of the terminal that a name has at most, and its account at least."""

_TITLES = ["run", "began", "took", "status", "runs", "name"]
_NUMBERS = ("took",)
_FACTS = (
    *("id", "parent", "trace", "kind", "name", "status", "at", "us"),
    *("error_type", "error_message", "stopped_by", "session", "call_id"),
)


@dataclass(slots=True)
class Row:
    """A line of the list: a trace, or with --each a run, which is a trace of its own here."""

    run: StoredRun
    runs: int
    failed: int
    inputs: str
    output: str


def list_runs(
    words: Sequence[str], limit: int, after: str | None, each: bool, store: str | None, as_json: bool
) -> None:
    """Print a table, or JSON, of one page, and how to get the next one."""
    query = parsed(words)
    with reading(store) as reader, printing():
        if each:
            runs = reader.runs(query, limit, after)
            previews = reader.previews(runs.items)
            rows = [Row(run, 1, run.is_failed, *previews[run.id]) for run in runs.items]
            page: Page[Any] = runs
        else:
            traces = reader.traces(query, limit, after)
            rows = [_row_of_trace(trace) for trace in traces.items]
            page = traces
        if as_json:
            facts = [{**facts_of(row.run), "runs": row.runs, "failed": row.failed} for row in rows]
            write_json({"runs": facts, "after": page.after, "unsearched": page.unsearched})
            return
        if rows:
            _print(rows, telling_length(row.run.id for row in rows))
    if not rows:
        note(_nothing(query, after))
    if page.unsearched:
        note(f"The words of {page.unsearched:,} runs are not indexed yet: there may be more. Ask again.")
    if page.after:
        note(f"There is more: toolrun runs {_again(words, limit, each, store)} --after {page.after}")


def _nothing(query: Query, after: str | None) -> str:
    """Why the list is empty."""
    if after is not None:
        return "Nothing follows: the list ends before this place."
    return "No run meets the query." if query else "Nothing is recorded here yet."


def facts_of(run: StoredRun) -> dict[str, Any]:
    """What is known of a run in a list, for machines."""
    return {name: value for name in _FACTS if (value := getattr(run, name)) is not None}


def _row_of_trace(trace: Trace) -> Row:
    return Row(trace.root, trace.runs, trace.failed, trace.inputs, trace.output)


def _print(rows: list[Row], id_length: int) -> None:
    console, now = Console(), datetime.now()
    trees = any(row.runs > 1 for row in rows)
    cells = [_cells(row, id_length, now, trees) for row in rows]
    titles = _TITLES if trees else _TITLES[:4] + _TITLES[5:]
    widths = [max(map(cell_len, map(str, column))) for column in zip(titles, *cells, strict=True)]
    rest = max(LEAST, console.width - sum(widths) - 2 * len(titles) - 2)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for title in titles:
        table.add_column(title, justify="right" if title in _NUMBERS else "left", no_wrap=True)
    table.add_column("in → out", no_wrap=True)
    for row, of_row in zip(rows, cells, strict=True):
        table.add_row(*of_row, account(row.run, row.inputs, row.output, rest))
    console.print(table)


def _cells(row: Row, id_length: int, now: datetime, trees: bool) -> list[Text]:
    run, name = row.run, Text(one_line(row.run.name))
    name.truncate(NAME, overflow="ellipsis")
    cells = [Text(run.id[-id_length:]), Text(began(run, now)), Text(took(run.us)), status_text(run)]
    if trees:
        cells.append(_counts(row))
    return [*cells, name]


def _counts(row: Row) -> Text:
    """How many runs a trace has, and how many of them failed; nothing where that is the run itself alone."""
    if row.runs == 1:
        return Text()
    return Text(f"{row.runs:,}").append(f" {row.failed:,}✗" if row.failed else "", FAILED)


def _again(words: Sequence[str], limit: int, each: bool, store: str | None) -> str:
    """The arguments of this command."""
    options = [f"-n {limit}"] if limit != 20 else []
    options += ["--each"] if each else []
    options += [f"--store {quote(store)}"] if store else []
    return " ".join([*map(quote, words), *options])
