"""Queries on a store of a million runs, as the command line and the viewer ask them."""

from __future__ import annotations

import os
import random
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from benchmarks.harness import OURS, Bound, Figures, Measure, Metric, Scenario
from toolrun.store import Store
from toolrun.store._frames import FrameKind
from toolrun.store.query import Query, Reader
from toolrun.store.rows import Record, apply
from toolrun.store.sqlite import file_of_today
from toolrun.store.words import index_words

RUNS = int(os.environ.get("BENCH_STORED_RUNS", "1000000"))
RUNS_OF_A_TRACE = 10
TOOLS = [f"tool_{number}" for number in range(20)]
SECONDS = 4 * 3600
BATCH = 2_000
WORDS = [f"word{number}" for number in range(5_000)] + ["eclipse"] * 40
"""`eclipse` is in a quarter of the runs, `word77` in one of 120."""


def scenarios() -> Iterator[Scenario]:
    store = _LazyStore()
    for name, (bound, ask) in _QUESTIONS.items():
        metric = Metric(f"{RUNS:,} runs", "ms", bound)
        subjects: dict[str, Measure] = {OURS: _milliseconds(store, ask)}
        yield Scenario(f"query, {name}", (metric,), subjects, rounds=15, pinned=True)
    store.remove()


Ask = Callable[[Reader], object]


def _asking(query: str) -> Ask:
    parsed = Query.parse(query)
    return lambda reader: reader.runs(parsed, 50).items


def _tree(reader: Reader) -> object:
    return reader.tree(reader.traces(limit=1).items[0].root.id)


_HOUR = Query.parse("since:1h")
_QUESTIONS: dict[str, tuple[Bound, Ask]] = {
    "latest 100 traces": (Bound(5), lambda reader: reader.traces(limit=100)),
    "latest trace and its tree": (Bound(1), _tree),
    "percentiles of the last hour": (Bound(60), lambda reader: reader.figures(_HOUR)),
    "a frequent word, newest 50": (Bound(50), _asking("eclipse")),
    "a rare word, newest 50": (Bound(50), _asking("word77")),
    "two words and a tool, newest 50": (Bound(50), _asking("tool:tool_3 eclipse word77")),
    "a prefix, newest 50": (Bound(), _asking("word7*")),
    "latest 50 failed": (Bound(), _asking("status:error")),
    "failures of the last hour, grouped": (Bound(), lambda reader: reader.failures(_HOUR)),
}


class _LazyStore:
    """The store is filled when the first question is asked: not at all if none is."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._reader: Reader | None = None

    @property
    def reader(self) -> Reader:
        if self._reader is None:
            self._folder = Path(mkdtemp(prefix="toolrun-benchmark-"))
            fill(self._folder, RUNS)
            self._reader = Reader(Store(self._folder, readonly=True))
        return self._reader

    def remove(self) -> None:
        """Delete what was filled."""
        if self._reader is not None:
            self._reader.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def _milliseconds(store: _LazyStore, ask: Ask) -> Measure:
    def measure() -> Figures:
        reader = store.reader
        started = time.perf_counter()
        ask(reader)
        return ((time.perf_counter() - started) * 1e3,)

    return measure


def fill(folder: Path, runs: int) -> None:
    """Fill a store with so many runs, through the indexer's own way, and index their words."""
    print(f"filling a store with {runs:,} runs ...", file=sys.stderr)
    connection = file_of_today(folder).writing()
    records = _records(runs)
    while batch := list(islice(records, 2 * BATCH)):
        apply(connection, batch)
    while index_words(connection, BATCH):
        pass
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.close()


def _records(runs: int) -> Iterator[Record]:
    chance = random.Random(7)
    end_us = time.time_ns() // 1000
    trace = ""
    for number in range(runs):
        at = end_us - SECONDS * 1_000_000 * (runs - number) // runs
        id = f"{at // 1000:012x}7{chance.getrandbits(12):03x}8{chance.getrandbits(60):015x}"
        trace = id if number % RUNS_OF_A_TRACE == 0 else trace
        both: dict[str, Any] = {"id": id, "trace": trace, "kind": "tool", "name": chance.choice(TOOLS), "at": at}
        both |= {"parent": trace} if id != trace else {"session": f"talk-{number % 1000}"}
        inputs = {"query": " ".join(chance.choices(WORDS, k=12)), "n": number}
        yield Record(FrameKind.START, 2 * number, both | {"inputs": inputs})
        yield Record(
            FrameKind.END, 2 * number + 1, both | {"us": int(chance.lognormvariate(9, 1.2)), **_outcome(chance)}
        )


def _outcome(chance: random.Random) -> dict[str, Any]:
    if chance.random() < 0.02:
        message = f"no such thing: {chance.randrange(1000)}"
        return {"status": "error", "error": {"type": chance.choice(["KeyError", "ValueError"]), "message": message}}
    return {"status": "ok", "output": {"answer": " ".join(chance.choices(WORDS, k=30))}}
