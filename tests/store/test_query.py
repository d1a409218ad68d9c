"""What a reader finds in a store."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.store.filling import BEGIN_US, MINUTE, MS, SECOND, Filling, failed, run_id

from toolrun.store import CorruptStore
from toolrun.store.query import SHORT, AmbiguousId, BadPlace, NoSuchRun, Page, Query, Reader, telling_length


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Filling]:
    with closing(Filling(tmp_path)) as store:
        yield store


@pytest.fixture
def reader(store: Filling) -> Iterator[Reader]:
    with Reader(store) as reader:
        yield reader


def found(page: Page) -> list[str]:
    """The names of what is on a page."""
    return [item.root.name if hasattr(item, "root") else item.name for item in page.items]


def test_an_empty_store_has_nothing(reader: Reader) -> None:
    assert reader.traces() == Page([], None, 0)
    assert (reader.runs().items, reader.figures(), reader.failures().groups) == ([], [], [])


def test_traces_are_listed_newest_first_with_counts_and_previews(store: Filling, reader: Reader) -> None:
    store.add(1, "plan", kind="chain", inputs={"goal": "x"}, end={"output": ["done"]})
    store.add(2, "search", parent=1, trace=1)
    store.add(3, "fetch", parent=2, trace=1, status="error", end=failed("ValueError", "no"))
    store.add(4, "wait", parent=1, trace=1, us=None)
    store.add(5, "solo")
    solo, plan = reader.traces().items
    assert (solo.root.name, solo.runs, solo.failed, solo.running) == ("solo", 1, 0, 0)
    assert (plan.root.name, plan.runs, plan.failed, plan.running) == ("plan", 4, 1, 1)
    assert (plan.inputs, plan.output) == ('{"goal":"x"}', '["done"]')


def test_a_trace_is_found_by_any_of_its_runs(store: Filling, reader: Reader) -> None:
    store.add(1, "plan")
    store.add(2, "fetch", parent=1, trace=1, status="timeout", end=failed("ToolTimeout", "too long"))
    store.add(3, "fetch")
    assert found(reader.traces(Query.parse("status:timeout tool:fetch"))) == ["plan"]
    assert found(reader.traces(Query.parse("status:timeout tool:plan"))) == [], "one run has to meet all terms"


def test_pages_go_through_a_list_without_a_gap_and_end(store: Filling, reader: Reader) -> None:
    for number in range(7):
        store.add(number, f"t{number}", at=BEGIN_US)
    after, names = None, []
    for expected in (3, 3, 1):
        page = reader.traces(limit=3, after=after)
        assert len(page.items) == expected
        names += found(page)
        after = page.after
    assert after is None
    assert names == ["t6", "t5", "t4", "t3", "t2", "t1", "t0"]


def test_a_trace_is_on_one_page_only_however_many_of_its_runs_match(store: Filling, reader: Reader) -> None:
    store.add(0, "old")
    store.add(1, "young")
    for number in range(2, 12):
        store.add(number, "fetch", parent=number % 2, trace=number % 2)
    fetch = Query.parse("tool:fetch")
    first = reader.traces(fetch, limit=1)
    second = reader.traces(fetch, limit=1, after=first.after)
    assert found(first) + found(second) == ["young", "old"]
    assert second.after is None


def test_a_place_that_was_never_given_is_refused(reader: Reader) -> None:
    with pytest.raises(BadPlace, match="'yesterday' does not continue a list"):
        reader.traces(after="yesterday")


def test_lists_run_across_the_files_of_a_store(store: Filling, reader: Reader) -> None:
    for number, day in ((1, 20261118), (2, 20261119), (3, 20261118), (4, 20261119)):
        store.add(number, f"t{number}", day=day)
    assert found(reader.runs()) == ["t4", "t3", "t2", "t1"]
    first = reader.runs(limit=2)
    assert found(reader.runs(limit=2, after=first.after)) == ["t2", "t1"]


def test_a_trace_without_its_root_is_shown_by_its_first_run(store: Filling, reader: Reader) -> None:
    store.add(2, "later", parent=9, trace=9)
    store.add(1, "first", parent=9, trace=9)
    assert found(reader.traces(Query.parse("tool:later"))) == ["first"]
    assert reader.find(run_id(9)).name == "first"


def test_the_tree_has_each_run_before_those_below_it(store: Filling, reader: Reader) -> None:
    store.add(1, "root")
    store.add(3, "second", parent=1, trace=1)
    store.add(2, "first", parent=1, trace=1)
    store.add(4, "inner", parent=2, trace=1)
    store.add(5, "elsewhere")
    tree = reader.tree(run_id(1))
    assert [(node.run.name, node.depth, node.below) for node in tree] == [
        ("root", 0, 3),
        ("first", 1, 1),
        ("inner", 2, 0),
        ("second", 1, 0),
    ]


def test_a_tree_of_runs_above_themselves_is_shown_all_the_same(store: Filling, reader: Reader) -> None:
    store.add(1, "root")
    store.add(2, "a", parent=3, trace=1)
    store.add(3, "b", parent=2, trace=1)
    assert sorted(node.run.name for node in reader.tree(run_id(1))) == ["a", "b", "root"]


def test_lists_may_be_longer_than_sqlite_has_parameters(store: Filling, reader: Reader, monkeypatch: Any) -> None:
    monkeypatch.setattr("toolrun.store.query._selecting.SOME", 3)
    for number in range(10):
        store.add(number, inputs=number)
    traces = reader.traces().items
    assert [trace.inputs for trace in traces] == [str(number) for number in range(9, -1, -1)]
    assert {trace.runs for trace in traces} == {1}


def test_a_tree_may_be_deeper_than_pythons_stack(store: Filling, reader: Reader) -> None:
    store.add(1)
    for number in range(2, 1500):
        store.add(number, parent=number - 1, trace=1)
    tree = reader.tree(run_id(1))
    assert (tree[0].below, tree[-1].depth) == (1498, 1498)


def test_the_payload_has_all_that_was_told(store: Filling, reader: Reader) -> None:
    store.add(
        1,
        inputs={"q": "é"},
        tags=["nightly"],
        metadata={"user": 7},
        digest="ab",
        masked=["inputs"],
        events=[("text", "half way"), ("progress", {"progress": 1})],
        end={"output": [1, None], "cut": ["output"]},
    )
    payload = reader.payload(reader.find(run_id(1)))
    assert (payload.inputs, payload.output, payload.error) == ({"q": "é"}, [1, None], None)
    assert (payload.tags, payload.metadata) == (["nightly"], {"user": 7})
    assert payload.notes == {"digest": "ab", "masked": ["inputs"], "cut": ["output"]}
    assert [(event.event, event.value) for event in payload.events] == [
        ("text", "half way"),
        ("progress", {"progress": 1}),
    ]


def test_a_run_is_found_by_the_beginning_of_its_id(store: Filling, reader: Reader) -> None:
    id = store.add(0x1234)
    store.add(0x1299)
    assert reader.find(id) == reader.find(id[:31]) == reader.find(id.upper())
    assert reader.find(f"{id[:8]}-{id[8:12]}-{id[12:16]}-{id[16:20]}-{id[20:]}").id == id


def test_an_id_that_begins_like_others_lists_them(store: Filling, reader: Reader) -> None:
    ids = [store.add(number) for number in range(3)]
    with pytest.raises(AmbiguousId) as caught:
        reader.find(ids[0][:-1])
    assert caught.value.ids == ids
    assert all(id in str(caught.value) for id in ids)


@pytest.mark.parametrize("text", ["0199", "tool", "", "-", "019aa7e5b3c270008000000000000001ff"])
def test_an_id_that_is_none_is_no_run(store: Filling, reader: Reader, text: str) -> None:
    store.add(1)
    with pytest.raises(NoSuchRun, match="No run or trace has an id that begins or ends with"):
        reader.find(text)


def test_a_run_is_found_by_the_end_of_its_id(store: Filling, reader: Reader) -> None:
    id = store.add(0x123456)
    store.add(0x923456, day=20261119)
    assert [reader.find(end).id for end in (id[-6:], id[-7:], id[-31:])] == [id] * 3
    with pytest.raises(AmbiguousId, match="begin or end with '23456'"):
        reader.find("23456")
    with pytest.raises(NoSuchRun):
        reader.find("456")


def test_a_trace_is_asked_for_by_either_end_of_its_id(store: Filling, reader: Reader) -> None:
    id = store.add(0xABCDEF, "root")
    store.add(2, "child", parent=0xABCDEF, trace=0xABCDEF)
    store.add(3, "other")
    for part in (id, id[-6:], id[-5:], id[-8:].upper()):
        assert sorted(found(reader.runs(Query.parse(f"trace:{part}")))) == ["child", "root"]
    assert len(reader.runs(Query.parse(f"trace:{id[:10]}")).items) == 3
    assert len(reader.runs(Query.parse("trace:9999999")).items) == 0


def test_a_telling_length_tells_ids_apart_by_their_ends() -> None:
    assert telling_length([]) == telling_length(["0" * 32]) == SHORT
    assert telling_length(["0" * 32, "1" * 22 + "0" * 10]) == 11


def test_words_are_found_whether_they_are_indexed_yet_or_not(store: Filling, reader: Reader) -> None:
    store.add(1, "indexed", inputs={"q": "total eclipse"}, indexed=True)
    store.add(2, "fresh", inputs={"q": "total eclipse"})
    store.add(3, "running", inputs={"q": "total eclipse"}, us=None)
    store.add(4, "other", inputs={"q": "eclipse, total"}, indexed=True)
    phrase = reader.runs(Query.parse('"total eclipse"'))
    assert (found(phrase), phrase.unsearched) == (["running", "fresh", "indexed"], 0)
    assert found(reader.runs(Query.parse("eclipse total"))) == ["other", "running", "fresh", "indexed"]
    assert found(reader.runs(Query.parse('-"total eclipse"'))) == ["other"]
    assert found(reader.runs(Query.parse('eclipse -"total eclipse"'))) == ["other"]
    assert found(reader.runs(Query.parse("eclip* tool:fresh"))) == ["fresh"]


def test_what_was_not_searched_is_counted(store: Filling, reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toolrun.store.query._words.FRESH", 2)
    for number in range(5):
        store.add(number, inputs="eclipse")
    page = reader.runs(Query.parse("eclipse"))
    assert (len(page.items), page.unsearched) == (2, 3)


def test_large_texts_that_are_not_indexed_are_not_all_searched(
    store: Filling, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("toolrun.store.query._words.FRESH_CHARACTERS", 1_000)
    for number in range(5):
        store.add(number, inputs="eclipse " * 100)
    page = reader.runs(Query.parse("eclipse"))
    assert (len(page.items), page.unsearched) == (2, 3)


@pytest.mark.parametrize("many", [0, 100])
def test_a_pattern_may_stand_for_any_number_of_names(
    store: Filling, reader: Reader, monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    monkeypatch.setattr("toolrun.store.query._meanings.MANY", many)
    for number in range(5):
        store.add(number, f"get_{number}", tags=[f"t{number}"])
    assert len(reader.runs(Query.parse("tool:get_* tag:t*")).items) == 5
    assert len(reader.runs(Query.parse("tool:get_1,get_2 -tag:*1,t3")).items) == 1
    assert len(reader.runs(Query.parse("-tool:get_*")).items) == 0


def test_each_line_of_a_traceback_is_searched_from_its_first_word(store: Filling, reader: Reader) -> None:
    store.add(1, status="error", end=failed("OddError", "deep\nnothing"), indexed=True)
    assert len(reader.runs(Query.parse("nothing odderror")).items) == 1


def test_figures_of_few_runs_are_exact(store: Filling, reader: Reader) -> None:
    for number in range(100):
        bad = number % 10 == 0
        store.add(number, us=(number + 1) * MS, status="error" if bad else "ok", at=BEGIN_US + number * SECOND)
    store.add(200, "running", us=None)
    [figures] = reader.figures()
    assert (figures.name, figures.calls, figures.failed, figures.is_exact) == ("search", 100, 10, True)
    assert [figures.percentile_us(share) for share in (0.5, 0.95, 0.99, 1)] == [50_000, 95_000, 99_000, 100_000]
    assert figures.mean_us == 50_500
    assert sum(calls for calls, _ in figures.minutes.values()) == 100


def test_figures_of_many_runs_are_those_of_their_buckets(
    store: Filling, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(60):
        store.add(number, us=(number + 1) * MS, status="denied" if number < 6 else "ok", day=20261118 + number % 2)
    [exact] = reader.figures()
    monkeypatch.setattr("toolrun.store.query._figures.EXACT", 50)
    [rolled] = reader.figures()
    assert (rolled.is_exact, exact.is_exact) == (False, True)
    assert (rolled.calls, rolled.failed, rolled.mean_us) == (exact.calls, exact.failed, exact.mean_us)
    assert (rolled.minutes, rolled.buckets) == (exact.minutes, exact.buckets)
    for share in (0.1, 0.5, 0.95, 0.99):
        assert rolled.percentile_us(share) == pytest.approx(exact.percentile_us(share), rel=0.026)


def interrupt(store: Filling, number: int, **told: Any) -> None:
    """A run whose process died."""
    store.add(number, us=None, **told)
    for file in store.files:
        with closing(file.writing()) as connection:
            connection.execute("UPDATE run SET status = 'interrupted' WHERE status = 'running'")


def test_figures_count_an_interrupted_run_as_a_failure_without_a_duration(
    store: Filling, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(8):
        store.add(number, us=(number + 1) * MS)
    interrupt(store, 8)
    interrupt(store, 9, name="other")
    interrupt(store, 10, at=BEGIN_US + 10 * MINUTE)
    store.add(11, us=None)
    first_minute = Query.parse("tool:search since:2026-11-18T11:06Z before:2026-11-18T11:07Z")
    for most in (10_000, 3):  # read one by one, and rolled up
        monkeypatch.setattr("toolrun.store.query._figures.EXACT", most)
        search, other = reader.figures()
        assert (search.calls, search.failed, search.timed, search.mean_us) == (10, 2, 8, 4_500)
        assert search.percentile_us(1) == pytest.approx(8_000, rel=0.026)
        assert search.minutes == {BEGIN_US // MINUTE: (9, 1), BEGIN_US // MINUTE + 10: (1, 1)}
        assert (other.calls, other.failed, other.timed, other.mean_us, other.percentile_us(0.5)) == (1, 1, 0, 0, 0)
        [early] = reader.figures(first_minute)
        assert (early.calls, early.failed) == (9, 1)
        failures = reader.failures().groups
        assert sum(each.failed for each in reader.figures()) == sum(group.count for group in failures) == 3


def test_figures_are_of_the_window_and_of_what_the_query_asks(
    store: Filling, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("toolrun.store.query._searching.now", lambda: (BEGIN_US + 60 * MINUTE) / 1e6)
    monkeypatch.setattr("toolrun.store.query._figures.now", lambda: (BEGIN_US + 60 * MINUTE) / 1e6)
    for number in range(60):
        name = "search" if number % 2 else "fetch"
        store.add(number, name, at=BEGIN_US + number * MINUTE, session="a" if number < 30 else "b")

    def calls(query: str) -> dict[str, int]:
        return {figures.name: figures.calls for figures in reader.figures(Query.parse(query))}

    for most in (10_000, 3):  # read one by one, and rolled up
        monkeypatch.setattr("toolrun.store.query._figures.EXACT", most)
        assert calls("") == {"search": 30, "fetch": 30}
        assert calls("since:10m") == {"search": 5, "fetch": 5}
        assert calls("since:20m before:10m tool:fetch") == {"fetch": 5}
        assert calls("session:b before:10m") == {"search": 10, "fetch": 10}


def test_failures_of_one_kind_on_other_data_are_one_group(store: Filling, reader: Reader) -> None:
    for number in range(4):
        message = f"no file 'report-{number}.txt' after {number}.5 s at 0x7f{number}a"
        store.add(number, status="error", end=failed("FileNotFoundError", message))
    store.add(5, status="error", end=failed("FileNotFoundError", "the disk is full"))
    store.add(6, status="cancelled")
    failures = reader.failures()
    assert [(group.shape, group.count) for group in failures.groups] == [
        ("no file … after … s at …", 4),
        ("the disk is full", 1),
    ]
    assert failures.groups[0].latest.error_message == "no file 'report-3.txt' after 3.5 s at 0x7f3a"
    assert (failures.groups[0].since, failures.runs, failures.is_all) == (BEGIN_US, 5, True)


def test_a_watch_sees_runs_begin_and_end_once_each(store: Filling, reader: Reader) -> None:
    store.add(1, "before")
    store.add(2, "open", us=None)
    watch = reader.watch()
    assert watch.look() == []
    store.add(3, "short")
    store.add(4, "long", us=None)
    store.add(2, "open")
    assert [(run.name, run.status) for run in watch.look()] == [("open", "ok"), ("short", "ok"), ("long", "running")]
    store.add(4, "long", status="error")
    store.add(5, "tomorrow", day=20261119)
    assert [(run.name, run.status) for run in watch.look()] == [("long", "error"), ("tomorrow", "ok")]
    assert watch.look() == []


def test_a_watch_with_a_query_sees_what_comes_to_meet_it(store: Filling, reader: Reader) -> None:
    store.add(1, "open", us=None)
    watch = reader.watch(Query.parse("status:error"))
    store.add(1, "open", status="error")
    store.add(2, "fine")
    assert [run.name for run in watch.look()] == ["open"]


def test_records_come_oldest_first_with_their_payloads(
    store: Filling, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("toolrun.store.query._searching.CHUNK", 3)
    for number in range(10):
        store.add(number, inputs={"n": number}, day=20261118 + number // 5, at=BEGIN_US)
    records = list(reader.records())
    assert [payload.inputs["n"] for _, payload in records] == list(range(10))
    assert [run.id for run, _ in records] == [run_id(number) for number in range(10)]


def test_the_slowest_runs_come_slowest_first_from_all_files(store: Filling, reader: Reader) -> None:
    for number, ms in enumerate((30, 50, 10, 40)):
        store.add(number, f"t{ms}", us=ms * MS, day=20261118 + number % 2)
    store.add(9, "open", us=None)
    assert [run.name for run in reader.slowest(limit=3)] == ["t50", "t40", "t30"]
    assert [run.name for run in reader.slowest(Query.parse("dur<35ms -nothing"))] == ["t30", "t10"]


def test_values_complete_a_field(store: Filling, reader: Reader) -> None:
    store.add(1, "get_a", tags=["x"], session="talk-1")
    store.add(2, "get_b", day=20261119, kind="chain")
    assert reader.values("tool", "get_") == reader.values("tool", "get_a") == ["get_a"]
    assert reader.values("name", "get_") == ["get_a", "get_b"]
    assert (reader.values("tag"), reader.values("session", "ta")) == (["x"], ["talk-1"])
    assert reader.values("status", "c") == ["cancelled", "crashed"]
    assert (reader.values("name", limit=1), reader.values("dur"), reader.values("tool", "z")) == (["get_a"], [], [])


def test_health_counts_what_is_there_and_what_is_not(store: Filling, reader: Reader) -> None:
    store.add(1, indexed=True)
    store.add(2)
    store.add(3, us=None, day=20261119)
    for file in store.files:
        connection = file.writing()
        connection.execute("INSERT INTO segment(id, name, offset, cut_bytes) VALUES(1, 'one', 0, 7)")
        connection.execute("INSERT INTO dropped VALUES(1, 'end', 'no space', ?)", (4 if "19" in file.name else 3,))
        connection.close()
    health = reader.health()
    assert (health.files, health.runs, health.running, health.unsearched) == (2, 3, 1, 1)
    assert (health.cut_bytes, dict(health.dropped)) == (7, {("end", "no space"): 4})
    assert health.bytes > 0


def test_threads_read_by_connections_of_their_own(store: Filling, reader: Reader) -> None:
    for number in range(50):
        store.add(number)
    with ThreadPoolExecutor(4) as pool:
        pages = list(pool.map(lambda _: len(reader.traces(Query.parse("tool:search")).items), range(40)))
    assert pages == [50] * 40


def test_a_forked_child_reads_by_connections_of_its_own(store: Filling, reader: Reader) -> None:
    store.add(1)
    assert len(reader.runs().items) == 1
    [parents] = [file.connection for file in reader._files]
    child = os.fork()
    if child == 0:
        try:
            [mine] = [file.connection for file in reader._files]
            os._exit(0 if mine is not parents and len(reader.runs().items) == 1 else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert [file.connection for file in reader._files] == [parents]


def test_a_file_that_is_pruned_meanwhile_is_no_longer_read(store: Filling, reader: Reader) -> None:
    store.add(1, "old")
    store.add(2, "new", day=20261119)
    assert found(reader.runs()) == ["new", "old"]
    store.close()
    store.files[-1].remove()
    assert found(reader.runs()) == ["new"]


def test_what_is_read_at_one_moment_does_not_change(store: Filling, reader: Reader) -> None:
    store.add(1)
    with reader.at_one_moment():
        before = reader.runs()
        store.add(2)
        with reader.at_one_moment():
            assert reader.runs() == before
        assert reader.runs() == before
    assert len(reader.runs().items) == 2


def test_a_damaged_file_is_an_error_of_the_store(store: Filling, reader: Reader) -> None:
    for number in range(200):
        store.add(number, inputs="x" * 500)
    store.close()
    path = store.files[0].path
    broken = bytearray(path.read_bytes())
    broken[8192:] = b"\xff" * (len(broken) - 8192)
    path.write_bytes(broken)
    with pytest.raises(CorruptStore, match="is damaged"):
        reader.runs()
