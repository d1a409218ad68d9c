"""The command line, run in this process, with what it prints and its exit status."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from toolrun.cli import main


@dataclass
class Ended:
    status: int
    out: str
    err: str

    @property
    def results(self) -> list[dict[str, Any]]:
        """The result lines on standard output, in the order of their ids."""
        return sorted(map(json.loads, self.out.splitlines()), key=lambda result: str(result["id"]))


CommandLine = Callable[..., Ended]


@pytest.fixture
def toolrun(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[CommandLine]:
    """Runs the command in a folder of its own, and forgets the modules that it imported."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)

    def run(*arguments: str | Path) -> Ended:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments], prog_name="toolrun")
        out, err = capfd.readouterr()
        return Ended(int(ended.value.code or 0), out, err)

    yield run
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and str(tmp_path) in str(sys.modules[name].__file__):
            del sys.modules[name]


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str, str], Path]:
    """Writes a file into the folder of the test."""

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
        return path

    return write


@pytest.fixture
def calls(file: Callable[[str, str], Path]) -> Callable[..., Path]:
    """Writes a file of native calls: a dict each, or a line of text as it stands."""

    def write(*entries: dict[str, Any] | str) -> Path:
        return file("calls.jsonl", "".join(f"{e if isinstance(e, str) else json.dumps(e)}\n" for e in entries))

    return write
