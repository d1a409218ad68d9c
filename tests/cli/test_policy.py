"""Options that say how tools are to run, and what results and summary say of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TOOLS = """
    import os, threading, time
    from toolrun import tool

    @tool
    def spin() -> None:
        "Never end, in Python."
        while True:
            time.sleep(0.001)

    @tool(timeout=60)
    def speak(text: str) -> int:
        "Print."
        os.write(1, (text + chr(10)).encode())
        return os.getpid()

    @tool(requires_approval=True)
    def pay(amount: int) -> str:
        "Pay."
        return f"paid {amount}"

    failures = []

    @tool
    def flaky() -> int:
        "Fail at first."
        failures.append(1)
        if len(failures) < 3:
            raise ConnectionError("again")
        return len(failures)

    @tool
    async def hog() -> None:
        "Hold the loop."
        time.sleep(0.3)
"""


def native(name: str, id: str = "c1", **arguments: Any) -> dict[str, Any]:
    return {"id": id, "name": name, "arguments": arguments}


@pytest.fixture(autouse=True)
def tools(file: Any) -> None:
    file("policed.py", TOOLS)


def test_a_timeout_stops_the_call_and_shows_in_result_and_summary(toolrun: Any, calls: Any) -> None:
    ended = toolrun("run", "policed.py", calls(native("spin")), "--timeout", "0.05")
    [result] = ended.results
    assert (ended.status, result["status"], result["error"]["type"]) == (1, "timeout", "ToolTimeout")
    assert result["stopped_by"] in ("exception", "abandoned")  # a thread that comes to it in time, or later
    assert "1 timed out" in ended.err


def test_worker_processes_kill_and_what_they_print_is_not_among_the_results(toolrun: Any, calls: Any) -> None:
    file = calls(native("spin", "c1"), native("speak", "c2", text="hello"))
    ended = toolrun("run", "policed.py", file, "--engine", "processes", "--timeout", "0.2", "--workers", "2")
    spun, spoken = ended.results
    assert (spun["status"], spun["stopped_by"]) == ("timeout", "kill")
    assert (spoken["status"], spoken["output"] == os.getpid()) == ("ok", False)
    assert "1 timed out: 1 killed." in ended.err


def test_what_tools_write_to_the_descriptor_itself_goes_to_standard_error(toolrun: Any, calls: Any) -> None:
    ended = toolrun("run", "policed.py", calls(native("speak", text="hello")))
    assert (len(ended.results), "hello" in ended.err) == (1, True)


def test_retries_show_in_result_and_summary(toolrun: Any, calls: Any) -> None:
    ended = toolrun("run", "policed.py", calls(native("flaky")), "--retry", "3")
    assert (ended.status, ended.results[0]["output"], ended.results[0]["attempts"]) == (0, 3, 3)
    assert "1 tried more than once." in ended.err


def test_a_blocked_loop_shows_in_the_summary(toolrun: Any, calls: Any) -> None:
    ended = toolrun("run", "policed.py", calls(native("hog")))
    line = next(line for line in ended.err.splitlines() if line.startswith("The event loop was blocked "))
    assert "hog, policed.py:" in line
    assert len(line) <= 80


@pytest.mark.parametrize(("approve", "status"), [("ask", "denied"), ("always", "ok"), ("never", "denied")])
def test_approval_is_denied_where_nobody_is_at_a_terminal(toolrun: Any, calls: Any, approve: str, status: str) -> None:
    ended = toolrun("run", "policed.py", calls(native("pay", amount=5)), "--approve", approve)
    assert ended.results[0]["status"] == status
    assert ("1 denied." in ended.err) == (status == "denied")


def test_call_takes_the_same_options(toolrun: Any) -> None:
    assert toolrun("call", "policed.py", "pay", '{"amount": 5}', "--approve", "always").out == '"paid 5"\n'
    assert "ToolTimeout: Tool 'spin' did not end" in toolrun("call", "policed.py", "spin", "--timeout", "0.05").err


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--timeout", "0"), "--timeout"),
        (("--timeout", "soon"), "--timeout"),
        (("--timeout", "nan"), "timeout=nan is no number above 0"),
        (("--retry", "0"), "--retry"),
        (("--engine", "ray"), "--engine"),
        (("--max-concurrency", "0"), "--max-concurrency"),
        (("--rate-limit", "-1"), "--rate-limit"),
        (("--memory-limit", "much"), "'much' is no size"),
        (("--memory-limit", "500M"), "memory_limit is for worker processes alone"),
        (("--engine", "inline", "--timeout", "1"), "a timeout cannot be kept with engine='inline'"),
        (("--workers", "0"), "--workers"),
        (("--approve", "perhaps"), "--approve"),
    ],
)
def test_bad_values_are_status_2_and_a_clear_line(toolrun: Any, calls: Any, options: Any, complaint: str) -> None:
    ended = toolrun("run", "policed.py", calls(native("pay", amount=5)), *options)
    assert (ended.status, ended.out, "Traceback" in ended.err) == (2, "", False)
    assert complaint in " ".join(ended.err.split())


BE_AT_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, "-m", "toolrun", *sys.argv[1:]])
"""


def at_a_terminal(*arguments: str, answers: list[str]) -> tuple[int, str]:
    """Run toolrun with a terminal of its own, whose user gives one answer to each question; status and screen."""
    terminal, end = os.openpty()
    command = [sys.executable, "-c", BE_AT_TERMINAL, *arguments]
    process = subprocess.Popen(command, stdin=end, stdout=end, stderr=end, start_new_session=True)
    os.close(end)
    screen, questions = b"", 0
    while True:
        try:
            data = os.read(terminal, 4096)
        except OSError:  # Linux: the other end is closed
            break
        if not data:
            break
        screen += data
        while screen.count(b"[y/N]") > questions:
            os.write(terminal, f"{answers[questions]}\n".encode())
            questions += 1
    os.close(terminal)
    return process.wait(), screen.decode(errors="replace")


def test_the_user_is_asked_one_call_at_a_time_beside_the_bar(calls: Any, tmp_path: Path) -> None:
    out, tools = tmp_path / "out.jsonl", str(tmp_path / "policed.py")
    file = calls(*(native("pay", f"c{number}", amount=number) for number in (1, 2, 3)))
    status, screen = at_a_terminal("run", tools, str(file), "-o", str(out), answers=["y", "n", ""])
    statuses = [json.loads(line)["status"] for line in out.read_text().splitlines()]
    assert (status, sorted(statuses)) == (1, ["denied", "denied", "ok"])
    assert screen.count("Run pay {") == 3
    assert "2 denied." in screen


def test_the_user_is_shown_arguments_that_cannot_move_the_cursor(tmp_path: Path) -> None:
    arguments = '{"amount": 5, "note": "\\u001b[2J"}'
    _, screen = at_a_terminal("call", str(tmp_path / "policed.py"), "pay", '{"amount": "5"}', answers=["y"])
    assert 'Run pay {"amount": 5}? [y/N]' in screen
    assert '"paid 5"' in screen
    assert "\x1b[2J" not in at_a_terminal("call", str(tmp_path / "policed.py"), "pay", arguments, answers=["y"])[1]
