"""A run in a line of text: its status in colour, its times, what it took and gave."""

from __future__ import annotations

from datetime import datetime

from rich.text import Text

from toolrun.cli._summary import milliseconds
from toolrun.cli._visible import visible
from toolrun.store.query import StoredRun

STYLES = {"ok": "green", "running": "cyan", "paused": "yellow", "cancelled": "yellow", "interrupted": "magenta"}
FAILED = "red"
ARROW = " → "

_MESSAGE = '{"type":"tool","content":'  # how the JSON of a tool message begins: its content says it all


def status_text(run: StoredRun) -> Text:
    """The status, in its colour."""
    return Text(run.status, STYLES.get(run.status, FAILED))


def took(us: float | None) -> str:
    """A duration as a person would say it; nothing of what has none."""
    return "" if us is None else milliseconds(us / 1000)


def began(run: StoredRun, today: datetime) -> str:
    """The local time of day, or for another day the date and the time."""
    at = datetime.fromtimestamp(run.at / 1e6).astimezone()
    return f"{at:%H:%M:%S}" if at.date() == today.date() else f"{at:%m-%d %H:%M}"


def one_line(text: str) -> str:
    """Text in one line, with nothing in it that would steer the terminal."""
    return visible(" ".join(text.split()))


def account(run: StoredRun, inputs: str, output: str, width: int) -> Text:
    """What a run took and what became of it, the JSON of both or its error, in so many columns of the terminal.

    What became of it has what it needs of the room, but for a third.
    """
    given, came = Text(one_line(inputs)), _outcome(run, output)
    if not came:
        given.truncate(width, overflow="ellipsis")
        return given
    room = max(0, width - len(ARROW))
    given.truncate(max(room - came.cell_len, room // 3), overflow="ellipsis")
    came.truncate(room - given.cell_len, overflow="ellipsis")
    return given.append(ARROW).append_text(came)


def _outcome(run: StoredRun, output: str) -> Text:
    if run.is_failed and run.error_type:
        return Text(one_line(f"{run.error_type}: {run.error_message or ''}"), FAILED)
    return Text(one_line(output.removeprefix(_MESSAGE)))
