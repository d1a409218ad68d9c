"""`toolrun export`: the runs of a store, for other programs."""

from __future__ import annotations

import click

from toolrun.cli._querying import TakesQuery, query_argument, reading_option


@click.command(cls=TakesQuery)
@query_argument
@reading_option
@click.option(
    "--format",
    type=click.Choice(["jsonl", "otlp-json", "chrome"]),
    default="jsonl",
    show_default=True,
    help="Lines of JSON, lines of OTLP JSON, or a trace for ui.perfetto.dev.",
)
@click.option("-o", "--output", metavar="FILE", help="Write here instead of to standard output.")
def export(query: tuple[str, ...], store: str | None, format: str, output: str | None) -> None:
    """Write all runs that meet QUERY, oldest first, with all that is known.

    `toolrun import` reads jsonl back. `toolrun runs --help` has the language of
    QUERY.
    """
    from toolrun.cli._exporting import export_runs

    export_runs(query, store, format, output)
