"""What began and what ended since one last looked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Self

import orjson

from toolrun._ids import now
from toolrun.store.query._language import Query
from toolrun.store.query._meanings import condition
from toolrun.store.query._open_files import OpenFile, OpenFiles
from toolrun.store.query._records import StoredRun
from toolrun.store.query._selecting import runs_where


class Watch:
    """Looks at a store again and again. A run is seen when it begins, and again when it has ended; or once, if both
    happened between two looks. Of what was there when the watch was made, only the end of what then ran is seen.
    """

    def __init__(self, files: OpenFiles, query: Query) -> None:
        self._files, self._query = files, query
        self._seen = {file.number: _Seen.now_in(file) for file in files}

    def look(self) -> list[StoredRun]:
        """The runs that meet the query, in the order in which they were stored."""
        with self._files.at_one_moment():
            return [run for file in reversed(list(self._files)) for run in self._changes(file)]

    def _changes(self, file: OpenFile) -> Iterator[StoredRun]:
        before, after = self._seen.get(file.number, _NOTHING_YET), _Seen.now_in(file)
        self._seen[file.number] = after
        ended = before.running - after.running
        if after.last == before.last and not ended:
            return iter(())
        changed = condition(self._query, file, now()).and_(_CHANGED, before.last, orjson.dumps([*ended]).decode())
        return runs_where(file, changed, "ORDER BY run.seq")


class _Seen(NamedTuple):
    """How far a file was seen: its last row, and the rows that were running."""

    last: int
    running: frozenset[int]

    @classmethod
    def now_in(cls, file: OpenFile) -> Self:
        (last,) = file.row("SELECT ifnull(max(seq), 0) FROM run")
        running = file.rows("SELECT seq FROM run INDEXED BY ix_running WHERE status = 'running'")
        return cls(last, frozenset(seq for (seq,) in running))


_NOTHING_YET = _Seen(0, frozenset())
_CHANGED = "(run.seq > ? OR run.seq IN (SELECT value FROM json_each(?)))"
