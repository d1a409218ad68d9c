"""`toolrun prune`: deletes what is old, or too much."""

from __future__ import annotations

import click

from toolrun.cli._policy import Size
from toolrun.cli._recording import store_option


@click.command()
@click.option("--older-than", metavar="AGE", help="Delete traces whose last run began longer ago: 12h, 7d, ...")
@click.option(
    "--max-size", type=Size(), metavar="SIZE", help="Delete the oldest traces beyond so many bytes: 500M, 2G."
)
@click.option("--keep-errors", is_flag=True, help="Keep the traces in which a run failed.")
@store_option("The store to prune.  [default: .toolrun]")
def prune(older_than: str | None, max_size: int | None, keep_errors: bool, store: str | None) -> None:
    """Delete whole traces from a store, the oldest first.

    Traces that still go on are kept. Recording and reading go on meanwhile.
    """
    from toolrun.cli._upkeep import prune_store

    if older_than is None and max_size is None:
        raise click.UsageError("say what is to go: --older-than AGE, --max-size SIZE, or both.")
    prune_store(older_than, max_size, keep_errors, store)
