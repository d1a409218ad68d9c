"""Figures of tools in a window of time: calls, errors, percentiles, and their course over the minutes.

A few runs are read one by one, and their figures are exact. Of many, the roll-ups are read, which count by minute and
by logarithmic bucket: percentiles are then off by at most 2.5 %, and the window begins and ends with a whole minute.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import ceil

from toolrun._ids import now
from toolrun.store._buckets import bucket, value
from toolrun.store.query._condition import Condition
from toolrun.store.query._language import Query
from toolrun.store.query._meanings import condition
from toolrun.store.query._moments import microseconds
from toolrun.store.query._open_files import OpenFile, OpenFiles
from toolrun.store.query._records import NOT_FAILED
from toolrun.store.query._selecting import rows_where
from toolrun.store.query._terms import Began, Is, Term
from toolrun.store.schema import IS_FAILED

EXACT = 10_000
"""Up to so many runs in the window, figures are exact."""

MINUTE = 60_000_000
_NAMES = ("tool", "name", "kind")


@dataclass(slots=True)
class Figures:
    """The runs of one name that began in the window and have ended. `minutes` has calls and errors by minute.

    Those that were interrupted are calls that failed, but nobody knows how long they took.
    """

    kind: str
    name: str
    calls: int = 0
    failed: int = 0
    total_us: int = 0
    buckets: Counter[int] = field(default_factory=Counter)
    minutes: dict[int, tuple[int, int]] = field(default_factory=dict)
    durations: list[int] | None = field(default=None, repr=False)

    @property
    def is_exact(self) -> bool:
        """Whether each duration is known, and not just its bucket."""
        return self.durations is not None

    @property
    def timed(self) -> int:
        """How many of the calls have a duration."""
        return self.buckets.total()

    @property
    def mean_us(self) -> float:
        """The mean duration in microseconds; 0 without any."""
        return self.total_us / self.timed if self.timed else 0.0

    def percentile_us(self, share: float) -> float:
        """The microseconds that this share of the timed calls did not exceed (nearest rank); 0 without any."""
        rank = max(1, ceil(share * self.timed))
        if self.durations is not None:
            return float(self.durations[rank - 1]) if self.durations else 0.0
        for number in sorted(self.buckets):
            rank -= self.buckets[number]
            if rank <= 0:
                return value(number)
        return 0.0

    def add(self, minute: int, calls: int, failed: int) -> None:
        """Count calls in a minute."""
        before = self.minutes.get(minute, (0, 0))
        self.minutes[minute] = before[0] + calls, before[1] + failed
        self.calls += calls
        self.failed += failed


@dataclass(frozen=True, slots=True)
class Window:
    """From when to when, in microseconds since the epoch; None where there is no bound."""

    since: int | None = None
    before: int | None = None

    @classmethod
    def of(cls, terms: Iterable[Term], at: float) -> Window:
        """The part of time that all terms have in common."""
        bounds: dict[str, list[int]] = {"since": [], "before": []}
        for term in terms:
            if isinstance(term, Began):
                bounds[term.field].append(microseconds(term.moment, at))
        return cls(max(bounds["since"], default=None), min(bounds["before"], default=None))


def figures_of(files: OpenFiles, query: Query) -> list[Figures]:
    """The figures of everything that was called, the most called first."""
    at = now()
    found = _Collected()
    window = Window.of(query.terms, at)
    can_roll = all(isinstance(term, Began) or (isinstance(term, Is) and term.field in _NAMES) for term in query.terms)
    named = Query(tuple(term for term in query.terms if not isinstance(term, Began)))
    if can_roll and sum(_count(file, condition(named, file, at), window) for file in files) > EXACT:
        for file in files:
            found.add_rolled(file, condition(named, file, at), window)
    else:
        for file in files:
            found.add_runs(file, condition(query, file, at))
    return found.in_order()


class _Collected:
    """Figures by kind and name, which may be in several files under different numbers."""

    def __init__(self) -> None:
        self._by_name: dict[tuple[str, str], Figures] = {}

    def in_order(self) -> list[Figures]:
        """The most called first."""
        for figures in self._by_name.values():
            if figures.durations is not None:
                figures.durations.sort()
        return sorted(self._by_name.values(), key=lambda figures: (-figures.calls, figures.name))

    def add_rolled(self, file: OpenFile, named: Condition, window: Window) -> None:
        """What the roll-ups of a file say."""
        names = self._names(file)
        rolled = f"FROM roll AS run WHERE {named.sql}{_minutes(window)}"
        sums = "sum(n), sum(err), sum(sum_us)"
        for number, slot, calls, _, us in file.rows(
            f"SELECT named_id, bucket, {sums} {rolled} GROUP BY 1, 2", *named.parameters
        ):
            names[number].buckets[slot] += calls
            names[number].total_us += us
        for number, minute, calls, failed, _ in file.rows(
            f"SELECT named_id, minute, {sums} {rolled} GROUP BY minute, named_id", *named.parameters
        ):
            names[number].add(minute, calls, failed)
        for number, minute, calls in file.rows(
            f"SELECT named_id, start_us / {MINUTE}, count(*) FROM run WHERE {named.sql} AND {_INTERRUPTED}"
            f"{_begun(window)} GROUP BY 1, 2",
            *named.parameters,
        ):
            names[number].add(minute, calls, calls)

    def add_runs(self, file: OpenFile, found: Condition) -> None:
        """What the runs of a file say, one by one."""
        names = self._names(file)
        ended = found.and_("run.status <> 'running'")
        for number, start, us, status, _ in rows_where(file, "named_id, start_us, dur_us, status", ended):
            figures = names[number]
            figures.add(start // MINUTE, 1, status not in NOT_FAILED)
            if figures.durations is None:
                figures.durations = []
            if us is not None:
                figures.total_us += us
                figures.buckets[bucket(us)] += 1
                figures.durations.append(us)

    def _names(self, file: OpenFile) -> _Names:
        return _Names(self._by_name, {row[0]: (row[1], row[2]) for row in file.rows(_NAMED)})


_INTERRUPTED = f"{IS_FAILED} AND status = 'interrupted'"  # the first half for the index; roll-ups count ends alone
_NAMED = "SELECT id, kind, name FROM named WHERE kind <> 'tag'"


class _Names(dict[int, Figures]):
    """The figures by the numbers that names have in one file."""

    def __init__(self, by_name: dict[tuple[str, str], Figures], numbered: dict[int, tuple[str, str]]) -> None:
        self._by_name, self._numbered = by_name, numbered

    def __missing__(self, number: int) -> Figures:
        name = self._numbered[number]
        figures = self[number] = self._by_name.setdefault(name, Figures(*name))
        return figures


def _count(file: OpenFile, named: Condition, window: Window) -> int:
    (count,) = file.row(
        f"SELECT ifnull(sum(n), 0) FROM roll AS run WHERE {named.sql}{_minutes(window)}", *named.parameters
    )
    return int(count)


def _minutes(window: Window) -> str:
    """SQL for the minutes that the window touches."""
    since = "" if window.since is None else f" AND minute >= {window.since // MINUTE}"
    return since + ("" if window.before is None else f" AND minute <= {(window.before - 1) // MINUTE}")


def _begun(window: Window) -> str:
    """SQL for the runs that began in these minutes."""
    since = "" if window.since is None else f" AND start_us >= {window.since // MINUTE * MINUTE}"
    return since + ("" if window.before is None else f" AND start_us < {-(-window.before // MINUTE) * MINUTE}")
