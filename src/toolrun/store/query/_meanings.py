"""What a query means to one file: SQL conditions on a row of `run`. Values go as parameters, never into the text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import orjson

from toolrun.store.query._condition import FEW, Condition
from toolrun.store.query._language import Query
from toolrun.store.query._moments import microseconds
from toolrun.store.query._open_files import OpenFile
from toolrun.store.query._records import NOT_FAILED
from toolrun.store.query._terms import Began, Is, Lasts, Says, Value
from toolrun.store.query._words import add_words
from toolrun.store.schema import IS_FAILED


def condition(query: Query, file: OpenFile, now: float) -> Condition:
    """What the query means to the file, at a time in seconds since the epoch."""
    made = Condition()
    for term in query.terms:
        match term:
            case Lasts():
                made.add(f"run.dur_us {term.operator} ?", term.us)
            case Began():
                made.add(f"run.start_us {'>=' if term.field == 'since' else '<'} ?", microseconds(term.moment, now))
            case Is(field="tag"):
                _add_tag(made, term, file)
            case Is():
                sql, parameters = _FIELDS[term.field](term, file)
                made.add(f"({sql}) IS NOT TRUE" if term.negated else f"({sql})", *parameters)
    if says := [term for term in query.terms if isinstance(term, Says)]:
        add_words(made, says, file)
    return made


Made = tuple[str, list[object]]

MANY = 100
"""More values than so many go as one parameter: SQLite has no more than 32,766."""


def _named(kinds: tuple[str, ...] = ()) -> Callable[[Is, OpenFile], Made]:
    def made(term: Is, file: OpenFile) -> Made:
        return _one_of("run.named_id", _ids(term.values, file, kinds))

    return made


def _kind(term: Is, file: OpenFile) -> Made:
    kinds = [value.text for value in term.values]
    rows = file.rows(f"SELECT id FROM named WHERE kind IN ({_marks(kinds)})", *kinds)
    return _one_of("run.named_id", [row[0] for row in rows])


def _status(term: Is, file: OpenFile) -> Made:
    statuses = [value.text for value in term.values]
    sql, parameters = _one_of("run.status", statuses)
    if statuses == ["running"]:
        return "status = 'running'", []  # in these very words, or SQLite will not use the index of those that run
    if not term.negated and NOT_FAILED.isdisjoint(statuses):
        sql += f" AND {IS_FAILED}"
    return sql, parameters


def _error(term: Is, file: OpenFile) -> Made:
    likes = [_like(value) for value in term.values]
    one = r"ifnull(run.error_type, '') LIKE ? ESCAPE '\' OR run.error_message LIKE ? ESCAPE '\'"
    either = " OR ".join(one for _ in likes)
    return f"({either}) AND {IS_FAILED}", [like for each in likes for like in (each, each)]


def _text(column: str) -> Callable[[Is, OpenFile], Made]:
    return lambda term, file: _compared(f"run.{column}", term.values)


def _trace(term: Is, file: OpenFile) -> Made:
    made = [_one_trace(value.text.replace("-", "").lower(), file) for value in term.values]
    return " OR ".join(sql for sql, _ in made), [parameter for _, parameters in made for parameter in parameters]


def _one_trace(digits: str, file: OpenFile) -> Made:
    """Traces whose ids begin so; if there are none, those whose ids end so."""
    between, ends = "trace_id BETWEEN ? AND ?", id_range(digits)
    if file.row(f"SELECT 1 FROM run WHERE {between} LIMIT 1", *ends):
        return f"run.{between}", [*ends]
    return _one_of("run.trace_id", list(ids_that_end(file, "trace_id", digits)))


_FIELDS: dict[str, Callable[[Is, OpenFile], Made]] = {
    "tool": _named(("tool",)),
    "name": _named(),
    "kind": _kind,
    "status": _status,
    "error": _error,
    "session": _text("session"),
    "engine": _text("engine"),
    "call": _text("call_id"),
    "trace": _trace,
}


def _add_tag(made: Condition, term: Is, file: OpenFile) -> None:
    ids = _ids(term.values, file, ("tag",))
    among, parameters = _one_of("tag.named_id", ids)
    tagged = f"FROM tag WHERE {among}"
    if term.negated:
        made.add(f"NOT EXISTS (SELECT 1 {tagged} AND tag.seq = run.seq)", *parameters)
        return
    seqs = [row[0] for row in file.rows(f"SELECT seq {tagged} LIMIT {FEW + 1}", *parameters)]
    if len(seqs) <= FEW:
        made.add_hits(seqs)
    else:
        made.add(f"EXISTS (SELECT 1 {tagged} AND tag.seq = run.seq)", *parameters)


def _ids(values: Iterable[Value], file: OpenFile, kinds: tuple[str, ...]) -> list[int]:
    """What is named so; without `kinds`, anything but a tag."""
    sql, parameters = _compared("name", values)
    of_kind = f"kind IN ({_marks(kinds)})" if kinds else "kind <> 'tag'"
    return [row[0] for row in file.rows(f"SELECT id FROM named WHERE {of_kind} AND ({sql})", *kinds, *parameters)]


def _compared(column: str, values: Iterable[Value]) -> Made:
    """Equal to one of the values, or like one of the patterns."""
    values = list(values)
    sql = " OR ".join(f"{column} GLOB ?" if value.is_pattern else f"{column} = ?" for value in values)
    return sql, [_glob(value.text) if value.is_pattern else value.text for value in values]


def _one_of(column: str, values: list[int] | list[str] | list[bytes]) -> Made:
    if len(values) == 1:
        return f"{column} = ?", [*values]
    if len(values) > MANY and not isinstance(values[0], bytes):
        return f"{column} IN (SELECT value FROM json_each(?))", [orjson.dumps(values).decode()]
    return f"{column} IN ({_marks(values)})", [*values]


def _marks(values: Iterable[object]) -> str:
    return ",".join("?" for _ in values)


def _glob(pattern: str) -> str:
    """The pattern for GLOB, in which only `*` is special to us."""
    return "".join(f"[{each}]" if each in "[?" else each for each in pattern)


def _like(value: Value) -> str:
    """The value for LIKE: a pattern for all of a text, else a part of it."""
    text = "".join(f"\\{each}" if each in "\\%_" else each for each in value.text)
    return text.replace("*", "%") if value.is_pattern else f"%{text}%"


def ids_that_end(file: OpenFile, column: str, digits: str) -> Iterator[bytes]:
    """The ids that end with these hex digits, four at least: the index of ids is read through."""
    whole_bytes = len(digits) // 2
    if whole_bytes < 2:
        return
    end = bytes.fromhex(digits[-2 * whole_bytes :])
    for (id,) in file.rows(f"SELECT DISTINCT {column} FROM run WHERE substr({column}, ?) = ?", -whole_bytes, end):
        if id.hex().endswith(digits):
            yield id


def id_range(prefix: str) -> tuple[bytes, bytes]:
    """The first and the last id that begin with these hex digits."""
    digits = prefix.replace("-", "").lower()[:32]
    return bytes.fromhex(digits.ljust(32, "0")), bytes.fromhex(digits.ljust(32, "f"))
