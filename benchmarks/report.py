"""The rows as a table and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from benchmarks.harness import FLOOR, OURS, PEER, Row

COLUMNS = ("measure", "floor", "langchain-core", "toolrun", "ratio", "must reach", "")


def print_table(rows: Iterable[Row]) -> None:
    """One line for each row; wide enough for a log file when there is no terminal."""
    table = Table(*COLUMNS)
    for row in rows:
        table.add_row(*_cells(row))
    console = Console()
    Console(width=None if console.is_terminal else 150).print(table)


def print_json(rows: Iterable[Row]) -> None:
    """One object for each row, with every subject's figure."""
    print(json.dumps([_record(row) for row in rows], indent=2))


def _cells(row: Row) -> tuple[str, ...]:
    ratio = row.ratio()
    return (
        f"{row.scenario}: {row.metric.label} ({row.metric.unit})",
        _figure(row.figures.get(FLOOR)),
        _figure(row.figures.get(PEER)),
        _figure(row.figures[OURS]) + _others(row),
        f"{ratio:.1f}x" if ratio else "-",
        row.metric.bound.describe(row.slowness),
        "ok" if row.holds else "MISSED",
    )


def _others(row: Row) -> str:
    known = {FLOOR, PEER, OURS}
    return "".join(f" ({name} {_figure(value)})" for name, value in row.figures.items() if name not in known)


def _figure(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def _record(row: Row) -> dict[str, object]:
    return {
        "scenario": row.scenario,
        "metric": row.metric.label,
        "unit": row.metric.unit,
        "figures": dict(row.figures),
        "ratio": row.ratio(),
        "slowness": row.slowness,
        "bound": row.metric.bound.describe(row.slowness),
        "holds": row.holds,
    }
