"""`toolrun replay`: a recorded trace, told again or served to a program."""

from __future__ import annotations

import sys
from itertools import islice

import click

from toolrun.cli._querying import reading_option


class TakesProgram(click.Command):
    """A command whose options may stand anywhere before PROGRAM; what comes after that is the program's own."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put TRACE, PROGRAM and its arguments behind the options."""
        options = {name: option for option in self.get_params(ctx) for name in option.opts}
        ours: list[str] = []
        words: list[str] = []
        left = iter(args)
        for arg in left:
            if arg == "--" or (len(words) == 1 and not arg.startswith("-")):
                words += left if arg == "--" else [arg, *left]
            elif arg.startswith("-"):
                ours.append(arg)
                option = options.get(arg)
                if isinstance(option, click.Option) and not option.is_flag:
                    value = list(islice(left, 1))
                    if not value:
                        return super().parse_args(ctx, ours)  # which says that one is missing
                    ours += value
            else:
                words.append(arg)
        return super().parse_args(ctx, [*ours, "--", *words])


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
