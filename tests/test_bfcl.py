"""Real input: the 1,142 calls of BFCL's multi-turn entries, in every format, give the results that were recorded."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

pytest.importorskip("bfcl_eval", reason="bfcl-eval is not installed (tests/requirements-no-deps.txt)")

DATA = Path(__file__).parent / "data" / "bfcl"
FORMATS = sorted((DATA / "formats").glob("*.jsonl"))


def rows(path: Path) -> Iterator[dict[str, Any]]:
    return map(json.loads, path.read_text().splitlines())


def expected(name: str) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in rows(DATA / name)}


def run(tools: str, calls: Path, out: Path, *options: str) -> dict[str, dict[str, Any]]:
    """The results by id; also those of Anthropic, whose ids are written otherwise."""
    options = ("--store", str(out.with_name("store")), *options)
    command = [sys.executable, "-m", "toolrun", "run", str(DATA / tools), str(calls), "-o", str(out), *options]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    failed = any(row["status"] != "ok" for row in rows(out))
    assert (ended.returncode, "Traceback" in ended.stderr) == (int(failed), False), ended.stderr
    results = list(rows(out))
    by_id = {result["id"].removeprefix("toolu_").replace("-", "."): result for result in results}
    assert len(by_id) == len(results)
    return by_id


def recorded_runs(store: Path) -> dict[str, str]:
    """The status of each run that the store has of a batch, by its id."""
    command = [sys.executable, "-m", "toolrun", "export", "--store", str(store), "--format", "jsonl"]
    exported = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {str(UUID(run["id"])): run["status"] for run in map(json.loads, exported.splitlines())}


def same(value: Any, recorded: Any) -> bool:
    """Equality; but from Python 3.12 on `sum` rounds floats otherwise than when the results were recorded."""
    if sys.version_info >= (3, 12) and isinstance(value, dict) and isinstance(value.get("result"), float):
        return math.isclose(value["result"], recorded["result"], rel_tol=1e-15)
    return bool(value == recorded)


def assert_as_recorded(results: dict[str, dict[str, Any]], recorded: dict[str, dict[str, Any]]) -> None:
    assert results.keys() == recorded.keys()
    for id, row in recorded.items():
        result = results[id]
        assert (result["status"] == "ok") == row["ok"], id
        if row["ok"]:
            assert same(result["output"], row["result"]), id
            assert result.get("json_exact", True) == row.get("json_exact", True), id


@pytest.mark.parametrize("calls", [DATA / "calls.jsonl", *FORMATS], ids=lambda path: path.stem)
def test_every_call_of_200_sessions_gives_what_was_recorded(calls: Path, tmp_path: Path) -> None:
    results = run("tools.py:session", calls, tmp_path / "out.jsonl")
    assert len(results) == 1142
    assert_as_recorded(results, expected("expected.jsonl"))
    assert recorded_runs(tmp_path / "store") == {result["run_id"]: result["status"] for result in results.values()}


def test_sessions_in_worker_processes_give_what_was_recorded(tmp_path: Path) -> None:
    """Values and what they look like: some depend on settings that the tools of a session change."""
    results = run("tools.py:session", DATA / "calls.jsonl", tmp_path / "out.jsonl", "--engine", "processes")
    assert_as_recorded(results, expected("expected.jsonl"))


def test_a_string_for_an_int_is_refused_with_field_expectation_and_what_came(tmp_path: Path) -> None:
    result = run("tools.py:session", DATA / "calls.jsonl", tmp_path / "out.jsonl")["multi_turn_base_173.4"]
    assert result["error"] == {
        "type": "ValidationError",
        "message": "ticket_id: Input should be a valid integer, unable to parse string as an integer; "
        "came 'ticket_001' (str)",
    }


@pytest.mark.parametrize("engine", ["threads", "processes"])
def test_stateless_calls_of_a_module_give_what_was_recorded(engine: str, tmp_path: Path) -> None:
    results = run("tools.py", DATA / "math.calls.jsonl", tmp_path / "out.jsonl", "--engine", engine)
    assert_as_recorded(results, expected("math.expected.jsonl"))


@pytest.mark.parametrize("concurrency", ["1", "1000"])
def test_how_many_run_at_once_makes_no_difference(concurrency: str, tmp_path: Path) -> None:
    results = run("tools.py:session", DATA / "calls.jsonl", tmp_path / "out.jsonl", "--concurrency", concurrency)
    assert_as_recorded(results, expected("expected.jsonl"))


def test_delays_of_tools_change_no_result(tmp_path: Path) -> None:
    """Blocking ones for one half of the tools, async ones for the other: 71 s of waiting, all at once."""
    results = run("slow_tools.py:session", DATA / "calls.jsonl", tmp_path / "out.jsonl", "--concurrency", "1000")
    assert_as_recorded(results, expected("expected.jsonl"))
