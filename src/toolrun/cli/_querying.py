"""QUERY and --store, as every command that reads a store takes them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from toolrun.cli._arguments import OptionsAnywhere
from toolrun.cli._errors import Unusable
from toolrun.cli._recording import USUAL, store_option

if TYPE_CHECKING:
    from toolrun.store import Store
    from toolrun.store.query import Query, Reader


class TakesQuery(OptionsAnywhere):
    """A command whose arguments are a query: `-tag:x` is a term of it, unless the command has such an option."""

    def is_option(self, arg: str, options: Mapping[str, click.Parameter]) -> bool:
        """Whether the argument is an option of the command, and not a term."""
        return arg in options or arg.startswith("--") or (arg[:2] in options and arg[2:].isdecimal())  # -n5


query_argument = click.argument("query", nargs=-1, metavar="[QUERY]")
reading_option = store_option("The store to read.  [default: .toolrun]")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")


def parsed(words: Sequence[str]) -> Query:
    """The query that the arguments are, with spaces between them."""
    from toolrun.store.query import MalformedQuery, Query

    try:
        return Query.parse(" ".join(words))
    except MalformedQuery as error:
        raise Unusable(str(error)) from None


@contextmanager
def reading(path: str | None) -> Iterator[Reader]:
    """A reader of the store, brought up to date; what is wrong with it, or asked of it, is unusable input."""
    from toolrun.errors import ToolrunError
    from toolrun.store.query import Reader

    try:
        with Reader(opened(path)) as reader:
            yield reader
    except ToolrunError as error:
        raise Unusable(str(error)) from None


def opened(path: str | None) -> Store:
    """The store at the path, or at the usual one. One that cannot be written is read as far as it was brought."""
    from toolrun.store import StoreUnwritable, open_store

    try:
        return open_store(path or USUAL)
    except StoreUnwritable as error:
        store = open_store(path or USUAL, readonly=True)
        if store.journal_bytes:
            note(f"What waits in its journal is not seen: the store cannot be written ({error.why}).")
        return store


def note(text: str) -> None:
    """Say something beside the output."""
    from toolrun.cli._visible import visible_lines

    click.echo(visible_lines(text), err=True)


def write_json(value: Any) -> None:
    """Print a value as one line of JSON."""
    import orjson

    sys.stdout.buffer.write(orjson.dumps(value) + b"\n")
