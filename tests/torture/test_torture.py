"""The short form of `make torture`: a few tools that never return, in a batch of good ones.

Bounds in time are for `make torture`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

TORTURE = Path(__file__).with_name("torture.py")
PROCESSES = pytest.param("processes", "6", "2", marks=pytest.mark.skipif(sys.platform != "linux", reason="Linux only"))


@pytest.mark.parametrize(("engine", "bad", "rounds"), [PROCESSES, ("threads", "4", "1")])
def test_tools_that_never_return_harm_nobody_and_leave_nothing_behind(engine: str, bad: str, rounds: str) -> None:
    token = uuid4().hex
    ended = subprocess.run(
        [
            *(sys.executable, str(TORTURE), "--engine", engine, "--good", "100"),
            *("--bad", bad, "--rounds", rounds, "--patience", "inf"),
        ],
        env={**os.environ, "TORTURE": token},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout + ended.stderr
    assert processes_with(token) == []


def processes_with(token: str) -> list[int]:
    """The processes that have inherited this from the environment of the one that was started."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if token.encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:  # it has just ended, or is not ours
            continue
    return found
