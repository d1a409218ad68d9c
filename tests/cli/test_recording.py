"""Whether and where the command line records what it runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from toolrun.store import open_store
from toolrun.store.query import Payload, Reader, StoredRun


def recorded(path: str = ".toolrun") -> list[tuple[StoredRun, Payload]]:
    with open_store(path) as store, closing(Reader(store)) as reader:
        return list(reader.records())


@pytest.fixture(autouse=True)
def tools(file: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOOLRUN_STORE", raising=False)
    file("desk.py", "def double(x: int) -> int:\n    'Double it.'\n    return 2 * x\n")


def call(x: Any, **more: Any) -> dict[str, Any]:
    return {"id": "c", "name": "double", "arguments": {"x": x}, **more}


def test_run_records_in_a_folder_that_git_does_not_see(toolrun: Any, calls: Any) -> None:
    toolrun("run", "desk.py", calls(call(1), call("one", session="s")))
    (first, payload), (second, _) = recorded()
    assert (first.name, first.status, payload.inputs) == ("double", "ok", {"x": 1})
    assert (second.status, second.session, second.call_id) == ("error", "s", "c")
    assert Path(".toolrun/.gitignore").read_text().strip() == "*"


def test_each_run_says_which_call_of_the_batch_it_was(toolrun: Any, calls: Any) -> None:
    message = {"role": "assistant", "tool_calls": [
        {"id": id, "type": "function", "function": {"name": "double", "arguments": json.dumps({"x": 1})}} for id in "ab"
    ]}  # fmt: skip
    toolrun("run", "desk.py", calls(call(1), "", message))
    marks = sorted(
        (payload.metadata["toolrun"] for _, payload in recorded()), key=lambda mark: (mark["line"], len(mark))
    )
    [batch] = {mark.pop("batch") for mark in marks}
    assert marks == [{"line": 1}, {"line": 3}, {"line": 3, "call": 1}]
    assert [len(part) for part in batch.split("-")] == [32, 32]


def test_another_folder_can_be_named(toolrun: Any, calls: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    toolrun("run", "desk.py", calls(call(1)), "--store", "mine")
    monkeypatch.setenv("TOOLRUN_STORE", "set")
    toolrun("run", "desk.py", calls(call(1)))
    assert (len(recorded("mine")), len(recorded("set")), Path(".toolrun").exists()) == (1, 1, False)


def test_nothing_is_recorded_if_that_is_wanted(toolrun: Any, calls: Any) -> None:
    assert toolrun("run", "desk.py", calls(call(1)), "--no-store").status == 0
    assert not Path(".toolrun").exists()


@pytest.mark.parametrize(("options", "there"), [([], ["set"]), (["--store", "mine"], ["mine"]), (["--no-store"], [])])
def test_the_command_line_is_nearer_than_the_environment(
    calls: Any, tmp_path: Path, options: list[str], there: list[str]
) -> None:
    command = [sys.executable, "-m", "toolrun", "run", "desk.py", str(calls(call(1))), *options]
    environment = {**os.environ, "TOOLRUN_STORE": "set"}
    assert subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=False).returncode == 0
    assert [
        name for name in ("set", "mine", ".toolrun") if (tmp_path / name).exists() and recorded(str(tmp_path / name))
    ] == there


def test_a_store_that_was_named_and_cannot_be_written_is_unusable(toolrun: Any, calls: Any, file: Any) -> None:
    path = file("occupied", "no folder")
    ended = toolrun("run", "desk.py", calls(call(1)), "--store", path)
    assert (ended.status, ended.out) == (2, "")
    assert "occupied" in ended.err
    assert "Traceback" not in ended.err


def test_where_the_usual_store_cannot_be_written_the_calls_run_all_the_same(
    toolrun: Any, calls: Any, file: Any
) -> None:
    file(".toolrun", "no folder")
    ended = toolrun("run", "desk.py", calls(call(1)))
    assert (ended.status, ended.results[0]["output"]) == (0, 2)
    assert "Nothing is recorded." in ended.err


@pytest.mark.parametrize(
    ("beginning", "says"), [(b"no database", "is no store of toolrun"), (None, "has version 99 of the store's form")]
)
def test_a_store_that_cannot_be_indexed_is_recorded_into_and_it_is_said_in_a_line(
    toolrun: Any, calls: Any, beginning: bytes | None, says: str
) -> None:
    toolrun("run", "desk.py", calls(call(1)))
    with open_store(".toolrun") as store:
        [path] = [file.path for file in store.files]
    sound = path.read_bytes()
    path.write_bytes(beginning * 1000 if beginning else sound[:60] + (99).to_bytes(4, "big") + sound[64:])
    ended = toolrun("run", "desk.py", calls(call(1)), "--quiet")
    assert (ended.status, ended.results[0]["output"], ended.err.count("\n")) == (0, 2, 1)
    assert ended.err.startswith("What is recorded stays in the journal for now. ")
    assert says in ended.err
    path.write_bytes(sound)
    assert len(recorded()) == 2


def test_call_records_only_if_a_store_is_named(toolrun: Any) -> None:
    assert toolrun("call", "desk.py", "double", '{"x": 1}').out == "2\n"
    assert not Path(".toolrun").exists()
    assert toolrun("call", "desk.py", "double", '{"x": 1}', "--store", "mine").out == "2\n"
    [(run, _)] = recorded("mine")
    assert run.name == "double"


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is set as Linux does")
def test_what_could_not_be_written_is_in_the_summary_and_harms_no_call(calls: Any, file: Any, tmp_path: Path) -> None:
    file("large.py", "def large(x: int) -> str:\n    'Give much.'\n    return '%d ' % x * 40000 * (x % 3)\n")
    path = calls(*({"id": x, "name": "large", "arguments": {"x": x}} for x in range(9)))
    limited = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)); "
    command = [
        sys.executable,
        "-c",
        f"{limited}from toolrun.__main__ import main; main()",
        "run",
        "large.py",
        str(path),
    ]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ended.returncode, len(ended.stdout.splitlines())) == (0, 9)
    assert "3 end records could not be written: short write." in ended.stderr
