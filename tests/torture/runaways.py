"""Tools that never return, and good ones among them. Each writes down when it began, and where.

They stand in a module of their own, so that worker processes can import them.
"""

from __future__ import annotations

import os
import re
import threading
import time
from pathlib import Path
from typing import Any


def _begin(log: str) -> None:
    """One line: the moment, on a clock that all processes share, and the process."""
    with Path(log).open("a") as file:
        file.write(f"{time.monotonic()} {os.getpid()}\n")


def spin(log: str) -> None:
    """Spins."""
    _begin(log)
    while True:
        pass


def sleep(log: str) -> None:
    """Sleeps for thirty years."""
    _begin(log)
    time.sleep(1e9)


def wait_for_lock(log: str) -> None:
    """Waits for a lock that nobody gives back."""
    _begin(log)
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


def swallow(log: str) -> None:
    """Survives whatever is raised in it."""
    _begin(log)
    while True:
        try:  # noqa: SIM105
            time.sleep(0.01)
        except:  # noqa: E722
            pass


def backtrack(log: str) -> None:
    """Matches a catastrophic regular expression, which holds the GIL."""
    _begin(log)
    re.match(r"(a+)+$", "a" * 60 + "b")


def hold_the_gil(log: str) -> None:
    """Counts in C code that does not let the GIL go."""
    _begin(log)
    sum(range(10**15))


def work(number: int) -> int:
    """Doubles a number."""
    return 2 * number


STOPPABLE = (spin,)
"""Where an exception in the thread arrives."""
STUBBORN = (sleep, wait_for_lock, swallow)
"""Where it does not, but other threads go on."""
HOLDING = (backtrack, hold_the_gil)
"""Where nothing in this process goes on."""

RUNAWAYS: dict[str, tuple[Any, ...]] = {
    "processes": (*STOPPABLE, *STUBBORN, *HOLDING),
    "threads": (*STOPPABLE, *STUBBORN),
}
"""By engine: those that it can answer for."""
