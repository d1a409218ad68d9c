"""`toolrun check`: whether all is well with a store."""

from __future__ import annotations

import sys

import click

from toolrun.cli._querying import json_option, reading_option


@click.command()
@reading_option
@json_option
def check(store: str | None, as_json: bool) -> None:
    """Look at every page and every record of a store. Nothing is changed.

    Says what is damaged, what could not be written, and what waits in the
    journal. The exit status is 0 if nothing is damaged, 1 if something is, 2 if
    there is no store.
    """
    from toolrun.cli._upkeep import check_store

    sys.exit(0 if check_store(store, as_json) else 1)
