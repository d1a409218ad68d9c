"""`toolrun stats`: how often tools are called, how often they fail, how long they take."""

from __future__ import annotations

import click

from toolrun.cli._querying import TakesQuery, json_option, query_argument, reading_option


@click.command(cls=TakesQuery)
@query_argument
@click.option("--since", metavar="WHEN", help="The same as since:WHEN in the query: 1h, 2026-11-22, ...")
@reading_option
@json_option
def stats(query: tuple[str, ...], since: str | None, store: str | None, as_json: bool) -> None:
    """Show calls, errors and durations of each tool, and what fails most.

    Of the runs that meet QUERY and have ended; `toolrun runs --help` has the
    language. The last column has the calls over the time that is shown. Of more
    than 10,000 runs, percentiles are right to 2.5 %, and times to the minute.
    """
    from toolrun.cli._statistics import show_statistics

    show_statistics((*query, *([f"since:{since}"] if since else [])), store, as_json)
