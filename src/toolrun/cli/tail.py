"""`toolrun tail`: runs as they begin and end."""

from __future__ import annotations

import click

from toolrun.cli._querying import TakesQuery, query_argument, reading_option


@click.command(cls=TakesQuery)
@query_argument
@click.option("-n", "--last", type=click.IntRange(0), default=10, show_default=True, help="Earlier runs shown first.")
@reading_option
@click.option("--json", "as_json", is_flag=True, help="Print lines of an export, each when its run has ended.")
def tail(query: tuple[str, ...], last: int, store: str | None, as_json: bool) -> None:
    """Show runs that meet QUERY as they happen, until Ctrl-C.

    A run has a line when it ends, and one when it begins if it has not ended by
    then. `toolrun runs --help` has the language of QUERY.
    """
    from toolrun.cli._tailing import tail_runs

    tail_runs(query, last, store, as_json)
