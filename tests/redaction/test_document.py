"""What the document on secrets shows is what happens."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

DOCUMENT = (Path(__file__).parents[2] / "docs" / "redaction.md").read_text()


def test_the_program_in_the_document_prints_what_it_says() -> None:
    [(program, printed)] = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", DOCUMENT, re.DOTALL)
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ended.stdout, ended.stderr) == (printed, "")
