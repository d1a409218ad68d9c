"""Frames: how records lie in a journal segment.

    length  u32    bytes of the body
    crc     u32    CRC-32 of everything behind it: seq, kind, body
    seq     u64    counts the records of one process
    kind    u8     a `FrameKind`
    body           a JSON object

All numbers are little-endian. A reader stops at the first frame that is not whole: a torn tail, a damaged place, or the
one that a living process has not yet written to. Where good frames follow, it is a damaged one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import IntEnum
from struct import Struct
from typing import NamedTuple
from zlib import crc32

HEAD = Struct("<IIQB")
_CHECKED = Struct("<QB")  # the part of the head that the checksum covers
_UNCHECKED = Struct("<II")
_CRC_BEGINS_AT = HEAD.size - _CHECKED.size


_KIND_AT = HEAD.size - 1
_KIND_AND_BODY = re.compile(rb"[\x00-\x05]\{")  # nowhere in a body: JSON has no such characters


class FrameKind(IntEnum):
    """What a frame says."""

    OPEN = 0
    """The first of a segment: version, pid, host, when."""
    START = 1
    EVENT = 2
    END = 3
    DROPS = 4
    """How many records could not be written, by reason; the second of a segment, rewritten in place."""
    CLOSE = 5
    """The last of a segment that its process closed itself; `next` names the segment in which it goes on."""


class Frame(NamedTuple):
    """One record as it was read; `end` is the offset behind it."""

    seq: int
    kind: int
    body: bytes
    end: int


def frame(seq: int, kind: int, body: bytes) -> bytes:
    """The bytes of one record."""
    checked = _CHECKED.pack(seq, kind) + body
    return _UNCHECKED.pack(len(body), crc32(checked)) + checked


def read_frames(data: bytes, base: int = 0) -> Iterator[Frame]:
    """The whole frames, up to the first that is torn or damaged; `base` is where in the file the data begins."""
    view, size, head, start = memoryview(data), len(data), HEAD.size, 0
    while start + head <= size:
        length, checksum, seq, kind = HEAD.unpack_from(data, start)
        end = start + head + length
        if end > size or crc32(view[start + _CRC_BEGINS_AT : end]) != checksum:
            return
        yield Frame(seq, kind, data[start + head : end], base + end)
        start = end


def next_frame(data: bytes, start: int) -> int | None:
    """Where the next whole frame begins, behind a damaged place at `start`; None if none follows."""
    for found in _KIND_AND_BODY.finditer(data, start + HEAD.size):
        begin = found.start() - _KIND_AT
        if next(read_frames(data[begin : begin + wanted_bytes(data[begin : begin + HEAD.size])]), None) is not None:
            return begin
    return None


def wanted_bytes(data: bytes) -> int:
    """How many bytes the first frame says it has; 0 if not even its head is here."""
    return HEAD.size + HEAD.unpack_from(data)[0] if len(data) >= HEAD.size else 0
