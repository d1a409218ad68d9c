"""Runs, payloads and counts, as one file has them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice
from typing import Any

from toolrun.store.query._condition import Condition, Test
from toolrun.store.query._open_files import OpenFile
from toolrun.store.query._records import Payload, StoredEvent, StoredRun
from toolrun.store.schema import IS_FAILED

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
    return runs_where(file, Condition(f"run.{column} IN ({_marks(ids)})", [*map(bytes.fromhex, ids)]))


def counts_of(file: OpenFile, traces: Collection[str]) -> Iterator[tuple[str, int, int, int]]:
    """For each of the traces how many runs there are, failed, and running."""
    return file.rows(
        f"""SELECT lower(hex(trace_id)), count(*), sum({IS_FAILED}), sum(status = 'running')
        FROM run INDEXED BY ix_trace WHERE trace_id IN ({_marks(traces)}) GROUP BY trace_id""",
        *map(bytes.fromhex, traces),
    )


def previews_of(file: OpenFile, seqs: Collection[int]) -> Iterator[tuple[int, str]]:
    """The first characters of the inputs, and in a second line those of the output or error, of these rows."""
    return file.rows(f"SELECT seq, preview FROM payload WHERE seq IN ({_marks(seqs)})", *seqs)


def payload_of(file: OpenFile, seq: int) -> Payload:
    """What a run took and gave, and what happened in between."""
    events = file.rows("SELECT at_us, event, value FROM event WHERE seq = ? ORDER BY n", seq)
    happened = tuple(StoredEvent(*event) for event in events)
    inputs, output, error, tags, metadata, notes = (
        file.row(f"SELECT {_PAYLOAD} FROM payload WHERE seq = ?", seq) or _NONE
    )
    return Payload(inputs, output, error, tags, metadata, notes, happened)


def _marks(values: Collection[object]) -> str:
    return ",".join("?" * len(values))
