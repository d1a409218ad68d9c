"""What a query consists of: terms, each a condition on one run, and how they are written.

The parser is in `_language`; what a term means to the store, in `_meanings`. `str` of a term, and of a query, is
its one normal form, and parsing it gives an equal term.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from toolrun.store.query._moments import Moment, print_duration, print_moment

FIELDS = {
    "tool": "the tool's name: tool:search, tool:get_*",
    "name": "the run's name, of whatever kind: name:planner",
    "kind": "the kind of run: kind:llm",
    "status": "how the run stands: status:error,timeout",
    "error": "part of the error's type or of its message: error:timeout",
    "session": "the session: session:talk-7",
    "tag": "a tag: tag:nightly",
    "engine": "the engine that ran it: engine:processes",
    "call": "the model's id of the tool call: call:toolu_01",
    "trace": "the trace, by the beginning or the end of its id: trace:9c61451b",
    "dur": "how long it took: dur>1.5s, dur<200ms",
    "since": "began no earlier: since:1h, since:2026-11-22",
    "before": "began earlier: before:2026-11-22T10:00",
}
"""Every field with a line for people: help, completion and the nearest names are made from it."""

KINDS = ("tool", "chain", "llm", "chat_model", "retriever", "agent", "custom")

_BARE_VALUE = re.compile(r'[^\s,"*]+')
_BARE_WORD = re.compile(r'(?!-)[^\s"*:<>]+')


def quoted(text: str) -> str:
    """The text in quotes, in which only a quote and a backslash are written with a backslash before them."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@dataclass(frozen=True, slots=True)
class Value:
    """What a field is compared with; in a pattern, which is never quoted, `*` stands for anything."""

    text: str
    is_pattern: bool = False

    def __str__(self) -> str:
        return self.text if self.is_pattern or _BARE_VALUE.fullmatch(self.text) else quoted(self.text)


@dataclass(frozen=True, slots=True)
class Is:
    """`field:value,value`: the field is one of the values."""

    field: str
    values: tuple[Value, ...]
    negated: bool = False

    def __str__(self) -> str:
        return f"{_sign(self.negated)}{self.field}:{','.join(map(str, self.values))}"


@dataclass(frozen=True, slots=True)
class Lasts:
    """`dur>1.5s`: how long the run took. A run that still runs has no duration."""

    operator: Literal["<", "<=", ">", ">="]
    us: int

    def __str__(self) -> str:
        return f"dur{self.operator}{print_duration(self.us)}"


@dataclass(frozen=True, slots=True)
class Began:
    """`since:1h`, `before:2026-11-22`: when the run began."""

    field: Literal["since", "before"]
    moment: Moment

    def __str__(self) -> str:
        return f"{self.field}:{print_moment(self.moment)}"


@dataclass(frozen=True, slots=True)
class Says:
    """Free text: words that stand one after another in the run's inputs, output or error; a prefix ends in `*`."""

    text: str
    is_prefix: bool = False
    negated: bool = False

    def __str__(self) -> str:
        text = self.text if _BARE_WORD.fullmatch(self.text) else quoted(self.text)
        return f"{_sign(self.negated)}{text}{'*' if self.is_prefix else ''}"


Term = Is | Lasts | Began | Says


def _sign(negated: bool) -> str:
    return "-" if negated else ""
