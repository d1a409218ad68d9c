"""How a store is: what is in it, what goes on, what lags, what could not be written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from toolrun.store.query._open_files import OpenFile


@dataclass(slots=True)
class Health:
    """Counts over all files of a store. `dropped` is by kind of record and reason, `bytes` without the journal."""

    files: int = 0
    bytes: int = 0
    runs: int = 0
    running: int = 0
    unsearched: int = 0
    cut_bytes: int = 0
    dropped: Counter[tuple[str, str]] = field(default_factory=Counter)


def health_of(files: Iterable[OpenFile]) -> Health:
    """Count; a million runs take some 10 ms."""
    health = Health()
    cut: dict[str, int] = {}
    dropped: dict[tuple[str, str, str], int] = {}
    for file in files:
        health.files += 1
        health.bytes += file.path.stat().st_size
        health.runs += file.row("SELECT count(*) FROM run")[0]
        health.running += file.row("SELECT count(*) FROM run INDEXED BY ix_running WHERE status = 'running'")[0]
        health.unsearched += file.row("SELECT count(*) FROM unsearched")[0]
        for segment, count in file.rows("SELECT name, cut_bytes FROM segment"):
            cut[segment] = max(count, cut.get(segment, 0))
        for segment, record, reason, count in file.rows(_DROPPED):  # they only grow: the greatest is the latest
            key = segment, record, reason
            dropped[key] = max(count, dropped.get(key, 0))
    health.cut_bytes = sum(cut.values())
    for (_, record, reason), count in dropped.items():
        health.dropped[record, reason] += count
    return health


_DROPPED = "SELECT segment.name, record, reason, n FROM dropped JOIN segment ON segment.id = segment_id"
