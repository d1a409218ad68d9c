"""`toolrun runs`, `show`, `stats`, `tail`, `export` and `import`: a store on 80 columns, and for machines."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.store.filling import BEGIN_US, MS, SECOND, Filling, failed, run_id

from toolrun._ids import new_run_id
from toolrun.cli._showing import shortened
from toolrun.cli._spark import in_bins, spark
from toolrun.handlers import Recorder


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Filling]:
    (tmp_path / ".toolrun" / "journal").mkdir(parents=True)
    with closing(Filling(tmp_path / ".toolrun")) as store:
        yield store


@pytest.fixture
def day(store: Filling) -> Filling:
    """A trace of four runs, one of them failed and one still running, and a run by itself."""
    store.add(0x10, "plan", kind="agent", inputs={"goal": "find it"}, us=2 * SECOND, end={"output": "found"})
    store.add(0x20, "search", parent=0x10, trace=0x10, inputs={"q": "eclipse"}, end={"output": ["in 1998"]})
    error = failed("ToolTimeout", "search took longer than 1 s")
    store.add(0x30, "search", parent=0x10, trace=0x10, status="timeout", us=SECOND, end=error)
    store.add(0x40, "fetch", parent=0x20, trace=0x10, us=None)
    store.add(0x50, "convert", inputs={"amount": 10}, end={"output": 1630.0}, tags=["nightly"], session="talk-7")
    return store


def rows_of(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()[2:] if line.strip() and "─" not in line]


# ── runs ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_runs_lists_traces_within_80_columns_latest_first(toolrun: Any, day: Filling) -> None:
    ended = toolrun("runs")
    assert (ended.status, ended.err) == (0, "")
    assert max(map(len, ended.out.splitlines())) <= 80
    convert, plan = rows_of(ended.out)
    assert convert[0] == run_id(0x50)[-8:]
    assert convert[3:] == ["10", "ms", "ok", "convert", '{"amount":10}', "→", "1630.0"]
    assert plan[3:8] == ["2.00", "s", "ok", "4", "1✗"]
    assert "\x1b" not in ended.out


def test_a_negated_term_is_a_term_and_no_option(toolrun: Any, day: Filling) -> None:
    assert len(rows_of(toolrun("runs", "-tag:nightly", "-n", "5").out)) == 1
    assert len(rows_of(toolrun("runs", "-n", "5", "--", "-hidden").out)) == 2
    assert len(rows_of(toolrun("runs", "-n1").out)) == len(rows_of(toolrun("runs", "--limit=1").out)) == 1
    assert "Usage: toolrun runs" in toolrun("runs", "-h").out
    assert "No such option '--tol'" in toolrun("runs", "--tol").err
    assert "requires an argument" in toolrun("runs", "tool:x", "-n").err


def test_each_lists_the_runs_themselves(toolrun: Any, day: Filling) -> None:
    ended = toolrun("runs", "tool:search", "dur>=1s", "--each")
    [row] = rows_of(ended.out)
    assert "timeout" in row
    assert "ToolTimeout:" in row


def test_a_list_that_goes_on_says_how_and_going_on_ends(toolrun: Any, day: Filling) -> None:
    first = toolrun("runs", "-n", "1", "tool:*")
    assert "There is more: toolrun runs 'tool:*' -n 1 --after " in first.err
    more = first.err.split("toolrun runs ")[1].replace("'", "").split()
    ended = toolrun("runs", *more)
    assert [row[3:5] for row in rows_of(ended.out)] == [["2.00", "s"]]
    assert ended.err == ""


def test_json_has_whole_ids_and_the_place_to_go_on(toolrun: Any, day: Filling) -> None:
    told = json.loads(toolrun("runs", "--json", "-n", "1").out)
    assert told["runs"][0]["id"] == run_id(0x50)
    assert told["runs"][0]["session"] == "talk-7"
    assert (told["unsearched"], told["after"] is None) == (0, False)


def test_what_would_steer_the_terminal_is_shown_and_not_obeyed(toolrun: Any, store: Filling) -> None:
    store.add(1, "\x1b[2Jtool", inputs="\u202eevil\x1b]0;x\x07", tags=["\x1b[1m"], end={"output": "\x1b[31m"})
    for ended in (toolrun("runs"), toolrun("show", run_id(1)), toolrun("stats")):
        assert ended.status == 0
        assert "\\x1b[2Jtool" in ended.out
        assert not {"\x1b", "\x07", "\u202e"} & set(ended.out)


# ── show ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_show_of_a_trace_is_its_tree_with_times_inputs_and_outputs(toolrun: Any, day: Filling) -> None:
    ended = toolrun("show", run_id(0x10)[:31])
    lines = ended.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0] == "plan  agent  ok  2.00 s"
    tree = lines[lines.index("") + 1 :][:4]
    assert tree == [
        'plan ok 2.00 s  {"goal":"find it"} → "found"',
        '├─ search ok 10 ms +16.00 s  {"q":"eclipse"} → ["in 1998"]',
        "│  └─ fetch running +48.00 s  {}",
        "└─ search timeout 1.00 s +32.00 s  {} → ToolTimeout: search took longer than 1 s",
    ]
    assert 'inputs\n{\n  "goal": "find it"\n}\n\noutput\nfound\n' in ended.out


def test_show_of_a_failed_run_has_its_traceback(toolrun: Any, day: Filling) -> None:
    ended = toolrun("show", run_id(0x30))
    assert "error\nTraceback ...\nToolTimeout: search took longer than 1 s" in ended.out
    assert f"trace      {run_id(0x10)}" in ended.out


def test_show_has_events_and_what_is_to_be_known_of_the_values(toolrun: Any, store: Filling) -> None:
    store.add(1, events=[("text", "half way")], masked=["inputs"], digest="d", metadata={"user": 7})
    out = toolrun("show", run_id(1)).out
    assert 'text  "half way"' in out
    assert "masked     inputs" in out
    assert 'metadata\n{\n  "user": 7\n}' in out


def test_long_values_are_shortened_visibly_unless_in_full(toolrun: Any, store: Filling) -> None:
    store.add(1, inputs=list(range(100)))
    assert "... and 62 lines more: --full shows them" in toolrun("show", run_id(1)).out
    assert "lines more" not in toolrun("show", run_id(1), "--full").out


def test_long_lines_are_shortened_visibly_unless_in_full(toolrun: Any, store: Filling) -> None:
    store.add(1, inputs="x" * 10_000)
    assert "... and 2,000 characters more: --full shows them" in toolrun("show", run_id(1)).out
    assert "more" not in toolrun("show", run_id(1), "--full").out


@pytest.mark.parametrize("text", ["", "a", "a\n", "\n" * 39, "x\n" * 39 + "y", "x" * 8_000])
def test_what_is_short_is_not_shortened(text: str) -> None:
    assert shortened(text) == text


def test_large_trees_are_shortened_visibly_unless_in_full(toolrun: Any, store: Filling) -> None:
    store.add(0)
    for number in range(1, 151):
        store.add(number, parent=0, trace=0)
    assert "... and 51 runs more: --full shows them" in toolrun("show", run_id(0)).out
    assert toolrun("show", run_id(0), "--full").out.count("search ok") == 151


def test_show_as_json_is_the_export_of_the_run_and_of_those_below(toolrun: Any, day: Filling) -> None:
    lines = [json.loads(line) for line in toolrun("show", run_id(0x20), "--json").out.splitlines()]
    assert [line["id"] for line in lines] == [run_id(0x20), run_id(0x40)]
    assert lines[0]["output"] == ["in 1998"]


# ── stats ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_stats_has_a_row_for_each_tool_and_the_failures(toolrun: Any, store: Filling) -> None:
    for number in range(20):
        bad = number % 4 == 0
        end = failed("OSError", f"disk {number} is full") if bad else {}
        store.add(number, us=(number + 1) * 100 * MS, status="error" if bad else "ok", end=end)
    store.add(30, "fetch", kind="retriever")
    ended = toolrun("stats")
    assert max(map(len, ended.out.splitlines())) <= 80
    search, fetch = rows_of(ended.out)[:2]
    assert search[:9] == ["search", "20", "25.0%", "1.00", "s", "1.90", "s", "2.00", "s"]
    assert fetch[:3] == ["fetch", "(retriever)", "1"]
    assert "     5 x search: OSError: disk … is full" in ended.out
    assert "21 calls, 5 failed; 2026-11-1" in ended.out


def test_stats_counts_interrupted_runs_as_failures_that_took_no_time(toolrun: Any, tmp_path: Path) -> None:
    line = {"id": run_id(1), "kind": "tool", "name": "t", "at": BEGIN_US, "status": "interrupted"}
    (tmp_path / "one.jsonl").write_text(json.dumps(line))
    assert toolrun("import", "one.jsonl").status == 0
    ended = toolrun("stats")
    assert rows_of(ended.out)[0] == ["t", "1", "100.0%", "█"]
    assert "1 x t: interrupted:" in ended.out
    assert "1 call, 1 failed; " in ended.out


def test_stats_of_a_query_and_since(toolrun: Any, day: Filling) -> None:
    assert rows_of(toolrun("stats", "tag:nightly").out)[0][0] == "convert"
    ended = toolrun("stats", "--since", "1s")
    assert (ended.status, ended.out, ended.err) == (0, "", "No run that has ended meets the query.\n")
    told = json.loads(toolrun("stats", "tool:search", "--json").out)
    assert [(each["name"], each["calls"], each["failed"], each["p99_us"]) for each in told["tools"]] == [
        ("search", 2, 1, SECOND)
    ]
    assert told["failures"][0]["latest"] == run_id(0x30)


def test_a_spark_line_has_a_bar_for_each_bin_and_none_for_nothing() -> None:
    assert spark([0, 1, 4, 8]) == " ▁▄█"
    assert in_bins({10: 1, 11: 2, 19: 4, 30: 9}, 10, 19, 5) == [3, 0, 0, 0, 4]
    assert in_bins({10: 1}, 10, 10, 16) == [1]


# ── export and import ──────────────────────────────────────────────────────────────────────────────────────


def test_an_export_is_imported_into_a_new_store_once(toolrun: Any, day: Filling, tmp_path: Path) -> None:
    ended = toolrun("export", "-o", "all.jsonl")
    assert (ended.status, ended.out, ended.err) == (0, "", "")
    assert toolrun("import", "all.jsonl", "--store", "copy").err == "5 runs imported into copy.\n"
    again = toolrun("import", "all.jsonl", "--store", "copy").err
    assert again == "0 runs imported into copy; 5 were there already.\n"
    assert toolrun("export", "--store", "copy", "-running", "status:ok").out.count("\n") == 3
    assert (tmp_path / "copy" / ".gitignore").read_text() == "*\n"


@pytest.mark.parametrize("format", ["otlp-json", "chrome"])
def test_other_formats_are_json(toolrun: Any, day: Filling, format: str) -> None:
    json.loads(toolrun("export", "--format", format).out)


def test_an_export_that_cannot_be_written_leaves_nothing_behind(toolrun: Any, day: Filling, tmp_path: Path) -> None:
    ended = toolrun("export", "-o", "no/such/folder.jsonl")
    assert (ended.status, ended.err) == (2, "Error: no/such/folder.jsonl: No such file or directory.\n")


def test_an_export_into_a_pipe_is_written_into_it(toolrun: Any, day: Filling, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reading = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert toolrun("export", "-o", "pipe").status == 0
        assert os.read(reading, 1_000_000).count(b"\n") == 5
    finally:
        os.close(reading)
    assert stat.S_ISFIFO((tmp_path / "pipe").lstat().st_mode)


@pytest.mark.parametrize("before", ["what was there", None])
def test_an_export_to_a_link_goes_where_it_leads(
    toolrun: Any, day: Filling, tmp_path: Path, before: str | None
) -> None:
    (tmp_path / "there").mkdir()
    if before is not None:
        (tmp_path / "there" / "all.jsonl").write_text(before)
    (tmp_path / "link").symlink_to("there/all.jsonl")
    assert toolrun("export", "-o", "link").status == 0
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there" / "all.jsonl").read_text().count("\n") == 5
    assert sorted(os.listdir(tmp_path / "there")) == ["all.jsonl"], "nothing unfinished is left"


def test_an_export_to_a_folder_is_refused(toolrun: Any, day: Filling, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    ended = toolrun("export", "-o", "folder")
    assert (ended.status, ended.err) == (2, "Error: folder: Is a directory.\n")


def test_an_import_of_something_else_names_the_line(toolrun: Any, file: Callable[[str, str], Path]) -> None:
    file("odd.jsonl", '{"id": 1}\n')
    ended = toolrun("import", "odd.jsonl")
    assert ended.status == 2
    assert ended.err.startswith("Error: odd.jsonl:1: The line is no run of an export: 'id' is an id of 32 hex digits")


def test_an_import_into_what_can_be_no_folder_says_so(toolrun: Any, file: Callable[[str, str], Path]) -> None:
    file("occupied", "no folder")
    ended = toolrun("import", file("none.jsonl", ""), "--store", "occupied")
    assert (ended.status, ended.err) == (2, "Error: occupied/journal: Not a directory.\n")


# ── what can be wrong ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("command", ["runs", "stats", "tail", "export"])
def test_a_malformed_query_is_pointed_at(toolrun: Any, store: Filling, command: str) -> None:
    ended = toolrun(command, "dur>1s", "tol:search")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err == (
        "Error: No field is named 'tol'. Did you mean tool? To search for the text: \"tol:search\".\n"
        "  dur>1s tol:search\n"
        "         ^^^\n"
    )


@pytest.mark.parametrize("command", [("runs",), ("show", "01"), ("stats",), ("tail",), ("export",)])
def test_a_folder_that_is_no_store_is_said_to_be_none(toolrun: Any, tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").touch()
    for path, says in (("missing", "There is no store at missing"), ("other", "other is no store of toolrun")):
        ended = toolrun(*command, "--store", path)
        assert (ended.status, ended.out) == (2, "")
        assert ended.err.startswith(f"Error: {says}")


@pytest.mark.parametrize("command", [("runs",), ("show", "01"), ("stats",), ("tail",), ("export",)])
def test_a_damaged_or_newer_store_is_said_to_be_so(toolrun: Any, store: Filling, command: tuple[str, ...]) -> None:
    store.add(1)
    store.close()
    path = store.files[0].path
    sound = path.read_bytes()
    path.write_bytes(sound[:100] + b"\xff" * (len(sound) - 100))
    ended = toolrun(*command)
    assert (ended.status, ended.out) == (2, "")
    assert "is damaged" in ended.err
    path.write_bytes(sound[:60] + (99).to_bytes(4, "big") + sound[64:])
    ended = toolrun(*command)
    assert (ended.status, ended.out) == (2, "")
    assert "has version 99 of the store's form" in ended.err


def test_an_id_that_is_unknown_or_ambiguous_is_said_to_be(toolrun: Any, day: Filling) -> None:
    assert toolrun("show", "ffff").err.startswith("Error: No run or trace has an id that begins or ends with 'ffff'.")
    ended = toolrun("show", "019a")
    assert ended.status == 2
    assert "Several runs have ids that begin or end with '019a'" in ended.err
    assert run_id(0x50) in ended.err


def test_a_place_that_is_none_is_said_to_be(toolrun: Any, day: Filling) -> None:
    ended = toolrun("runs", "--after", "x")
    assert (ended.status, ended.out) == (2, "")


def test_a_page_behind_the_end_of_a_list_does_not_say_that_nothing_is_recorded(toolrun: Any, day: Filling) -> None:
    ended = toolrun("runs", "--after", "1.2.3")
    assert (ended.status, ended.err) == (0, "Nothing follows: the list ends before this place.\n")


@pytest.mark.parametrize("command", [("runs",), ("stats",), ("export",)])
def test_a_store_that_cannot_be_written_says_that_its_journal_is_not_seen(
    toolrun: Any, store: Filling, command: tuple[str, ...]
) -> None:
    (store.folder / "indexer.lock").mkdir()
    assert "journal" not in toolrun(*command).err, "nothing waits there"
    with Recorder(store.folder, index=False) as recorder:
        recorder.on_tool_start({"name": "t"}, "x", run_id=new_run_id())
    ended = toolrun(*command)
    assert ended.status == 0
    assert ended.err.startswith("What waits in its journal is not seen: the store cannot be written (Is a directory)")


def test_an_empty_store_says_so(toolrun: Any, store: Filling) -> None:
    assert toolrun("runs").err == "Nothing is recorded here yet.\n"
    assert toolrun("stats").err == "No run has ended here yet.\n"
    assert toolrun("runs", "tool:x").err == "No run meets the query.\n"


# ── pipes and Ctrl-C ───────────────────────────────────────────────────────────────────────────────────────


def started(tmp_path: Path, *arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "toolrun", *arguments]
    return subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_who_reads_no_further_ends_an_export_quietly(store: Filling, tmp_path: Path) -> None:
    for number in range(30):
        store.add(number, inputs="x" * 100_000)
    process = started(tmp_path, "export")
    assert process.stdout is not None
    process.stdout.read(10)
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()
    process.wait(30)


def test_tail_shows_what_comes_and_ends_quietly_by_ctrl_c(store: Filling, tmp_path: Path) -> None:
    store.add(1, "before")
    process = started(tmp_path, "tail", "-tool:hidden")
    assert process.stdout is not None
    assert b"before" in process.stdout.readline()
    store.add(2, "hidden")
    store.add(3, "long", us=None)
    line = process.stdout.readline()
    assert b"running" in line
    assert b"long" in line
    store.add(3, "long", at=BEGIN_US + 3 * SECOND)
    assert b"ok" in process.stdout.readline()
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, b"", b"")


def test_tail_as_json_has_a_line_of_an_export_for_each_run_that_ended(store: Filling, tmp_path: Path) -> None:
    process = started(tmp_path, "tail", "--json", "-n", "5")
    store.add(1, "open", us=None)
    store.add(2, "done", inputs={"n": 1})
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["inputs"] == {"n": 1}
    os.kill(process.pid, signal.SIGINT)
    process.communicate(timeout=30)
