"""Standard output, kept for results."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress

from toolrun.cli._errors import Unusable

OURS = "standard output"


@contextmanager
def stdout_for_results() -> Iterator[int]:
    """A descriptor of standard output for results alone.

    What anybody else prints goes to standard error: tools, C code, worker processes and what they start.
    """
    _refuse_if_closed()
    stdout, kept = sys.stdout, os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield kept
    finally:
        with suppress(ValueError):  # a tool may have closed it
            stdout.flush()  # what was printed behind our back, before the descriptor is that of results again
        os.dup2(kept, 1)
        os.close(kept)


@contextmanager
def printing() -> Iterator[None]:
    """Print to standard output; where it takes no more, say so."""
    _refuse_if_closed()
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:  # nobody reads any further, which is no fault of anybody
        raise
    except OSError as error:
        with open(os.devnull, "wb") as nothing:  # what is still in the buffer would fail once more at exit
            os.dup2(nothing.fileno(), sys.stdout.fileno())
        raise Unusable(f"{OURS}: {error.strerror}.") from None


def _refuse_if_closed() -> None:
    if sys.stdout is None:
        raise Unusable(f"{OURS} is closed.")


def open_all_three() -> None:
    """Put the null device where a standard stream is closed, or the next file to be opened would pass for it."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
