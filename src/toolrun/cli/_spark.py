"""A course of numbers in a few characters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_BARS = "▁▂▃▄▅▆▇█"


def in_bins(minutes: Mapping[int, int], first: int, last: int, most: int) -> list[int]:
    """The numbers by minute, from the first to the last, summed up in no more than so many bins of equal length."""
    length = last - first + 1
    bins = [0] * min(most, length)
    for minute, number in minutes.items():
        if first <= minute <= last:
            bins[(minute - first) * len(bins) // length] += number
    return bins


def spark(numbers: Sequence[int]) -> str:
    """A bar for each number: nothing for none, the highest for the greatest."""
    top = max(numbers, default=0)
    return "".join(_BARS[(number * len(_BARS) - 1) // top] if number else " " for number in numbers)
