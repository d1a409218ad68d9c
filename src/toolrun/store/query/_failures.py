"""What failed, grouped: errors of the same tool, type and message shape are one failure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from toolrun.store.query._records import StoredRun
from toolrun.store.query._shapes import shape

NEWEST = 50_000
"""So many failed runs are grouped at most, the newest; whether there are more is said."""


@dataclass(slots=True)
class Failure:
    """Runs that failed alike. `latest` is the newest of them, `since` the start of the oldest."""

    kind: str
    name: str
    error_type: str
    shape: str
    count: int
    latest: StoredRun
    since: int


@dataclass(frozen=True, slots=True)
class Failures:
    """The groups, the largest first, and how many runs are in them; `is_all` if older ones were not left out."""

    groups: list[Failure]
    runs: int
    is_all: bool


def grouped(runs: Iterable[StoredRun], most: int = NEWEST) -> Failures:
    """Group failed runs, which come newest first."""
    groups: dict[tuple[str, str, str, str], Failure] = {}
    count = 0
    for count, run in enumerate(runs, 1):
        if count > most:
            return Failures(_largest_first(groups.values()), most, is_all=False)
        key = (run.kind, run.name, run.error_type or run.status, shape(run.error_message or ""))
        if key in groups:
            groups[key].count += 1
            groups[key].since = run.at
        else:
            groups[key] = Failure(*key, 1, run, run.at)
    return Failures(_largest_first(groups.values()), count, is_all=True)


def _largest_first(groups: Iterable[Failure]) -> list[Failure]:
    return sorted(groups, key=lambda group: (-group.count, -group.latest.at))
