"""Files of every version are opened; what cannot be is refused with what to do, and left as it was."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.store.filling import Filling
from tests.store.journals import reading, run_python, runs_of, writing

from toolrun.store import (
    CorruptStore,
    NewerStore,
    NoStore,
    NotAStore,
    StoreUnreadable,
    StoreUnwritable,
    open_store,
    schema,
)
from toolrun.store.check import check
from toolrun.store.sqlite import StoreFile
from toolrun.store.words import index_words

VERSION_1 = Path(__file__).with_name("version_1.sql")


@pytest.fixture
def filling(tmp_path: Path) -> Iterator[Filling]:
    one = Filling(tmp_path / "store")
    yield one
    one.close()


@pytest.fixture
def old(tmp_path: Path) -> StoreFile:
    """A file as the first release wrote it."""
    file = StoreFile(tmp_path / "runs-20260101.db")
    connection = sqlite3.connect(file.path)
    connection.executescript(VERSION_1.read_text())
    connection.close()
    return file


def version_of(file: StoreFile) -> int:
    connection = sqlite3.connect(file.path)
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    connection.close()
    return int(version)


def filled(filling: Filling) -> StoreFile:
    filling.folder.mkdir()
    for number in range(200):
        filling.add(number, inputs={"q": "x" * 500})
    for connection in filling._open.values():
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
    return filling.files[0]


# ── versions ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_file_of_the_first_version_opens(old: StoreFile) -> None:
    store = open_store(old.path.parent)
    assert check(store).problems == []
    assert [(run["name"], run["status"], run["error_type"]) for run in runs_of(store.path)] == [
        ("search", "error", "ValueError"),
        ("fetch", "running", None),
    ]
    assert version_of(old) == schema.VERSION
    with writing(old) as connection:
        assert index_words(connection, 10) == 1


def test_a_file_of_an_earlier_version_is_migrated_when_it_is_opened(
    old: StoreFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = schema.VERSION + 1

    def add_a_column(connection: sqlite3.Connection) -> None:
        connection.execute("ALTER TABLE run ADD COLUMN cost REAL")
        connection.execute("UPDATE run SET cost = seq * 2")

    monkeypatch.setattr(schema, "VERSION", later)
    monkeypatch.setitem(schema.MIGRATIONS, later, add_a_column)
    with reading(old) as connection:
        assert connection.execute("SELECT cost FROM run ORDER BY seq").fetchall() == [(2.0,), (4.0,)]
    assert version_of(old) == later


def test_a_migration_that_fails_leaves_the_file_as_it_was(old: StoreFile, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(connection: sqlite3.Connection) -> None:
        connection.execute("DELETE FROM run")
        raise RuntimeError("half-way")

    monkeypatch.setattr(schema, "VERSION", schema.VERSION + 1)
    monkeypatch.setitem(schema.MIGRATIONS, schema.VERSION, fails)
    with pytest.raises(RuntimeError):
        old.writing()
    monkeypatch.undo()
    assert version_of(old) == schema.VERSION and len(runs_of(old.path.parent)) == 2


def test_the_schema_has_changed_only_with_its_version() -> None:
    """Who changes `CREATE` raises VERSION, adds a migration, and a file like version_1.sql."""
    assert max([1, *schema.MIGRATIONS]) == schema.VERSION
    then, now = sqlite3.connect(":memory:"), sqlite3.connect(":memory:")
    with closing(then), closing(now):
        then.executescript(VERSION_1.read_text())
        schema.migrate(then, 1)
        schema.create(now, 0)
        shape = "SELECT type, name, sql FROM sqlite_master ORDER BY type, name"
        assert then.execute(shape).fetchall() == now.execute(shape).fetchall()


# ── what is refused ────────────────────────────────────────────────────────────────────────────────────


def test_a_newer_store_is_refused_and_left_alone(old: StoreFile) -> None:
    connection = sqlite3.connect(old.path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = old.path.read_bytes()
    for how in (old.reading, old.writing, lambda: open_store(old.path.parent)):
        with pytest.raises(NewerStore, match=r"version 99 .* up to \d+\. Nothing was changed\. Upgrade toolrun"):
            how()
    assert old.path.read_bytes() == before


def test_no_store_is_told_from_one_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(NoStore, match=r"There is no store at .*: record runs with Recorder"):
        open_store(tmp_path / "missing")
    with pytest.raises(NoStore):
        open_store(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(NotAStore, match="neither a journal nor a file of runs"):
        open_store(tmp_path)
    with pytest.raises(NotAStore, match="it is a file, and a store is a folder"):
        open_store(tmp_path / "notes.txt")


@pytest.mark.parametrize("content", [b"hello" * 1000, b"SQLite format 3\0" + bytes(50), b"\xff" * 8192])
def test_a_file_that_is_no_store_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "runs-20260101.db"
    path.write_bytes(content)
    with pytest.raises((NotAStore, CorruptStore), match=r"runs-20260101\.db is"):
        open_store(tmp_path)
    assert path.read_bytes() == content


def test_the_database_of_another_program_is_refused(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "runs-20260101.db")
    connection.execute("CREATE TABLE song(title)")
    connection.close()
    with pytest.raises(NotAStore, match="another program's SQLite file"):
        open_store(tmp_path)


@pytest.mark.parametrize("page", [1, 3, 5, 8, 13, 21])
def test_a_corrupt_page_is_an_error_of_the_store_and_found_by_check(filling: Filling, page: int) -> None:
    file = filled(filling)
    data = bytearray(file.path.read_bytes())
    data[page * 8192 : (page + 1) * 8192] = b"\xaa" * 8192
    file.path.write_bytes(data)
    try:
        store = open_store(filling.folder)
    except CorruptStore as error:
        assert "is damaged" in str(error) and "toolrun check" in str(error)
        return
    problems = check(store).problems
    assert problems and all(problem.startswith(file.name) for problem in problems)


def shut(folder: Path, mode: int) -> None:
    folder.chmod(mode)
    if os.access(folder, os.W_OK):
        folder.chmod(stat.S_IRWXU)
        pytest.skip("this user may write everywhere")


def test_a_folder_that_cannot_be_written_is_read_with_readonly(filling: Filling) -> None:
    filled(filling)
    shut(filling.folder, stat.S_IRUSR | stat.S_IXUSR)
    try:
        assert len(runs_of(open_store(filling.folder, readonly=True).path)) == 200
        with pytest.raises(StoreUnwritable, match="cannot be written"):
            open_store(filling.folder)
    finally:
        filling.folder.chmod(stat.S_IRWXU)


def test_a_folder_that_cannot_be_read_is_a_clear_error(filling: Filling) -> None:
    filled(filling)
    shut(filling.folder, 0)
    try:
        with pytest.raises(StoreUnreadable, match="cannot be read"):
            open_store(filling.folder)
    finally:
        filling.folder.chmod(stat.S_IRWXU)


def test_a_store_opened_with_readonly_is_not_written_to(filling: Filling) -> None:
    filled(filling)
    before = {entry.name: entry.read_bytes() for entry in filling.folder.iterdir() if entry.is_file()}
    store = open_store(filling.folder, readonly=True)
    assert len(runs_of(store.path)) == 200
    with pytest.raises(StoreUnwritable, match="readonly"):
        store.refresh()
    with reading(store.files[0]) as connection, pytest.raises(sqlite3.OperationalError, match="readonly"):
        connection.execute("DELETE FROM run")
    after = {entry.name: entry.read_bytes() for entry in filling.folder.iterdir() if entry.name in before}
    assert after == before


def test_a_store_that_was_read_to_its_end_says_what_it_recovered(filling: Filling) -> None:
    from toolrun.store.journal import Journal

    journal = Journal(filling.folder)
    journal.write(1, b'{"id":"%032x","kind":"tool","name":"t","at":1,"inputs":{}}' % 7)
    journal.close()
    recovered = open_store(filling.folder).recovered
    assert (recovered.segments, recovered.interrupted, recovered.cut_bytes) == (1, 1, 0)


DIES_WHILE_IT_MAKES_A_FILE = """
import os, signal, sqlite3, sys
from collections.abc import Iterator
from pathlib import Path
from toolrun.store import schema
from toolrun.store.sqlite import StoreFile

def dies(connection, begun_us):
    connection.execute("PRAGMA cache_size = 1")
    connection.execute("CREATE TABLE t(x)")
    connection.execute("INSERT INTO t VALUES(zeroblob(1000000))")
    os.kill(os.getpid(), signal.SIGKILL)

schema.create = dies
if sys.argv[2] == "before":
    connect = sqlite3.connect
    class Dying(sqlite3.Connection):
        def executescript(self, *args):
            self.execute("PRAGMA cache_size = 1")
            self.execute("BEGIN IMMEDIATE")
            self.execute("CREATE TABLE t(x)")
            self.execute("INSERT INTO t VALUES(zeroblob(1000000))")
            os.kill(os.getpid(), signal.SIGKILL)
    sqlite3.connect = lambda *args, **more: connect(*args, **more, factory=Dying)
StoreFile(Path(sys.argv[1])).writing()
"""


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_file_whose_maker_died_is_made_by_the_next_one(tmp_path: Path, when: str) -> None:
    """Before it was in WAL mode, and after."""
    file = StoreFile(tmp_path / "runs-20260101.db")
    assert run_python(DIES_WHILE_IT_MAKES_A_FILE, file.path, when).returncode == -9
    with reading(file) as connection:
        assert connection.execute("SELECT count(*) FROM run").fetchone() == (0,)
    assert open_store(tmp_path).files == [file]
