"""The tables of a store's file, and how files of earlier releases come to have them.

Narrow rows in `run`, everything large in `payload`: lists, trees and percentiles never read inputs and outputs.

`PRAGMA user_version` is the version of this form. A change of it adds a function to `MIGRATIONS`, which brings a file
from the version before to its own; `CREATE` always makes the newest. A file of a version yet unknown is refused.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

VERSION = 1
APPLICATION_ID = 0x746F6F6C  # "tool"

IS_FAILED = "status NOT IN ('ok', 'running', 'paused', 'cancelled')"
"""Which runs count as errors. SQLite uses the index `ix_failed` only for a query with this very condition."""

CREATE = f"""
CREATE TABLE named(                     -- tools, chains, models, ... and tags, by what they are called
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,                   -- a kind of run, or 'tag'
  name TEXT NOT NULL,
  UNIQUE(kind, name)
);
CREATE TABLE run(
  seq INTEGER PRIMARY KEY,
  run_id BLOB NOT NULL UNIQUE,          -- 16 bytes, ordered by time
  trace_id BLOB NOT NULL,               -- the id of the root run, its own for that one
  parent_id BLOB,
  named_id INTEGER NOT NULL,
  start_us INTEGER NOT NULL,            -- microseconds since 1970
  status TEXT NOT NULL,
  dur_us INTEGER,                       -- absent while running, and of what was interrupted
  error_type TEXT,
  error_message TEXT,                   -- the first 200 characters, for lists
  stopped_by TEXT,
  engine TEXT,
  worker INTEGER,                       -- the process that ran the body
  attempts INTEGER,
  cached INTEGER,
  session TEXT,
  call_id TEXT,
  batch TEXT,                           -- of `toolrun run`: digest of the calls, and the line in them
  line INTEGER,
  segment_id INTEGER                    -- absent for what was imported
);
CREATE INDEX ix_trace ON run(trace_id, status);
CREATE INDEX ix_start ON run(start_us);
CREATE INDEX ix_root ON run(start_us) WHERE run_id = trace_id;
CREATE INDEX ix_tool ON run(named_id, start_us, dur_us, status);
CREATE INDEX ix_failed ON run(start_us) WHERE {IS_FAILED};
CREATE INDEX ix_running ON run(start_us) WHERE status = 'running';
CREATE INDEX ix_session ON run(session, start_us) WHERE session IS NOT NULL;
CREATE INDEX ix_batch ON run(batch, line) WHERE batch IS NOT NULL;

CREATE TABLE payload(                   -- JSON texts
  seq INTEGER PRIMARY KEY,
  preview TEXT,                         -- the beginning of inputs, a newline, that of output or error; for lists
  inputs TEXT, output TEXT, error TEXT, tags TEXT, metadata TEXT,
  notes TEXT                            -- what is inexact, masked or cut, and the digest of the arguments
);
CREATE TABLE event(
  seq INTEGER NOT NULL,                 -- of the run
  n INTEGER NOT NULL,                   -- of the record in its process: ascending
  at_us INTEGER NOT NULL,
  event TEXT NOT NULL,
  value TEXT,
  PRIMARY KEY(seq, n)
) WITHOUT ROWID;
CREATE TABLE tag(
  named_id INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY(named_id, seq)
) WITHOUT ROWID;
CREATE TABLE roll(                      -- runs that ended, by the minute of their start
  minute INTEGER NOT NULL,
  named_id INTEGER NOT NULL,
  bucket INTEGER NOT NULL,              -- of the duration; see _buckets
  n INTEGER NOT NULL,
  err INTEGER NOT NULL,
  sum_us INTEGER NOT NULL,
  PRIMARY KEY(minute, named_id, bucket)
) WITHOUT ROWID;

CREATE TABLE segment(                   -- journal segments, and how far each has been read
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  offset INTEGER NOT NULL DEFAULT 0,
  pid INTEGER, host TEXT, started_us INTEGER,
  ended_us INTEGER,                     -- when it was found that nobody will write to it any more
  cut_bytes INTEGER NOT NULL DEFAULT 0  -- of a torn tail
);
CREATE TABLE dropped(                   -- what could not be written
  segment_id INTEGER NOT NULL,
  record TEXT NOT NULL,                 -- 'start', 'event', 'end'
  reason TEXT NOT NULL,
  n INTEGER NOT NULL,
  PRIMARY KEY(segment_id, record, reason)
) WITHOUT ROWID;

CREATE TABLE unsearched(seq INTEGER PRIMARY KEY);  -- ended runs whose words are not in `words` yet
CREATE VIEW searchable(seq, inputs, output, error) AS
  SELECT seq, {{inputs}}, {{output}}, {{error}} FROM payload;
CREATE VIRTUAL TABLE words USING fts5(
  inputs, output, error, content='searchable', content_rowid='seq'
);
CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;
"""

MIGRATIONS: dict[int, Callable[[sqlite3.Connection], None]] = {}
"""By the version that each makes of the version before."""


def _without_escapes(column: str) -> str:
    r"""SQL for a JSON text as words: `"a\nfoo"` must not be taken for the word `nfoo`."""
    for escape in (r"\\", r"\"", r"\n", r"\r", r"\t", r"\b", r"\f"):
        column = f"replace({column}, '{escape}', ' ')"
    return column


def create(connection: sqlite3.Connection, begun_us: int) -> None:
    """Make the tables in an empty file, in the transaction that is open."""
    for statement in _statements():
        connection.execute(statement)
    connection.execute("INSERT INTO meta VALUES('begun_us', ?)", (begun_us,))
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {VERSION}")


def migrate(connection: sqlite3.Connection, version: int) -> None:
    """Bring a file of an earlier version to this one, in the transaction that is open."""
    for step in range(version + 1, VERSION + 1):
        MIGRATIONS[step](connection)
    connection.execute(f"PRAGMA user_version = {VERSION}")


def _statements() -> list[str]:
    columns = {name: _without_escapes(name) for name in ("inputs", "output", "error")}
    script = CREATE
    for name, column in columns.items():
        script = script.replace(f"{{{name}}}", column)
    statements, part = [], ""
    for line in script.splitlines(keepends=True):
        part += line
        if sqlite3.complete_statement(part):
            statements.append(part.strip())
            part = ""
    return statements
