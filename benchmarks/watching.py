"""What is watched while something else is measured: the beats of the loop, and whether a process is alive."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

BEAT_SECONDS = 0.001


class Heart:
    """Beats on the loop every millisecond, and remembers how long each beat was in coming."""

    def __init__(self) -> None:
        self.gaps: list[float] = []
        """Seconds between two beats, less the time that is meant to be between them."""
        self._last = time.perf_counter()
        self._timer = asyncio.get_running_loop().call_later(BEAT_SECONDS, self._beat)

    def stop(self) -> list[float]:
        self._timer.cancel()
        self._note()
        return self.gaps

    def _beat(self) -> None:
        self._note()
        self._timer = asyncio.get_running_loop().call_later(BEAT_SECONDS, self._beat)

    def _note(self) -> None:
        now = time.perf_counter()
        self.gaps.append(now - self._last - BEAT_SECONDS)
        self._last = now


def percentile(figures: Sequence[float], part: float) -> float:
    """The figure that this part of all figures does not exceed."""
    return sorted(figures)[min(len(figures) - 1, int(len(figures) * part))]


async def dead(process: int) -> None:
    """Wait until the process is gone, or waits to be reaped."""
    while _is_alive(process):
        await asyncio.sleep(BEAT_SECONDS)


def _is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
