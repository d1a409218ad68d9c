"""Whether and where `toolrun run` and `toolrun call` record what they do."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from toolrun.cli._errors import Unusable
from toolrun.cli._visible import visible

if TYPE_CHECKING:
    from toolrun.handlers import Recorder

USUAL = ".toolrun"
VARIABLE = "TOOLRUN_STORE"


def store_option(help: str) -> Callable[..., Callable[..., None]]:
    """The option `--store`, whose default is `TOOLRUN_STORE`."""
    return click.option("--store", metavar="PATH", envvar=VARIABLE, show_envvar=True, help=help)


@contextmanager
def recording(path: str | None, usual: str | None = None) -> Iterator[Recorder | None]:
    """A recorder at the path, or at the usual one: if that cannot be written, a note says that nothing is recorded."""
    if VARIABLE in os.environ:  # what records every run of the process since toolrun was imported
        from toolrun.handlers.environment import forget

        forget()
    where = path or usual
    if where is None:
        yield None
        return
    from toolrun.handlers import Recorder
    from toolrun.store.errors import StoreError

    trouble = _trouble(where)
    try:
        recorder = Recorder(where, index=trouble is None)
    except StoreError as error:
        if path:
            raise Unusable(str(error)) from None
        click.echo(visible(f"Nothing is recorded. {error}"), err=True)
        yield None
        return
    if trouble:
        click.echo(visible(f"What is recorded stays in the journal for now. {trouble}"), err=True)
    with recorder:
        yield recorder


def _trouble(path: str) -> Exception | None:
    """What keeps the journal of the store from being indexed, where that is known: a file is damaged, or of others."""
    from toolrun.store.errors import StoreError
    from toolrun.store.sqlite import store_files

    try:
        for file in store_files(Path(path).expanduser()):
            file.reading().close()
    except StoreError as error:
        return error
    except OSError:  # no folder: that is for who begins to record
        return None
    return None


def drops_of(recorder: Recorder | None) -> Iterator[str]:
    """A line for each reason for which records were lost."""
    for (record, reason), count in sorted((recorder.dropped if recorder else {}).items()):
        yield f"{count:,} {record} records could not be written: {reason}."
