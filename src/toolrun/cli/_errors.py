"""What a user got wrong: a message and exit status 2, never our traceback."""

from __future__ import annotations

import importlib
from pathlib import Path
from traceback import TracebackException

import click

from toolrun.cli._visible import visible_lines

NOT_THE_USERS = (str(Path(__file__).parents[1]), importlib.__file__, "<frozen ")


class Unusable(click.ClickException):
    """The input cannot be used at all."""

    exit_code = 2

    def format_message(self) -> str:
        """The message, with nothing in it that would steer the terminal."""
        return visible_lines(self.message)


def own_traceback(error: BaseException) -> str:
    """The traceback of the user's own code: without our frames, and without those of the import machinery."""
    trace = TracebackException.from_exception(error)
    _shorten(trace)
    return "".join(trace.format()).rstrip()


def _shorten(trace: TracebackException) -> None:
    trace.stack[:] = [frame for frame in trace.stack if not frame.filename.startswith(NOT_THE_USERS)]
    for link in (trace.__cause__, trace.__context__, *(trace.exceptions or ())):
        if link is not None:
            _shorten(link)
