"""What `toolrun prune` and `toolrun check` do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import click

from toolrun.cli._errors import Unusable
from toolrun.cli._querying import note, write_json
from toolrun.cli._recording import USUAL
from toolrun.cli._stdout import printing
from toolrun.cli._visible import visible_lines
from toolrun.errors import ToolrunError
from toolrun.store import NewerStore, Store, StoreError, open_store
from toolrun.store.check import Checked, check
from toolrun.store.query._moments import UNIT_NAMES, parse_duration
from toolrun.store.retention import prune


def prune_store(older_than: str | None, max_bytes: int | None, keep_errors: bool, path: str | None) -> None:
    """Prune, and say what went."""
    age = None if older_than is None else _age(older_than)
    try:
        with open_store(path or USUAL) as store:
            pruned = prune(store, older_than=age, max_bytes=max_bytes, keep_errors=keep_errors)
    except ToolrunError as error:
        raise Unusable(str(error)) from None
    files = f" and {_count(pruned.files, 'file')}" if pruned.files else ""
    sizes = f"{size(pruned.bytes_before)} before, {size(pruned.bytes_after)} now"
    note(f"{_count(pruned.runs, 'run')}{files} deleted: {sizes}.")


def check_store(path: str | None, as_json: bool) -> bool:
    """Print what is to be known of a store; whether nothing is damaged."""
    try:
        checked = check(_as_it_is(Path(path or USUAL).expanduser()))
    except ToolrunError as error:
        raise Unusable(str(error)) from None
    problems = checked.problems
    with printing():
        if as_json:
            write_json(_facts(checked))
        else:
            click.echo(visible_lines("\n".join(_lines(checked))))
    return not problems


def size(count: int) -> str:
    """So many bytes, in the unit that a person would choose."""
    amount, unit = float(count), "bytes"
    for unit in ("bytes", "KB", "MB", "GB", "TB"):
        if amount < 1000 or unit == "TB":
            break
        amount /= 1000
    return f"{amount:.0f} {unit}" if unit == "bytes" or amount >= 99.5 else f"{amount:.1f} {unit}"


def _age(text: str) -> timedelta:
    us = parse_duration(text)
    if us is None:
        raise Unusable(f"--older-than: {text!r} is no duration: a number and {UNIT_NAMES}, as in 7d.")
    return timedelta(microseconds=us)


def _as_it_is(folder: Path) -> Store:
    """The store, also where one of its files is so damaged that a store cannot be opened."""
    try:
        return open_store(folder, readonly=True)
    except NewerStore:
        raise
    except StoreError as error:
        if error.path == folder:
            raise
        return Store(folder, readonly=True)


def _lines(checked: Checked) -> Iterator[str]:
    for file in checked.files:
        yield f"{file.name}: {_count(file.runs, 'run')}, {size(file.size)}"
    for segment in checked.segments:
        whose = "its process lives" if segment.alive else "its process has ended"
        yield f"journal/{segment.name}: {_count(segment.records, 'record')} not indexed yet; {whose}"
    for (record, reason), count in sorted(checked.dropped.items()):
        yield f"{_count(count, f'{record} record')} could not be written: {reason}"
    if checked.cut_bytes:
        yield f"{_count(checked.cut_bytes, 'byte')} of torn records were left out when processes had died"
    yield from checked.problems
    yield f"{_count(len(checked.problems), 'problem')}." if checked.problems else "Nothing is damaged."


def _facts(checked: Checked) -> dict[str, object]:
    return {
        "problems": checked.problems,
        "files": [asdict(file) for file in checked.files],
        "segments": [asdict(segment) for segment in checked.segments],
        "dropped": [
            {"record": record, "reason": reason, "count": count}
            for (record, reason), count in sorted(checked.dropped.items())
        ],
        "cut_bytes": checked.cut_bytes,
    }


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
