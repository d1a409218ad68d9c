"""Waiting for an indexer that is at work: another thread of this process, or another process.

It alone may move records from the journal into SQLite. Who opens the store meanwhile, to read what has just been
recorded, waits until the indexer has come as far as the journal was then.
"""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

from toolrun.store._segment import FOLDER, SUFFIX
from toolrun.store.base import Store
from toolrun.store.errors import store_errors

_SECONDS, _PAUSE = 3.0, 0.005


def caught_up(store: Store, seconds: float = _SECONDS) -> bool:
    """Bring the store's files up to date with its journal, or wait until somebody has; False if that takes too long."""
    if store.refresh():
        return True
    wanted = {path: path.stat().st_size for path in (store.path / FOLDER).glob(f"*{SUFFIX}") if path.exists()}
    deadline = time.monotonic() + seconds
    while wanted := _missing(store, wanted):
        if time.monotonic() > deadline:
            return False
        if store.refresh():
            return True
        time.sleep(_PAUSE)
    return True


def _missing(store: Store, wanted: dict[Path, int]) -> dict[Path, int]:
    """The segments that have not been read so far yet."""
    done = _read_so_far(store)
    return {path: size for path, size in wanted.items() if done.get(path.name, 0) < size and path.exists()}


def _read_so_far(store: Store) -> dict[str, float]:
    """How far each segment has been read; one that ended is read whatever is torn at its end."""
    offsets: dict[str, float] = {}
    for file in store.files:
        with closing(file.reading()) as connection, store_errors(file.path):
            for name, offset, ended in connection.execute("SELECT name, offset, ended_us FROM segment"):
                offsets[name] = max(offsets.get(name, 0), offset if ended is None else float("inf"))
    return offsets
