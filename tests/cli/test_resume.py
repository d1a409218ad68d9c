"""`toolrun run --resume`: a batch that was cut short goes on where it was, and repeats nothing that was done."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from toolrun.store import open_store
from toolrun.store.query import Reader

TOOLS = """
    import os, signal
    from pathlib import Path
    from toolrun import tool

    def logged(word):
        with open("log", "a") as log:
            log.write(f"{word}\\n")

    def die_once(word="die"):
        "Kill the program, the first time."
        logged(word)
        if not Path("died").exists():
            Path("died").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return "survived"

    def echo(word):
        "Say it."
        logged(word)
        return word

    def odd(word):
        "Give what is no JSON."
        logged(word)
        return {"a set": {word}}

    def fail(word):
        "Fail."
        logged(word)
        raise ValueError(word)

    def number(x: int):
        "Take a number."
        return x

    @tool(idempotent=False)
    def pay(word):
        "Pay."
        logged(word)
        return word

    shared = [die_once, echo, odd, fail, number, pay]

    class Desk:
        def __init__(self, session):
            logged(f"open {session}")
            self.notes = []

        def note(self, word: str):
            "Note it."
            logged(word)
            self.notes.append(word)
            return list(self.notes)

        def die_once(self, word="die"):
            "Kill the program, the first time."
            return die_once(word)

    def desk(session):
        members = Desk(session)
        return {"note": members.note, "die_once": members.die_once, "pay": pay, "number": number}
"""


def call(name: str, word: Any, session: str | None = None, **more: Any) -> dict[str, Any]:
    arguments = {"x": word} if name == "number" else {"word": word}
    return {
        "id": f"{name}-{word}",
        "name": name,
        "arguments": arguments,
        **({"session": session} if session else {}),
        **more,
    }


@pytest.fixture(autouse=True)
def tools(file: Any) -> None:
    file("desk.py", TOOLS)


@pytest.fixture
def killed(tmp_path: Path) -> Callable[..., None]:
    """Runs a batch in a process of its own, which dies in the middle of it."""

    def run(tools: str, path: Path, *options: str) -> None:
        command = [
            sys.executable,
            "-m",
            "toolrun",
            "run",
            tools,
            str(path),
            "-o",
            "out.jsonl",
            "--concurrency",
            "1",
            *options,
        ]
        ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert ended.returncode == -signal.SIGKILL, ended.stderr

    return run


def results() -> dict[str, dict[str, Any]]:
    lines = [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]
    by_id = {line["id"]: line for line in lines}
    assert len(by_id) == len(lines)
    return by_id


def log() -> Counter[str]:
    return Counter(Path("log").read_text().split("\n")[:-1])


def marks() -> list[tuple[str, str, bool]]:
    """Of each run its name, its status, and whether it was only to rebuild a session."""
    with open_store(".toolrun") as store, closing(Reader(store)) as reader:
        return [
            (run.name, run.status, payload.metadata["toolrun"].get("rebuilt", False))
            for run, payload in reader.records()
        ]


def test_finished_calls_do_not_run_again_and_the_others_do(toolrun: Any, calls: Any, killed: Any) -> None:
    path = calls(call("echo", "a"), call("echo", "b"), call("die_once", "x"), call("echo", "c"), call("echo", "d"))
    killed("desk.py:shared", path)
    ended = toolrun("run", "desk.py:shared", path, "-o", "out.jsonl", "--resume")
    assert ended.status == 0
    assert "2 calls had finished before." in ended.err
    assert {id: line["output"] for id, line in results().items()} == {
        "echo-a": "a",
        "echo-b": "b",
        "die_once-x": "survived",
        "echo-c": "c",
        "echo-d": "d",
    }
    assert log() == {"a": 1, "b": 1, "x": 2, "c": 1, "d": 1}
    assert Counter(marks()) == {
        ("echo", "ok", False): 4,
        ("die_once", "interrupted", False): 1,
        ("die_once", "ok", False): 1,
    }


def test_a_session_with_calls_left_is_rebuilt_and_one_that_is_done_is_not_opened(
    toolrun: Any, calls: Any, killed: Any
) -> None:
    done, cut = [call("note", word, "done") for word in "ab"], [call("note", word, "cut") for word in "cd"]
    path = calls(*done, *cut, call("die_once", "x", "cut"), call("note", "e", "cut"), call("note", "f", "new"))
    killed("desk.py:desk", path)
    ended = toolrun("run", "desk.py:desk", path, "-o", "out.jsonl", "--resume")
    assert ended.status == 0
    assert "2 finished calls were repeated, to rebuild their sessions." in ended.err
    found = results()
    assert found["note-e"]["output"] == ["c", "d", "e"]
    assert (found["note-b"]["output"], found["note-d"]["output"], found["note-f"]["output"]) == (
        ["a", "b"],
        ["c", "d"],
        ["f"],
    )
    assert log() == {
        "open done": 1,
        "a": 1,
        "b": 1,
        "open cut": 2,
        "c": 2,
        "d": 2,
        "x": 2,
        "e": 1,
        "open new": 1,
        "f": 1,
    }
    assert Counter(marks())["note", "ok", True] == 2


def test_without_a_factory_there_is_nothing_to_rebuild(toolrun: Any, calls: Any, killed: Any) -> None:
    path = calls(call("echo", "a", "s"), call("pay", "p", "s"), call("die_once", "x", "s"), call("echo", "b", "s"))
    killed("desk.py:shared", path)
    assert toolrun("run", "desk.py:shared", path, "-o", "out.jsonl", "--resume").status == 0
    assert log() == {"a": 1, "p": 1, "x": 2, "b": 1}
    assert len(results()) == 4


def test_a_session_that_has_begun_what_must_not_be_repeated_is_left(toolrun: Any, calls: Any, killed: Any) -> None:
    path = calls(
        call("pay", "p", "paid"), call("note", "a", "paid"), call("die_once", "x", "paid"), call("note", "b", "paid"),
        call("note", "c", "other"), call("pay", "q", "other"),
    )  # fmt: skip
    killed("desk.py:desk", path)
    ended = toolrun("run", "desk.py:desk", path, "-o", "out.jsonl", "--resume")
    assert ended.status == 1
    assert "2 calls were left: what they need is not idempotent." in ended.err
    found = results()
    assert found["note-b"]["error"]["type"] == found["die_once-x"]["error"]["type"] == "NotResumed"
    assert "'pay', which is not idempotent" in found["note-b"]["error"]["message"]
    assert (found["note-a"]["status"], found["note-c"]["status"], found["pay-q"]["status"]) == ("ok", "ok", "ok")
    assert log()["p"] == log()["q"] == 1


def test_a_call_without_a_session_that_must_not_be_repeated_is_left_once_begun(
    toolrun: Any, calls: Any, killed: Any, file: Any
) -> None:
    file("fatal.py", "import desk\nfrom toolrun import tool\ndie = tool(idempotent=False)(desk.die_once)\n")
    path = calls({"id": 1, "name": "die_once", "arguments": {}})
    killed("fatal.py", path)
    assert toolrun("run", "fatal.py", path, "-o", "out.jsonl", "--resume").status == 1
    assert results()[1]["error"]["type"] == "NotResumed"
    assert log() == {"die": 1}


def test_lines_that_were_torn_or_not_written_come_from_the_store(toolrun: Any, calls: Any) -> None:
    path = calls(
        call("echo", "a"), call("odd", "b"), call("fail", "c"), call("number", "d"), call("number", 7),
        call("echo", "5"), {"id": 9, "name": "echo", "arguments": {"word": ["x", None, 2.5]}},
    )  # fmt: skip
    assert toolrun("run", "desk.py:shared", path, "-o", "out.jsonl", "--concurrency", "1").status == 1
    whole = results()
    lines = Path("out.jsonl").read_bytes()
    for size in (0, 10, lines.index(b"\n"), len(lines) // 2, len(lines) - 1):
        Path("out.jsonl").write_bytes(lines[:size])
        assert toolrun("run", "desk.py:shared", path, "-o", "out.jsonl", "--resume").status == 1
        assert without_times(results()) == without_times(whole)
    assert log() == {"a": 1, "b": 1, "c": 1, "5": 1, "['x', None, 2.5]": 1}


def without_times(lines: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {id: {**line, "started_at": None, "duration_ms": None} for id, line in lines.items()}


def test_a_result_that_the_store_has_masked_is_written_as_it_has_it_and_is_not_exact(toolrun: Any, calls: Any) -> None:
    path = calls(call("echo", "password=hunter2"))
    toolrun("run", "desk.py:shared", path, "-o", "out.jsonl")
    Path("out.jsonl").write_text("")
    ended = toolrun("run", "desk.py:shared", path, "-o", "out.jsonl", "--resume")
    [line] = results().values()
    assert (line["output"], line["json_exact"]) == ("password=**********", False)
    assert "1 of these are not whole: the store has them masked, or cut." in ended.err


def test_what_never_came_to_a_run_is_told_once(toolrun: Any, calls: Any, killed: Any) -> None:
    path = calls("no JSON", call("nobody", "a"), call("die_once", "x"), "{}", call("echo", "b"))
    killed("desk.py:shared", path)
    assert toolrun("run", "desk.py:shared", path, "-o", "out.jsonl", "--resume").status == 1
    lines = [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]
    assert Counter((line["name"], line["status"]) for line in lines) == {
        (None, "error"): 2,
        ("nobody", "error"): 1,
        ("die_once", "ok"): 1,
        ("echo", "ok"): 1,
    }


def test_calls_are_told_apart_by_their_places_not_by_their_ids(toolrun: Any, calls: Any, killed: Any) -> None:
    message = {"role": "assistant", "tool_calls": [
        {"id": "same", "type": "function", "function": {"name": name, "arguments": json.dumps({"word": word})}}
        for name, word in (("echo", "a"), ("die_once", "x"), ("echo", "b"))
    ]}  # fmt: skip
    path = calls(message, call("echo", "c", id="same"), {"name": "echo", "arguments": {"word": "d"}})
    killed("desk.py:shared", path)
    assert toolrun("run", "desk.py:shared", path, "-o", "out.jsonl", "--resume").status == 0
    lines = [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]
    assert sorted((line["id"], line["output"]) for line in lines) == [
        ("call-5", "d"), ("same", "a"), ("same", "b"), ("same", "c"), ("same", "survived"),
    ]  # fmt: skip
    assert log() == {"a": 1, "x": 2, "b": 1, "c": 1, "d": 1}


def test_a_batch_that_is_done_runs_nothing(toolrun: Any, calls: Any) -> None:
    path = calls(call("echo", "a"), call("fail", "b"))
    toolrun("run", "desk.py:shared", path, "-o", "out.jsonl")
    before = Path("out.jsonl").read_bytes()
    ended = toolrun("run", "desk.py:shared", path, "-o", "out.jsonl", "--resume")
    assert (ended.status, Path("out.jsonl").read_bytes()) == (1, before)
    assert "2 calls had finished before." in ended.err
    assert log() == {"a": 1, "b": 1}


def test_a_second_run_of_the_same_calls_is_a_batch_of_its_own(toolrun: Any, calls: Any, killed: Any) -> None:
    Path("died").touch()
    path = calls(call("echo", "a"), call("die_once", "x"), call("echo", "b"))
    assert toolrun("run", "desk.py:shared", path, "-o", "out.jsonl").status == 0
    Path("died").unlink()
    killed("desk.py:shared", path)
    assert toolrun("run", "desk.py:shared", path, "-o", "out.jsonl", "--resume").status == 0
    assert log() == {"a": 2, "x": 3, "b": 2}
    assert len(results()) == 3


def test_what_a_signal_cancelled_runs_when_the_batch_is_resumed(
    toolrun: Any, calls: Any, file: Any, tmp_path: Path
) -> None:
    file("slow.py", """
        import os, signal, time
        from pathlib import Path

        def wait(x: int):
            "Be told to stop, the first time."
            if not Path("stopped").exists():
                Path("stopped").touch()
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(0.2)
            return x
    """)  # fmt: skip
    path = calls(*({"id": f"w{x}", "name": "wait", "arguments": {"x": x}} for x in range(4)))
    command = [sys.executable, "-m", "toolrun", "run", "slow.py", str(path), "-o", "out.jsonl", "--concurrency", "1"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 128 + signal.SIGTERM
    assert {line["status"] for line in results().values()} == {"cancelled"}
    assert toolrun("run", "slow.py", path, "-o", "out.jsonl", "--resume").status == 0
    assert {id: line["output"] for id, line in results().items()} == {f"w{x}": x for x in range(4)}


# ── bad input ──────────────────────────────────────────────────────────────────────────────────────────


def test_standard_input_cannot_be_resumed(toolrun: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = toolrun("run", "desk.py:shared", "-", "-o", "out.jsonl", "--resume")
    assert ended.status == 2
    assert "standard input can be read only once, so it cannot be resumed" in ended.err


def test_without_a_file_of_results_there_is_nothing_to_complete(toolrun: Any, calls: Any) -> None:
    ended = toolrun("run", "desk.py:shared", calls(call("echo", "a")), "--resume")
    assert (ended.status, "say with -o which" in ended.err) == (2, True)


def test_resuming_goes_by_the_store(toolrun: Any, calls: Any) -> None:
    ended = toolrun("run", "desk.py:shared", calls(call("echo", "a")), "-o", "out.jsonl", "--resume", "--no-store")
    assert (ended.status, "leave out --no-store" in ended.err) == (2, True)


def test_results_of_something_else_are_not_touched(toolrun: Any, calls: Any, file: Any) -> None:
    path = calls(call("echo", "a"))
    toolrun("run", "desk.py:shared", path, "-o", "out.jsonl")
    before = Path("out.jsonl").read_bytes()
    path.write_text(json.dumps(call("echo", "b")))
    for options in ([], ["--store", "elsewhere"]):
        ended = toolrun("run", "desk.py:shared", path, "-o", "out.jsonl", "--resume", *options)
        assert (ended.status, "out.jsonl holds results of another batch" in ended.err) == (2, True)
    assert Path("out.jsonl").read_bytes() == before


def test_the_calls_are_not_taken_for_the_results(toolrun: Any, calls: Any) -> None:
    path = calls(call("echo", "a"))
    before = path.read_bytes()
    ended = toolrun("run", "desk.py:shared", path, "-o", path, "--resume")
    assert (ended.status, path.read_bytes()) == (2, before)


def test_a_batch_that_was_never_begun_begins(toolrun: Any, calls: Any) -> None:
    path = calls(call("echo", "a"))
    assert toolrun("run", "desk.py:shared", path, "-o", "out.jsonl", "--resume").status == 0
    assert results()["echo-a"]["output"] == "a"


def test_a_batch_that_is_still_running_is_not_run_beside_itself(
    toolrun: Any, calls: Any, file: Any, tmp_path: Path
) -> None:
    file("hang.py", """
        import sys, time

        def hang():
            "Tell, and wait."
            print("hanging", file=sys.stderr, flush=True)
            time.sleep(60)
    """)  # fmt: skip
    path = calls({"id": 1, "name": "hang", "arguments": {}})
    command = [sys.executable, "-m", "toolrun", "run", "hang.py", str(path), "-o", "out.jsonl"]
    running = subprocess.Popen(
        command, cwd=tmp_path, stderr=subprocess.PIPE, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    )
    assert running.stderr is not None
    assert running.stderr.readline() == b"hanging\n"
    try:
        ended = toolrun("run", "hang.py", path, "-o", "out.jsonl", "--resume")
        assert (ended.status, "the batch is still running" in ended.err) == (2, True)
    finally:
        running.kill()
        running.communicate()
