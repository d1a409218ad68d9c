"""The journal: what was written is there, whatever becomes of the process; what was not is counted."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import threading
from collections import Counter
from itertools import pairwise
from pathlib import Path

import orjson
import pytest
from tests.store.journals import frames_of, records_of, run_python

from toolrun.store import NotAStore, StoreUnwritable
from toolrun.store._frames import FrameKind
from toolrun.store._locks import is_locked
from toolrun.store._reading import SegmentReader, segments_of
from toolrun.store.journal import Journal

START, END = FrameKind.START, FrameKind.END


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


def segment(store: Path) -> SegmentReader:
    return SegmentReader(segments_of(store)[-1])


def test_a_segment_begins_by_saying_whose_it_is(store: Path) -> None:
    Journal(store)
    opening = segment(store).opening()
    assert opening is not None
    assert (opening.about["pid"], opening.about["version"], opening.drops) == (os.getpid(), 1, Counter())


def test_a_record_is_in_the_file_when_write_returns(store: Path) -> None:
    journal = Journal(store)
    for number in range(5):
        assert journal.write(START, b'{"n":%d}' % number)
        assert records_of(store)[-1] == (START, {"n": number})


def test_the_store_is_kept_out_of_git(store: Path) -> None:
    Journal(store)
    assert (store / ".gitignore").read_text() == "*\n"


def test_a_folder_with_other_things_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(NotAStore, match="holds other things"):
        Journal(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_in_place_of_the_folder_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnwritable, match=r"file cannot be written: .*Make the folder writable"):
        Journal(tmp_path / "file")


def test_threads_write_whole_records(store: Path) -> None:
    journal = Journal(store)

    def write(thread: int) -> None:
        for number in range(200):
            journal.write(END, orjson.dumps({"thread": thread, "number": number, "text": "x" * number}))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = [(fields["thread"], fields["number"]) for _, fields in records_of(store)]
    assert sorted(found) == [(thread, number) for thread in range(8) for number in range(200)]
    seqs = [frame.seq for frame in frames_of(segments_of(store)[0])]
    assert seqs == list(range(len(seqs)))


def test_a_signal_handler_may_write_in_the_midst_of_a_write(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(store)
    write, nested = os.write, []

    def interrupted(descriptor: int, data: bytes) -> int:
        if not nested:
            nested.append(True)
            nested.append(journal.write(START, b'{"from":"signal"}'))
        return write(descriptor, data)

    monkeypatch.setattr(os, "write", interrupted)
    journal.write(START, b'{"from":"main"}')
    monkeypatch.undo()
    assert sorted(fields["from"] for _, fields in records_of(store)) == ["main", "signal"]


# ── the end of a process ───────────────────────────────────────────────────────────────────────────────

WRITES_AND_DIES = """
import os, signal, sys
from pathlib import Path
from toolrun.store.journal import Journal

journal = Journal(Path(sys.argv[1]))
for number in range(100):
    journal.write(3, b'{"n":%d}' % number)
{end}
"""
ENDS = {
    "SIGKILL": "os.kill(os.getpid(), signal.SIGKILL)",
    "SIGTERM": "os.kill(os.getpid(), signal.SIGTERM)",
    "os._exit": "os._exit(3)",
    "abort": "os.abort()",
    "an exception": "raise RuntimeError",
    "the end": "",
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_no_record_is_lost_when_the_process_ends(store: Path, end: str) -> None:
    run_python(WRITES_AND_DIES.replace("{end}", end), store)
    assert [fields["n"] for _, fields in records_of(store)] == list(range(100))
    assert segment(store).look_whether_dead()


def test_an_orderly_end_is_told(store: Path) -> None:
    run_python(WRITES_AND_DIES.replace("{end}", ""), store)
    assert frames_of(segments_of(store)[0])[-1].kind == FrameKind.CLOSE


def test_a_segment_is_held_as_long_as_its_process_lives(store: Path) -> None:
    journal = Journal(store)
    assert not segment(store).look_whether_dead()
    journal.close()
    assert segment(store).look_whether_dead()


def test_after_close_a_record_begins_another_segment(store: Path) -> None:
    journal = Journal(store)
    journal.write(START, b"{}")
    journal.close()
    assert journal.write(END, b"{}")
    assert [kind for kind, _ in records_of(store)] == [START, END]
    assert len(segments_of(store)) == 2


# ── forks ──────────────────────────────────────────────────────────────────────────────────────────────

FORKS = """
import os, sys
from pathlib import Path
from toolrun.store.journal import Journal

journal = Journal(Path(sys.argv[1]))
journal.write(1, b'{"from":"parent"}')
pid = os.fork()
journal.write(3, b'{"from":"%s"}' % (b"parent" if pid else b"child"))
if not pid:
    os._exit(0)
os.waitpid(pid, 0)
"""


def test_a_forked_child_has_a_segment_of_its_own(store: Path) -> None:
    assert run_python(FORKS, store).returncode == 0
    by_segment = [
        [(frame.kind, orjson.loads(frame.body)["from"]) for frame in frames_of(one) if frame.kind in (START, END)]
        for one in segments_of(store)
    ]
    assert sorted(by_segment, key=len) == [[(END, "child")], [(START, "parent"), (END, "parent")]]


def test_parent_and_child_number_their_records_apart(store: Path) -> None:
    run_python(FORKS, store)
    seqs = [frame.seq for one in segments_of(store) for frame in frames_of(one) if frame.kind in (START, END)]
    assert len(seqs) == len(set(seqs)) == 3


LEAVES_A_CHILD = """
import os, signal, sys
from pathlib import Path
from toolrun.store.journal import Journal

journal = Journal(Path(sys.argv[1]))
journal.write(1, b'{}')
child = os.fork()
if not child:
    os.close(1), os.close(2)
    signal.alarm(30)
    signal.pause()
Path(sys.argv[2]).write_text(str(child))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_child_that_lives_on_does_not_hold_the_segment_of_its_parent(store: Path) -> None:
    run_python(LEAVES_A_CHILD, store, store.parent / "child")
    child = int((store.parent / "child").read_text())
    try:
        assert segment(store).look_whether_dead()
    finally:
        os.kill(child, signal.SIGKILL)


# ── when the disk does not take it ─────────────────────────────────────────────────────────────────────


class Disk:
    """Stands in for `os.write`: takes so many bytes, then is full."""

    def __init__(self, room: float, number: int = errno.ENOSPC) -> None:
        self.room, self.number = room, number
        self.write = os.write

    def __call__(self, descriptor: int, data: bytes) -> int:
        if self.room <= 0:
            raise OSError(self.number, os.strerror(self.number))
        taken = self.write(descriptor, data[: int(min(self.room, len(data)))])
        self.room -= taken
        return taken


@pytest.mark.parametrize(
    ("number", "reason"), [(errno.ENOSPC, "disk full"), (errno.EIO, "I/O error"), (errno.EDQUOT, "quota exceeded")]
)
def test_what_cannot_be_written_is_counted_by_reason_and_raises_nothing(
    store: Path, monkeypatch: pytest.MonkeyPatch, number: int, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    journal = Journal(store)
    monkeypatch.setattr(os, "write", Disk(0, number))
    assert [journal.write(START, b"{}"), journal.write(END, b"{}"), journal.write(END, b"{}")] == [False] * 3
    assert journal.dropped == {("start", reason): 1, ("end", reason): 2}
    opening = segment(store).opening()
    assert opening is not None and opening.drops == journal.dropped, "the count is on the disk"
    assert len(caplog.records) == 1 and reason in caplog.text


def test_recording_goes_on_when_there_is_room_again(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(store)
    disk = Disk(0)
    monkeypatch.setattr(os, "write", disk)
    assert not journal.write(START, b'{"n":1}')
    disk.room = 10_000
    assert journal.write(START, b'{"n":2}')
    assert records_of(store) == [(START, {"n": 2})]


@pytest.mark.parametrize("room", range(1, 40))
def test_a_short_write_is_taken_back(store: Path, monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    journal = Journal(store)
    journal.write(START, b'{"n":1}')
    disk = Disk(room)
    monkeypatch.setattr(os, "write", disk)
    assert not journal.write(START, b'{"n":2,"text":"%b"}' % (b"x" * 40))
    disk.room = 10_000
    assert journal.write(START, b'{"n":3}')
    assert [fields["n"] for _, fields in records_of(store)] == [1, 3]
    assert journal.dropped.total() == 1


def test_a_short_write_that_cannot_be_taken_back_is_left_behind_in_its_segment(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(store)
    journal.write(START, b'{"n":1}')
    write, torn = os.write, []

    def tears_once(descriptor: int, data: bytes) -> int:
        if not torn:
            torn.append(data)
            return write(descriptor, data[:5])
        return write(descriptor, data)

    def refuses(descriptor: int, size: int) -> None:
        raise OSError(errno.EIO, "no")

    monkeypatch.setattr(os, "write", tears_once)
    monkeypatch.setattr(os, "ftruncate", refuses)
    assert journal.write(START, b'{"n":2}')
    assert [fields["n"] for _, fields in records_of(store)] == [1, 2]


LIMITED = """
import resource, sys
from pathlib import Path
from toolrun.store.journal import Journal

journal = Journal(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
written = sum(journal.write(3, b'{"n":%d,"text":"%b"}' % (number, b"x" * 200)) for number in range(1000))
print(written, journal.dropped.total())
"""


def test_a_limit_on_the_size_of_files_begins_further_segments(store: Path) -> None:
    ended = run_python(LIMITED, store)
    assert ended.stdout.split() == ["1000", "0"], ended.stderr
    assert [fields["n"] for _, fields in records_of(store)] == list(range(1000))
    assert len(segments_of(store)) > 5


def test_a_large_segment_is_followed_by_another_one_which_it_names(store: Path) -> None:
    journal = Journal(store, segment_bytes=4096)
    for number in range(200):
        journal.write(START, b'{"n":%d,"text":"%b"}' % (number, b"x" * 100))
    segments = segments_of(store)
    assert len(segments) > 3
    assert [fields["n"] for _, fields in records_of(store)] == list(range(200))
    for one, following in pairwise(segments):
        closing = frames_of(one)[-1]
        assert (closing.kind, orjson.loads(closing.body)) == (FrameKind.CLOSE, {"next": following.name})


def test_a_journal_whose_folder_was_deleted_begins_a_new_one(store: Path) -> None:
    journal = Journal(store)
    journal.write(START, b"{}")
    shutil.rmtree(store)
    journal.check()
    assert journal.write(END, b"{}")
    assert records_of(store) == [(END, {})]


def test_a_folder_that_became_another_one_is_counted_and_raises_nothing(store: Path) -> None:
    journal = Journal(store)
    journal.close()
    shutil.rmtree(store)
    store.mkdir()
    (store / "thesis.txt").write_text("mine")
    assert not journal.write(END, b"{}")
    assert journal.dropped == {("end", "other"): 1}


# ── the disk ───────────────────────────────────────────────────────────────────────────────────────────


def test_what_was_acknowledged_was_synced_before(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(store, on_disk=True)
    sizes: list[int] = []
    monkeypatch.setattr(os, "fdatasync", lambda descriptor: sizes.append(os.fstat(descriptor).st_size))
    path = segments_of(store)[0]
    for _ in range(3):
        journal.write(END, b"{}")
        written = path.stat().st_size
        assert journal.synced().result(timeout=10)
        assert max(sizes) >= written


def test_all_who_wait_share_a_sync(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(store, on_disk=True)
    syncs: list[int] = []
    monkeypatch.setattr(os, "fdatasync", syncs.append)
    futures = []
    for _ in range(500):
        journal.write(END, b"{}")
        futures.append(journal.synced())
    assert all(future.result(timeout=10) for future in futures)
    assert len(syncs) < 100


def test_a_sync_that_fails_is_told_and_counted(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(store, on_disk=True)

    def fails(descriptor: int) -> None:
        raise OSError(errno.EIO, "no")

    monkeypatch.setattr(os, "fdatasync", fails)
    journal.write(END, b"{}")
    assert journal.synced().result(timeout=10) is False
    assert journal.dropped == {("sync", "I/O error"): 1}


def test_a_lock_is_seen_by_others_until_it_is_given_back(tmp_path: Path) -> None:
    from toolrun.store._locks import FileLock

    one, other = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert one.acquire() and not other.acquire()
    one.release()
    assert other.acquire()
    descriptor = os.open(tmp_path / "lock", os.O_RDONLY)
    assert is_locked(descriptor)
    os.close(descriptor)
