"""The query language: what it reads, how it is written, and what it says of a query that is none."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolrun.store.query._language import STATUSES, MalformedQuery, Query
from toolrun.store.query._moments import LONGEST_US, microseconds, parse_duration, print_duration
from toolrun.store.query._terms import FIELDS, KINDS, Began, Is, Lasts, Says, Term, Value

NOW = 1_795_000_000.0
PLAIN_FIELDS = sorted(FIELDS.keys() - {"dur", "since", "before", "status", "kind", "trace"})

literals = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).map(Value)
patterns = st.from_regex(r'[^\s,"]*\*[^\s,"]*', fullmatch=True).map(lambda text: Value(text, is_pattern=True))
zones = st.none() | st.timedeltas(timedelta(hours=-23), timedelta(hours=23)).map(
    lambda offset: timezone(timedelta(minutes=offset // timedelta(minutes=1)))
)
moments = st.integers(0, LONGEST_US).map(lambda us: timedelta(microseconds=us)) | st.datetimes(
    datetime(1971, 1, 1), datetime(9998, 1, 1), timezones=zones
)


def is_(fields: st.SearchStrategy[str], values: st.SearchStrategy[Value]) -> st.SearchStrategy[Term]:
    return st.builds(Is, fields, st.lists(values, min_size=1, max_size=3).map(tuple), st.booleans())


terms: st.SearchStrategy[Any] = st.one_of(
    is_(st.sampled_from(PLAIN_FIELDS), literals | patterns),
    is_(st.just("status"), st.sampled_from(STATUSES).map(Value)),
    is_(st.just("kind"), st.sampled_from(KINDS).map(Value)),
    is_(st.just("trace"), st.from_regex(r"[0-9a-f]{1,32}", fullmatch=True).map(Value)),
    st.builds(Lasts, st.sampled_from(["<", "<=", ">", ">="]), st.integers(0, LONGEST_US)),
    st.builds(Began, st.sampled_from(["since", "before"]), moments),
    st.builds(
        Says,
        st.text(st.characters(exclude_categories=["Cs"])).filter(lambda text: any(map(str.isalnum, text))),
        st.booleans(),
        st.booleans(),
    ),
)


queries = st.lists(terms, max_size=5).map(lambda terms: Query(tuple(terms)))


@given(queries)
def test_a_query_that_is_written_and_read_again_is_the_same(query: Query) -> None:
    assert Query.parse(str(query)) == query


@given(st.text())
def test_any_text_is_a_query_or_a_mistake_at_a_place_in_it(text: str) -> None:
    try:
        query = Query.parse(text)
    except MalformedQuery as error:
        assert 0 <= error.start <= len(text)
        assert error.start < error.end <= len(text) + 1
    else:
        assert Query.parse(str(query)) == query


@given(st.text('abtodursince:,<>="\\*- \n17msh.', max_size=30))
def test_text_made_of_the_signs_of_the_language_is_no_exception(text: str) -> None:
    test_any_text_is_a_query_or_a_mistake_at_a_place_in_it.hypothesis.inner_test(text)  # type: ignore[attr-defined]


@given(st.integers(0, LONGEST_US))
def test_a_duration_that_is_written_and_read_again_is_the_same(us: int) -> None:
    assert parse_duration(print_duration(us)) == us


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("tool:search", Is("tool", (Value("search"),))),
        ("TOOL:Search", Is("tool", (Value("Search"),))),
        ("tool:get_*,search", Is("tool", (Value("get_*", True), Value("search")))),
        ('tool:"get_*"', Is("tool", (Value("get_*"),))),
        ('-tag:"a, b"', Is("tag", (Value("a, b"),), negated=True)),
        (r'error:"say \"no\" \\"', Is("error", (Value('say "no" \\'),))),
        ("dur>1.5s", Lasts(">", 1_500_000)),
        ("dur<=200ms", Lasts("<=", 200_000)),
        ("since:1h", Began("since", timedelta(hours=1))),
        ("before:2026-11-22T10:00", Began("before", datetime(2026, 11, 22, 10))),
        ("before:2026-11-22T10:00Z", Began("before", datetime(2026, 11, 22, 10, tzinfo=UTC))),
        ("eclipse", Says("eclipse")),
        ("ecl*", Says("ecl", is_prefix=True)),
        ("-draft", Says("draft", negated=True)),
        ('"total eclipse"', Says("total eclipse")),
        ('"tool:search"', Says("tool:search")),
        ("10:30", Says("10:30")),
        ("foo-bar", Says("foo-bar")),
    ],
)
def test_a_term_is_read_as_what_it_says(text: str, term: Term) -> None:
    assert Query.parse(text).terms == (term,)


def test_terms_stand_between_spaces_in_any_order() -> None:
    query = Query.parse("  dur>1s\teclipse \n tool:search ")
    assert query.terms == (Lasts(">", 1_000_000), Says("eclipse"), Is("tool", (Value("search"),)))


@pytest.mark.parametrize("text", ["", "  \n"])
def test_a_query_without_terms_is_empty(text: str) -> None:
    assert not Query.parse(text)


@pytest.mark.parametrize(
    ("text", "pointed_at", "says"),
    [
        ("a tol:search", "tol", "Did you mean tool?"),
        ("colour:red", "colour", "There are: tool, name, kind"),
        ("see http://x/y now", "http", '"http://x/y"'),
        ("status:eror", "eror", "Did you mean error?"),
        ("status:ok,broken", "broken", "There are: running, ok"),
        ("kind:tols", "tols", "Did you mean tool?"),
        ("dur>5", "5", "as in dur>1.5s"),
        ("dur>5parsec", "5parsec", "us, ms, s, m, h or d"),
        ("dur:5s", "dur:", "dur>5s"),
        ("-dur>5s", "-dur>", "turn > into <="),
        ("tool>3", "tool>", "tool:VALUE"),
        ("tool:", "", "as in tool:search"),
        ("tool:a,", "", "needs a value"),
        ('tool:""', '""', "needs a value"),
        ('tool:a"b"', '"', "space is missing"),
        ('a "b c', '"', "never closed"),
        ("since:yesterday", "yesterday", "since:1h"),
        ("before:2026-13-01", "2026-13-01", "before:2026-11-22T10:00"),
        ("before:0001-01-01", "0001-01-01", "no time"),
        ("-since:1h", "-since:", "use before"),
        ("a*b", "a*b", "end of a word"),
        ("-->", "-->", "no letter and no digit"),
        ("trace:xyz", "xyz", "digits and a-f"),
    ],
)
def test_a_mistake_is_pointed_at_and_put_right(text: str, pointed_at: str, says: str) -> None:
    with pytest.raises(MalformedQuery) as caught:
        Query.parse(text)
    error = caught.value
    assert text[error.start : error.end].startswith(pointed_at)
    assert error.end - error.start == max(1, len(pointed_at))
    assert says in error.problem
    message, line, marks = str(error).split("\n")
    assert (message, line) == (error.problem, f"  {text}")
    assert marks == " " * (2 + error.start) + "^" * (error.end - error.start)


def test_a_mistake_behind_wide_and_combined_characters_is_pointed_at_where_it_is_seen() -> None:
    with pytest.raises(MalformedQuery) as caught:
        Query.parse("日食 e\u0301 tol:x")
    assert str(caught.value).split("\n")[2] == "  " + " " * 7 + "^^^"


def test_a_moment_without_a_zone_is_local_time() -> None:
    moment = datetime(2026, 11, 22, 10)
    assert microseconds(moment, NOW) == round(moment.astimezone().timestamp() * 1e6)
    assert microseconds(timedelta(seconds=90), NOW) == round((NOW - 90) * 1e6)


def test_every_field_has_an_example_that_can_be_read() -> None:
    for field, line in FIELDS.items():
        for example in line.partition(": ")[2].split(", "):
            assert getattr(Query.parse(example).terms[0], "field", "dur") == field


def test_queries_add_up() -> None:
    assert str(Query.parse("tool:a") & Query.parse("b")) == "tool:a b"


def test_every_term_in_the_account_of_the_language_can_be_read() -> None:
    account = (Path(__file__).parents[2] / "docs" / "queries.md").read_text()
    terms = re.findall(r"^\| `([^`]+)` \|", account.partition("| term |")[2].partition("\n\n")[0], re.MULTILINE)
    assert {Query.parse(term).terms[0].field for term in terms if ":" in term} == FIELDS.keys() - {"dur"}
    for term in terms:
        assert len(Query.parse(term).terms) == 1
