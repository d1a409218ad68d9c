"""`toolrun show`: one run, with all that is known of it."""

from __future__ import annotations

import click

from toolrun.cli._querying import json_option, reading_option


@click.command()
@click.argument("id", metavar="RUN_OR_TRACE")
@click.option("--full", is_flag=True, help="Leave nothing out: every run of the tree, every line of its values.")
@reading_option
@json_option
def show(id: str, full: bool, store: str | None, as_json: bool) -> None:
    """Show a run: the runs below it as a tree, what it took and what it gave.

    RUN_OR_TRACE is an id, or its beginning or its end, as `toolrun runs` shows
    it. With --json, the run and those below it are lines of an export.
    """
    from toolrun.cli._showing import show_run

    show_run(id, full, store, as_json)
