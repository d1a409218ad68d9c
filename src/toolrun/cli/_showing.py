"""What `toolrun show` does."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from datetime import datetime

import orjson
from rich.console import Console
from rich.text import Text

from toolrun.cli._querying import reading
from toolrun.cli._run_text import account, one_line, status_text, took
from toolrun.cli._stdout import printing
from toolrun.cli._visible import visible_lines
from toolrun.store.exchange.export import line_of
from toolrun.store.query import Payload, Reader, StoredEvent, StoredRun, TreeRun

LEAST = 20
TREE_LINES = 100
VALUE_LINES = 40
VALUE_CHARACTERS = 8_000
_LAST, _OTHER, _PAST, _PASSING = "└─ ", "├─ ", "   ", "│  "


def show_run(id: str, full: bool, store: str | None, as_json: bool) -> None:
    """Print the run, or the lines of its export."""
    with reading(store) as reader, printing(), reader.at_one_moment():
        run = reader.find(id)
        below = _with_those_below(reader, run)
        if as_json:
            for node in below:
                sys.stdout.buffer.write(line_of(node.run, reader.payload(node.run)))
            return
        console = Console(highlight=False)
        payload = reader.payload(run)
        for line in _heading(run, payload):
            console.print(line)
        if len(below) > 1:
            console.print()
            for line in _tree(reader, below, None if full else TREE_LINES, console.width):
                console.print(line, no_wrap=True, overflow="ellipsis")
        for title, text in _sections(payload):
            console.print(Text(f"\n{title}", "bold"))
            console.print(Text(visible_lines(text if full else shortened(text))))


def _with_those_below(reader: Reader, run: StoredRun) -> list[TreeRun]:
    tree = reader.tree(run.trace)
    place = next(place for place, node in enumerate(tree) if node.run.id == run.id)
    if run.parent is None and place == 0:
        return tree
    return tree[place : place + tree[place].below + 1]


def _heading(run: StoredRun, payload: Payload) -> Iterator[Text]:
    head = Text(one_line(run.name), "bold").append(f"  {run.kind}  ", "default not bold").append_text(status_text(run))
    yield head.append(f"  {took(run.us)}" if run.us is not None else "")
    facts = {
        "id": run.id,
        "began": datetime.fromtimestamp(run.at / 1e6).astimezone().isoformat(" ", "milliseconds"),
        "trace": run.trace if run.trace != run.id else None,
        "parent": run.parent,
        "session": run.session,
        "tool call": run.call_id,
        "engine": run.engine,
        "worker": run.worker,
        "attempts": run.attempts if run.attempts > 1 else None,
        "cached": "yes" if run.cached else None,
        "stopped by": run.stopped_by,
        "tags": ", ".join(payload.tags) or None,
        **{note: ", ".join(fields) for note, fields in payload.notes.items() if note != "digest"},
    }
    for name, value in facts.items():
        if value is not None:
            yield Text(f"{name:<10} ", "dim").append(one_line(str(value)), "default not dim")


def _tree(reader: Reader, nodes: Sequence[TreeRun], limit: int | None, width: int) -> Iterator[Text]:
    """A line a run: branches, name, status, when it began after the root, how long it took, what went in and out."""
    first = nodes[0]
    open_below: list[int] = []  # for each depth, how many children of the run there are still to come
    children = _children(nodes)
    previews = reader.previews(node.run for node in nodes[:limit])
    for place, node in enumerate(nodes[:limit]):
        depth = node.depth - first.depth
        del open_below[depth:]
        if depth:
            open_below[-1] -= 1
        branches = "".join(_PASSING if left else _PAST for left in open_below[:-1])
        branches += (_OTHER if open_below[-1] else _LAST) if depth else ""
        line = _tree_line(node.run, branches, node.run.at - first.run.at)
        room = max(LEAST, width - line.cell_len)
        yield line.append_text(account(node.run, *previews[node.run.id], room))
        open_below.append(children[place])
    if limit is not None and len(nodes) > limit:
        yield Text(f"... and {len(nodes) - limit:,} runs more: --full shows them", "dim")


def _children(nodes: Sequence[TreeRun]) -> list[int]:
    """How many runs lie directly below each."""
    children = [0] * len(nodes)
    above: list[int] = []
    for place, node in enumerate(nodes):
        depth = node.depth - nodes[0].depth
        del above[depth:]
        if above:
            children[above[-1]] += 1
        above.append(place)
    return children


def _tree_line(run: StoredRun, branches: str, after_us: int) -> Text:
    """The line as far as it goes without inputs and output."""
    line = Text(branches, "dim").append(one_line(run.name), "bold").append(" ").append_text(status_text(run))
    line.append(f" {took(run.us)}" if run.us is not None else "")
    line.append(f" +{took(after_us)}" if after_us > 0 else "", "dim")
    return line.append("  ")


def _sections(payload: Payload) -> Iterator[tuple[str, str]]:
    """Everything that has a title of its own."""
    if payload.inputs_json is not None:
        yield "inputs", pretty(payload.inputs_json)
    if payload.events:
        yield "events", "\n".join(map(_event, payload.events))
    if payload.output_json is not None:
        yield "output", pretty(payload.output_json)
    if error := payload.error:
        yield "error", str(error.get("traceback") or f"{error.get('type')}: {error.get('message')}").rstrip()
    if payload.metadata_json is not None and payload.metadata:
        yield "metadata", pretty(payload.metadata_json)


def pretty(json: str) -> str:
    """JSON over several lines; a text as it is, which is how it is read best."""
    value = orjson.loads(json)
    return value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def shortened(text: str) -> str:
    """The first lines and characters of a text, and how many more there are."""
    head = "\n".join(text[:VALUE_CHARACTERS].split("\n", VALUE_LINES)[:VALUE_LINES])
    if len(head) == len(text):
        return text
    lines = text.count("\n", len(head) + 1) + 1 if text[len(head)] == "\n" else 0
    more = f"{lines:,} lines" if lines else f"{len(text) - len(head):,} characters"
    return f"{head}\n... and {more} more: --full shows them"


def _event(event: StoredEvent) -> str:
    at = datetime.fromtimestamp(event.at / 1e6).astimezone()
    return f"{at:%H:%M:%S.%f}"[:-3] + f"  {one_line(event.event)}  {one_line(event.json or '')}"
