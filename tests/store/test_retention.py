"""Pruning: whole traces, the oldest first, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.store.filling import BEGIN_US, SECOND, Filling
from tests.store.journals import reading, runs_of

from toolrun.store import Store, StoreBusy, StoreUnwritable
from toolrun.store._locks import FileLock
from toolrun.store.check import check
from toolrun.store.retention import prune
from toolrun.store.words import index_words

NOW = BEGIN_US + 1000 * SECOND


@pytest.fixture
def filling(tmp_path: Path) -> Iterator[Filling]:
    one = Filling(tmp_path)
    yield one
    one.close()


def seconds(number: int) -> timedelta:
    return timedelta(seconds=number)


def left(store: Path) -> list[int]:
    return [(run["start_us"] - BEGIN_US) // SECOND for run in runs_of(store)]


def pruned(filling: Filling, **what: object) -> list[int]:
    prune(Store(filling.folder), now_us=NOW, **what)  # type: ignore[arg-type]
    assert check(Store(filling.folder)).problems == []
    return left(filling.folder)


def test_what_began_earlier_goes(filling: Filling) -> None:
    for number in (100, 500, 900):
        filling.add(number, tags=["a"], events=[("text", "x")])
    assert pruned(filling, older_than=seconds(300)) == [900]


def test_a_trace_goes_whole_or_stays_whole(filling: Filling) -> None:
    filling.add(100)
    filling.add(900, parent=100, trace=100)
    filling.add(101)
    filling.add(102, parent=101, trace=101)
    assert pruned(filling, older_than=seconds(300)) == [100, 900]


def test_a_trace_that_goes_on_stays(filling: Filling) -> None:
    filling.add(100)
    filling.add(101, parent=100, trace=100, us=None)
    assert pruned(filling, older_than=seconds(300)) == [100, 101]


def test_traces_with_errors_can_be_kept(filling: Filling) -> None:
    filling.add(100)
    filling.add(200, status="error")
    filling.add(300)
    filling.add(301, parent=300, trace=300, status="timeout")
    assert pruned(filling, older_than=seconds(300), keep_errors=True) == [200, 300, 301]


def test_what_is_gone_cannot_be_found_by_its_words(filling: Filling) -> None:
    for number in (100, 900):
        filling.add(number, inputs={"q": f"word{number}"})
    with_words = filling.files[0].writing()
    index_words(with_words, 10)
    assert pruned(filling, older_than=seconds(300)) == [900]
    found = [
        with_words.execute("SELECT count(*) FROM words WHERE words MATCH ?", (f"word{n}",)).fetchone()[0]
        for n in (100, 900)
    ]
    assert found == [0, 1]
    with_words.execute("INSERT INTO words(words, rank) VALUES('integrity-check', 1)")
    with_words.close()


def test_a_file_of_which_nothing_is_kept_goes(filling: Filling) -> None:
    filling.add(100, day=20261116)
    filling.add(200, day=20261117, status="error")
    filling.add(900, day=20261118)
    assert pruned(filling, older_than=seconds(300), keep_errors=True) == [200, 900]
    assert [file.name for file in filling.files] == ["runs-20261118.db", "runs-20261117.db"]


def test_the_oldest_go_until_the_size_is_right(filling: Filling) -> None:
    for number in range(1500):
        filling.add(number, inputs={"q": "x" * 2000})
    bound = 2_000_000
    kept = pruned(filling, max_bytes=bound)
    assert kept == list(range(1500 - len(kept), 1500)) and 200 < len(kept) < 1000
    assert filling.files[0].size <= bound


def test_no_more_goes_than_has_to(filling: Filling) -> None:
    for number in range(20):
        filling.add(number, inputs={"q": "x" * 200_000})
    assert 14 <= len(pruned(filling, max_bytes=3_800_000)) <= 18


def test_figures_of_what_is_left_are_right(filling: Filling) -> None:
    for number in (100, 101, 102, 900):
        filling.add(number, status="error" if number == 101 else "ok", us=number)
    pruned(filling, older_than=seconds(300), keep_errors=True)
    figures = "SELECT minute * 60 - ?, n, err, sum_us FROM roll ORDER BY minute"
    with reading(filling.files[0]) as connection:
        rows = connection.execute(figures, (BEGIN_US // SECOND,)).fetchall()
    assert rows == [(60, 1, 1, 101), (900, 1, 0, 900)]


def test_a_second_process_that_prunes_gets_a_clear_error(filling: Filling) -> None:
    filling.add(1)
    lock = FileLock(filling.folder / "prune.lock")
    assert lock.acquire()
    with pytest.raises(StoreBusy, match=r"Another process is pruning .* Try again"):
        prune(Store(filling.folder), older_than=seconds(1))
    lock.release()
    prune(Store(filling.folder), older_than=seconds(1))


def test_a_store_that_was_opened_for_reading_is_not_pruned(filling: Filling) -> None:
    filling.add(1)
    with pytest.raises(StoreUnwritable, match="readonly"):
        prune(Store(filling.folder, readonly=True), older_than=seconds(1))
