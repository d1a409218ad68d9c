"""The query language, one for the command line, the viewer and replay: text in, a `Query` out. No input or output.

    query  =  terms between spaces; one run meets them all
    term   =  ["-"] field ":" value *("," value)          tool:search,fetch   -status:ok   error:"no such"
           |  "dur" ("<" | "<=" | ">" | ">=") duration    dur>1.5s
           |  ("since" | "before") ":" moment             since:1h   before:2026-11-22T10:00
           |  ["-"] (word | word "*" | quoted)            eclipse   ecl*   "total eclipse"   -draft
    value  =  characters but space, comma, quote; "*" stands for anything   |   quoted
    quoted =  '"' characters, with \\" and \\\\ '"'          taken as they stand

What looks like a field must be one: `http://x` is an error that says how to search for it as text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal, cast
from unicodedata import combining, east_asian_width

from toolrun.errors import ToolrunError
from toolrun.run import RunStatus
from toolrun.store.query._moments import UNIT_NAMES, parse_duration, parse_moment
from toolrun.store.query._terms import FIELDS, KINDS, Began, Is, Lasts, Says, Term, Value, quoted

STATUSES = (*(status.value for status in RunStatus), "interrupted")
CHOICES = {"status": STATUSES, "kind": KINDS}

_SPACE = re.compile(r"\s+")
_FIELD = re.compile(r"(-?)([A-Za-z_]+)(:|[<>]=?)")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_VALUE = re.compile(r'[^\s,"]+')
_WORD = re.compile(r'[^\s"]+')
_REST = re.compile(r"\S*")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_HEX = re.compile(r"[0-9a-fA-F-]+")


class MalformedQuery(ToolrunError, ValueError):
    """A query that cannot be read: says where, why, and what to write instead."""

    def __init__(self, text: str, start: int, end: int, problem: str) -> None:
        self.text, self.start, self.end, self.problem = text, start, max(end, start + 1), problem
        line = re.sub(r"\s", " ", text)
        marks = " " * columns(line[:start]) + "^" * max(1, columns(line[start:end]))
        super().__init__(f"{problem}\n  {line}\n  {marks}")


def columns(text: str) -> int:
    """How many columns of a terminal the text takes."""
    return sum(0 if combining(each) else 2 if east_asian_width(each) in "WF" else 1 for each in text)


@dataclass(frozen=True, slots=True)
class Query:
    """Conditions that one run meets all together. The empty query is met by every run."""

    terms: tuple[Term, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Query:
        """Read a query; `MalformedQuery` if it is none."""
        return cls(tuple(_Parser(text).terms()))

    def __str__(self) -> str:
        return " ".join(map(str, self.terms))

    def __bool__(self) -> bool:
        return bool(self.terms)

    def __and__(self, other: Query) -> Query:
        """A query that is met where both are."""
        return Query(self.terms + other.terms)


class _Parser:
    """Reads one text from left to right; `at` is the place that it has come to."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def terms(self) -> Iterator[Term]:
        while self._skip(_SPACE) or self.at < len(self.text):
            if self.at < len(self.text):
                yield self._term()

    def _term(self) -> Term:
        start = self.at
        field = _FIELD.match(self.text, self.at)
        if field is None:
            return self._says(start)
        name = self._known(field)
        self.at = field.end()
        if name == "dur":
            return self._lasts(field)
        if field[3] != ":":
            raise self._wrong(start, field.end(), f"Only dur is compared by {field[3]}: write {name}:VALUE.")
        return self._began(field) if name in ("since", "before") else self._is(name, bool(field[1]))

    def _known(self, field: re.Match[str]) -> str:
        """The field's name, in whatever case it was written."""
        name = field[2].lower()
        if name in FIELDS:
            return name
        nearest = get_close_matches(name, FIELDS, 1)
        hint = f"Did you mean {nearest[0]}?" if nearest else f"There are: {', '.join(FIELDS)}."
        whole = _REST.match(self.text, field.start(2))
        as_text = quoted((whole[0] if whole else "").replace('"', ""))
        raise self._wrong(*field.span(2), f"No field is named {field[2]!r}. {hint} To search for the text: {as_text}.")

    def _is(self, name: str, negated: bool) -> Is:
        values = [self._value(name)]
        while self._skip(","):
            values.append(self._value(name))
        self._end_of_term()
        return Is(name, tuple(values), negated)

    def _value(self, name: str) -> Value:
        start = self.at
        if (text := self._quoted()) is not None:
            value = Value(text)
        elif match := self._skip(_VALUE):
            value = Value(match, "*" in match)
        else:
            raise self._wrong(start, start, f"{name}: needs a value, as in {_example(name)}.")
        if not value.text:
            raise self._wrong(start, self.at, f"{name}: needs a value, as in {_example(name)}.")
        if name == "trace" and not _HEX.fullmatch(value.text):
            raise self._wrong(start, self.at, f"{value.text!r} does not begin an id, which has digits and a-f.")
        return self._choice(name, value, start)

    def _choice(self, name: str, value: Value, start: int) -> Value:
        """The value, if the field takes any, or takes this one."""
        choices = CHOICES.get(name)
        if choices is None or value.text in choices:
            return value
        nearest = get_close_matches(value.text.lower(), choices, 1)
        hint = f"Did you mean {nearest[0]}?" if nearest else f"There are: {', '.join(choices)}."
        raise self._wrong(start, self.at, f"No {name} is {value.text!r}. {hint}")

    def _lasts(self, field: re.Match[str]) -> Lasts:
        start, text = self.at, self._skip(_REST)
        if field[3] == ":":
            raise self._wrong(*field.span(), f"dur is compared by > or <, as in dur>{text or '1.5s'}.")
        if field[1]:
            raise self._wrong(field.start(), field.end(), "dur is not negated: turn > into <= and < into >=.")
        us = parse_duration(text)
        if us is None:
            raise self._wrong(start, self.at, f"{text!r} is no duration: a number and {UNIT_NAMES}, as in dur>1.5s.")
        return Lasts(cast("Literal['<', '<=', '>', '>=']", field[3]), us)

    def _began(self, field: re.Match[str]) -> Began:
        start, text = self.at, self._skip(_REST)
        name = cast("Literal['since', 'before']", field[2].lower())
        if field[1]:
            other = "before" if name == "since" else "since"
            raise self._wrong(field.start(), field.end(), f"{name} is not negated: use {other}.")
        moment = parse_moment(text)
        if moment is None:
            raise self._wrong(
                start,
                self.at,
                f"{text!r} is no time: so long ago, as in {name}:1h, or a date, as in {_example('before')}.",
            )
        return Began(name, moment)

    def _says(self, start: int) -> Says:
        negated = bool(self._skip("-"))
        text = self._quoted()
        if text is None:
            word = self._skip(_WORD)
            text, is_prefix = word.removesuffix("*"), word.endswith("*")
            if "*" in text:
                raise self._wrong(start, self.at, "A * can only stand at the end of a word; in quotes it is text.")
        else:
            is_prefix = bool(self._skip("*"))
        if not any(map(str.isalnum, text)):
            raise self._wrong(start, self.at, "There is no letter and no digit in it to search for.")
        self._end_of_term()
        return Says(text, is_prefix, negated)

    def _quoted(self) -> str | None:
        """The text in quotes that stands here; None if there is no quote."""
        if not self.text.startswith('"', self.at):
            return None
        match = _QUOTED.match(self.text, self.at)
        if match is None:
            raise self._wrong(self.at, self.at, 'This quote is never closed; inside quotes a quote is written \\".')
        self.at = match.end()
        return _ESCAPE.sub(r"\1", match[1])

    def _end_of_term(self) -> None:
        if self.at < len(self.text) and not self.text[self.at].isspace():
            raise self._wrong(self.at, self.at, "A space is missing before this.")

    def _skip(self, what: re.Pattern[str] | str) -> str:
        """What stands here, if it is that; it is passed over."""
        match = what.match(self.text, self.at) if isinstance(what, re.Pattern) else None
        found = match[0] if match else what if isinstance(what, str) and self.text.startswith(what, self.at) else ""
        self.at += len(found)
        return found

    def _wrong(self, start: int, end: int, problem: str) -> MalformedQuery:
        return MalformedQuery(self.text, start, end, problem)


def _example(name: str) -> str:
    return FIELDS[name].partition(": ")[2].split(", ")[0]
