"""Durations and points in time, as people write them: `1.5s`, `200ms`, `2026-11-22T10:00`, `1h` (ago)."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from decimal import Decimal

Moment = timedelta | datetime
"""A point in time: so long ago, or a date with or without its zone (without: local time)."""

UNITS = {"us": 1, "µs": 1, "ms": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}
UNIT_NAMES = "us, ms, s, m, h or d"

LONGEST_US = 100 * 365 * UNITS["d"]
"""A century: no duration is longer, and a timedelta holds it."""

_DURATION = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,18})?)([a-zµ]+)")
_PRINTED = ("d", "h", "m", "s", "ms")


def parse_duration(text: str) -> int | None:
    """Microseconds; None if the text is no duration. Every duration has a unit."""
    match = _DURATION.fullmatch(text)
    if match is None or match[2] not in UNITS:
        return None
    us = int(Decimal(match[1]) * UNITS[match[2]])
    return us if us <= LONGEST_US else None


def print_duration(us: int) -> str:
    """The duration in the largest unit of which it has at least one; reading it gives the same microseconds."""
    for unit in _PRINTED:
        if us >= UNITS[unit]:
            amount = Decimal(us) / UNITS[unit]
            if int(amount * UNITS[unit]) == us and -int(amount.as_tuple().exponent) <= 6:
                return f"{amount.normalize():f}{unit}"
    return f"{us}us"


def parse_moment(text: str) -> Moment | None:
    """How long ago, or a date, with a time to the minute or finer, with a zone or without; None if it is neither."""
    us = parse_duration(text)
    if us is not None:
        return timedelta(microseconds=us)
    try:
        date = datetime.fromisoformat(text) if text[4:5] == "-" else None
    except ValueError:
        return None
    return date if date and 1970 < date.year < 9999 else None


def print_moment(moment: Moment) -> str:
    """The text of a moment; reading it gives the same moment."""
    if isinstance(moment, timedelta):
        return print_duration(round(moment / timedelta(microseconds=1)))
    return moment.isoformat()


def microseconds(moment: Moment, now: float) -> int:
    """A moment in microseconds since the epoch, given the time that it is now in seconds."""
    if isinstance(moment, timedelta):
        return round(now * 1_000_000) - round(moment / timedelta(microseconds=1))
    return round(moment.timestamp() * 1_000_000)
