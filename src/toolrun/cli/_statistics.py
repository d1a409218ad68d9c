"""What `toolrun stats` does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from toolrun._ids import now
from toolrun.cli._querying import note, parsed, reading, write_json
from toolrun.cli._run_text import FAILED, one_line, took
from toolrun.cli._spark import in_bins, spark
from toolrun.cli._stdout import printing
from toolrun.store.query import Failure, Failures, Figures, Query

NAME, SPARK = 24, 14
SHOWN_FAILURES = 8
_SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def show_statistics(words: Sequence[str], store: str | None, as_json: bool) -> None:
    """Print the figures of every tool, and the most frequent failures."""
    query = parsed(words)
    with reading(store) as reader, printing():
        figures, failures = reader.figures(query), reader.failures(query)
        if as_json:
            write_json({"tools": [*map(_facts, figures)], "failures": [*map(_failure_facts, failures.groups)]})
        elif figures:
            _print(figures, failures, query)
    if not as_json and not figures:
        note("No run that has ended meets the query." if query else "No run has ended here yet.")


def _facts(figures: Figures) -> dict[str, Any]:
    percentiles = {f"{name}_us": round(figures.percentile_us(share)) for name, share in _SHARES.items()}
    minutes = [[minute * 60, *counts] for minute, counts in sorted(figures.minutes.items())]
    return {
        "kind": figures.kind,
        "name": figures.name,
        "calls": figures.calls,
        "failed": figures.failed,
        "mean_us": round(figures.mean_us),
        **percentiles,
        "exact": figures.is_exact,
        "minutes": minutes,
    }


def _failure_facts(failure: Failure) -> dict[str, Any]:
    return {
        "kind": failure.kind,
        "name": failure.name,
        "type": failure.error_type,
        "shape": failure.shape,
        "runs": failure.count,
        "latest": failure.latest.id,
    }


def _print(figures: list[Figures], failures: Failures, query: Query) -> None:
    minutes = [minute for each in figures for minute in each.minutes]
    first, last = min(minutes), max(*minutes, int(now()) // 60) if _is_open(query) else max(minutes)
    console = Console(highlight=False)
    console.print(_table(figures, first, last))
    _print_failures(console, failures)
    calls, failed = sum(each.calls for each in figures), sum(each.failed for each in figures)
    console.print(f"{calls:,} {'call' if calls == 1 else 'calls'}, {failed:,} failed; {_span(first, last)}.")


def _table(figures: list[Figures], first: int, last: int) -> Table:
    table = Table("tool", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for title in ("calls", "failed", *_SHARES):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("over time", no_wrap=True)
    for each in figures:
        name = Text(one_line(each.name if each.kind == "tool" else f"{each.name} ({each.kind})"))
        name.truncate(NAME, overflow="ellipsis")
        failed = Text(f"{each.failed / each.calls:.1%}" if each.failed else "", FAILED)
        times = [took(each.percentile_us(share) if each.timed else None) for share in _SHARES.values()]
        course = spark(in_bins({minute: calls for minute, (calls, _) in each.minutes.items()}, first, last, SPARK))
        table.add_row(name, f"{each.calls:,}", failed, *times, course)
    return table


def _print_failures(console: Console, failures: Failures) -> None:
    shown = failures.groups[:SHOWN_FAILURES]
    for failure in shown:
        says = one_line(f"{failure.name}: {failure.error_type}: {failure.shape}")
        console.print(Text(f"{failure.count:>6,} x {says}"), no_wrap=True, overflow="ellipsis")
    if more := failures.runs - sum(failure.count for failure in shown):
        console.print(f"{more:>6,} x other failures")
    if not failures.is_all:
        console.print(f"Failures are of the newest {failures.runs:,} failed runs.")


def _is_open(query: Query) -> bool:
    """Whether the query goes on to the present."""
    return any(getattr(term, "field", "") == "since" for term in query.terms) and not any(
        getattr(term, "field", "") == "before" for term in query.terms
    )


def _span(first: int, last: int) -> str:
    begin, end = (datetime.fromtimestamp(minute * 60).astimezone() for minute in (first, last))
    return f"{begin:%Y-%m-%d %H:%M}" + (f" to {end:%Y-%m-%d %H:%M}" if last > first else "")
