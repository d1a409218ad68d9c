"""Frames become records, once it is sure that a record is what it is: nothing that was read is trusted.

A frame whose checksum is right may still hold what no recorder of this release writes. Such a record is left out, by
itself, and counted by what is wrong with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from toolrun.store._columns import Record
from toolrun.store._drops import Drops, record_of
from toolrun.store._frames import Frame, FrameKind

RECORDS = frozenset({FrameKind.START, FrameKind.EVENT, FrameKind.END})
NOT_INDEXED = "not indexed"
"""How the reasons begin by which records are counted that were written and could not be stored."""

_ID = re.compile(r"[0-9a-f]{32}")
_LARGEST = 2**63

Rule = Callable[[Any], bool]


def is_id(value: object) -> bool:
    """Whether it is the id of a run, in hex digits."""
    return type(value) is str and _ID.fullmatch(value) is not None


def is_integer(value: object) -> bool:
    """Whether it is a number that SQLite can hold."""
    return type(value) is int and -_LARGEST <= value < _LARGEST


def is_duration(value: object) -> bool:
    """Whether it is a number of microseconds that something took."""
    return type(value) is int and 0 <= value < _LARGEST


def is_text(value: object) -> bool:
    """Whether it is a text."""
    return type(value) is str


def _or_nothing(rule: Rule) -> Rule:
    return lambda value: value is None or rule(value)


_WHICH: Mapping[str, Rule] = {
    "id": is_id,
    "at": is_integer,
    "trace": _or_nothing(is_id),
    "parent": _or_nothing(is_id),
    "kind": is_text,
    "name": is_text,
}
_TEXT, _INTEGER = _or_nothing(is_text), _or_nothing(is_integer)
_RULES: Mapping[int, Mapping[str, Rule]] = {
    FrameKind.START: _WHICH,
    FrameKind.EVENT: {"id": is_id, "at": is_integer, "event": is_text},
    FrameKind.END: {
        **_WHICH,
        "us": is_duration,
        "status": is_text,
        "stopped_by": _TEXT,
        "engine": _TEXT,
        "worker": _INTEGER,
        "attempts": _INTEGER,
    },
}


def read_records(frames: list[Frame], breathe: Callable[[int], None] | None = None) -> tuple[list[Record], Drops]:
    """The records in the frames, and how many of them are none; `breathe` is called with the number of each frame."""
    records, left_out = [], Drops()
    for number, frame in enumerate(frames):
        if frame.kind in RECORDS:
            record, wrong = _read(frame)
            if record is not None:
                records.append(record)
            else:
                left_out[record_of(frame.kind), not_indexed(wrong)] += 1
        if breathe is not None:
            breathe(number)
    return records, left_out


def not_indexed(why: str) -> str:
    """The reason by which such a record is counted."""
    return f"{NOT_INDEXED}: {why}"


def object_of(body: bytes) -> dict[str, Any]:
    """What a frame says that is no record; nothing if it is damaged."""
    try:
        fields = orjson.loads(body)
    except ValueError:
        return {}
    return fields if type(fields) is dict else {}


def _read(frame: Frame) -> tuple[Record | None, str]:
    """The record, or what is wrong with it."""
    try:
        fields = orjson.loads(frame.body)
    except ValueError:
        return None, "not JSON"
    if type(fields) is not dict:
        return None, "no object"
    get = fields.get
    for name, is_right in _RULES[frame.kind].items():
        if not is_right(get(name)):
            return None, f"wrong {name}"
    return Record(frame.kind, frame.seq, fields), ""
