"""A process that records runs as fast as it can, and whose end is not its own choice.

    python store_victim.py STORE COUNTERS ROUND MODE

After each run that has finished it writes the run's number into COUNTERS, a file of 64-bit numbers that is mapped into
memory, one for each worker: what it says there has finished, whatever becomes of the process.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import mmap
import multiprocessing
import os
import random
import signal
import sqlite3
import struct
import sys
import threading
import time
from pathlib import Path

from toolrun import tool
from toolrun.handlers import Recorder
from toolrun.store._batch import NewRuns
from toolrun.store.indexer import Indexer

WORKERS = 8
STORE, COUNTERS, ROUND, MODE = sys.argv[1:5]
_NUMBER = struct.Struct("<Q")


@tool
def work(worker: int, number: int) -> str:
    """Works."""
    return "done " * (number % 40)


@tool
async def awork(worker: int, number: int) -> str:
    """Works on the loop; now and then its output is large."""
    if not number % 10:
        await asyncio.sleep(0)
    return "x" * 40_000 if not number % 100 else "done"


class Finished:
    """The numbers of the runs that have finished, by worker."""

    def __init__(self) -> None:
        with open(COUNTERS, "r+b") as file:
            self._memory = mmap.mmap(file.fileno(), 0)

    def tell(self, worker: int, number: int) -> None:
        _NUMBER.pack_into(self._memory, worker * _NUMBER.size, number)


def keep_working(
    worker: int, recorder: Recorder, finished: Finished, until: float = float("inf"), last: float = 1e9
) -> None:
    config = {"callbacks": [recorder], "run_name": ROUND}
    number = 0
    while number < last and time.monotonic() < until:
        number += 1
        work.invoke({"worker": worker, "number": number}, config)  # type: ignore[arg-type]
        finished.tell(worker, number)


async def keep_awaiting(worker: int, recorder: Recorder, finished: Finished, last: float = 1e9) -> None:
    config = {"callbacks": [recorder], "run_name": ROUND}
    number = 0
    while number < last:
        number += 1
        await awork.ainvoke({"worker": worker, "number": number}, config)  # type: ignore[arg-type]
        finished.tell(worker, number)


async def await_all(recorder: Recorder, finished: Finished, first: int = 0, last: float = 1e9) -> None:
    await asyncio.gather(*(keep_awaiting(worker, recorder, finished, last) for worker in range(first, WORKERS)))


def in_threads(recorder: Recorder, finished: Finished, seconds: float = float("inf")) -> None:
    until = time.monotonic() + seconds
    threads = [
        threading.Thread(target=keep_working, args=(worker, recorder, finished, until), daemon=True)
        for worker in range(WORKERS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def forked(recorder: Recorder, finished: Finished) -> None:
    """Parent and children work at the same time; two of the children are killed, one leaves by os._exit."""
    children = []
    for worker in range(1, 4):
        keep_working(0, recorder, finished, last=20)
        child = os.fork()
        if not child:
            keep_working(worker, recorder, finished, last=200 if worker == 3 else 1e9)
            os._exit(0)
        children.append(child)
    keep_working(4, recorder, finished, last=500)
    for child in children[:2]:
        os.kill(child, signal.SIGKILL)
    for child in children:
        os.waitpid(child, 0)
    os._exit(1)


_recorder: Recorder


def _in_pool(worker: int) -> int:
    keep_working(worker, _recorder, Finished(), last=100)
    return worker


def in_pool(recorder: Recorder, finished: Finished) -> None:
    global _recorder
    _recorder = recorder
    with multiprocessing.get_context("fork").Pool(3) as pool:
        assert pool.map(_in_pool, range(WORKERS), chunksize=1) == list(range(WORKERS))


def with_broken_writers(finished: Finished) -> None:
    """What moves the records into SQLite fails every other time, in the midst of a batch."""
    write = NewRuns.write

    def fails(self: NewRuns, connection: sqlite3.Connection) -> None:
        write(self, connection)
        if random.random() < 0.5:
            raise sqlite3.OperationalError("disk I/O error")

    def index() -> None:
        while True:
            indexer = Indexer(Path(STORE))
            with contextlib.suppress(sqlite3.Error):
                indexer.lock.acquire()
                indexer.drain()
            indexer.close()

    NewRuns.write = fails  # type: ignore[method-assign]
    recorder = Recorder(STORE, index=False)
    threading.Thread(target=index, daemon=True).start()
    in_threads(recorder, finished, 1.0)


def on_disk(finished: Finished) -> None:
    """Tells of each acknowledged run how much of the segment had been synced by then."""
    synced = [0]
    sync = os.fdatasync

    def noted(descriptor: int) -> None:
        size = os.fstat(descriptor).st_size
        sync(descriptor)
        synced[0] = max(synced[0], size)

    os.fdatasync = noted
    recorder = Recorder(STORE, durability="disk", index=False)
    told: list[tuple[int, int, int]] = []

    async def one(worker: int) -> None:
        for number in range(1, 101):
            await awork.ainvoke({"worker": worker, "number": number}, {"callbacks": [recorder], "run_name": ROUND})
            told.append((worker, number, synced[0]))
            finished.tell(worker, number)

    async def main() -> None:
        await asyncio.gather(*map(one, range(WORKERS)))

    asyncio.run(main())
    Path(COUNTERS + ".told").write_text(json.dumps(told))
    os.kill(os.getpid(), signal.SIGKILL)


def on_full_disk(recorder: Recorder, finished: Finished) -> None:
    """Goes on long after the disk is full."""
    keep_working(0, recorder, finished, last=6000)
    asyncio.run(await_all(recorder, finished, 1, 100))
    assert {reason for _, reason in recorder.dropped} <= {"disk full", "short write"}


def main() -> None:
    finished = Finished()
    if MODE == "disk":
        return on_disk(finished)
    if MODE == "broken":
        return with_broken_writers(finished)
    recorder = Recorder(STORE)
    if MODE == "threads":
        in_threads(recorder, finished)
    elif MODE == "loop":
        asyncio.run(await_all(recorder, finished))
    elif MODE == "overload":
        in_threads(recorder, finished, 3.0)
    elif MODE == "fork":
        forked(recorder, finished)
    elif MODE == "pool":
        in_pool(recorder, finished)
    elif MODE == "full":
        on_full_disk(recorder, finished)
    else:
        keep_working(0, recorder, finished, last=300)
        exec(MODE)
    return None


if __name__ == "__main__":
    main()
