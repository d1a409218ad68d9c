"""The short form of `tests/torture/resume.py`: a few kills, at moments that are the same each time as far as can be."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("bfcl_eval", reason="bfcl-eval is not installed (tests/requirements-no-deps.txt)")


def test_a_batch_that_is_killed_again_and_again_ends_as_one_that_was_not() -> None:
    script = Path(__file__).with_name("resume.py")
    ended = subprocess.run(
        [sys.executable, script, "--kills", "3", "--delays", "0.1", "--seed", "1"],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout + ended.stderr
