"""Run ids and the clock, in one place so that tests can replace them."""

from __future__ import annotations

import time

from uuid_utils.compat import uuid7

__all__ = ["monotonic", "new_run_id", "now"]

new_run_id = uuid7
"""A time-ordered id (UUID version 7) as a standard `uuid.UUID`, 0.7 microseconds."""

now = time.time
"""Seconds since the epoch, for records."""

monotonic = time.perf_counter
"""Seconds of a clock that never goes back, for durations."""
