"""Where names of LangChain's users are here: what `docs/differences.md` says, and what it need not say."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

TEXT = (Path(__file__).parents[2] / "docs" / "differences.md").read_text(encoding="utf-8")
ROWS = [line.strip("|").split("|") for line in TEXT.split("## Where names are")[1].splitlines() if "`: " in line]
MOVED = [
    (name.strip(), there.split("`")[1], here.strip(" `"))
    for there, here in ROWS
    if here.strip().startswith("`toolrun")
    for name in there.split(": ")[1].split(",")
]


@pytest.mark.parametrize(("name", "there", "here"), MOVED)
def test_a_name_that_moved_is_where_the_table_says(name: str, there: str, here: str) -> None:
    assert hasattr(import_module(here), name)
    submodule = f"toolrun.{there}"
    try:
        module = import_module(submodule)
    except ModuleNotFoundError:
        return
    assert not hasattr(module, name), f"{name} is in {submodule} too: the row is not needed"


@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("base", "BaseTool SchemaAnnotationError ToolException InjectedToolArg InjectedToolCallId ArgsSchema"),
        ("convert", "convert_runnable_to_tool"),
        ("render", "render_text_description render_text_description_and_args ToolsRenderer"),
        ("simple", "Tool"),
        ("structured", "StructuredTool"),
    ],
)
def test_submodules_of_tools_have_what_users_import_from_them(module: str, names: str) -> None:
    found = import_module(f"toolrun.tools.{module}")
    assert all(hasattr(found, name) for name in names.split())
