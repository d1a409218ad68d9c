"""The words of runs, for searching: indexed after the runs themselves, so that writing those stays fast."""

from __future__ import annotations

import sqlite3

_ADD = (
    "INSERT INTO words(rowid, inputs, output, error) SELECT seq, inputs, output, error FROM searchable "
    "WHERE seq IN (SELECT seq FROM unsearched ORDER BY seq LIMIT ?)"
)
_DONE = "DELETE FROM unsearched WHERE seq IN (SELECT seq FROM unsearched ORDER BY seq LIMIT ?)"
_IS_INDEXED = "SELECT 1 FROM words_docsize WHERE id = ?"
FORGET_WORDS = (
    "INSERT INTO words(words, rowid, inputs, output, error) SELECT 'delete', seq, inputs, output, error "
    "FROM searchable WHERE seq IN (SELECT id FROM words_docsize WHERE id IN (SELECT seq FROM {seqs}))"
)
"""Takes the words of the runs in the table `seqs` out of the index, as long as what they were made of is there."""


def search_again(connection: sqlite3.Connection, seq: int) -> None:
    """The words of this run are about to change: take those that are indexed out, and have it indexed anew."""
    if connection.execute(_IS_INDEXED, (seq,)).fetchone():
        connection.execute(FORGET_WORDS.format(seqs=f"(SELECT {seq} AS seq)"))
    connection.execute("INSERT OR IGNORE INTO unsearched VALUES(?)", (seq,))


def index_words(connection: sqlite3.Connection, limit: int) -> int:
    """Index the words of up to `limit` runs, the oldest first; gives how many it were."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(_ADD, (limit,))
        done = connection.execute(_DONE, (limit,)).rowcount
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return done


def unsearched(connection: sqlite3.Connection) -> int:
    """How many runs have ended whose words cannot be found yet."""
    (count,) = connection.execute("SELECT count(*) FROM unsearched").fetchone()
    return int(count)
