"""`toolrun runs`: what ran, the latest first."""

from __future__ import annotations

import click

from toolrun.cli._querying import TakesQuery, json_option, query_argument, reading_option


@click.command(cls=TakesQuery)
@query_argument
@click.option("-n", "--limit", type=click.IntRange(1), default=20, show_default=True, help="How many are listed.")
@click.option("--after", metavar="PLACE", help="Go on where an earlier list ended, which says how.")
@click.option("--each", is_flag=True, help="List the runs that meet QUERY, not the traces that they belong to.")
@reading_option
@json_option
def runs(query: tuple[str, ...], limit: int, after: str | None, each: bool, store: str | None, as_json: bool) -> None:
    """List the latest traces in which a run meets QUERY.

    \b
    tool:search status:error,timeout    fields; a comma means or
    dur>1.5s since:1h before:2026-11-22 how long, and when
    session:talk-7 tag:nightly error:no also name: kind: engine: call: trace:
    eclipse ecl* '"total eclipse"'      words of inputs, output and error
    -tag:nightly -draft                 what must not be

    One run has to meet all of it. '*' stands for anything. The exit status is 2
    if the query or the store is unusable.
    """
    from toolrun.cli._runs_listing import list_runs

    list_runs(query, limit, after, each, store, as_json)
