"""What the document shows is what happens, and the public names are those it speaks of."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import toolrun.interop.mcp

DOCUMENT = (Path(__file__).parents[3] / "docs" / "mcp.md").read_text()

PUBLIC = """
    InvalidAddress MalformedAnswer McpError RemoteToolError ServerLost ServerRefused ServerTimeout ServerUnavailable
    UnusableSchema aserve ask_client current_request mcp_server mcp_tools serve
"""


def test_the_program_in_the_document_prints_what_it_says(tmp_path: Path) -> None:
    found = re.search(r"```python\n(import asyncio.*?)```\n\n```text\n(.*?)```", DOCUMENT, re.DOTALL)
    assert found
    program = tmp_path / "program.py"
    program.write_text(found[1])
    ended = subprocess.run([sys.executable, program], capture_output=True, text=True, check=False)
    assert (ended.stdout, ended.stderr) == (found[2], "")


def test_the_public_names_are_these() -> None:
    assert sorted(toolrun.interop.mcp.__all__) == PUBLIC.split()
    assert all(hasattr(toolrun.interop.mcp, name) for name in PUBLIC.split())
