"""`toolrun mcp serve` over standard input and output, as clients start it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from textwrap import dedent

import pytest
from tests.interop.mcp.wire import Wire

from toolrun.interop.mcp.server.stdio import LONGEST_LINE
from toolrun.store import open_store
from toolrun.store.query import Reader

Write = Callable[[str], Path]


@pytest.fixture
def file(tmp_path: Path) -> Write:
    """Writes a file of tools."""

    def write(text: str) -> Path:
        path = tmp_path / "desk.py"
        path.write_text(dedent(text))
        return path

    return write


def served(tools: Path) -> Wire:
    return Wire("-m", "toolrun", "mcp", "serve", tools)


ADD = '''
    def add(a: int, b: int) -> int:
        """Add."""
        return a + b
'''


def test_what_anybody_prints_goes_to_standard_error(file: Write) -> None:
    tools = file('''
        import os, subprocess

        print("at import")

        def noisy() -> str:
            """Make a noise."""
            print("in a tool")
            os.write(1, b"past Python\\n")
            subprocess.run(["echo", "in a child"])
            return input() if os.read(0, 1) else "standard input is empty"
    ''')
    with served(tools) as client:
        assert client.call("noisy")["content"][0]["text"] == "standard input is empty"
        status, said = client.leave()
    assert status == 0
    assert set(said.splitlines()) == {"at import", "in a tool", "past Python", "in a child"}


@pytest.mark.parametrize("line", [b"no JSON\n", b"{}\n", b'"text"\n', b"\xff\xfe\n", b"\n", b"[1,2]\n", b'{"id":7}\n'])
def test_a_malformed_line_harms_no_other(line: bytes, file: Write) -> None:
    with served(file(ADD)) as client:
        client.send_bytes(line)
        assert client.call("add", a=1, b=2)["structuredContent"] == {"result": 3}


def test_a_line_without_an_end_ends_the_connection(file: Write) -> None:
    with served(file(ADD)) as client:
        client.send_bytes(b"x" * (LONGEST_LINE - 100))
        client.send_bytes(b'\n{"jsonrpc":"2.0","id":9,"method":"ping"}\n')
        assert client.read()["id"] == 9
        with pytest.raises(BrokenPipeError):
            for _ in range(100):
                client.send_bytes(b"x" * LONGEST_LINE)
        assert client.process.wait() == 0


def test_a_client_that_leaves_stops_its_calls_and_the_server(file: Write, tmp_path: Path) -> None:
    tools = file(f'''
        import asyncio
        from pathlib import Path
        from toolrun import current_run

        async def hang() -> str:
            """Hang."""
            await current_run().on_tool_progress(1)
            try:
                await asyncio.Event().wait()
            finally:
                Path({str(tmp_path / "stopped")!r}).touch()
    ''')
    with served(tools) as client:
        client.request("tools/call", name="hang", arguments={}, _meta={"progressToken": 1})
        assert client.read()["method"] == "notifications/progress"
        assert client.leave() == (0, "")
    assert (tmp_path / "stopped").exists()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_the_server_though_its_client_is_still_there(
    number: signal.Signals, status: int, file: Write
) -> None:
    with served(file(ADD)) as client:
        client.call("add", a=1, b=2)
        client.process.send_signal(number)
        assert client.process.wait() == status


def test_options_of_the_policy_hold(file: Write) -> None:
    tools = file('''
        import time

        def hang() -> str:
            """Hang."""
            time.sleep(60)
    ''')
    with Wire("-m", "toolrun", "mcp", "serve", tools, "--timeout", "0.1", "--engine", "processes") as client:
        answer = client.call("hang")
    assert answer["isError"]
    assert answer["content"][0]["text"].startswith("ToolTimeout")


@pytest.mark.parametrize(("options", "said"), [((), "its client cannot ask"), (("--approve", "always"), "deleted")])
def test_approval_is_the_clients_or_decided_beforehand(options: tuple[str, ...], said: str, file: Write) -> None:
    tools = file('''
        from toolrun import tool

        @tool(requires_approval=True)
        def delete() -> str:
            """Delete."""
            return "deleted"
    ''')
    with Wire("-m", "toolrun", "mcp", "serve", tools, *options) as client:
        assert said in client.call("delete")["content"][0]["text"]


def test_the_runs_are_recorded_where_a_store_is_named(file: Write, tmp_path: Path) -> None:
    with Wire("-m", "toolrun", "mcp", "serve", file(ADD), "--store", tmp_path / "store") as client:
        client.call("add", a=1, b=2)
        assert client.leave() == (0, "")
    with open_store(tmp_path / "store") as store, closing(Reader(store)) as reader:
        [(run, payload)] = reader.records()
    assert (run.name, run.status, payload.inputs) == ("add", "ok", {"a": 1, "b": 2})
    assert payload.metadata is not None
    assert payload.metadata["mcp.method.name"] == "tools/call"


def test_tools_that_cannot_be_loaded_leave_standard_output_empty(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "toolrun", "mcp", "serve", tmp_path / "none.py"], capture_output=True, text=True
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "there is no such file" in ended.stderr


def test_a_program_serves_its_tools_itself(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        dedent("""
        from toolrun import tool
        from toolrun.interop.mcp import serve

        @tool
        def greet(name: str) -> str:
            '''Greet.'''
            print("greeting")
            return f"Hello {name}"

        serve([greet], name="desk", instructions="Be polite.")
        print("served")
        """)
    )
    with Wire(program) as client:
        assert client.call("greet", name="Eva")["content"] == [{"type": "text", "text": "Hello Eva"}]
        client._stdin.close()
        assert client._stdout.read() == b"served\n"
