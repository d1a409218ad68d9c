"""`toolrun prune` and `toolrun check`."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.store.filling import SECOND, Filling, failed

from toolrun.cli._upkeep import size

NOW_US = int(time.time() * 1e6)
HOUR = 3600 * SECOND


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Filling]:
    (tmp_path / ".toolrun" / "journal").mkdir(parents=True)
    with closing(Filling(tmp_path / ".toolrun")) as store:
        yield store


def names(toolrun: Any) -> set[str]:
    return {run["name"] for run in json.loads(toolrun("runs", "--json").out)["runs"]}


def test_prune_deletes_what_is_older_and_says_how_much(toolrun: Any, store: Filling) -> None:
    store.add(1, "old", at=NOW_US - 3 * HOUR)
    store.add(2, "bad", at=NOW_US - 3 * HOUR, status="error", end=failed("ValueError", "no"))
    store.add(3, "new", at=NOW_US)
    store.close()
    ended = toolrun("prune", "--older-than", "2h", "--keep-errors")
    assert (ended.status, ended.out) == (0, "")
    assert ended.err.startswith("1 run deleted: ")
    assert names(toolrun) == {"bad", "new"}
    assert toolrun("prune", "--older-than", "2h").err.startswith("1 run deleted: ")
    assert names(toolrun) == {"new"}


def test_prune_deletes_the_oldest_beyond_a_size(toolrun: Any, store: Filling, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toolrun.store.retention.TRACES_AT_ONCE", 5)
    for number in range(40):
        store.add(number, f"t{number}", inputs="x" * 20_000, at=NOW_US - HOUR + number * SECOND)
    store.close()
    assert toolrun("prune", "--max-size", "500K").status == 0
    assert "t0" not in names(toolrun)
    assert "t39" in names(toolrun)


def test_prune_has_to_be_told_what_is_to_go(toolrun: Any, store: Filling) -> None:
    ended = toolrun("prune")
    assert ended.status == 2
    assert "say what is to go: --older-than AGE, --max-size SIZE, or both." in ended.err
    ended = toolrun("prune", "--older-than", "a week")
    assert ended.err == ("Error: --older-than: 'a week' is no duration: a number and us, ms, s, m, h or d, as in 7d.\n")


@pytest.mark.parametrize("command", [("prune", "--older-than", "1d"), ("check",)])
def test_upkeep_of_no_store_says_so(toolrun: Any, command: tuple[str, ...]) -> None:
    ended = toolrun(*command, "--store", "missing")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith("Error: There is no store at missing")


def test_check_of_a_sound_store_says_what_is_in_it(toolrun: Any, store: Filling) -> None:
    store.add(1)
    store.close()
    ended = toolrun("check")
    assert ended.status == 0
    assert ended.out.splitlines()[0].startswith("runs-20261118.db: 1 run, ")
    assert ended.out.splitlines()[-1] == "Nothing is damaged."
    assert json.loads(toolrun("check", "--json").out)["problems"] == []


def test_check_of_a_damaged_store_says_where_and_is_status_1(toolrun: Any, store: Filling) -> None:
    store.add(1)
    store.close()
    file = store.files[0].path
    broken = bytearray(file.read_bytes())
    broken[8192 : 8192 + 4096] = b"\xff" * 4096
    file.write_bytes(broken)
    ended = toolrun("check")
    assert ended.status == 1
    assert "runs-20261118.db: " in ended.out
    assert ended.out.splitlines()[-1].endswith(("problem.", "problems."))


def test_check_of_a_file_that_is_no_database_is_status_1(toolrun: Any, store: Filling) -> None:
    store.add(1)
    store.close()
    store.files[0].path.write_bytes(b"not a database at all" * 500)
    ended = toolrun("check")
    assert ended.status == 1
    assert "is no store of toolrun" in ended.out


@pytest.mark.parametrize("size", [100, 5_000, 8_192, 50_000])
def test_check_of_a_file_that_was_cut_off_is_status_1(toolrun: Any, store: Filling, size: int) -> None:
    store.add(1)
    store.close()
    os.truncate(store.files[0].path, size)
    ended = toolrun("check")
    assert (ended.status, ended.err) == (1, "")
    assert "runs-20261118.db: " in ended.out.splitlines()[1]
    assert "toolrun check" not in ended.out, "that is what was asked"


def test_check_tells_how_far_a_file_is_damaged_that_cannot_be_opened(toolrun: Any, store: Filling) -> None:
    store.add(1)
    store.close()
    store.add(2, day=20261119)
    file = store.files[1].path
    sound = file.read_bytes()
    file.write_bytes(sound[:100] + b"\xff" * (len(sound) - 100))
    assert "`toolrun check` tells how far" in toolrun("runs").err
    ended = toolrun("check")
    assert (ended.status, ended.err) == (1, "")
    assert "runs-20261119.db: 1 run, " in ended.out, "the others are looked through"
    assert ".recover` gets out what can be read\n" in ended.out


def test_check_of_a_file_without_its_tables_is_status_1(toolrun: Any, store: Filling) -> None:
    store.add(1)
    store.close()
    with closing(store.files[0].writing()) as connection:
        connection.execute("DROP TABLE payload")
    ended = toolrun("check")
    assert ended.status == 1
    assert "no such table" in ended.out


def test_check_of_a_file_in_place_of_a_store_is_status_2(toolrun: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("root:x:0:0\n")
    ended = toolrun("check", "--store", "file")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith("Error: file is no store of toolrun: it is a file, and a store is a folder.")


def test_check_of_a_journal_that_cannot_be_read_says_so(toolrun: Any, store: Filling) -> None:
    store.add(1)
    (store.folder / "journal").rmdir()
    (store.folder / "journal").write_text("")
    ended = toolrun("check")
    assert (ended.status, ended.out.splitlines()[-2:]) == (1, ["journal cannot be read: Not a directory", "1 problem."])


@pytest.mark.parametrize(
    ("count", "says"), [(0, "0 bytes"), (999, "999 bytes"), (1_500, "1.5 KB"), (123_456, "123 KB"), (10**13, "10.0 TB")]
)
def test_sizes_are_said_in_the_unit_that_a_person_would_choose(count: int, says: str) -> None:
    assert size(count) == says
