"""Free text: which runs say these words. Those that the index does not have yet are searched on the spot, as far as
they are few; how many were left is said.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from toolrun.store.query._condition import FEW, Condition
from toolrun.store.query._open_files import OpenFile
from toolrun.store.query._terms import Says

FRESH, FRESH_CHARACTERS = 1_000, 2_000_000
"""As many runs that are not indexed, with as much text, are searched at once: in some 20 ms, 100 at the most."""

_NOT_INDEXED = """(
  SELECT seq FROM run INDEXED BY ix_running WHERE status = 'running' UNION SELECT seq FROM unsearched)
"""
_FRESH = f"SELECT seq FROM {_NOT_INDEXED} ORDER BY seq DESC LIMIT ?"
_TEXTS = "SELECT seq, inputs, output, error FROM searchable WHERE seq = ?"
_INDEXED = "SELECT rowid FROM words WHERE words MATCH ?"
_ON_THE_SPOT = "CREATE VIRTUAL TABLE words USING fts5(inputs, output, error, content='', detail='full')"


def add_words(made: Condition, says: Sequence[Says], file: OpenFile) -> None:
    """Add what the terms ask for to a condition."""
    wanted, unwanted = ([_phrase(term) for term in says if term.negated is negated] for negated in (False, True))
    match = " NOT ".join((" AND ".join(wanted), *unwanted)) if wanted else " OR ".join(unwanted)
    fresh, made.unsearched = _fresh_hits(file, match)
    if wanted:
        indexed = file.rows(f"{_INDEXED} ORDER BY rowid DESC LIMIT ?", match, FEW + 1)
        hits = {*fresh, *(row[0] for row in indexed)}
        if len(hits) <= FEW:
            made.add_hits(hits)
            return
    made.test = partial(_tested, file, match, fresh, bool(wanted))


def _tested(file: OpenFile, match: str, fresh: set[int], wanted: bool, seqs: Sequence[int]) -> set[int]:
    """Which of these rows say the words; unless they are wanted, which do not."""
    indexed = file.rows(f"{_INDEXED} AND rowid BETWEEN ? AND ?", match, min(seqs), max(seqs))
    hits = {*fresh, *(row[0] for row in indexed)}
    return hits if wanted else set(seqs) - hits


def _phrase(term: Says) -> str:
    """A term as FTS5 writes it: words that stand one after another."""
    text = term.text.replace('"', " ").replace("\0", " ")
    return f'"{text}"{"*" if term.is_prefix else ""}'


def _fresh_hits(file: OpenFile, match: str) -> tuple[set[int], int]:
    """Which of the runs that the index does not have say the words, and how many there were too many to look at."""
    rows = list(_fresh_texts(file))
    if not rows:
        return set(), 0
    (all_of_them,) = file.row(f"SELECT count(*) FROM {_NOT_INDEXED}")
    return set(_search_on_the_spot(rows, match)), max(0, all_of_them - len(rows))


def _fresh_texts(file: OpenFile) -> Iterator[Any]:
    """The newest of them, one at least."""
    characters = 0
    for (seq,) in list(file.rows(_FRESH, FRESH)):
        for row in file.rows(_TEXTS, seq):
            yield row
            characters += sum(len(text or "") for text in row[1:])
        if characters > FRESH_CHARACTERS:
            return


def _search_on_the_spot(rows: list[Any], match: str) -> Iterator[int]:
    """Index a few texts in memory, exactly as the store's index would, and ask that."""
    memory = sqlite3.connect(":memory:")
    try:
        memory.execute(_ON_THE_SPOT)
        memory.executemany("INSERT INTO words(rowid, inputs, output, error) VALUES(?,?,?,?)", rows)
        for (seq,) in memory.execute("SELECT rowid FROM words WHERE words MATCH ?", (match,)):
            yield seq
    finally:
        memory.close()
