"""`mcp:` before a command line, or a URL, stands for the tools of that MCP server."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FAKE = Path(__file__).with_name("fake_server.py")
SCHEMA = {"type": "object", "properties": {"result": {"type": "object"}, "do": {"type": "string"}}, "required": []}
TOOLS = json.dumps([{"name": "say", "description": "Say it.", "inputSchema": SCHEMA}])
SERVER = "mcp:" + shlex.join([sys.executable, str(FAKE), TOOLS])
HELLO = {"result": {"content": [{"type": "text", "text": "hello"}]}}


def toolrun(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "toolrun", *arguments], capture_output=True, text=True, check=False)


def test_tools_are_listed() -> None:
    ended = toolrun("tools", SERVER)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ["say", "result?,", "do?", "Say", "it."] in [row.split() for row in ended.stdout.splitlines()]
    assert json.loads(toolrun("tools", SERVER, "--format", "mcp").stdout)["tools"][0]["inputSchema"] == SCHEMA


def test_one_call_prints_what_the_server_answers() -> None:
    ended = toolrun("call", SERVER, "say", json.dumps(HELLO))
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, '"hello"\n', "")


def test_a_call_that_fails_says_why_in_one_line() -> None:
    said = {"content": [{"type": "text", "text": "no such city"}], "isError": True}
    ended = toolrun("call", SERVER, "say", json.dumps({"result": said}))
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", "RemoteToolError: no such city\n")


def test_many_calls_get_a_result_each_though_the_server_dies_among_them(tmp_path: Path) -> None:
    calls, results = tmp_path / "calls.jsonl", tmp_path / "results.jsonl"
    lines: list[Any] = [{"id": f"{i:03}", "name": "say", "arguments": HELLO} for i in range(100)]
    lines[50]["arguments"] = {"do": "die"}
    calls.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    ended = toolrun("run", SERVER, calls, "-o", results, "--concurrency", "1", "--quiet")
    assert (ended.returncode, ended.stderr) == (1, "")
    statuses = [json.loads(line)["status"] for line in results.read_text().splitlines()]
    assert statuses == ["ok"] * 50 + ["crashed"] + ["ok"] * 49


def test_a_timeout_cancels_the_call_alone() -> None:
    ended = toolrun("call", SERVER, "say", '{"do": "stall"}', "--timeout", "0.2")
    assert ended.returncode == 1
    assert ended.stderr.startswith("ToolTimeout: ")


@pytest.mark.parametrize(
    ("server", "said"),
    [
        ("mcp:no-such-command", "No such file or directory"),
        ("mcp:http://127.0.0.1:9/mcp", "ConnectError"),
        ("mcp:", "no command"),
        ("mcp:'unended", "No closing quotation"),
    ],
)
def test_a_server_that_is_not_to_be_had_makes_the_input_unusable(server: str, said: str) -> None:
    ended = toolrun("tools", server)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_no_server_is_left_behind(tmp_path: Path) -> None:
    ended = toolrun("call", SERVER, "say", '{"do": "pids"}')
    pids = json.loads(ended.stdout).split()
    assert [pid for pid in pids if is_running(pid)] == []


def is_running(pid: str) -> bool:
    status = Path(f"/proc/{pid}/stat")
    try:
        return status.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
