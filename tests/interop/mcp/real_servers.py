"""Servers that others wrote, as sources of our tools: each is listed, called, and told wrong arguments."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.interop.mcp.packages import module_of_pypi, program

from toolrun import BaseCallbackHandler, BaseTool
from toolrun.interop.mcp import McpError, mcp_tools

Tools = dict[str, BaseTool]


class Progress(BaseCallbackHandler):
    """Counts what the server tells of its progress."""

    def __init__(self) -> None:
        self.told: list[tuple[float, float | None]] = []

    def on_tool_progress(self, progress: float, total: float | None = None, *args: Any, **kwargs: Any) -> None:
        self.told.append((progress, total))


@contextmanager
def connected(*command: str | Path) -> Iterator[Tools]:
    with mcp_tools([str(word) for word in command]) as tools:
        yield {tool.name: tool for tool in tools}


def everything() -> str:
    """The protocol's own demonstration: text, structured content, image, progress."""
    with connected(program("mcp-server-everything")) as tools:
        assert tools["echo"].invoke({"message": "hello"}) == "Echo: hello"
        assert "5" in tools["get-sum"].invoke({"a": 2, "b": 3})
        weather = tools["get-structured-content"].invoke({"location": "Chicago"})
        assert weather.keys() >= {"temperature", "conditions"}, weather
        assert any(block["type"] == "image" for block in tools["get-tiny-image"].invoke({}))
        progress = Progress()
        config: Any = {"callbacks": [progress]}
        tools["trigger-long-running-operation"].invoke({"duration": 1, "steps": 4}, config)
        assert progress.told == [(step, 4) for step in range(1, 5)], progress.told
        return f"{len(tools)} tools, structured content, an image, {len(progress.told)} steps of progress"


def filesystem() -> str:
    """Files are written and read, and what lies outside is refused."""
    with tempfile.TemporaryDirectory() as folder, connected(program("mcp-server-filesystem"), folder) as tools:
        path = str(Path(folder, "note.txt").resolve())
        tools["write_file"].invoke({"path": path, "content": "from toolrun"})
        assert "from toolrun" in str(tools["read_text_file"].invoke({"path": path}))
        assert "denied" in refused(tools["read_text_file"], {"path": "/etc/passwd"})
        return f"{len(tools)} tools, a file written and read, another refused"


def time() -> str:
    """The time elsewhere."""
    with connected(*module_of_pypi("mcp-server-time")) as tools:
        assert "Asia/Tokyo" in str(tools["get_current_time"].invoke({"timezone": "Asia/Tokyo"}))
        refused(tools["get_current_time"], {"timezone": "Nowhere/City"})
        return f"{len(tools)} tools, the time in Tokyo, none in Nowhere"


def git() -> str:
    """The state of a repository."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["git", "init", "--quiet", folder], check=True)
        Path(folder, "new.txt").touch()
        with connected(*module_of_pypi("mcp-server-git"), "--repository", folder) as tools:
            assert "new.txt" in str(tools["git_status"].invoke({"repo_path": folder}))
            refused(tools["git_status"], {"repo_path": "/nowhere"})
            return f"{len(tools)} tools, the status of a repository"


def refused(tool: BaseTool, arguments: dict[str, Any]) -> str:
    """What the server says of a call that it cannot do."""
    try:
        value = tool.invoke(arguments)
    except McpError as error:
        return str(error)
    raise AssertionError(f"{tool.name} answered {value!r}")


SERVERS: tuple[Callable[[], str], ...] = (everything, filesystem, time, git)


def main() -> int:
    """Print what came of each; the exit status."""
    status = 0
    for server in SERVERS:
        try:
            print(f"ok   {server.__name__}: {server()}")
        except Exception as error:
            print(f"FAIL {server.__name__}: {type(error).__name__}: {error}")
            status = 1
    return status
