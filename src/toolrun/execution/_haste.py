"""Haste: while bodies in threads are overdue, threads take turns ten times as often.

A thread that burns gives way after the interpreter's switch interval, 5 ms. With twenty such threads a loop that wakes
up waits for 100 ms each time it does, and it has to wake up several times before a timeout is answered. The interval is
one for the whole process, so it is changed while an answer is due and no longer: for some hundredths of a second.
"""

from __future__ import annotations

import sys
import threading

INTERVAL = 0.0005
"""Seconds."""

_ROUNDING = 5e-7  # the interpreter cuts seconds to whole microseconds: the interval must not shrink each time


class Haste:
    """Keeps the switch interval short while anybody is in haste."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._hasty: set[object] = set()
        self._usual = 0.0

    def begin(self, who: object) -> None:
        """An answer is due."""
        with self._lock:
            if not self._hasty:
                self._usual = sys.getswitchinterval() + _ROUNDING
                sys.setswitchinterval(min(self._usual, INTERVAL))
            self._hasty.add(who)

    def end(self, who: object) -> None:
        """It is given, or nobody waits for it any more."""
        with self._lock:
            if who in self._hasty:
                self._hasty.discard(who)
                if not self._hasty:
                    sys.setswitchinterval(self._usual)


HASTE = Haste()
