"""`toolrun run`: one result line for every call, and an exit status that says how it went."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from toolrun.runner._batch import READ_AHEAD

TOOLS = """
    import asyncio, threading, time

    def double(x: int) -> int:
        "Double it."
        return 2 * x

    def fail(message: str) -> None:
        "Fail."
        raise ValueError(message)

    def leave() -> None:
        "Try to leave."
        raise SystemExit(0)

    def odd() -> object:
        "Give what is no JSON."
        return {1, }

    async def hang() -> None:
        "Never end."
        print("hanging\\n", end="", flush=True)
        await asyncio.Event().wait()

    def block() -> None:
        "Never end, in a thread."
        print("hanging\\n", end="", flush=True)
        threading.Event().wait()
"""


def native(name: str, id: str, **arguments: Any) -> dict[str, Any]:
    return {"id": id, "name": name, "arguments": arguments}


@pytest.fixture(autouse=True)
def tools(file: Any) -> None:
    file("desk.py", TOOLS)


def test_all_well_is_status_0_and_a_line_for_every_call(toolrun: Any, calls: Any) -> None:
    ended = toolrun("run", "desk.py", calls(*(native("double", f"c{x}", x=x) for x in range(5))))
    assert ended.status == 0
    assert [result["output"] for result in ended.results] == [0, 2, 4, 6, 8]
    assert "5 calls in" in ended.err


def test_a_failed_call_is_status_1_and_harms_no_other(toolrun: Any, calls: Any) -> None:
    path = calls(native("double", "a", x=1), native("fail", "b", message="no"), native("leave", "c"))
    ended = toolrun("run", "desk.py", path)
    assert ended.status == 1
    assert [result["status"] for result in ended.results] == ["ok", "error", "error"]
    assert ended.results[1]["error"] == {"type": "ValueError", "message": "no"}
    assert ended.results[2]["error"]["type"] == "SystemExit"


def test_results_go_to_a_file_when_one_is_named(toolrun: Any, calls: Any, tmp_path: Path) -> None:
    ended = toolrun("run", "desk.py", calls(native("double", "a", x=1)), "-o", "out.jsonl")
    assert (ended.status, ended.out) == (0, "")
    assert json.loads((tmp_path / "out.jsonl").read_text())["output"] == 2


def test_what_is_no_json_is_marked(toolrun: Any, calls: Any) -> None:
    [result] = toolrun("run", "desk.py", calls(native("odd", "a"))).results
    assert (result["output"], result["json_exact"]) == ("{1}", False)


def test_an_unknown_tool_comes_with_the_nearest_names(toolrun: Any, calls: Any) -> None:
    ended = toolrun("run", "desk.py", calls(native("dubble", "a", x=1), native("double", "b", x=1)))
    assert ended.status == 1
    assert "Nearest: double." in ended.results[0]["error"]["message"]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('{"name": "double"', "not JSON"),
        ("[1, 2]", "a JSON object is expected, not a list"),
        ('{"tool": "double"}', "no message of any known format: the object has 'tool'"),
        ('{"name": "double", "arguments": NaN}', "NaN is not JSON"),
    ],
)
def test_a_malformed_line_is_named_by_file_and_number_and_the_others_run(
    toolrun: Any, calls: Any, line: str, complaint: str
) -> None:
    ended = toolrun("run", "desk.py", calls(native("double", "a", x=1), "", line, native("double", "b", x=2)))
    assert ended.status == 1
    said = " ".join(ended.err.split())
    assert "calls.jsonl:3: " in said
    assert complaint in said
    bad = next(result for result in ended.results if result["id"] is None)
    assert bad["error"]["type"] == "MalformedCall"
    assert ":3: " in bad["error"]["message"]
    assert sum(result["status"] == "ok" for result in ended.results) == 2


def test_a_line_that_is_no_utf_8_is_malformed(toolrun: Any, tmp_path: Path) -> None:
    (tmp_path / "calls.jsonl").write_bytes(b'{"name": "\xff"}\n{"name": "double", "arguments": {"x": 1}}')
    ended = toolrun("run", "desk.py", "calls.jsonl")
    assert "calls.jsonl:1: not UTF-8" in ended.err
    assert [result.get("output") for result in ended.results] == [None, 2]


def test_a_byte_order_mark_windows_line_ends_and_a_missing_last_one_do_no_harm(toolrun: Any, tmp_path: Path) -> None:
    line = json.dumps(native("double", "a", x=1)).encode()
    (tmp_path / "calls.jsonl").write_bytes(b"\xef\xbb\xbf" + line + b"\r\n" + line)
    ended = toolrun("run", "desk.py", "calls.jsonl")
    assert [result["output"] for result in ended.results] == [2, 2]


def test_a_line_longer_than_what_is_read_at_once_is_one_line(toolrun: Any, calls: Any, file: Any) -> None:
    file("desk.py", "def size(text: str) -> int:\n    'Its size.'\n    return len(text)\n")
    ended = toolrun("run", "desk.py", calls(native("size", "a", text="x" * 300_000)))
    assert ended.results[0]["output"] == 300_000


def test_a_file_without_any_call_in_it_is_unusable(toolrun: Any) -> None:
    ended = toolrun("run", "desk.py", "desk.py")
    assert ended.status == 2
    assert "no line of it is a tool call" in ended.err


@pytest.mark.parametrize("entries", [[{"role": "user", "content": "Hello"}], ["", "  "], []])
def test_a_file_with_nothing_to_do_is_done_and_said_to_be(toolrun: Any, calls: Any, entries: list[Any]) -> None:
    path = calls(*entries)
    ended = toolrun("run", "desk.py", path)
    assert (ended.status, ended.out) == (0, "")
    assert "calls.jsonl: no calls in it." in " ".join(ended.err.replace("\n", "").split())
    assert toolrun("run", "desk.py", path, "--quiet").err == ""


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["desk.py", "nowhere.jsonl"], "nowhere.jsonl: No such file or directory."),
        (["desk.py", "."], "Is a directory"),
        (["desk.py", "calls.jsonl", "-o", "no/folder/out.jsonl"], "No such file or directory"),
        (["desk.py", "calls.jsonl", "-o", "calls.jsonl"], "the results would overwrite the calls"),
        (["desk.py", "calls.jsonl", "--concurrency", "0"], "0 is not in the range"),
        (["desk.py", "calls.jsonl", "--format", "yaml"], "'yaml' is not one of"),
    ],
)
def test_unusable_input_is_status_2(toolrun: Any, calls: Any, arguments: list[str], complaint: str) -> None:
    path = calls(native("double", "a", x=1))
    before = path.read_bytes()
    ended = toolrun("run", *arguments)
    assert ended.status == 2
    assert complaint in " ".join(ended.err.split())
    assert path.read_bytes() == before


def test_quiet_means_results_and_nothing_else(toolrun: Any, calls: Any) -> None:
    ended = toolrun("run", "desk.py", calls(native("double", "a", x=1)), "--quiet")
    assert ended.results
    assert ended.err == ""


def test_what_tools_print_does_not_come_between_the_results(toolrun: Any, calls: Any, file: Any) -> None:
    file("loud.py", "print('imported')\ndef shout(x: int) -> int:\n    'Shout.'\n    print('loud', x)\n    return x\n")
    ended = toolrun("run", "loud.py", calls(*(native("shout", f"{x}", x=x) for x in range(3))), "--quiet")
    assert [result["output"] for result in ended.results] == [0, 1, 2]
    assert "imported" in ended.err
    assert ended.err.count("loud") == 3


def test_the_summary_has_a_row_a_tool_within_80_columns(toolrun: Any, calls: Any) -> None:
    path = calls(*(native("double", f"{x}", x=x) for x in range(3)), native("fail", "f", message="long " * 50))
    rows = toolrun("run", "desk.py", path).err.splitlines()
    assert max(map(len, rows)) <= 80
    assert [row.split()[:3] for row in rows if row.strip().startswith(("double", "fail", "all"))] == [
        ["double", "3", "0"],
        ["fail", "1", "1"],
        ["all", "4", "1"],
    ]


@contextmanager
def start(*arguments: str, stdin: Any = None) -> Iterator[subprocess.Popen[str]]:
    """The command in a process of its own, for what needs one: signals and pipes."""
    command = [sys.executable, "-m", "toolrun", *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=stdin, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_calls_on_standard_input_are_answered_while_it_is_open(toolrun: Any) -> None:
    with start("run", "desk.py", "-", "--quiet", stdin=subprocess.PIPE) as process:
        for x in range(3):
            process.stdin.write(json.dumps(native("double", "a", x=x)) + "\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["output"] == 2 * x
        process.stdin.close()
        assert process.wait(30) == 0


READERS = """
    import os, subprocess, sys

    at_import = sys.stdin.read()

    def line() -> str:
        "Ask the user."
        return input()

    def child() -> str:
        "Have another program read."
        return subprocess.run(["cat"], stdout=subprocess.PIPE, text=True).stdout

    def raw() -> str:
        "Read the descriptor."
        return os.read(0, 100).decode()
"""


def test_tools_that_read_standard_input_eat_no_calls(toolrun: Any, file: Any) -> None:
    file("readers.py", READERS)
    asked = [native(name, f"{number}") for number, name in enumerate(["line", "child", "raw"] * 3)]
    with start("run", "readers.py", "-", "--quiet", stdin=subprocess.PIPE) as process:
        answered = []
        for call in asked:
            process.stdin.write(json.dumps(call) + "\n")
            process.stdin.flush()
            answered.append(json.loads(process.stdout.readline()))
        process.stdin.close()
        assert process.wait(30) == 1
    assert [result["id"] for result in answered] == [call["id"] for call in asked]
    assert {result["error"]["type"] for result in answered if result["name"] == "line"} == {"EOFError"}
    assert {result["output"] for result in answered if result["name"] != "line"} == {""}


@pytest.mark.parametrize("tool", ["hang", "block"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_cancels_what_runs_keeps_every_result_and_leaves_a_whole_file(
    toolrun: Any, calls: Any, tmp_path: Path, tool: str, number: int
) -> None:
    in_session = [{**call, "session": "s"} for call in (native("double", "done", x=1), native(tool, "s1"))]
    path = calls(*in_session, native(tool, "running"))
    with start("run", "desk.py", str(path), "-o", "out.jsonl") as process:
        for _ in range(2):
            assert process.stdout.readline() == "hanging\n"
        os.kill(process.pid, number)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    text = (tmp_path / "out.jsonl").read_text()
    results = {result["id"]: result["status"] for result in map(json.loads, text.splitlines())}
    assert results == {"done": "ok", "running": "cancelled", "s1": "cancelled"}
    assert text.endswith("\n")
    assert "Traceback" not in err


def test_ctrl_c_ends_a_run_that_waits_for_its_input(toolrun: Any) -> None:
    with start("run", "desk.py", "-", "--quiet", stdin=subprocess.PIPE) as process:
        for call in (native("double", "a", x=1), native("hang", "b")):
            process.stdin.write(json.dumps(call) + "\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["output"] == 2
        assert process.stderr.readline() == "hanging\n"
        os.kill(process.pid, signal.SIGINT)
        assert json.loads(process.stdout.readline())["status"] == "cancelled"
        assert process.wait(30) == 130


def test_ctrl_c_ends_a_long_input_with_results_for_what_was_read(toolrun: Any, calls: Any, tmp_path: Path) -> None:
    path = calls(*(native("hang", f"{x}") for x in range(3 * READ_AHEAD)))
    with start("run", "desk.py", str(path), "-o", "out.jsonl", "--concurrency", "2") as process:
        for _ in range(2):
            process.stdout.readline()
        os.kill(process.pid, signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 130
    statuses = [json.loads(line)["status"] for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert set(statuses) == {"cancelled"}
    assert 2 <= len(statuses) <= READ_AHEAD + 2


def test_a_reader_that_goes_away_ends_the_run_without_a_traceback(toolrun: Any, calls: Any) -> None:
    path = calls(*(native("double", f"{x}", x=x) for x in range(2000)))
    with start("run", "desk.py", str(path), "--quiet") as process:
        process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
        assert process.wait(30) == 1
    assert "Traceback" not in err
