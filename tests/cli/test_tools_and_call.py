"""`toolrun tools` lists, `toolrun call` runs one; both find the tools as `toolrun run` does."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

TOOLS = '''
    from typing import Literal
    from pydantic import BaseModel

    class Place(BaseModel):
        title: str
        zip: int = 0

    def send(parcel: str, to: Place, speed: Literal["slow", "fast"] = "slow") -> dict:
        """Send a parcel somewhere.

        Args:
            parcel: its number.
            to: where it goes.
            speed: how it goes.
        """
        return {"sent": parcel, "to": to.title, "speed": speed}

    def fail() -> None:
        """Fail."""
        return inner()

    def inner() -> None:
        raise RuntimeError("deep inside")

    class Desk:
        def __init__(self, session):
            if session is None:
                raise LookupError("which session?")
            self.session = session

        async def who(self) -> str:
            """Whose desk this is."""
            return self.session
'''


@pytest.fixture(autouse=True)
def tools(file: Any) -> None:
    file("desk.py", TOOLS)


def test_the_table_shows_names_arguments_and_descriptions_within_80_columns(toolrun: Any) -> None:
    ended = toolrun("tools", "desk.py")
    rows = ended.out.splitlines()
    assert (ended.status, ended.err) == (0, "")
    assert max(map(len, rows)) <= 80
    assert any(row.split()[:4] == ["send", "parcel,", "to,", "speed?"] for row in rows)
    assert "Send a parcel somewhere." in ended.out


def schema_in(tool: dict[str, Any], *path: str) -> dict[str, Any]:
    for key in path:
        tool = tool[key]
    return tool


@pytest.mark.parametrize(
    ("format", "to_tools", "to_schema"),
    [
        ("json", lambda listing: listing, ["parameters"]),
        ("openai", lambda listing: [entry["function"] for entry in listing], ["parameters"]),
        ("anthropic", lambda listing: listing, ["input_schema"]),
        ("gemini", lambda listing: listing[0]["functionDeclarations"], ["parametersJsonSchema"]),
        ("mcp", lambda listing: listing["tools"], ["inputSchema"]),
    ],
)
def test_each_format_has_name_description_and_schema_where_its_provider_wants_them(
    toolrun: Any, format: str, to_tools: Any, to_schema: list[str]
) -> None:
    listed = to_tools(json.loads(toolrun("tools", "desk.py", "--format", format).out))
    assert [tool["name"] for tool in listed] == ["send", "fail", "inner"]
    schema = schema_in(listed[0], *to_schema)
    assert listed[0]["description"].startswith("Send a parcel somewhere.")
    assert schema["required"] == ["parcel", "to"]
    assert schema["properties"]["speed"]["enum"] == ["slow", "fast"]
    assert schema["properties"]["parcel"] == {"type": "string", "description": "its number."}
    assert "title" in schema["$defs"]["Place"]["properties"]  # a field of that name, not pydantic's own title
    assert "title" not in schema


def test_a_call_prints_its_output_as_json(toolrun: Any) -> None:
    ended = toolrun("call", "desk.py", "send", '{"parcel": "P1", "to": {"title": "Lyon"}}')
    assert (ended.status, ended.err) == (0, "")
    assert json.loads(ended.out) == {"sent": "P1", "to": "Lyon", "speed": "slow"}


def test_a_tool_that_raises_shows_its_own_frames_and_is_status_1(toolrun: Any) -> None:
    ended = toolrun("call", "desk.py", "fail")
    assert (ended.status, ended.out) == (1, "")
    assert ended.err.count('File "') == 2
    assert ended.err.rstrip().endswith("RuntimeError: deep inside")


@pytest.mark.parametrize(
    ("arguments", "status", "complaint"),
    [
        (["sned", "{}"], 1, "UnknownTool: no tool is named 'sned'. Nearest: send."),
        (["send", "{}"], 1, "ValidationError: parcel: required, but missing; to: required, but missing"),
        (["send", "[]"], 1, "InvalidArguments: the arguments of 'send' must be a JSON object; came []"),
        (["send", "{"], 2, "the arguments are not JSON"),
    ],
)
def test_a_call_that_is_wrong_says_so_without_a_traceback(
    toolrun: Any, arguments: list[str], status: int, complaint: str
) -> None:
    ended = toolrun("call", "desk.py", *arguments)
    assert ended.status == status
    assert complaint in ended.err
    assert "Traceback" not in ended.err


def test_a_session_is_made_by_the_factory_for_both(toolrun: Any) -> None:
    assert json.loads(toolrun("call", "desk.py:Desk", "who", "--session", "s1").out) == "s1"
    [who] = json.loads(toolrun("tools", "desk.py:Desk", "--session", "s1", "--format", "json").out)
    assert who["name"] == "who"


def test_a_factory_that_raises_is_shown_with_its_own_frames(toolrun: Any) -> None:
    ended = toolrun("tools", "desk.py:Desk")
    assert ended.status == 2
    assert "could not make the tools of session None. Name one with --session." in " ".join(ended.err.split())
    assert ended.err.count('File "') == 1
    called = toolrun("call", "desk.py:Desk", "who")
    assert called.status == 1
    assert "SessionFailed: the tools of session None could not be made: LookupError: which session?" in called.err


def test_python_m_toolrun_is_the_command_line_and_helps_without_importing_what_is_heavy() -> None:
    code = """
import runpy, sys
sys.argv = ["toolrun", "--help"]
try:
    runpy.run_module("toolrun", run_name="__main__")
except SystemExit:
    heavy = {"pydantic", "rich", "asyncio", "orjson"} & sys.modules.keys()
    sys.exit(f"imported {heavy}" if heavy else 0)
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "Usage: toolrun [OPTIONS] COMMAND [ARGS]..." in ended.stdout
    assert max(map(len, ended.stdout.splitlines())) <= 80
