"""What `toolrun replay` does."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Iterable, Iterator
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

import click

from toolrun.cli._errors import Unusable, own_traceback
from toolrun.cli._querying import reading
from toolrun.cli._recording import USUAL
from toolrun.cli._run_text import one_line
from toolrun.cli._stdout import printing
from toolrun.cli._visible import visible_lines
from toolrun.errors import ToolrunError
from toolrun.execution.replay import replaying
from toolrun.execution.replay_errors import ReplayError
from toolrun.store.exchange.export import read_line
from toolrun.store.query import Payload, StoredRun

Record = tuple[StoredRun, Payload]

_WIDTH = 120


def run_program(trace: str, store: str | None, program: list[str], partly: bool) -> int:
    """Run the program with what was recorded in place of its tools; the exit status."""
    path = Path(program[0])
    if not path.is_file():
        raise Unusable(f"{path}: there is no such file.")
    try:
        is_cassette = Path(trace).is_file()
        replay = replaying(trace if is_cassette else store or USUAL, None if is_cassette else trace, partly=partly)
    except ToolrunError as error:
        raise Unusable(str(error)) from None
    sys.argv[:], sys.path[0:0] = program, [str(path.resolve().parent)]
    try:
        with replay:
            return _status_of(path)
    except ReplayError as error:
        click.echo(visible_lines(str(error)), err=True)
        return 1
    except Exception as error:
        click.echo(visible_lines(own_traceback(error)), err=True)
        return 1


def _status_of(program: Path) -> int:
    """Run the program to its end; its exit status."""
    try:
        runpy.run_path(str(program), run_name="__main__")
    except SystemExit as end:
        if isinstance(end.code, str):
            click.echo(end.code, err=True)
            return 1
        return end.code or 0
    return 0


class Moment(NamedTuple):
    """Something that happened in a run."""

    at: int
    depth: int
    name: str
    what: str
    value: str


def tell(trace: str, store: str | None) -> None:
    """Print what happened in the trace, in its order, with the seconds since its start."""
    records = list(_records(trace, store))
    moments = sorted((moment for record, depth in records for moment in _moments(record, depth)), key=attrgetter("at"))
    with printing():
        for moment in moments:
            click.echo(_line(moment, (moment.at - moments[0].at) / 1e6))


def _records(trace: str, store: str | None) -> Iterator[tuple[Record, int]]:
    """The runs of the trace, with how deep they are in it."""
    if Path(trace).is_file():
        yield from _with_depths(_lines(Path(trace)))
        return
    with reading(store) as reader:
        for each in reader.tree(reader.find(trace).trace):
            yield (each.run, reader.payload(each.run)), each.depth


def _lines(path: Path) -> Iterator[Record]:
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            yield read_line(line)
        except ToolrunError as error:
            raise Unusable(f"{path}:{number}: {error}") from None


def _with_depths(records: Iterable[Record]) -> Iterator[tuple[Record, int]]:
    depths: dict[str | None, int] = {}
    for record in records:
        run = record[0]
        depths[run.id] = depths.get(run.parent, -1) + 1
        yield record, depths[run.id]


def _moments(record: Record, depth: int) -> Iterator[Moment]:
    run, payload = record
    yield Moment(run.at, depth, run.name, "start", payload.inputs_json or "")
    for event in payload.events:
        yield Moment(event.at, depth, run.name, event.event, event.json or "")
    if run.us is not None:
        error = f"{run.error_type}: {run.error_message}" if run.error_type else ""
        yield Moment(run.at + run.us, depth, run.name, run.status, error or payload.output_json or "")


def _line(moment: Moment, seconds: float) -> str:
    text = f"{seconds:9.3f} s  {'  ' * moment.depth}{one_line(moment.name)} {moment.what}  {one_line(moment.value)}"
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 3]}..."
