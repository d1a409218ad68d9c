"""Standard input is for calls and standard output for results, whatever tools do and wherever they lead."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TOOLS = """
    import os, subprocess, sys

    os.write(1, b"imported\\n")

    def child() -> int:
        "Have another program print."
        subprocess.run(["echo", "from a child"])
        os.write(1, b"raw\\n")
        sys.__stdout__.write("behind\\n")
        return 1

    def quiet() -> int:
        "Have another program do something."
        subprocess.run(["echo", "from a child"])
        return 1
"""

CALL = '{"id": "c", "name": "child"}'


@pytest.fixture(autouse=True)
def tools(toolrun: Any, file: Any) -> None:
    file("desk.py", TOOLS)
    file("calls.jsonl", CALL + "\n")
    Path("store/journal").mkdir(parents=True)


def shell(arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, with the redirections of a shell."""
    line = f'exec "{sys.executable}" -m toolrun {arguments}'
    return subprocess.run(
        ["sh", "-c", line],
        input=given,
        stdin=None if given else subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
    )


@pytest.mark.parametrize(
    "arguments",
    ["run desk.py calls.jsonl", "run desk.py -", "run desk.py calls.jsonl -o -", "call desk.py child", "tools desk.py"],
)
def test_standard_output_holds_results_and_nothing_that_tools_or_their_children_print(arguments: str) -> None:
    ended = shell(arguments, CALL)
    assert ended.returncode == 0, ended.stderr
    assert not {"imported", "raw", "behind"} & set(ended.stdout.replace('"', "").split())
    assert "from a child" not in ended.stdout
    assert "imported" in ended.stderr
    if not arguments.startswith("tools"):
        assert len(ended.stdout.splitlines()) == 1
        assert {"raw", "behind", "from a child"} <= set(ended.stderr.splitlines())


def test_a_dash_is_standard_output(tmp_path: Path) -> None:
    assert json.loads(shell("run desk.py calls.jsonl -o -").stdout)["output"] == 1
    assert not (tmp_path / "-").exists()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ("run desk.py - <&-", "standard input is closed."),
        ("run desk.py calls.jsonl >&-", "standard output is closed."),
        ("call desk.py child >&-", "standard output is closed."),
        ("tools desk.py >&-", "standard output is closed."),
        ("runs --store store >&-", "standard output is closed."),
        ("export --store store >&-", "standard output is closed."),
        ("check --store store >&-", "standard output is closed."),
        ("run desk.py calls.jsonl >/dev/full", "standard output: No space left on device."),
        ("run desk.py calls.jsonl -o /dev/full", "/dev/full: No space left on device."),
        ("call desk.py child >/dev/full", "standard output: No space left on device."),
        ("tools desk.py >/dev/full", "standard output: No space left on device."),
        ("tools desk.py --format json >/dev/full", "standard output: No space left on device."),
    ],
)
def test_a_stream_that_cannot_be_used_is_named_and_is_status_2(arguments: str, complaint: str) -> None:
    ended = shell(arguments)
    assert ended.returncode == 2, ended.stderr
    assert f"Error: {complaint}" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_are_not_needed_may_be_closed(file: Any, tmp_path: Path, closed: str) -> None:
    file("desk.py", TOOLS.replace('os.write(1, b"imported\\n")', ""))
    file("calls.jsonl", '{"name": "quiet"}')
    assert shell(f"run desk.py calls.jsonl -o out.jsonl {closed}").returncode == 0
    [line] = (tmp_path / "out.jsonl").read_text().splitlines()
    assert json.loads(line)["output"] == 1


HANGING = """
    import os, threading

    def hang(session=None):
        "Wait for ever."
        os.write(2, b"hanging\\n")
        threading.Event().wait()

    async def ahang():
        "Wait for ever."
        import asyncio
        try:
            os.write(2, b"hanging\\n")
            await asyncio.Event().wait()
        finally:
            os.write(2, b"cleaned up\\n")
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "importing.py", "calls.jsonl"],
        ["call", "importing.py", "hang"],
        ["tools", "importing.py"],
        ["tools", "importing"],
        ["tools", "hanging.py:hang"],
        ["call", "hanging.py", "hang"],
        ["call", "hanging.py", "ahang"],
    ],
)
def test_ctrl_c_is_status_130_and_needs_no_words_wherever_it_comes(file: Any, arguments: list[str]) -> None:
    file("hanging.py", HANGING)
    file(
        "importing.py", "import hanging\ntry:\n    hanging.hang()\nexcept KeyboardInterrupt:\n    raise RuntimeError\n"
    )
    command = [sys.executable, "-m", "toolrun", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "hanging\n"
        os.kill(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "")
    assert err == ("cleaned up\n" if "ahang" in arguments else "")


@pytest.mark.parametrize("raised", ["KeyboardInterrupt()", "type('Odd', (BaseException,), {})()"])
@pytest.mark.parametrize("command", [["run", "odd.py", "calls.jsonl"], ["tools", "odd.py"], ["tools", "odd"]])
def test_what_is_no_exception_of_the_usual_kind_fails_an_import_as_any_other(
    toolrun: Any, file: Any, command: list[str], raised: str
) -> None:
    file("odd.py", f"raise {raised}\n")
    ended = toolrun(*command)
    assert ended.status == 2
    assert "cannot be imported" in ended.err
    assert ended.err.count('File "') == 1
    assert ended.err.rstrip().endswith(("KeyboardInterrupt", "Odd"))


def test_a_factory_that_raises_what_it_likes_is_shown_with_its_own_frames(toolrun: Any, file: Any) -> None:
    file("odd.py", "def make(session):\n    raise KeyboardInterrupt\n")
    ended = toolrun("tools", "odd.py:make")
    assert ended.status == 2
    assert ended.err.rstrip().endswith("KeyboardInterrupt")


def test_a_function_that_was_taken_for_a_factory_is_told_so(toolrun: Any, file: Any) -> None:
    file("plain.py", "def greet(name):\n    print('Hello')\n")
    ended = toolrun("tools", "plain.py:greet")
    assert ended.status == 2
    assert "plain.py:greet was called as a factory of tools, but None is no tool" in " ".join(ended.err.split())


def test_ctrl_c_while_the_command_line_itself_is_imported_is_status_130(file: Any) -> None:
    file("click.py", "import os\nos.write(2, b'importing\\n')\nwhile True:\n    pass\n")
    command = [sys.executable, "-m", "toolrun", "--help"]  # with -m the current folder comes first
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "importing\n"
        os.kill(process.pid, signal.SIGINT)
        assert (*process.communicate(timeout=30), process.returncode) == ("", "", 130)
