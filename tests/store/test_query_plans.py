"""Lists are walked along an index, in order and from their place on: SQLite sorts nothing and reads no row in vain."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.store.filling import Filling, run_id

from toolrun.store.query import Query, Reader


class Planned(Reader):
    """A reader that keeps the statements that it runs, and tells SQLite's plans for them."""

    def __init__(self, store: Filling) -> None:
        super().__init__(store)
        self.statements: list[str] = []
        for file in self._files:
            file.connection.set_trace_callback(self.statements.append)

    def plans(self) -> list[str]:
        [file] = self._files
        file.connection.set_trace_callback(None)
        lists = [statement for statement in self.statements if "run.seq FROM run" in statement]
        return [row[3] for statement in lists for row in file.rows(f"EXPLAIN QUERY PLAN {statement}")]


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Planned]:
    with closing(Filling(tmp_path)) as store:
        store.add(1, tags=["nightly"], session="s", inputs="eclipse")
        with Planned(store) as reader:
            yield reader


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("", "ix_root"),
        ("since:2020-01-01", "ix_start (start_us>"),
        ("before:2030-01-01", "ix_start (start_us<"),
        ("tool:search", "ix_tool (named_id=?"),
        ("tool:search since:2020-01-01", "ix_tool (named_id=? AND start_us>"),
        ("status:error", "ix_failed"),
        ("status:error,timeout,crashed", "ix_failed"),
        ("error:timeout", "ix_failed"),
        ("error:timeout since:2020-01-01", "ix_failed (start_us>"),
        ("status:running", "ix_running"),
        ("session:s", "ix_session (session=?"),
    ],
)
@pytest.mark.parametrize("after", [None, "1794999961000000.20261118.7"], ids=["first page", "a later page"])
def test_a_list_is_walked_in_the_order_of_an_index(reader: Planned, query: str, index: str, after: str | None) -> None:
    reader.traces(Query.parse(query), after=after)
    plans = reader.plans()
    assert any(index in plan for plan in plans), plans
    assert not [plan for plan in plans if plan in ("USE TEMP B-TREE FOR ORDER BY", "SCAN run")], plans


@pytest.mark.parametrize("query", ["tag:nightly", "eclipse", "ecl* tag:nightly", "tag:nightly tool:search"])
def test_what_few_runs_have_is_fetched_by_row_number(reader: Planned, query: str) -> None:
    assert len(reader.runs(Query.parse(query)).items) == 1
    plans = reader.plans()
    assert any("run USING INTEGER PRIMARY KEY (rowid=?)" in plan for plan in plans), plans
    assert not [plan for plan in plans if "ix_start" in plan], plans


def test_trees_ids_and_changes_are_looked_up(reader: Planned) -> None:
    reader.watch().look()
    reader.payload(reader.find(run_id(1)[:20]))
    reader.tree(run_id(1))
    plans = reader.plans()
    assert not [plan for plan in plans if "SCAN run" in plan and "ix_running" not in plan], plans
    assert any("ix_trace (trace_id=?" in plan for plan in plans)
