"""Text to a stream, coloured as LangChain's handlers colour it."""

from __future__ import annotations

import sys
from typing import TextIO

_COLORS = {"blue": "36;1", "yellow": "33;1", "pink": "38;5;200", "green": "32;1", "red": "31;1"}


def print_text(text: str, color: str | None = None, end: str = "", file: TextIO | None = None) -> None:
    """Write text, in a colour if one is named; the stream is flushed if it is a file."""
    code = _COLORS.get(color or "")
    print(f"\033[{code}m\033[1;3m{text}\033[0m" if code else text, end=end, file=file or sys.stdout)
    if file:
        file.flush()
