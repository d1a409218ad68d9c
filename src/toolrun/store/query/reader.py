"""The reader of a store. Nothing is ever changed through it.

Lists are newest first, run across all files of the store, and are paged by the place of their last run: page 10,000
costs what page 1 does. A query is met by single runs; a list of traces has those in which any run meets it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import chain, islice
from typing import Protocol, Self

from toolrun.store.query._completion import values_of
from toolrun.store.query._failures import Failures, grouped
from toolrun.store.query._figures import Figures, figures_of
from toolrun.store.query._health import Health, health_of
from toolrun.store.query._language import STATUSES, Query
from toolrun.store.query._lookup import find_run
from toolrun.store.query._merging import Place, Placed
from toolrun.store.query._open_files import OpenFiles
from toolrun.store.query._records import (
    NOT_FAILED,
    Page,
    Payload,
    StoredRun,
    Trace,
    TreeRun,
    in_tree_order,
)
from toolrun.store.query._searching import Search
from toolrun.store.query._selecting import counts_of, payload_of, previews_of, runs_of_ids
from toolrun.store.query._terms import Is, Value
from toolrun.store.query._watching import Watch
from toolrun.store.sqlite import StoreFile

EVERYTHING = Query()
_NOTHING = Payload()
_FAILED = Query((Is("status", tuple(Value(status) for status in STATUSES if status not in NOT_FAILED)),))


class HasFiles(Protocol):
    """A store, as far as reading goes."""

    @property
    def files(self) -> list[StoreFile]:
        """Newest first."""


class Reader:
    """Reads a store. May be used by several threads; close it, or use it in a `with` block."""

    def __init__(self, store: HasFiles) -> None:
        self._files = OpenFiles(lambda: store.files)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close its files."""
        self._files.close()

    def at_one_moment(self) -> AbstractContextManager[None]:
        """What is read in the block is as it was at one moment, however much is written meanwhile."""
        return self._files.at_one_moment()

    def runs(self, query: Query = EVERYTHING, limit: int = 100, after: str | None = None) -> Page[StoredRun]:
        """The latest runs that meet the query, one page of them."""
        search = Search(self._files, query)
        found = list(islice(search.runs(_place(after)), limit + 1))
        return Page(found[:limit], _after(found, limit), search.unsearched)

    def traces(self, query: Query = EVERYTHING, limit: int = 100, after: str | None = None) -> Page[Trace]:
        """The latest traces, one page of them: by their start, or with a query by the latest run that meets it."""
        search = Search(self._files, query)
        matches = search.traces if query else search.roots
        found = list(islice(matches(_place(after)), limit + 1))
        ids = [match.trace.hex() for match in found[:limit]]
        return Page(self._traces(ids), _after(found, limit), search.unsearched)

    def find(self, id: str) -> StoredRun:
        """The run whose id begins or ends so; `NoSuchRun` or `AmbiguousId` if there is not just one."""
        return find_run(self._files, id)

    def tree(self, trace: str) -> list[TreeRun]:
        """The runs of a trace, each before those below it. Without payloads, in time proportional to their number."""
        return in_tree_order(chain.from_iterable(runs_of_ids(file, "trace_id", [trace]) for file in self._files))

    def payload(self, run: StoredRun) -> Payload:
        """What a run took and gave, and what happened in it."""
        file = self._files.of_number(run.file)
        return _NOTHING if file is None else payload_of(file, run.seq)

    def previews(self, runs: Iterable[StoredRun]) -> dict[str, tuple[str, str]]:
        """By id, how the JSON begins of what each run took, and of what it gave or its error; of large values too."""
        ids: dict[int, dict[int, str]] = {}
        for run in runs:
            ids.setdefault(run.file, {})[run.seq] = run.id
        previews = {id: ("", "") for of_file in ids.values() for id in of_file.values()}
        for file in self._files:
            of_file = ids.get(file.number, {})
            for seq, preview in previews_of(file, of_file):
                inputs, _, output = preview.partition("\n")
                previews[of_file[seq]] = inputs, output
        return previews

    def records(self, query: Query = EVERYTHING) -> Iterator[tuple[StoredRun, Payload]]:
        """All runs that meet the query with their payloads, oldest first, one at a time."""
        for run in Search(self._files, query).all_runs():
            yield run, self.payload(run)

    def figures(self, query: Query = EVERYTHING) -> list[Figures]:
        """Calls, errors, percentiles and their course for each tool, of the ended runs that meet the query."""
        return figures_of(self._files, query)

    def failures(self, query: Query = EVERYTHING) -> Failures:
        """The failed runs that meet the query, grouped by what failed."""
        return grouped(Search(self._files, query & _FAILED).runs())

    def slowest(self, query: Query = EVERYTHING, limit: int = 20) -> list[StoredRun]:
        """The runs that meet the query and took longest, the slowest first."""
        return Search(self._files, query).slowest(limit)

    def values(self, field: str, prefix: str = "", limit: int = 20) -> list[str]:
        """Values of a field that begin so, to complete a query with."""
        return values_of(self._files, field, prefix, limit)

    def health(self) -> Health:
        """What is in the store, what lags, and what could not be written."""
        return health_of(self._files)

    def watch(self, query: Query = EVERYTHING) -> Watch:
        """Sees what begins and ends from now on."""
        return Watch(self._files, query)

    def _traces(self, ids: list[str]) -> list[Trace]:
        """The traces in this order, but for those that were pruned a moment ago."""
        roots = {run.id: run for file in self._files for run in runs_of_ids(file, "run_id", ids)}
        for trace in set(ids) - roots.keys():  # its root was never recorded
            roots.update((trace, first.run) for first in self.tree(trace)[:1])
        counts, previews = self._counts(ids), self.previews(roots.values())
        return [Trace(roots[id], *counts[id], *previews[roots[id].id]) for id in ids if id in roots]

    def _counts(self, ids: list[str]) -> dict[str, tuple[int, int, int]]:
        counts = dict.fromkeys(ids, (0, 0, 0))
        for trace, *more in chain.from_iterable(counts_of(file, ids) for file in self._files):
            runs, failed, running = map(sum, zip(counts[trace], more, strict=True))
            counts[trace] = runs, failed, running
        return counts


def _place(after: str | None) -> Place | None:
    return None if after is None else Place.read(after)


def _after(found: Sequence[Placed], limit: int) -> str | None:
    """Where the next page begins, if more was found than fits on this one."""
    return str(Place.of(found[limit - 1])) if len(found) > limit else None
