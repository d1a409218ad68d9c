"""`TOOLRUN_STORE` records what runs, and is nothing to who runs nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.store.journals import run_python

TWO_RUNS = """
from toolrun import tool

@tool
def double(number: int) -> int:
    "Doubles."
    return 2 * number

print(double.invoke({"number": 1}), double.invoke({"number": 2}))
"""


def command(*arguments: str, store: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "TOOLRUN_STORE": str(store)}
    line = [sys.executable, "-m", "toolrun", *arguments]
    return subprocess.run(line, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("arguments", [("runs",), ("stats",), ("check",), ("--help",), ("export",)])
def test_a_command_that_runs_nothing_makes_no_store(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    ended = command(*arguments, store=tmp_path / "new")
    assert "Traceback" not in ended.stderr
    assert ended.returncode == (0 if arguments == ("--help",) else 2)
    assert not (tmp_path / "new").exists()


def test_a_command_that_only_reads_says_in_a_line_that_a_store_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "occupied").write_text("no folder")
    assert command("--help", store=tmp_path / "occupied").returncode == 0
    ended = command("runs", store=tmp_path / "occupied")
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)


def test_a_program_whose_store_cannot_be_written_is_warned_once_and_runs(tmp_path: Path) -> None:
    (tmp_path / "occupied").write_text("no folder")
    ended = run_python(TWO_RUNS, env={**os.environ, "TOOLRUN_STORE": str(tmp_path / "occupied")})
    assert (ended.returncode, ended.stdout) == (0, "2 4\n")
    assert ended.stderr.count("TOOLRUN_STORE is in vain") == ended.stderr.count("\n") == 1


def test_the_path_is_that_of_the_folder_in_which_the_program_began(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    moved = f"import os, toolrun\nos.chdir('elsewhere')\n{TWO_RUNS}"
    ended = run_python(moved, cwd=tmp_path, env={**os.environ, "TOOLRUN_STORE": "mine"})
    assert (ended.returncode, (tmp_path / "mine" / "journal").is_dir()) == (0, True)
