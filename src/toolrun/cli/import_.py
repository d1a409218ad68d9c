"""`toolrun import`: runs that were exported, into a store."""

from __future__ import annotations

import click

from toolrun.cli._recording import store_option


@click.command("import")
@click.argument("file", metavar="FILE.jsonl")
@store_option("The store to import into; it is made if there is none.  [default: .toolrun]")
def import_(file: str, store: str | None) -> None:
    """Import the runs of an export, format jsonl; '-' is standard input.

    A run that is there already stays as it is, so importing twice is the same
    as once. A run that had not ended when it was exported is 'interrupted'.
    """
    from toolrun.cli._exporting import import_runs

    import_runs(file, store)
