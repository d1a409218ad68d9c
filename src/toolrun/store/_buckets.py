"""Logarithmic buckets of durations, for roll-ups and histograms.

Each bucket is 5 % wider than the one before, so a duration read back from its bucket is off by at most 2.5 %.
"""

from __future__ import annotations

from math import log

GROWTH = 1.05
_SCALE = 1 / log(GROWTH)


def bucket(microseconds: float) -> int:
    """The number of the bucket that a duration falls into; 0 holds what is below one microsecond."""
    return 1 + int(log(microseconds) * _SCALE) if microseconds >= 1 else 0


def value(number: int) -> float:
    """The duration in microseconds that a bucket stands for: its geometric middle."""
    return GROWTH ** (number - 0.5) if number > 0 else 0.0
