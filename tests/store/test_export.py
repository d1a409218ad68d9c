"""What leaves a store is all there is, in forms that others read; and it comes back as it went."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.store.filling import BEGIN_US, MS, SECOND, Filling, failed, run_id

from toolrun.store.exchange._chrome import Lanes
from toolrun.store.exchange._otlp import span_id
from toolrun.store.exchange.export import MalformedLine, export, read_line
from toolrun.store.exchange.importing import NotImported, import_lines
from toolrun.store.query import Query, Reader


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Filling]:
    with closing(Filling(tmp_path / "store")) as store:
        store.folder.mkdir()
        yield store


def exported(store: Filling | Path, format: str = "jsonl", query: str = "") -> bytes:
    folder = store if isinstance(store, Path) else store.folder
    with Reader(Filling(folder)) as reader:
        return b"".join(export(reader.records(Query.parse(query)), format))


def lines_of(text: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def fill_with_everything(store: Filling) -> None:
    store.add(1, "plan", kind="agent", inputs={"goal": "é\n"}, us=900 * MS, session="s", call_id="c1")
    store.add(
        2,
        parent=1,
        trace=1,
        inputs=["a", {"b": None}],
        tags=["x", "y"],
        metadata={"n": 1},
        masked=["inputs"],
        digest="d" * 32,
        events=[("text", "half"), ("retry", {"attempt": 1}), ("custom", None)],
        end={"output": None, "engine": "processes", "worker": 77, "attempts": 2, "cut": ["output"]},
    )
    store.add(3, parent=1, trace=1, status="timeout", end=failed("ToolTimeout", "too long") | {"stopped_by": "kill"})
    store.add(4, parent=1, trace=1, us=None)


def test_a_line_has_all_that_is_known_of_a_run_in_a_fixed_order(store: Filling) -> None:
    fill_with_everything(store)
    lines = lines_of(exported(store))
    assert [line["id"] for line in lines] == [run_id(number) for number in (1, 2, 3, 4)]
    assert list(lines[1].items()) == [
        ("id", run_id(2)),
        ("parent", run_id(1)),
        ("trace", run_id(1)),
        ("kind", "tool"),
        ("name", "search"),
        ("at", BEGIN_US + 2 * SECOND),
        ("us", 10 * MS),
        ("status", "ok"),
        ("tags", ["x", "y"]),
        ("metadata", {"n": 1}),
        ("inputs", ["a", {"b": None}]),
        ("output", None),
        ("engine", "processes"),
        ("worker", 77),
        ("attempts", 2),
        ("masked", ["inputs"]),
        ("cut", ["output"]),
        ("digest", "d" * 32),
        (
            "events",
            [
                {"at": BEGIN_US + 2 * SECOND + 1, "event": "text", "value": "half"},
                {"at": BEGIN_US + 2 * SECOND + 1, "event": "retry", "value": {"attempt": 1}},
                {"at": BEGIN_US + 2 * SECOND + 1, "event": "custom", "value": None},
            ],
        ),
    ]
    assert (lines[2]["error"]["type"], lines[2]["stopped_by"]) == ("ToolTimeout", "kill")
    assert "us" not in lines[3]


def test_only_what_meets_the_query_is_exported(store: Filling) -> None:
    fill_with_everything(store)
    assert [line["id"] for line in lines_of(exported(store, query="status:timeout"))] == [run_id(3)]


def test_an_import_gives_the_store_that_was_exported(store: Filling, tmp_path: Path) -> None:
    fill_with_everything(store)
    text = exported(store)
    copy = tmp_path / "copy"
    copy.mkdir()
    assert import_lines(copy, text.splitlines(), "x").new == 4
    assert exported(copy) == text.replace(b'"running"', b'"interrupted"')
    again = import_lines(copy, text.splitlines(), "x")
    assert (again.runs, again.new) == (4, 0)
    assert exported(copy) == text.replace(b'"running"', b'"interrupted"')


def test_importing_into_the_store_that_it_came_from_changes_nothing(store: Filling) -> None:
    fill_with_everything(store)
    text = exported(store)
    import_lines(store.folder, text.splitlines(), "x")
    assert exported(store) == text


def test_a_run_that_has_ended_since_is_completed_by_the_next_import(store: Filling, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    store.add(1, us=None, events=[("text", "one")])
    import_lines(copy, exported(store).splitlines(), "x")
    store.add(1, events=[("text", "two")])
    import_lines(copy, exported(store).splitlines(), "x")
    assert exported(copy) == exported(store)
    assert [event["value"] for event in lines_of(exported(copy))[0]["events"]] == ["one", "two"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('ab\n"é'), inner, max_size=3),
    max_leaves=8,
)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(
    st.lists(
        st.fixed_dictionaries(
            {"name": texts, "inputs": json_values, "tags": st.lists(texts, unique=True, max_size=3)},
            optional={"session": texts, "events": st.lists(st.tuples(texts, json_values), max_size=3)},
        ),
        max_size=4,
    ),
    json_values,
)
@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_was_recorded_comes_back_from_an_export(runs: list[dict[str, Any]], output: Any) -> None:
    with TemporaryDirectory() as folder:
        (copy := Path(folder) / "copy").mkdir()
        with closing(Filling(Path(folder))) as store:
            for number, run in enumerate(runs):
                store.add(number, end={"output": output}, **run)
            text = exported(store)
        assert [line["inputs"] for line in lines_of(text)] == [run["inputs"] for run in runs]
        import_lines(copy, text.splitlines(), "x")
        assert exported(copy) == text


GOOD = {"id": run_id(1), "kind": "tool", "name": "t", "at": 1, "us": 2, "status": "ok"}


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Etc/GMT+12"])
def test_any_time_that_is_taken_is_a_date_in_every_zone(monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        for at in (0, 253_370_764_799_999_999):
            run, _ = read_line(orjson.dumps(GOOD | {"at": at}))
            assert datetime.fromtimestamp(run.at / 1e6).astimezone().year in (1969, 1970, 9998, 9999)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_line_can_be_read_without_a_store() -> None:
    run, payload = read_line(orjson.dumps(GOOD | {"inputs": [1], "error": {"type": "E", "message": "m"}}))
    assert (run.id, run.trace, run.us, run.error_type, payload.inputs) == (run_id(1), run_id(1), 2, "E", [1])


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"{", "it is not JSON"),
        (b'{"name": "\\ud800"}', "a text in it is no Unicode (no low surrogate"),
        (b"[]", "no JSON object"),
        ({"id": 7}, "'id' is an id of 32 hex digits, and not 7"),
        ({"id": None}, "and not missing"),
        ({"parent": "x"}, "'parent' is an id"),
        ({"kind": "tools"}, "'kind' is one of tool, chain"),
        ({"status": "fine"}, "'status' is one of"),
        ({"at": "now"}, "'at' is a number of microseconds"),
        ({"at": 2**63}, "'at' is a number of microseconds"),
        (
            {"at": 10**18},
            "'at' is a number of microseconds since 1970, before the year 9999, and not 10000",
        ),
        ({"at": -1}, "'at' is a number of microseconds"),
        ({"events": [{"at": 10**18, "event": "text"}]}, "'events' is a list of objects"),
        ({"us": -1}, "'us' is a number of microseconds"),
        ({"us": None}, "'us' is missing, though the run has ended as ok"),
        ({"error": "oh"}, "'error' is an object"),
        ({"tags": "x"}, "'tags' is a list of texts"),
        ({"metadata": []}, "'metadata' is an object"),
        ({"events": [{"at": 1}]}, "'events' is a list of objects with at and event"),
    ],
)
def test_a_line_that_is_no_run_is_refused(line: Any, says: str) -> None:
    with pytest.raises(MalformedLine) as caught:
        read_line(line if isinstance(line, bytes) else orjson.dumps(GOOD | line))
    assert says in str(caught.value)


@pytest.mark.parametrize("line", [b'"output":%b', b'"events":[{"at":1,"event":"text","value":%b}]'])
def test_a_line_is_refused_if_what_is_in_it_could_not_be_written_again(line: bytes) -> None:
    deep = [b"[" * levels + b"]" * levels for levels in (254, 255)]
    good, bad = (b"%b,%b}" % (orjson.dumps(GOOD)[:-1], line % value) for value in deep)
    read_line(good)
    with pytest.raises(MalformedLine, match="nested too deeply"):
        read_line(bad)


def test_an_import_takes_what_users_gave_for_metadata(tmp_path: Path) -> None:
    for number, batch in enumerate(({"batch": [1]}, {"batch": "b", "line": 2**63}, 5)):
        line = orjson.dumps(GOOD | {"id": run_id(number), "metadata": {"toolrun": batch}})
        assert import_lines(tmp_path, [line], "x").new == 1
    assert len(lines_of(exported(tmp_path))) == 3


def test_an_import_names_the_line_that_is_wrong_and_keeps_those_before_it(tmp_path: Path) -> None:
    with pytest.raises(NotImported, match=r"runs.jsonl:3: The line is no run of an export: it is not JSON"):
        import_lines(tmp_path, [orjson.dumps(GOOD), b"", b"oops"], "runs.jsonl")
    assert len(lines_of(exported(tmp_path))) == 1


# ── OpenTelemetry ──────────────────────────────────────────────────────────────────────────────────────────


def spans(text: bytes) -> list[dict[str, Any]]:
    return [
        span
        for line in lines_of(text)
        for resource in line["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]


def attributes(of: dict[str, Any]) -> dict[str, Any]:
    return {each["key"]: next(iter(each["value"].values())) for each in of["attributes"]}


def test_a_tool_run_is_an_execute_tool_span(store: Filling) -> None:
    fill_with_everything(store)
    agent, tool, late, _ = spans(exported(store, "otlp-json"))
    assert (agent["name"], agent["traceId"], agent["spanId"]) == ("invoke_agent plan", run_id(1), run_id(1)[16:])
    assert (tool["name"], tool["kind"], tool["parentSpanId"]) == ("execute_tool search", 1, agent["spanId"])
    assert tool["traceId"] == agent["traceId"]
    assert int(tool["endTimeUnixNano"]) - int(tool["startTimeUnixNano"]) == 10_000_000
    assert attributes(agent)["gen_ai.conversation.id"] == "s"
    said = attributes(tool)
    assert said["gen_ai.operation.name"] == "execute_tool"
    assert said["gen_ai.tool.name"] == "search"
    assert json.loads(said["gen_ai.tool.call.arguments"]) == ["a", {"b": None}]
    assert said["gen_ai.tool.call.result"] == "null"
    assert [event["name"] for event in tool["events"]] == ["text", "retry", "custom"]
    assert (late["status"]["code"], late["status"]["message"]) == (2, "too long")
    assert attributes(late)["error.type"] == "ToolTimeout"
    assert attributes(late["events"][-1])["exception.message"] == "too long"


def test_otlp_lines_hold_so_many_spans_and_no_more(store: Filling, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toolrun.store.exchange._otlp.SPANS_IN_A_LINE", 2)
    for number in range(5):
        store.add(number)
    text = exported(store, "otlp-json")
    assert (len(text.splitlines()), len(spans(text))) == (3, 5)


def test_a_span_id_is_never_nothing() -> None:
    assert span_id("1" * 16 + "0" * 16) != "0" * 16


# ── Chrome ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_chrome_trace_is_one_document_with_every_run_and_event(store: Filling) -> None:
    fill_with_everything(store)
    events = json.loads(exported(store, "chrome"))["traceEvents"]
    drawn = [event for event in events if event["ph"] in "XB"]
    assert [event["args"]["id"] for event in drawn] == [run_id(number) for number in (1, 2, 3, 4)]
    assert [event["ph"] for event in drawn] == ["X", "X", "X", "B"], "the last one still runs"
    assert drawn[1]["args"]["inputs"] == ["a", {"b": None}]
    assert [event["name"] for event in events if event["ph"] == "i"] == ["text", "retry", "custom"]


def test_an_empty_store_is_an_empty_chrome_trace(store: Filling) -> None:
    assert len(json.loads(exported(store, "chrome"))["traceEvents"]) == 1


@given(st.lists(st.tuples(st.integers(0, 30), st.none() | st.integers(0, 30), st.integers(-1, 5)), max_size=30))
def test_what_is_drawn_on_one_lane_is_nested(told: list[tuple[int, int | None, int]]) -> None:
    lanes, drawn = Lanes(), []
    for number, (at, us, parent) in enumerate(sorted(told, key=lambda run: run[0])):
        status = "running" if us is None else "ok"
        fields = GOOD | {"id": run_id(number), "at": at, "us": us, "status": status}
        fields |= {"parent": run_id(parent)} if 0 <= parent < number else {}
        run, _ = read_line(orjson.dumps(fields))
        drawn.append((lanes.lane_for(run), at, lanes.end_of(run)))
    for number, (lane, at, end) in enumerate(drawn):
        for other, since, until in drawn[:number]:
            assert lane != other or at >= until or (since <= at and end <= until)
