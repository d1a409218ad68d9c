"""One search through the files of a store: its runs in order, or the traces they belong to."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from toolrun._ids import now
from toolrun.store.query._condition import Condition
from toolrun.store.query._language import Query
from toolrun.store.query._meanings import condition
from toolrun.store.query._merging import LAST_ROW, Place, merged
from toolrun.store.query._open_files import OpenFile, OpenFiles
from toolrun.store.query._records import StoredRun
from toolrun.store.query._selecting import rows_where, runs_where

CHUNK = 1_000
_ANY = "1"
_IS_ROOT = "run_id = trace_id"  # in these very words, for the index of roots
_MATCH = "run.start_us, {}, run.trace_id"
_NEWEST_FIRST = "ORDER BY run.start_us DESC, run.seq DESC"
_OLDEST_FIRST = "ORDER BY run.start_us, run.seq"


class Match(NamedTuple):
    """A run that meets a query, as far as a list of traces needs it."""

    at: int
    file: int
    trace: bytes
    seq: int


class Search:
    """What meets a query, as of the moment at which the search was made. What it means to a file is found out once."""

    def __init__(self, files: OpenFiles, query: Query) -> None:
        self._files, self._query, self._now = files, query, now()
        self._conditions: dict[int, Condition] = {}

    @property
    def unsearched(self) -> int:
        """How many runs could not be searched for words yet, in the files that were come to."""
        return sum(condition.unsearched for condition in self._conditions.values())

    def runs(self, after: Place | None = None) -> Iterator[StoredRun]:
        """The runs, newest first, from a place on."""
        return merged(self._files, lambda file: runs_where(file, self._beyond(file, after), _NEWEST_FIRST))

    def all_runs(self) -> Iterator[StoredRun]:
        """The runs, oldest first: any number of them, in many short reads, so that nobody who writes has to wait."""

        def rows_of(file: OpenFile) -> Iterator[StoredRun]:
            condition, last = self._condition(file), (-LAST_ROW, 0)
            while True:
                rest = condition.and_("(run.start_us, run.seq) > (?, ?)", *last)
                chunk = list(islice(runs_where(file, rest, _OLDEST_FIRST), CHUNK))
                yield from chunk
                if len(chunk) < CHUNK:
                    return
                last = chunk[-1].at, chunk[-1].seq

        return merged(self._files, rows_of, newest_first=False)

    def slowest(self, limit: int) -> list[StoredRun]:
        """The runs that took longest."""
        found: list[StoredRun] = []
        for file in self._files:
            ended = self._condition(file).and_("run.dur_us IS NOT NULL")
            order = f"ORDER BY run.dur_us DESC{f' LIMIT {limit:d}' if ended.test is None else ''}"
            found += islice(runs_where(file, ended, order), limit)
        return sorted(found, key=lambda run: run.us or 0, reverse=True)[:limit]

    def roots(self, after: Place | None = None) -> Iterator[Match]:
        """The traces whose root run meets the query."""
        return self._matches(after, _IS_ROOT)

    def traces(self, after: Place | None = None) -> Iterator[Match]:
        """The traces in which any run meets the query, each at the place of the latest that does.

        A page of the list knows which traces it has; whether an earlier page had one is asked once for each.
        """
        seen: set[bytes] = set()
        for match in self._matches(after):
            if match.trace not in seen:
                seen.add(match.trace)
                if after is None or not self._was_listed(match.trace, after):
                    yield match

    def _was_listed(self, trace: bytes, before: Place) -> bool:
        """Whether a run of the trace that meets the query stands before a place, or at it."""
        for file in self._files:
            start, row = before.in_file(file.number)
            earlier = self._condition(file).and_(
                "run.trace_id = ? AND (run.start_us, run.seq) >= (?, ?)", trace, start, row
            )
            if next(rows_where(file, "1", earlier), None) is not None:
                return True
        return False

    def _matches(self, after: Place | None, also: str = _ANY) -> Iterator[Match]:
        def rows_of(file: OpenFile) -> Iterator[Match]:
            found = self._beyond(file, after).and_(also)
            return map(Match._make, rows_where(file, _MATCH.format(file.number), found, _NEWEST_FIRST))

        return merged(self._files, rows_of)

    def _beyond(self, file: OpenFile, after: Place | None) -> Condition:
        condition = self._condition(file)
        if after is None:
            return condition
        return condition.and_("(run.start_us, run.seq) < (?, ?)", *after.in_file(file.number))

    def _condition(self, file: OpenFile) -> Condition:
        if file.number not in self._conditions:
            self._conditions[file.number] = condition(self._query, file, self._now)
        return self._conditions[file.number]
