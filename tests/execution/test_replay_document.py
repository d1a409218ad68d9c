"""What the document on replay shows is what happens."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

DOCUMENT = (Path(__file__).parents[2] / "docs" / "replay.md").read_text()


def test_the_program_in_the_document_prints_what_it_says(tmp_path: Path) -> None:
    [(program, printed)] = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", DOCUMENT, re.DOTALL)
    script = tmp_path / "program.py"
    script.write_text(program)
    ended = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert (ended.stdout, ended.stderr) == (printed, "")
