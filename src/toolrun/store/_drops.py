"""What could not be written, counted by kind of record and by reason.

The counts stand at the beginning of a segment, in a frame of fixed size that is rewritten in place: that needs no
room, so they can be written while the disk is full.
"""

from __future__ import annotations

import errno
from collections import Counter

import orjson

from toolrun.store._frames import HEAD, FrameKind, frame

BYTES = 1024
"""The room for the counts, in the frame's body; with the frames before it on the first page of the file."""

Drops = Counter[tuple[str, str]]
"""(kind of record, reason) -> how many."""

_REASONS = {
    errno.ENOSPC: "disk full",
    errno.EDQUOT: "quota exceeded",
    errno.EIO: "I/O error",
    errno.EFBIG: "file too large",
    errno.EROFS: "read-only file system",
    errno.EACCES: "permission denied",
    errno.ENOENT: "folder missing",
    errno.EMFILE: "too many open files",
    errno.ENFILE: "too many open files",
}
OTHER = "other"


def reason_of(error: Exception) -> str:
    """The error in words that are few enough to be counted by."""
    number = getattr(error, "errno", None) or 0
    return _REASONS.get(number) or errno.errorcode.get(number, OTHER)


def record_of(kind: int) -> str:
    """The kind of a frame, as drops are counted by it."""
    return FrameKind(kind).name.lower()


def drops_frame(drops: Drops) -> bytes:
    """The frame with these counts, always of the same size."""
    body = _body(drops)
    if len(body) > BYTES:
        rest: Drops = Counter()
        for (record, _), number in drops.items():
            rest[record, OTHER] += number
        body = _body(rest)
    return frame(1, FrameKind.DROPS, body.ljust(BYTES))


def read_drops(body: bytes) -> Drops:
    """The counts in the body of such a frame; none if it holds something else."""
    try:
        counts = orjson.loads(body).items()
        return Counter({(record, reason): int(n) for record, reasons in counts for reason, n in reasons.items()})
    except (ValueError, TypeError, AttributeError):
        return Counter()


def frame_bytes() -> int:
    """The size of such a frame."""
    return HEAD.size + BYTES


def _body(drops: Drops) -> bytes:
    by_record: dict[str, dict[str, int]] = {}
    for (record, reason), number in drops.items():
        by_record.setdefault(record, {})[reason] = number
    return orjson.dumps(by_record)
