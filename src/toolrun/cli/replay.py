"""`toolrun replay`: a recorded trace, told again or served to a program."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from toolrun.cli._arguments import OptionsAnywhere
from toolrun.cli._querying import reading_option


class TakesProgram(OptionsAnywhere):
    """A command whose options may stand anywhere before PROGRAM; what comes after that is the program's own."""

    def ends_options(self, arg: str, words: Sequence[str]) -> bool:
        """PROGRAM is the second word, after TRACE."""
        return len(words) == 1 and not arg.startswith("-")


@click.command(cls=TakesProgram)
@click.argument("trace")
@click.argument("program", metavar="[PROGRAM [ARGS]...]", nargs=-1, type=click.UNPROCESSED)
@click.option("--partly", is_flag=True, help="The program need not make all recorded calls.")
@reading_option
def replay(trace: str, program: tuple[str, ...], partly: bool, store: str | None) -> None:
    """Replay a trace.

    TRACE is the id of a trace in the store, or its beginning or end, or a
    cassette: a file written by `toolrun export --format jsonl`.

    With PROGRAM, a Python file, run that with the recorded results in place of
    its tools. The first call of a tool that was not recorded ends the replay
    with what differs; the exit status is then 1, else the program's own.

    Without PROGRAM, tell what happened, event by event.
    """
    from toolrun.cli._replaying import run_program, tell

    if program:
        sys.exit(run_program(trace, store, list(program), partly))
    tell(trace, store)
