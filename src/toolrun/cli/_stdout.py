"""Standard output, kept for results."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

from toolrun.cli._errors import Unusable


@contextmanager
def stdout_for_results() -> Iterator[int]:
    """A descriptor of standard output for results alone.

    What anybody else prints goes to standard error: tools, C code, worker processes and what they start.
    """
    try:
        sys.stdout.flush()
        kept = os.dup(1)
    except OSError as error:
        raise Unusable(f"standard output: {error.strerror}.") from None
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield kept
    finally:
        os.dup2(kept, 1)
        os.close(kept)
