-- A file of version 1 of the store's form, as its release wrote it. Never changed: later releases must open it.
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
CREATE INDEX ix_failed ON run(start_us) WHERE status NOT IN ('ok', 'running', 'paused', 'cancelled');
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
CREATE TABLE unsearched(seq INTEGER PRIMARY KEY);  -- ended runs whose words are not in `words` yet;
CREATE VIEW searchable(seq, inputs, output, error) AS
  SELECT seq, replace(replace(replace(replace(replace(replace(replace(inputs, '\\', ' '), '\"', ' '), '\n', ' '), '\r', ' '), '\t', ' '), '\b', ' '), '\f', ' '), replace(replace(replace(replace(replace(replace(replace(output, '\\', ' '), '\"', ' '), '\n', ' '), '\r', ' '), '\t', ' '), '\b', ' '), '\f', ' '), replace(replace(replace(replace(replace(replace(replace(error, '\\', ' '), '\"', ' '), '\n', ' '), '\r', ' '), '\t', ' '), '\b', ' '), '\f', ' ') FROM payload;
CREATE VIRTUAL TABLE words USING fts5(
  inputs, output, error, content='searchable', content_rowid='seq'
);
CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;

INSERT INTO named VALUES(1, 'tool', 'search');
INSERT INTO named VALUES(2, 'tag', 'old');
INSERT INTO named VALUES(3, 'tool', 'fetch');
INSERT INTO run VALUES(1, x'019aa7e5b3c270008000000000000001', x'019aa7e5b3c270008000000000000001', NULL, 1, 1790000000000000, 'error', 1234, 'ValueError', 'bad', NULL, 'threads', NULL, NULL, NULL, 's', NULL, NULL, NULL, NULL);
INSERT INTO run VALUES(2, x'019aa7e5b3c270008000000000000002', x'019aa7e5b3c270008000000000000001', x'019aa7e5b3c270008000000000000001', 3, 1790000000000010, 'running', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO payload VALUES(1, '{"q":"first words"}' || char(10) || '{"type":"ValueError","module":"builtins","message":"bad","traceback":"ValueError: bad"}', '{"q":"first words"}', NULL, '{"type":"ValueError","module":"builtins","message":"bad","traceback":"ValueError: bad"}', '["old"]', NULL, NULL);
INSERT INTO payload VALUES(2, '{"u":1}' || char(10) || '', '{"u":1}', NULL, NULL, NULL, NULL, NULL);
INSERT INTO event VALUES(1, 3, 1790000000000005, 'text', '"well"');
INSERT INTO tag VALUES(2, 1);
INSERT INTO roll VALUES(29833333, 1, 146, 1, 1, 1234);
INSERT INTO unsearched VALUES(1);
INSERT INTO meta VALUES('begun_us', 1789999999000000);
PRAGMA application_id = 1953460076;
PRAGMA user_version = 1;
