"""The pages of docs about other frameworks show programs and what they print."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {"interop/langchain": "langchain", "interop/openai-agents": "agents", "interop/pydantic-ai": "pydantic_ai"}
PAGES["migration"] = "langchain"
PROGRAMS = [
    pytest.param(peer, program, printed, id=f"{page} {number}")
    for page, peer in PAGES.items()
    for number, (program, printed) in enumerate(
        re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", (DOCS / f"{page}.md").read_text(), re.DOTALL)
    )
]


@pytest.mark.parametrize(("peer", "program", "printed"), PROGRAMS)
def test_a_program_prints_what_the_page_says(peer: str, program: str, printed: str, tmp_path: Path) -> None:
    pytest.importorskip(peer)
    script = tmp_path / "program.py"
    script.write_text(program)
    ended = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert (ended.stdout, ended.stderr) == (printed, "")


def test_every_page_shows_a_program() -> None:
    assert {param.id.split()[0] for param in PROGRAMS} == PAGES.keys()
