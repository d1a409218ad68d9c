"""The short form of `make torture` for the store: every way to end, once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TORTURE = Path(__file__).parents[1] / "torture" / "store.py"


@pytest.mark.parametrize("scenario", ["kills", "ends", "fork", "pool", "broken", "disk", "full"])
def test_finished_is_stored_or_counted(scenario: str) -> None:
    ended = subprocess.run(
        [sys.executable, str(TORTURE), "--only", scenario, "--kills", "4"],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert (ended.returncode, "had finished" in ended.stdout or "acknowledged" in ended.stdout) == (0, True), (
        ended.stdout + ended.stderr
    )
