"""Runs, payloads and counts, as one file has them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from toolrun.store.query._condition import Condition, Test
from toolrun.store.query._open_files import OpenFile
from toolrun.store.query._records import Payload, StoredEvent, StoredRun
from toolrun.store.schema import IS_FAILED

T = TypeVar("T")

SOME = 500

_RUN = """lower(hex(run.run_id)), lower(hex(run.trace_id)), nullif(lower(hex(run.parent_id)), ''), named.kind,
named.name, run.status, run.start_us, run.dur_us, run.error_type, run.error_message, run.stopped_by, run.engine,
run.worker, ifnull(run.attempts, 1), run.cached IS 1, run.session, run.call_id"""
_PAYLOAD = "inputs, output, error, tags, metadata, notes"
_NONE = (None,) * 6
_NAMED = "CROSS JOIN named ON named.id = run.named_id"


def rows_where(file: OpenFile, columns: str, condition: Condition, end: str = "", join: str = "") -> Iterator[Any]:
    """Columns of the rows of `run` that meet a condition, and `seq` as the last; `end` may order them."""
    sql = f"SELECT {columns}, run.seq FROM {condition.source} {join} WHERE {condition.sql} {end}"
    rows = file.rows(sql, *condition.parameters)
    return rows if condition.test is None else _tested(rows, condition.test)


def runs_where(file: OpenFile, condition: Condition, end: str = "") -> Iterator[StoredRun]:
    """The runs that meet a condition."""
    return map(StoredRun._make, rows_where(file, f"{_RUN}, {file.number}", condition, end, _NAMED))


def _tested(rows: Iterator[Any], test: Test) -> Iterator[Any]:
    """The rows that pass a test, in chunks that grow: a page is found in the first ones, or takes many."""
    size = 1_000
    while chunk := list(islice(rows, size)):
        passed = test([row[-1] for row in chunk])
        yield from (row for row in chunk if row[-1] in passed)
        size = min(2 * size, 50_000)


def runs_of_ids(file: OpenFile, column: str, ids: Collection[str]) -> Iterator[StoredRun]:
    """The runs whose `run_id`, or `trace_id`, is among these."""
    for some in _some_at_a_time([bytes.fromhex(id) for id in ids]):
        yield from runs_where(file, Condition(f"run.{column} IN ({_marks(some)})", [*some]))


def counts_of(file: OpenFile, traces: Collection[str]) -> Iterator[tuple[str, int, int, int]]:
    """For each of the traces how many runs there are, failed, and running."""
    counts = f"lower(hex(trace_id)), count(*), sum({IS_FAILED}), sum(status = 'running')"
    for some in _some_at_a_time([bytes.fromhex(id) for id in traces]):
        of_these = f"WHERE trace_id IN ({_marks(some)}) GROUP BY trace_id"
        yield from file.rows(f"SELECT {counts} FROM run INDEXED BY ix_trace {of_these}", *some)


def previews_of(file: OpenFile, seqs: Collection[int]) -> Iterator[tuple[int, str]]:
    """The first characters of the inputs, and in a second line those of the output or error, of these rows."""
    for some in _some_at_a_time([*seqs]):
        yield from file.rows(f"SELECT seq, preview FROM payload WHERE seq IN ({_marks(some)})", *some)


def payload_of(file: OpenFile, seq: int) -> Payload:
    """What a run took and gave, and what happened in between."""
    events = file.rows("SELECT at_us, event, value FROM event WHERE seq = ? ORDER BY n", seq)
    happened = tuple(StoredEvent(*event) for event in events)
    inputs, output, error, tags, metadata, notes = (
        file.row(f"SELECT {_PAYLOAD} FROM payload WHERE seq = ?", seq) or _NONE
    )
    return Payload(inputs, output, error, tags, metadata, notes, happened)


def _some_at_a_time(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """SQLite takes no more than 32,766 parameters, and is fastest with fewer."""
    return (values[begin : begin + SOME] for begin in range(0, len(values), SOME))


def _marks(values: Collection[object]) -> str:
    return ",".join("?" * len(values))
