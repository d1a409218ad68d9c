"""What `toolrun export` and `toolrun import` do."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from toolrun.cli._errors import Unusable
from toolrun.cli._querying import note, parsed, reading
from toolrun.cli._recording import USUAL
from toolrun.cli._stdout import printing
from toolrun.errors import ToolrunError


def export_runs(words: Sequence[str], store: str | None, format: str, output: str | None) -> None:
    """Write an export, piece by piece."""
    from toolrun.store.exchange.export import export

    query = parsed(words)
    with reading(store) as reader, _target(output) as file:
        for piece in export(reader.records(query), format):
            file.write(piece)


@contextmanager
def _target(output: str | None) -> Iterator[BinaryIO]:
    """Standard output, or what stands at a path."""
    if output is None or output == "-":
        with printing():
            yield sys.stdout.buffer
        return
    try:
        with _whole(output) if _may_be_replaced(output) else open(output, "wb") as file:
            yield file
    except (BrokenPipeError, ToolrunError):  # nobody reads any further; or it is the store that is at fault
        raise
    except OSError as error:
        raise Unusable(f"{output}: {error.strerror}.") from None


def _may_be_replaced(output: str) -> bool:
    """Whether it is a file, or nothing yet. A device, a pipe, whatever else there is, is written into."""
    try:
        return stat.S_ISREG(os.stat(output).st_mode)
    except FileNotFoundError:
        return True


@contextmanager
def _whole(output: str) -> Iterator[BinaryIO]:
    """A file that is there only when all of it is written; links to it go on leading to it."""
    path = Path(os.path.realpath(output))
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.unfinished")
    try:
        with open(unfinished, "wb") as file:
            yield file
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def import_runs(source: str, store: str | None) -> None:
    """Import a file into a store, which is made if there is none."""
    from toolrun.store.exchange.importing import import_lines
    from toolrun.store.journal import make_store_folder

    folder = Path(store or USUAL)
    try:
        with _opened(source) as lines:
            make_store_folder(folder)
            imported = import_lines(folder, lines, "standard input" if source == "-" else source)
    except ToolrunError as error:
        raise Unusable(str(error)) from None
    except OSError as error:
        raise Unusable(f"{error.filename or folder}: {error.strerror}.") from None
    there = imported.runs - imported.new
    note(f"{imported.new:,} runs imported into {folder}" + (f"; {there:,} were there already." if there else "."))


def _opened(source: str) -> BinaryIO:
    if source != "-":
        try:
            return open(source, "rb")
        except OSError as error:
            raise Unusable(f"{source}: {error.strerror}.") from None
    if sys.stdin is None:
        raise Unusable("standard input is closed.")
    return sys.stdin.buffer
