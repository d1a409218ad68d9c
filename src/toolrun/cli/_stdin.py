"""Standard input, kept for calls."""

from __future__ import annotations

import os
import sys
from io import FileIO

from toolrun.cli._errors import Unusable


class StandardInput(FileIO):
    """Standard input for the calls alone: until it is closed, anybody else who reads there finds nothing.

    Tools would eat calls otherwise, and so would the child processes that they start.
    """

    def __init__(self) -> None:
        if sys.stdin is None:
            raise Unusable("standard input is closed.")
        super().__init__(os.dup(0))
        with open(os.devnull, "rb") as nothing:
            os.dup2(nothing.fileno(), 0)

    def close(self) -> None:
        """Give it back."""
        if not self.closed:
            os.dup2(self.fileno(), 0)
        super().close()
