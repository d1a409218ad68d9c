"""Run ids and clocks, in one place so that tests can replace them."""

from __future__ import annotations

import time
from uuid import UUID, SafeUUID

from uuid_utils import uuid7

__all__ = ["monotonic", "new_run_id", "now"]

# `uuid_utils.compat.uuid7` does the same in twice the time: it looks up an enum member for each id.
_new, _set_int, _set_safety = object.__new__, UUID.__dict__["int"].__set__, UUID.__dict__["is_safe"].__set__
_UNKNOWN = SafeUUID.unknown


def new_run_id() -> UUID:
    """A time-ordered id (UUID version 7) as a standard `uuid.UUID`, in about 0.5 microseconds."""
    run_id = _new(UUID)
    _set_int(run_id, uuid7().int)
    _set_safety(run_id, _UNKNOWN)
    return run_id


now = time.time
"""Seconds since the epoch, for records."""

monotonic = time.perf_counter
"""Seconds of a clock that never goes back, for durations."""
