"""The words of runs, for searching: indexed after the runs themselves, so that writing those stays fast."""

from __future__ import annotations

import sqlite3

_ADD = (
    "INSERT INTO words(rowid, inputs, output, error) SELECT seq, inputs, output, error FROM searchable "
    "WHERE seq IN (SELECT seq FROM unsearched ORDER BY seq LIMIT ?)"
)
_DONE = "DELETE FROM unsearched WHERE seq IN (SELECT seq FROM unsearched ORDER BY seq LIMIT ?)"


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
