"""From the journal into SQLite: each record once, in whatever order, and nothing deleted before it is safe."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.store.journals import frames_of, reading, run_python, runs_of

from toolrun._ids import new_run_id
from toolrun.handlers import Recorder
from toolrun.store import Store, open_store
from toolrun.store._drops import frame_bytes
from toolrun.store._frames import FrameKind, frame
from toolrun.store._reading import segments_of
from toolrun.store.indexer import Indexer
from toolrun.store.journal import Journal
from toolrun.store.rows import Record, apply
from toolrun.store.sqlite import StoreFile, file_of_today

START, EVENT, END = FrameKind.START, FrameKind.EVENT, FrameKind.END
AT = 1_790_000_000_000_000


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


def start(run_id: str, **more: Any) -> dict[str, Any]:
    return {"id": run_id, "trace": run_id, "kind": "tool", "name": "t", "at": AT, "inputs": {"n": 1}, **more}


def end(run_id: str, **more: Any) -> dict[str, Any]:
    both = {"id": run_id, "trace": run_id, "kind": "tool", "name": "t", "at": AT}
    return {**both, "us": 1000, "status": "ok", "output": "done", **more}


def event(run_id: str, value: str) -> dict[str, Any]:
    return {"id": run_id, "at": AT + 5, "event": "text", "value": value}


def new_id() -> str:
    return new_run_id().hex


def write(journal: Journal, kind: FrameKind, fields: dict[str, Any]) -> None:
    assert journal.write(kind, orjson.dumps(fields))


def value_of(store: Path, query: str) -> Any:
    with reading(file_of_today(store)) as connection:
        (value,) = connection.execute(query).fetchone()
        return value


def index(store: Path) -> Indexer:
    indexer = Indexer(store)
    assert indexer.lock.acquire()
    indexer.drain()
    indexer.close()
    return indexer


# ── rows ───────────────────────────────────────────────────────────────────────────────────────────────

FACTS = st.permutations(["start", "event 1", "event 2", "end"])


@settings(deadline=None, max_examples=40)
@given(FACTS, st.lists(st.integers(0, 3), max_size=4), st.integers(0, 4))
def test_a_run_comes_out_the_same_in_whatever_order_and_however_often_its_records_come(
    tmp_path_factory: pytest.TempPathFactory, order: list[str], again: list[int], cut: int
) -> None:
    run_id = new_id()
    records = {
        "start": Record(START, 1, start(run_id, tags=["a"], session="s")),
        "event 1": Record(EVENT, 2, event(run_id, "one")),
        "event 2": Record(EVENT, 3, event(run_id, "two")),
        "end": Record(END, 4, end(run_id, engine="threads")),
    }
    told = [records[name] for name in order]
    connection = StoreFile(tmp_path_factory.mktemp("rows") / "runs-20260101.db").writing()
    for batch in (told[:cut], told[cut:], [told[number] for number in again]):
        apply(connection, batch)
    columns = "status, dur_us, engine, session, inputs, output, tags, start_us, preview"
    rows = connection.execute(f"SELECT {columns} FROM run JOIN payload USING(seq)").fetchall()
    preview = '{"n":1}\n"done"'
    assert rows == [("ok", 1000, "threads", "s", '{"n":1}', '"done"', '["a"]', AT, preview)]
    assert connection.execute("SELECT value FROM event ORDER BY n").fetchall() == [('"one"',), ('"two"',)]
    assert connection.execute("SELECT sum(n) FROM roll").fetchone() == (1,)
    assert connection.execute("SELECT count(*) FROM tag").fetchone() == (1,)
    assert connection.execute("SELECT count(*) FROM unsearched").fetchone() == (1,)
    connection.close()


def test_words_are_found_also_when_the_start_comes_after_they_were_indexed(store: Path) -> None:
    from toolrun.store.words import index_words

    store.mkdir()
    connection, run_id = file_of_today(store).writing(), new_id()
    apply(connection, [Record(END, 2, end(run_id, output="early"))])
    assert index_words(connection, 10) == 1
    apply(connection, [Record(START, 1, start(run_id, inputs={"q": "late"}))])
    index_words(connection, 10)
    for word in ("early", "late"):
        assert connection.execute("SELECT count(*) FROM words WHERE words MATCH ?", (word,)).fetchone() == (1,)
    connection.execute("INSERT INTO words(words, rank) VALUES('integrity-check', 1)")
    connection.close()


def test_words_are_those_of_the_text_not_of_its_json(store: Path) -> None:
    from toolrun.store.words import index_words

    store.mkdir()
    connection = file_of_today(store).writing()
    apply(connection, [Record(END, 2, end(new_id(), output='one\ntwo\t"three"\\four'))])
    index_words(connection, 10)
    for word in ("one", "two", "three", "four"):
        assert connection.execute("SELECT count(*) FROM words WHERE words MATCH ?", (word,)).fetchone() == (1,), word
    connection.close()


# ── segments ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_living_journal_is_read_as_far_as_it_goes(store: Path) -> None:
    journal, first, second = Journal(store), new_id(), new_id()
    write(journal, START, start(first))
    index(store)
    assert [run["status"] for run in runs_of(store)] == ["running"]
    write(journal, END, end(first))
    write(journal, START, start(second))
    index(store)
    assert [run["status"] for run in runs_of(store)] == ["ok", "running"]
    assert segments_of(store)


def test_a_segment_goes_when_all_of_it_is_in_the_file(store: Path) -> None:
    journal = Journal(store)
    write(journal, END, end(new_id()))
    journal.close()
    index(store)
    assert segments_of(store) == [] and len(runs_of(store)) == 1
    assert value_of(store, "SELECT ended_us IS NOT NULL FROM segment")


def test_a_segment_stays_while_a_reader_keeps_a_part_of_it_from_the_disk(store: Path) -> None:
    journal = Journal(store)
    write(journal, END, end(new_id()))
    index(store)
    reader = file_of_today(store).reading()
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM run").fetchone()
    write(journal, END, end(new_id()))
    journal.close()
    index(store)
    assert len(segments_of(store)) == 1, "its records are in the write-ahead log alone"
    reader.execute("COMMIT")
    reader.close()
    index(store)
    assert segments_of(store) == []


def test_open_runs_of_a_dead_process_are_interrupted(store: Path) -> None:
    journal = Journal(store)
    write(journal, START, start(new_id()))
    journal.close()
    indexer = index(store)
    assert [run["status"] for run in runs_of(store)] == ["interrupted"]
    assert (indexer.recovered.segments, indexer.recovered.interrupted) == (1, 1)


def test_runs_go_on_in_the_segment_that_follows(store: Path) -> None:
    journal, run_id = Journal(store, segment_bytes=3000), new_id()
    write(journal, START, start(run_id))
    for _ in range(20):
        write(journal, END, end(new_id()))
    index(store)
    assert len(segments_of(store)) == 1, "those that were left are read and gone"
    assert runs_of(store, status="running")[0]["run_id"].hex() == run_id
    write(journal, END, end(run_id))
    index(store)
    assert not runs_of(store, status="running")


def test_a_run_that_was_left_by_a_chain_of_segments_is_interrupted(store: Path) -> None:
    journal, run_id = Journal(store, segment_bytes=3000), new_id()
    write(journal, START, start(run_id))
    for _ in range(60):
        write(journal, END, end(new_id()))
    journal.close()
    index(store)
    assert runs_of(store, status="interrupted")[0]["run_id"].hex() == run_id


def test_an_end_that_comes_after_all_replaces_the_interruption(store: Path) -> None:
    journal, run_id = Journal(store), new_id()
    write(journal, START, start(run_id))
    journal.close()
    index(store)
    write(journal, END, end(run_id))
    index(store)
    assert [run["status"] for run in runs_of(store)] == ["ok"]


def test_opening_a_store_ends_though_its_writer_never_rests(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal, run = Journal(store), Indexer.run

    def beside_a_writer(self: Indexer) -> int:
        write(journal, END, end(new_id()))
        return run(self)

    write(journal, END, end(new_id()))
    monkeypatch.setattr(Indexer, "run", beside_a_writer)
    open_store(store)
    assert runs_of(store)


def test_a_segment_that_cannot_go_yet_is_ended_once(store: Path) -> None:
    journal = Journal(store)
    write(journal, START, start(new_id()))
    index(store)
    with reading(file_of_today(store)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM run").fetchone()
        journal.close()
        indexer = Indexer(store)
        assert indexer.lock.acquire()
        for _ in range(5):
            indexer.drain()
        assert (indexer.recovered.segments, indexer.recovered.interrupted) == (1, 1)
        indexer.close()


def test_drops_are_taken_over_while_the_disk_is_full(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(store)
    write(journal, START, start(new_id()))
    write_to = os.write

    def full(descriptor: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    for _ in range(3):
        journal.write(END, b"{}")
    monkeypatch.setattr(os, "write", write_to)
    index(store)
    assert value_of(store, "SELECT record || ' ' || reason || ' ' || n FROM dropped") == "end disk full 3"


def test_only_one_indexes_at_a_time(store: Path) -> None:
    write(Journal(store), START, start(new_id()))
    one, other = Indexer(store), Indexer(store)
    assert one.lock.acquire() and not other.lock.acquire()
    store_in_use = Store(store)
    assert store_in_use.refresh(wait=0) is False
    one.drain()
    assert store_in_use.refresh(wait=0) is True, "the other one has read all there is"
    one.close()
    assert other.lock.acquire()
    other.close()


# ── a cut anywhere ─────────────────────────────────────────────────────────────────────────────────────


def test_a_truncated_segment_leaves_what_was_whole_and_reports_the_rest(store: Path, tmp_path: Path) -> None:
    journal = Journal(store)
    for run_id in (new_id(), new_id()):
        write(journal, START, start(run_id))
        write(journal, END, end(run_id))
    journal.close()
    (segment,) = segments_of(store)
    whole, frames = segment.read_bytes(), frames_of(segment)
    closing = frames[-1]
    records = [one for one in frames if one.kind in (START, END)]
    first = frames[0].end + frame_bytes()
    around = {one.end + more for one in frames for more in (-1, 0, 1) if one.end + more < len(whole)}
    for size in sorted({0, 1, first - 1, *around, *range(first, len(whole), 17)}):  # `make torture` takes every byte
        copy = tmp_path / f"copy{size}"
        (copy / "journal").mkdir(parents=True)
        (copy / "journal" / segment.name).write_bytes(whole[:size])
        recovered = index(copy).recovered
        kept = [one for one in records if one.end <= size]
        statuses = [run["status"] for run in runs_of(copy)]
        assert statuses == ["ok"] * (len(kept) // 2) + ["interrupted"] * (len(kept) % 2), size
        last = max((one.end for one in kept), default=first if size >= first else 0)
        assert recovered.cut_bytes == size - last, size
    assert closing.kind == FrameKind.CLOSE


def test_a_damaged_count_of_drops_does_not_hide_the_records(store: Path) -> None:
    journal = Journal(store)
    write(journal, END, end(new_id()))
    journal.close()
    (segment,) = segments_of(store)
    data = bytearray(segment.read_bytes())
    data[frames_of(segment)[0].end + 40] ^= 255
    segment.write_bytes(data)
    index(store)
    assert len(runs_of(store)) == 1


def test_what_a_process_left_that_died_while_it_began_a_segment_goes(store: Path) -> None:
    Journal(store).close()
    left = store / "journal" / "0.journal.new"
    left.write_bytes(frame(0, FrameKind.OPEN, b"{}"))
    index(store)
    assert not left.exists()


# ── indexers that die ──────────────────────────────────────────────────────────────────────────────────

DIES_WHILE_INDEXING = """
import os, signal, sqlite3, sys
from pathlib import Path
from toolrun.store import _target
from toolrun.store.indexer import Indexer

left = int(sys.argv[2])
class Dying(sqlite3.Connection):
    def execute(self, *args):
        global left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().execute(*args)

connect = sqlite3.connect
sqlite3.connect = lambda *args, **kwargs: connect(*args, **kwargs, factory=Dying)
indexer = Indexer(Path(sys.argv[1]))
indexer.lock.acquire()
indexer.drain()
indexer.close()
"""


def test_an_indexer_may_die_anywhere(store: Path) -> None:
    journal = Journal(store)
    ids = [new_id() for _ in range(20)]
    for run_id in ids:
        write(journal, START, start(run_id))
        write(journal, EVENT, event(run_id, "x"))
        write(journal, END, end(run_id))
    journal.close()
    deaths, place = 0, 3
    while run_python(DIES_WHILE_INDEXING, store, place).returncode == -9:
        deaths, place = deaths + 1, place + 5
    assert deaths >= 3
    index(store)
    assert [run["status"] for run in runs_of(store)] == ["ok"] * 20
    assert value_of(store, "SELECT count(*) FROM event") == 20
    assert value_of(store, "SELECT sum(n) FROM roll") == 20
    assert segments_of(store) == []


# ── days ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_large_file_is_followed_by_another_one_on_another_day(store: Path) -> None:
    journal, before = Journal(store), new_id()
    write(journal, START, start(before))
    index(store)
    old = store / "runs-20200101.db"
    for suffix in ("", "-wal", "-shm"):
        file = store / (file_of_today(store).name + suffix)
        if file.exists():
            file.rename(store / (old.name + suffix))
    child = new_id()
    write(journal, END, end(before))
    write(journal, END, end(child, trace=before, parent=before))
    indexer = Indexer(store, file_bytes=1)
    assert indexer.lock.acquire()
    indexer.drain()
    while int((after := new_id())[:12], 16) * 1000 < value_of(store, "SELECT value FROM meta WHERE key = 'begun_us'"):
        continue
    write(journal, END, end(after))
    write(journal, END, end(new_id(), trace=before, parent=before))
    indexer.drain()
    indexer.close()
    exits = ExitStack()
    by_file = {
        file.name: [run.hex() for (run,) in connection.execute("SELECT run_id FROM run ORDER BY seq")]
        for file in open_store(store).files
        for connection in [exits.enter_context(reading(file))]
    }
    exits.close()
    assert list(by_file) == [file_of_today(store).name, old.name]
    assert by_file[old.name][:2] == [before, child] and len(by_file[old.name]) == 3, "a trace stays in its file"
    assert by_file[file_of_today(store).name] == [after]
    assert not runs_of(store, status="running")
    journal.close()
    index(store)
    assert segments_of(store) == []


# ── in the background ──────────────────────────────────────────────────────────────────────────────────


def test_a_recorder_has_its_runs_indexed_while_it_goes_on(store: Path) -> None:
    from toolrun.callbacks import CallbackManager

    with Recorder(store) as recorder:
        CallbackManager.configure([recorder]).on_tool_start({"name": "t"}, "").on_tool_end("x")
        while not store_has(store, 1):
            time.sleep(0.01)


def test_a_recorder_that_was_closed_is_indexed_again_when_it_records_again(store: Path) -> None:
    from toolrun.callbacks import CallbackManager

    with Recorder(store) as recorder:
        for number in (1, 2):
            CallbackManager.configure([recorder]).on_tool_start({"name": "t"}, "").on_tool_end("x")
            while not store_has(store, number):
                time.sleep(0.01)
            recorder.close()


def store_has(store: Path, runs: int) -> bool:
    try:
        return len(runs_of(store, status="ok")) == runs
    except sqlite3.OperationalError:  # it has just been begun
        return False


def test_readers_beside_the_writer_see_whole_runs(store: Path) -> None:
    journal = Journal(store)
    done = threading.Event()
    seen: list[int] = []

    def read() -> None:
        connection = file_of_today(store).reading()
        while not done.is_set():
            rows = connection.execute("SELECT status, output FROM run JOIN payload USING(seq)").fetchall()
            assert all(row == ("ok", '"done"') for row in rows)
            seen.append(len(rows))
        connection.close()

    index(store)
    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for _ in range(20):
        for _ in range(50):
            run_id = new_id()
            write(journal, START, start(run_id))
            write(journal, END, end(run_id))
        index(store)
    done.set()
    for reader in readers:
        reader.join()
    assert len(runs_of(store)) == 1000 and sorted(seen)[-1] <= 1000
