"""Nothing finished is lost: finished = stored + counted drops, however the processes end.

    python tests/torture/store.py --kills 200

Prints what was done and found, and exits with 1 if a promise is broken.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import random
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from toolrun.store import NoStore, open_store
from toolrun.store._frames import FrameKind, read_frames
from toolrun.store._reading import segments_of
from toolrun.store.check import check
from toolrun.store.sqlite import store_files

VICTIM = Path(__file__).with_name("store_victim.py")
WORKERS = 8
IN_MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # for thousands of small stores
ENDS = {
    "SIGTERM": "os.kill(os.getpid(), signal.SIGTERM)",
    "os._exit": "os._exit(3)",
    "abort": "os.abort()",
    "an exception": "raise RuntimeError('on purpose')",
    "sys.exit": "sys.exit(0)",
}


class Broken(Exception):
    """A promise that was not kept."""


class Place:
    """A store, and the counters of one victim after the other."""

    def __init__(self, folder: Path) -> None:
        self.store = folder / "store"
        self.counters = folder / "counters"
        self.round = 0

    def begin(self, mode: str) -> subprocess.Popen[bytes]:
        """Start a victim."""
        self.round += 1
        self.counters.write_bytes(bytes(8 * WORKERS))
        program = [sys.executable, str(VICTIM), *map(str, (self.store, self.counters, f"round{self.round}", mode))]
        return subprocess.Popen(program, stderr=subprocess.PIPE)

    def run(self, mode: str, timeout: float = 60) -> None:
        """Let a victim come to its end."""
        victim = self.begin(mode)
        _, errors = victim.communicate(timeout=timeout)
        if victim.returncode not in (0, 1, 3) and victim.returncode > 0:
            raise Broken(errors.decode())
        if mode not in ENDS.values() and b"Traceback" in errors:
            raise Broken(errors.decode())

    @property
    def finished(self) -> list[int]:
        """How many runs of each worker have finished."""
        return list(struct.unpack(f"<{WORKERS}Q", self.counters.read_bytes()))

    def stored(self) -> tuple[list[int], int]:
        """How many runs of each worker are stored as ended, and how many ends were dropped, after recovery."""
        stored, dropped = [0] * WORKERS, 0
        try:
            open_store(self.store).refresh()
        except NoStore:  # it was killed before it came to that
            return stored, dropped
        for file in store_files(self.store):
            connection = file.reading()
            for worker, count in connection.execute(
                "SELECT json_extract(inputs, '$.worker'), count(DISTINCT json_extract(inputs, '$.number')) FROM run "
                "JOIN payload USING(seq) JOIN named ON named.id = named_id WHERE name = ? AND status = 'ok' GROUP BY 1",
                (f"round{self.round}",),
            ):
                if worker is not None:  # its start was dropped
                    stored[worker] += count
            (dropped,) = connection.execute("SELECT coalesce(sum(n), 0) FROM dropped WHERE record = 'end'").fetchone()
            connection.close()
        return stored, dropped

    def verify(self) -> int:
        """Whether every run that had finished is stored; gives how many those were."""
        finished, (stored, dropped) = self.finished, self.stored()
        for before, found in zip(finished, stored, strict=True):
            if not before <= found <= before + 1:  # one may have been stored and not yet been counted
                raise Broken(f"finished {finished}, stored {stored}")
        if dropped:
            raise Broken(f"{dropped} records were dropped")
        if segments_of(self.store):
            raise Broken(f"segments are left: {segments_of(self.store)}")
        return sum(finished)


def kills(place: Place, count: int) -> str:
    """Random SIGKILLs under load, in threads and on a loop."""
    total = 0
    for number in range(count):
        victim = place.begin(("threads", "loop")[number % 2])
        while number % 5 and not any(place.finished) and victim.poll() is None:
            time.sleep(0.005)
        time.sleep(random.uniform(0, 1.0))  # every fifth is perhaps not even through with its imports
        victim.kill()
        victim.communicate()
        total += place.verify()
    return f"{count} kills, {total} runs had finished, 0 lost"


def ends(place: Place) -> str:
    """Every other way to end."""
    total = 0
    for end in ENDS.values():
        place.run(end)
        total += place.verify()
    return f"{', '.join(ENDS)}: {total} runs had finished, 0 lost"


def ended_by(mode: str) -> Callable[[Place], str]:
    def scenario(place: Place) -> str:
        place.run(mode)
        return f"{place.verify()} runs had finished, 0 lost"

    return scenario


def overload(place: Place) -> str:
    """Threads that record flat out, beside an indexer that cannot follow."""
    victim = place.begin("overload")
    waiting = 0
    while victim.poll() is None:
        waiting = max(waiting, sum(path.stat().st_size for path in segments_of(place.store)))
        time.sleep(0.1)
    victim.communicate()
    return f"{place.verify()} runs had finished, 0 lost; the journal grew to {waiting // 1_000_000} MB"


def readers(place: Place) -> str:
    """Two readers beside the writer see every run whole, and as many as the roll-ups say."""
    looks = [0, 0]
    done, broken = threading.Event(), []

    def read(which: int) -> None:
        while not done.is_set():
            try:
                for file in store_files(place.store):
                    looks[which] += _look(file.reading(), broken)
            except (sqlite3.Error, OSError) as error:
                broken.append(repr(error))

    threads = [threading.Thread(target=read, args=(which,)) for which in range(2)]
    victim = place.begin("threads")
    while not store_files(place.store):
        time.sleep(0.01)
    time.sleep(0.2)
    for thread in threads:
        thread.start()
    time.sleep(3)
    victim.kill()
    victim.communicate()
    done.set()
    for thread in threads:
        thread.join()
    if broken:
        raise Broken(broken[0])
    return f"{sum(looks)} looks beside the writer, {place.verify()} runs had finished, 0 lost"


def _look(connection: sqlite3.Connection, broken: list[str]) -> int:
    with contextlib.closing(connection):
        connection.execute("BEGIN")
        (ended,) = connection.execute("SELECT count(*) FROM run WHERE dur_us IS NOT NULL").fetchone()
        (rolled,) = connection.execute("SELECT coalesce(sum(n), 0) FROM roll").fetchone()
        (halves,) = connection.execute(
            "SELECT count(*) FROM run LEFT JOIN payload USING(seq) WHERE status = 'ok' AND output IS NULL"
        ).fetchone()
        if ended != rolled or halves:
            broken.append(f"{ended} runs, {rolled} in the roll-ups, {halves} without their output")
    return 1


def full(place: Place) -> str:
    """A disk that is full: the tool never learns of it, and what is not stored is counted."""
    with _small_disk(place.store) as how:
        place.run("full")
        finished = sum(place.finished)
        with contextlib.suppress(OSError):  # room, for SQLite to work
            (place.store / "ballast").unlink()
        if how:
            subprocess.run(["mount", "-o", "remount,size=200m", str(place.store)], check=True)
        open_store(place.store).refresh()
        checked = check(open_store(place.store))
        stored = sum(_ended(file.reading()) for file in store_files(place.store))
        dropped = sum(number for (record, _), number in checked.dropped.items() if record == "end")
        if finished != stored + dropped or checked.problems:
            raise Broken(f"{finished} finished, {stored} stored, {dropped} dropped; {checked.problems}")
        if how and not dropped:
            raise Broken("the disk was never full")
        return (
            f"{finished} runs had finished = {stored} stored + {dropped} counted as dropped{how or ' (no tmpfs here)'}"
        )


def _ended(connection: sqlite3.Connection) -> int:
    with contextlib.closing(connection):
        (count,) = connection.execute("SELECT count(*) FROM run WHERE status = 'ok'").fetchone()
    return int(count)


@contextlib.contextmanager
def _small_disk(folder: Path) -> Iterator[str]:
    """A tmpfs of a few megabytes; where nobody may mount one, the disk as it is."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], check=False, capture_output=True
    )
    try:
        yield "" if mounted.returncode else " on a tmpfs of 2 MB"
    finally:
        if not mounted.returncode:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def truncated(place: Place) -> str:
    """A segment cut at every byte: what is whole before the cut is stored, the rest is reported."""
    place.run("os._exit(0)")
    victim = place.begin("disk")  # it leaves its segment alone
    victim.communicate()
    segment = segments_of(place.store)[-1]
    whole = segment.read_bytes()
    frames = [frame for frame in read_frames(whole) if frame.kind in (FrameKind.START, FrameKind.END)][:6]
    last = frames[-1].end
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as copies:
        for size in range(last):
            copy = Path(copies) / str(size)
            (copy / "journal").mkdir(parents=True)
            (copy / "journal" / segment.name).write_bytes(whole[:size])
            open_store(copy)
            wanted = sum(frame.end <= size and frame.kind == FrameKind.END for frame in frames)
            found = sum(_ended(file.reading()) for file in store_files(copy))
            if found != wanted or segments_of(copy):
                raise Broken(f"cut at {size}: {found} runs in place of {wanted}")
    place.verify()
    return f"{last} cuts"


def disk(place: Place) -> str:
    """With durability "disk", what was acknowledged had been synced before."""
    place.begin("disk").communicate()
    (segment,) = segments_of(place.store)
    ends: dict[tuple[int, int], int] = {}
    given: dict[str, tuple[int, int]] = {}
    for frame in read_frames(segment.read_bytes()):
        fields = json.loads(frame.body)
        if frame.kind == FrameKind.START:
            given[fields["id"]] = (fields["inputs"]["worker"], fields["inputs"]["number"])
        elif frame.kind == FrameKind.END:
            ends[given[fields["id"]]] = frame.end
    told = json.loads(Path(f"{place.counters}.told").read_text())
    late = [(worker, number) for worker, number, synced in told if ends[worker, number] > synced]
    if late or not told:
        raise Broken(f"acknowledged before it was synced: {late[:5]}")
    place.verify()
    return f"{len(told)} runs were acknowledged, each after it had been synced"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--only", help="the name of one scenario")
    options = parser.parse_args()
    scenarios: dict[str, Callable[[Place], str]] = {
        "kills": lambda place: kills(place, options.kills),
        "ends": ends,
        "fork": ended_by("fork"),
        "pool": ended_by("pool"),
        "broken": ended_by("broken"),
        "overload": overload,
        "readers": readers,
        "disk": disk,
        "truncated": truncated,
        "full": full,
    }
    broken = 0
    for name, scenario in scenarios.items():
        if options.only not in (None, name):
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                print(f"{name:10} {scenario(Place(Path(folder)))}", flush=True)
            except Broken as error:
                broken += 1
                print(f"{name:10} BROKEN: {error}", flush=True)
    return int(broken > 0)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    os.environ.pop("TOOLRUN_STORE", None)
    logging.getLogger("toolrun").setLevel(logging.ERROR)
    raise SystemExit(main())
