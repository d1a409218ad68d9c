"""How what is called differs from what was recorded, for people. Secrets are masked on both sides."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from difflib import unified_diff
from typing import Any

from toolrun.execution.replay_recording import RecordedCall
from toolrun.redaction import default
from toolrun.store._encode import encode

_MOST_LINES = 40
_MOST_TOOLS = 8


def difference(tool: str, arguments: Any, recorded: RecordedCall) -> str:
    """The arguments of both calls side by side, as lines that were taken away and added."""
    then, now = _shown(recorded.run.name, recorded.payload.inputs), _shown(tool, arguments)
    titles = f"recorded: call {recorded.number}, run {recorded.run.id}", "called now"
    lines = list(unified_diff(then, now, *titles, n=3, lineterm=""))
    more = [f"... {len(lines) - _MOST_LINES} more lines"] if len(lines) > _MOST_LINES else []
    return "\n".join([*lines[:_MOST_LINES], *more, *_notes(recorded)])


def listed(calls: Iterable[RecordedCall]) -> str:
    """How often which tools are called."""
    counts = Counter(call.run.name for call in calls)
    shown = [f"{name} x {count:,}" if count > 1 else name for name, count in list(counts.items())[:_MOST_TOOLS]]
    return ", ".join([*shown, *(["..."] if len(counts) > _MOST_TOOLS else [])])


def _shown(tool: str, arguments: Any) -> list[str]:
    encoded, _ = default().redact_json(encode(arguments)[0])
    return [tool, *json.dumps(json.loads(encoded), indent=2, sort_keys=True, ensure_ascii=False).splitlines()]


def _notes(recorded: RecordedCall) -> list[str]:
    changed = [note for note in ("masked", "cut") if "inputs" in recorded.payload.notes.get(note, ())]
    return [f"(the recorded arguments were {' and '.join(changed)})"] if changed else []
