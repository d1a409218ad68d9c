"""What TOOLS on the command line stands for, and what is said of what it cannot stand for."""

from __future__ import annotations

import json
from importlib.util import find_spec
from typing import Any

import pytest

WITH_MCP = pytest.mark.skipif(find_spec("mcp") is None, reason="mcp is not installed: pip install 'toolrun[mcp]'")
TOOLS = """
    from toolrun import tool
    from toolrun.tools import BaseToolkit
    from os.path import join          # a public function, but not of this module

    @tool
    def decorated(x: int) -> int:
        \"\"\"A tool.\"\"\"
        return x

    def plain(x: int) -> int:
        \"\"\"A function.\"\"\"
        return x

    def _hidden(): ...

    class Desk:
        def __init__(self, session=None):
            self.session = session
        def open(self):
            \"\"\"Which desk this is.\"\"\"
            return self.session

    class Kit(BaseToolkit):
        def get_tools(self):
            return [decorated]

    desk = Desk("instance")
    kit = Kit()
    listed = [decorated, plain]
    mapped = {"one": decorated, "two": plain}
    number = 3

    def factory(session):
        return {"where": Desk(session).open}

    async def afactory(session):
        return Desk(session)

    class holder:
        inner = [plain]
"""


def names(ended: Any) -> list[str]:
    assert ended.status == 0, ended.err
    return [tool["name"] for tool in json.loads(ended.out)]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("desk.py", ["decorated"]),
        ("desk.py:decorated", ["decorated"]),
        ("desk.py:listed", ["decorated", "plain"]),
        ("desk.py:mapped", ["one", "two"]),
        ("desk.py:desk", ["open"]),
        ("desk.py:kit", ["decorated"]),
        ("desk.py:factory", ["where"]),
        ("desk.py:afactory", ["open"]),
        ("desk.py:Desk", ["open"]),
        ("desk.py:holder.inner", ["plain"]),
        ("desk:listed", ["decorated", "plain"]),
        ("folder/inner.py", ["alone"]),
        ("folder.inner:alone", ["alone"]),
    ],
)
def test_a_file_or_module_and_a_name_in_it_give_these_tools(
    toolrun: Any, file: Any, spec: str, expected: list[str]
) -> None:
    file("desk.py", TOOLS)
    file("folder/inner.py", "from toolrun import tool\n\n@tool\ndef alone():\n    'A tool.'\n")
    assert names(toolrun("tools", spec, "--format", "json")) == expected


def test_a_mapping_names_its_tools_also_in_their_schemas(toolrun: Any, file: Any) -> None:
    file("desk.py", TOOLS)
    assert names(toolrun("tools", "desk.py:mapped", "--format", "json")) == ["one", "two"]


def test_a_module_without_tools_means_what_its_all_names(toolrun: Any, file: Any) -> None:
    file("desk.py", "__all__ = ['_b', 'C']\ndef a(): 'A.'\ndef _b(): 'B.'\nclass C: ...\n")
    assert names(toolrun("tools", "desk.py", "--format", "json")) == ["_b"]


def test_a_module_without_all_means_its_own_public_functions_and_bound_methods(toolrun: Any, file: Any) -> None:
    file(
        "desk.py",
        """
        from os.path import join
        from json import dumps

        class Desk:
            def open(self):
                "Open."

        def a():
            "A."

        async def b():
            "B."

        def _c(): ...

        open_desk = Desk().open
        """,
    )
    assert names(toolrun("tools", "desk.py", "--format", "json")) == ["a", "b", "open_desk"]


def test_a_file_can_import_its_neighbours(toolrun: Any, file: Any) -> None:
    file("desk/tools.py", "from neighbour import greet\n__all__ = ['greet']\n")
    file("desk/neighbour.py", "def greet(): 'Greet.'\n")
    assert names(toolrun("tools", "desk/tools.py", "--format", "json")) == ["greet"]


def test_a_file_named_as_a_module_that_is_already_there_is_loaded_all_the_same(toolrun: Any, file: Any) -> None:
    file("json.py", "def greet(): 'Greet.'\n")
    assert names(toolrun("tools", "json.py", "--format", "json")) == ["greet"]


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        ("nowhere.py", "nowhere.py: there is no such file."),
        ("no_such_module", "there is no such file and no such module"),
        ("no.such.module:x", "there is no such file and no such module"),
        ("desk.py:lisetd", "nothing in it is named 'lisetd'; nearest: listed"),
        ("desk.py:number", "3 is no tool, nor a list, a mapping or an instance with public methods"),
        ("empty.py", "it has neither tools nor public functions"),
        pytest.param("mcp:no-such-server", "no-such-server: No such file or directory", marks=WITH_MCP),
        ("bad_all.py", "nothing in it is named 'gone'"),
    ],
)
def test_what_gives_no_tools_is_unusable_and_says_why(toolrun: Any, file: Any, spec: str, complaint: str) -> None:
    file("desk.py", TOOLS)
    file("empty.py", "x = 1\n")
    file("bad_all.py", "__all__ = ['gone']\n")
    ended = toolrun("tools", spec)
    assert ended.status == 2
    assert complaint in " ".join(ended.err.split())
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("spec", ["broken.py", "broken"])
def test_a_file_that_cannot_be_imported_shows_its_own_frames_only(toolrun: Any, file: Any, spec: str) -> None:
    file("broken.py", "from helper import use\n\nuse(3)\n")
    file("helper.py", "def use(x):\n    return x.missing\n")
    ended = toolrun("tools", spec)
    assert ended.status == 2
    assert f"{spec} cannot be imported." in ended.err
    assert ended.err.count('File "') == 2
    assert "AttributeError: 'int' object has no attribute 'missing'" in ended.err
    assert "importlib" not in ended.err


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("def f(:\n", "SyntaxError"),
        ("raise SystemExit(4)\n", "SystemExit: 4"),
        ("import gone\n", "No module named 'gone'"),
    ],
)
def test_whatever_an_import_raises_is_unusable(toolrun: Any, file: Any, text: str, shown: str) -> None:
    file("broken.py", text)
    ended = toolrun("run", "broken.py", "broken.py")
    assert ended.status == 2
    assert shown in ended.err
