"""A condition on the rows of one file, as SQL and its parameters.

Where the rows that say a word or have a tag are few, they are found first, by an index of their own, and then fetched
by number: for a rare word there is no other way to be quick. Where they are many, runs are walked in order and tested,
words for a chunk of runs at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

import orjson

FEW = 5_000
"""As many rows are fetched by number, and sorted, in some 15 ms."""

Test = Callable[[Sequence[int]], Collection[int]]
"""Which of these rows meet what SQL was not asked."""

HITS = "run.seq IN (SELECT value FROM json_each(?))"


@dataclass(slots=True)
class Condition:
    """`sql` is about `run`. With `few` the rows are known, and no index is to be walked; `test` decides beside SQL."""

    sql: str = "1"
    parameters: list[object] = field(default_factory=list)
    few: bool = False
    test: Test | None = None
    unsearched: int = 0

    @property
    def source(self) -> str:
        """The table, told which way to go."""
        return "run NOT INDEXED" if self.few else "run"

    def add(self, sql: str, *parameters: object) -> None:
        """Ask for this as well."""
        self.sql = sql if self.sql == "1" else f"{self.sql} AND {sql}"
        self.parameters.extend(parameters)

    def and_(self, sql: str, *parameters: object) -> Condition:
        """This condition and another one; this one stays as it is."""
        both = replace(self, parameters=[*self.parameters])
        both.add(sql, *parameters)
        return both

    def add_hits(self, seqs: Iterable[int]) -> None:
        """Ask for one of these rows, which are few."""
        self.add(HITS, orjson.dumps(list(seqs)).decode())
        self.few = True
