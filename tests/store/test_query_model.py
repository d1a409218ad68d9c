"""The law of queries: what a reader finds is what comes out when every run is looked at, one by one, in Python."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.store.filling import BEGIN_US, SECOND, Filling, failed, run_id
from tests.store.test_query_language import queries

from toolrun.store.query import Query, Reader
from toolrun.store.query._terms import Began, Is, Lasts, Says, Term, Value

WORDS = ["red", "redder", "green", "blue"]
NAMES = ["get_a", "get_b", "put_a"]
NOW = BEGIN_US / 1e6 + 100

runs = st.fixed_dictionaries(
    {
        "name": st.sampled_from(NAMES),
        "parent": st.integers(0, 8),
        "at": st.integers(0, 20).map(lambda seconds: BEGIN_US + seconds * SECOND),
        "us": st.none() | st.integers(0, 5).map(lambda seconds: seconds * SECOND),
        "status": st.sampled_from(["ok", "error", "timeout", "cancelled"]),
        "session": st.none() | st.sampled_from(["one", "two"]),
        "tags": st.lists(st.sampled_from(["x", "y"]), unique=True),
        "inputs": st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join),
        "message": st.sampled_from(["it is lost", "50% gone"]),
        "day": st.sampled_from([20261118, 20261119]),
        "indexed": st.booleans(),
    }
)
values = {
    "tool": st.sampled_from(
        [Value("get_a"), Value("get_*", True), Value("*_a", True), Value("get_*"), Value("?et_*", True)]
    ),
    "status": st.sampled_from([Value("ok"), Value("error"), Value("timeout"), Value("running")]),
    "session": st.sampled_from([Value("one"), Value("t*", True), Value("none")]),
    "tag": st.sampled_from([Value("x"), Value("*", True), Value("z")]),
    "error": st.sampled_from([Value("LOST"), Value("50%"), Value("_"), Value("odd*", True), Value("*", True)]),
    "trace": st.integers(0, 5).map(lambda number: Value(run_id(number))),
}
terms: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(sorted(values)).flatmap(
        lambda name: st.builds(
            Is, st.just(name), st.lists(values[name], min_size=1, max_size=2).map(tuple), st.booleans()
        )
    ),
    st.builds(Lasts, st.sampled_from(["<", "<=", ">", ">="]), st.integers(0, 5).map(lambda seconds: seconds * SECOND)),
    st.builds(Says, st.sampled_from([*WORDS, "red green"]), st.booleans(), st.booleans()),
)


class Model:
    """All runs as they were told, and what a query means to one of them."""

    def __init__(self, told: list[dict[str, Any]]) -> None:
        self.runs = []
        for number, run in enumerate(told):
            parent = run["parent"] if run["parent"] < number else None
            trace = number if parent is None else self.runs[parent]["trace"]
            self.runs.append(run | {"number": number, "parent": parent, "trace": trace, "id": run_id(number)})

    def fill(self, store: Filling) -> None:
        for run in self.runs:
            error = failed("OddError", run["message"]) if run["status"] in ("error", "timeout") else {}
            known = {
                key: run[key] for key in ("parent", "trace", "at", "us", "status", "tags", "inputs", "day", "indexed")
            }
            session = {"session": run["session"]} if run["session"] else {}
            store.add(run["number"], run["name"], **known, **session, end=error)

    def matching(self, query: Query) -> list[dict[str, Any]]:
        found = [run for run in self.runs if all(self.meets(run, term) for term in query.terms)]
        return sorted(found, key=lambda run: (run["at"], run["day"], self.row(run)), reverse=True)

    def row(self, run: dict[str, Any]) -> int:
        return [each["number"] for each in self.runs if each["day"] == run["day"]].index(run["number"])

    def meets(self, run: dict[str, Any], term: Term) -> bool:
        match term:
            case Lasts():
                return run["us"] is not None and eval(f"{run['us']} {term.operator} {term.us}")
            case Says():
                pattern = r"\b" + term.text.replace(" ", r"\W+") + ("" if term.is_prefix else r"\b")
                return bool(re.search(pattern, self.text(run))) is not term.negated
            case Is():
                return any(self.has(run, term.field, value) for value in term.values) is not term.negated
            case Began():
                raise AssertionError

    def text(self, run: dict[str, Any]) -> str:
        return run["inputs"]

    def has(self, run: dict[str, Any], field: str, value: Value) -> bool:
        status = "running" if run["us"] is None else run["status"]
        if field == "status":
            return status == value.text
        if field == "trace":
            return run_id(run["trace"]) == value.text
        if field == "tag":
            return any(like(tag, value) for tag in run["tags"])
        if field == "error":
            if status not in ("error", "timeout"):
                return False
            text, wanted = ["odderror", run["message"].lower()], Value(value.text.lower(), value.is_pattern)
            return any(like(part, wanted) if value.is_pattern else wanted.text in part for part in text)
        return like(run["name" if field == "tool" else field] or "", value)


def like(text: str, value: Value) -> bool:
    if not value.is_pattern:
        return text == value.text
    return re.fullmatch(".*".join(map(re.escape, value.text.split("*"))), text) is not None


def pages(page_after: Any) -> Iterator[Any]:
    after = None
    while True:
        page = page_after(after)
        yield from page.items
        after = page.after
        if after is None:
            return
        assert page.items


@pytest.mark.parametrize("few", [0, 3, 5_000], ids=["walked", "a few", "fetched"])
@given(
    st.lists(runs, max_size=20), st.lists(terms, max_size=3).map(lambda terms: Query(tuple(terms))), st.integers(1, 4)
)
@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_reader_finds_what_meets_the_query_in_order_on_pages_of_any_size(
    monkeypatch: pytest.MonkeyPatch, few: int, told: list[dict[str, Any]], query: Query, limit: int
) -> None:
    monkeypatch.setattr("toolrun.store.query._words.FEW", few)
    monkeypatch.setattr("toolrun.store.query._meanings.FEW", few)
    monkeypatch.setattr("toolrun.store.query._searching.CHUNK", 2)
    model = Model(told)
    with TemporaryDirectory() as folder, closing(Filling(Path(folder))) as store, Reader(store) as reader:
        model.fill(store)
        expected = model.matching(query)
        ids = [run["id"] for run in expected]
        assert [run.id for run in pages(lambda after: reader.runs(query, limit, after))] == ids
        traces = list(dict.fromkeys(run["trace"] for run in expected if query or run["number"] == run["trace"]))
        listed = list(pages(lambda after: reader.traces(query, limit, after)))
        assert [trace.root.id for trace in listed] == [run_id(number) for number in traces]
        for trace in listed:
            members = [run for run in model.runs if run_id(run["trace"]) == trace.root.id]
            assert (trace.runs, len(reader.tree(trace.root.id))) == (len(members), len(members))
        assert {run.id for run, _ in reader.records(query)} == set(ids)
        assert sum(figures.calls for figures in reader.figures(query)) == sum(run["us"] is not None for run in expected)


@pytest.fixture(scope="module")
def small_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    with closing(Filling(tmp_path_factory.mktemp("store"))) as store, Reader(store) as reader:
        store.add(1, inputs="red", indexed=True)
        store.add(2, inputs="green", us=None)
        yield reader


@given(query=queries)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_query_can_be_asked(small_store: Reader, query: Query) -> None:
    assert len(small_store.runs(query).items) <= 2
    assert sum(figures.calls for figures in small_store.figures(query)) <= 1
    small_store.traces(query, after="1.1.1")
    small_store.failures(query)
    small_store.slowest(query)
