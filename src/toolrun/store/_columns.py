"""What the fields of a record are in the columns of the tables."""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson

from toolrun.store._buckets import bucket
from toolrun.store._encode import encode

Fields = dict[str, Any]
Row = tuple[Any, ...]

PREVIEW = 160
"""Characters of the inputs, and of the output or error, that lists show."""

ERROR_MESSAGE = 200
"""Characters of an error's message in lists."""

NOTHING: Fields = {}
RUNNING: Row = ("running", None, None, None, None, None, None, None, None)
"""What `ending` gives of a run that has ended."""

_SQLITE_BITS = 63
_NOTED = frozenset({"inexact", "masked", "cut", "digest", "message"})
_NO_FAILURE = frozenset({"ok", "running", "paused", "cancelled"})  # as in schema.IS_FAILED


class Record(NamedTuple):
    """One frame, decoded."""

    kind: int
    seq: int
    fields: Fields


def identity(fields: Fields, named_id: int) -> Row:
    """trace_id, parent_id, named_id, start_us"""
    parent = fields.get("parent")
    trace = fields.get("trace") or fields["id"]
    return bytes.fromhex(trace), bytes.fromhex(parent) if parent else None, named_id, fields["at"]


def ending(end: Fields) -> Row:
    """status, dur_us, error_type, error_message, stopped_by, engine, worker, attempts, cached"""
    get = end.get
    error = get("error")
    what = (error.get("type"), str(error.get("message", ""))[:ERROR_MESSAGE]) if type(error) is dict else (None, None)
    return (
        end["status"],
        get("us"),
        *what,
        get("stopped_by"),
        get("engine"),
        get("worker"),
        get("attempts"),
        get("cached"),
    )


def given(start: Fields) -> Row:
    """session, call_id, batch, line"""
    metadata = start.get("metadata")
    batch = metadata.get("toolrun") if type(metadata) is dict else None
    of_batch = _of_batch(batch) if type(batch) is dict else (None, None)
    session, call_id = start.get("session"), start.get("call_id")
    return session if type(session) is str else None, call_id if type(call_id) is str else None, *of_batch


def _of_batch(batch: Fields) -> Row:
    """Anybody may put something else there: metadata are the user's."""
    digest, line = batch.get("batch"), batch.get("line")
    if type(digest) is not str or type(line) is not int or line.bit_length() > _SQLITE_BITS:
        return None, None
    return digest, line


def outcome(end: Fields) -> tuple[str | None, str | None]:
    """output, error"""
    return optional(end, "output"), optional(end, "error")


def optional(fields: Fields, name: str) -> str | None:
    """A field as JSON text, None if it is not there."""
    if name not in fields:
        return None
    try:
        return orjson.dumps(fields[name]).decode()
    except TypeError:  # it is nested deeper than orjson writes, though it reads it
        return encode(fields[name])[0].decode()


def event_row(seq: int, record: Record) -> Row:
    """seq, n, at_us, event, value"""
    fields = record.fields
    return seq, record.seq, fields["at"], fields["event"], optional(fields, "value")


def is_failed(end: Fields) -> bool:
    """Whether the run counts as an error."""
    return end["status"] not in _NO_FAILURE


def roll_key(end: Fields, named_id: int) -> Row:
    """minute, named_id, bucket"""
    return end["at"] // 60_000_000, named_id, bucket(end["us"])


def tags_of(start: Fields) -> list[str]:
    """The tags, if they are whole: those that are texts."""
    tags = start.get("tags")
    return [tag for tag in tags if type(tag) is str] if type(tags) is list else []


def notes_of(fields: Fields, before: str | None = None) -> str | None:
    """What is to be known of the values beside themselves; added to what the other record of the run said."""
    if _NOTED.isdisjoint(fields):
        return before
    notes: Fields = orjson.loads(before) if before else {}
    for name in ("inexact", "masked", "cut"):
        if name in fields:
            notes[name] = sorted({*notes.get(name, ()), *fields[name]})
    for name in ("digest", "message"):
        if name in fields:
            notes[name] = fields[name]
    return orjson.dumps(notes).decode()
