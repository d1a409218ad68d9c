"""The command line: one file a command.

Command modules import click and nothing heavy at their top, so that `toolrun --help` is quick; what a command
does is in the files that begin with `_`.
"""

from __future__ import annotations

import sys
from typing import Any

import click

from toolrun.cli._ctrl_c import CTRL_C, STATUS
from toolrun.cli._stdout import open_all_three
from toolrun.cli.call import call
from toolrun.cli.check import check
from toolrun.cli.export import export
from toolrun.cli.import_ import import_
from toolrun.cli.mcp import mcp
from toolrun.cli.prune import prune
from toolrun.cli.replay import replay
from toolrun.cli.run import run
from toolrun.cli.runs import runs
from toolrun.cli.show import show
from toolrun.cli.stats import stats
from toolrun.cli.tail import tail
from toolrun.cli.tools import tools

__all__ = ["main"]


class CommandLine(click.Group):
    """Ends by Ctrl-C as a shell expects it, wherever it comes."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        open_all_three()
        try:
            with CTRL_C:
                return super().invoke(ctx)
        except KeyboardInterrupt:
            sys.exit(STATUS)


@click.group(cls=CommandLine, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80})
@click.version_option(package_name="toolrun")
def main() -> None:
    """Run the tools of LLM agents, and show every run.

    TOOLS is a Python file or module, optionally with ':name' behind it. A module
    stands for its tools; if it has none, for what its __all__ names, else for its
    public functions. A name stands for a tool, a list or mapping of tools or
    functions, an instance (its public methods), or a factory: a callable that
    gives the tools of a session.
    """


main.add_command(run)
main.add_command(tools)
main.add_command(call)
main.add_command(mcp)
main.add_command(runs)
main.add_command(show)
main.add_command(stats)
main.add_command(tail)
main.add_command(export)
main.add_command(import_)
main.add_command(replay)
main.add_command(prune)
main.add_command(check)
