"""The recorder: what handlers are told is in the journal when they have been told it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import sys
import threading
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.store.journals import RECORDS, frames_of, records_of, run_python, runs_of

from toolrun import BaseCallbackHandler, tool
from toolrun._ids import new_run_id
from toolrun.callbacks import AsyncCallbackManager, CallbackManager, current_run
from toolrun.handlers import Recorder
from toolrun.redaction import Redactor
from toolrun.store import StoreUnwritable, open_store
from toolrun.store._digest import arguments_digest
from toolrun.store._frames import FrameKind
from toolrun.store._reading import segments_of

START, EVENT, END = RECORDS


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def recorder(store: Path) -> Iterator[Recorder]:
    with Recorder(store, index=False) as one:
        yield one


def recorded(store: Path, **wanted: Any) -> list[dict[str, Any]]:
    """The runs in the files, after everything has been brought there."""
    open_store(store)
    return runs_of(store, **wanted)


@tool
def double(number: int) -> int:
    """Doubles a number."""
    return 2 * number


@tool
def fail(why: str) -> None:
    """Fails."""
    raise ValueError(why)


@tool
def chat(number: int) -> str:
    """Says how it goes."""
    run = current_run()
    assert run is not None
    run.on_text("well")
    run.on_tool_progress(1, 2, "half")
    run.on_custom_event("mood", {"good": True})
    return str(double.invoke({"number": number}))


def test_a_run_is_recorded_with_all_that_is_known_of_it(driver: Any, recorder: Recorder, store: Path) -> None:
    call = {"name": "double", "args": {"number": 4}, "id": "call_1", "type": "tool_call"}
    driver.invoke(double, call, {"callbacks": [recorder], "tags": ["a"], "metadata": {"user": "u"}})
    (run,) = recorded(store)
    assert (run["kind"], run["name"], run["status"], run["call_id"]) == ("tool", "double", "ok", "call_1")
    assert (run["inputs"], run["tags"], run["metadata"]) == ({"number": 4}, ["a"], {"user": "u"})
    assert run["dur_us"] >= 0 and run["engine"] == ("threads" if driver.is_async else "inline")
    assert run["run_id"] == run["trace_id"] and run["parent_id"] is None


def test_the_record_is_there_when_the_end_has_been_delivered(driver: Any, recorder: Recorder, store: Path) -> None:
    for number in range(3):
        driver.invoke(double, {"number": number}, {"callbacks": [recorder]})
        assert records_of(store)[-1][1]["output"] == 2 * number


def test_the_start_is_there_when_the_body_runs(driver: Any, recorder: Recorder, store: Path) -> None:
    @tool
    def look() -> list[str]:
        """Looks into the journal."""
        return [kind.name for kind, _ in records_of(store)]

    assert driver.invoke(look, {}, {"callbacks": [recorder]}) == ["START"]


def test_an_error_is_recorded_with_where_it_came_from(driver: Any, recorder: Recorder, store: Path) -> None:
    with pytest.raises(ValueError, match="bad"):
        driver.invoke(fail, {"why": "bad"}, {"callbacks": [recorder]})
    (run,) = recorded(store)
    assert (run["status"], run["error_type"], run["error_message"], run["output"]) == (
        "error",
        "ValueError",
        "bad",
        None,
    )
    assert f'File "{__file__}"' in run["error"]["traceback"] and "in fail" in run["error"]["traceback"]


def test_children_belong_to_the_trace_of_their_parent(driver: Any, recorder: Recorder, store: Path) -> None:
    driver.invoke(chat, {"number": 2}, {"callbacks": [recorder]})
    parent, child = recorded(store)
    assert (parent["name"], child["name"]) == ("chat", "double")
    assert child["parent_id"] == parent["run_id"] == child["trace_id"]


def test_a_run_whose_parent_is_not_recorded_begins_a_trace(driver: Any, recorder: Recorder, store: Path) -> None:
    @tool
    def outer() -> int:
        """Calls a tool that is recorded."""
        return int(double.invoke({"number": 1}, {"callbacks": [recorder]}))

    driver.invoke(outer, {}, {"callbacks": [BaseCallbackHandler()]})
    (run,) = recorded(store)
    assert run["trace_id"] == run["run_id"] != run["parent_id"] is not None


def test_what_happens_in_a_run_is_recorded_in_its_order(driver: Any, recorder: Recorder, store: Path) -> None:
    driver.invoke(chat, {"number": 2}, {"callbacks": [recorder]})
    recorder.close()
    events = [(fields["event"], fields["value"]) for kind, fields in records_of(store) if kind == EVENT]
    assert events == [
        ("text", "well"),
        ("progress", {"progress": 1, "total": 2, "message": "half"}),
        ("custom", {"name": "mood", "data": {"good": True}}),
    ]


def test_two_recorders_of_a_store_record_each_run_once(driver: Any, recorder: Recorder, store: Path) -> None:
    driver.invoke(chat, {"number": 2}, {"callbacks": [recorder, Recorder(store, index=False)]})
    kinds = [kind for kind, _ in records_of(store)]
    assert (kinds.count(START), kinds.count(EVENT), kinds.count(END)) == (2, 3, 2)


def test_nothing_is_kept_of_a_run_that_has_ended(driver: Any, recorder: Recorder) -> None:
    driver.invoke(chat, {"number": 2}, {"callbacks": [recorder]})
    with contextlib.suppress(ValueError):
        driver.invoke(fail, {"why": "bad"}, {"callbacks": [recorder]})
    assert recorder._open == {}


def test_a_recorder_that_nobody_has_any_more_goes(store: Path) -> None:
    gone = weakref.ref(Recorder(store))
    gc.collect()
    assert gone() is None


def test_runs_of_every_kind_are_recorded(store: Path, recorder: Recorder) -> None:
    manager = CallbackManager.configure([recorder])
    manager.on_chain_start({"name": "plan"}, {"goal": "x"}).on_chain_end({"done": True})
    manager.on_llm_start({"name": "gpt"}, ["hi"])[0].on_llm_end({"text": "hello"})
    manager.on_chat_model_start({"name": "claude"}, [[{"role": "user", "content": "hi"}]])[0].on_llm_error(OSError("x"))
    manager.on_retriever_start({"name": "docs"}, "where").on_retriever_end([{"page": 1}])
    manager.on_custom_event("note", {"n": 1})
    runs = [(run["kind"], run["name"], run["status"], run["inputs"], run["output"]) for run in recorded(store)]
    assert runs == [
        ("chain", "plan", "ok", {"goal": "x"}, {"done": True}),
        ("llm", "gpt", "ok", ["hi"], {"text": "hello"}),
        ("chat_model", "claude", "error", [[{"role": "user", "content": "hi"}]], None),
        ("retriever", "docs", "ok", "where", [{"page": 1}]),
        ("custom", "note", "ok", {"n": 1}, None),
    ]


# ── values ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Point:
    x: int


@pytest.mark.parametrize(
    ("value", "kept", "exact"),
    [
        ({"a": [1, 2.5, None, True, "ü"]}, {"a": [1, 2.5, None, True, "ü"]}, True),
        (Point(3), {"x": 3}, False),
        ({1, 2}, [1, 2], False),
        (b"\xff", "b'\\xff'", False),
        (2**70, str(2**70), False),
        (float("nan"), "nan", False),
        ("\ud800", "\\ud800", False),
        ({(1, 2): "x"}, {"(1, 2)": "x"}, False),
    ],
)
def test_every_value_is_recorded_and_what_json_cannot_say_is_marked(
    driver: Any, recorder: Recorder, store: Path, value: Any, kept: Any, exact: bool
) -> None:
    @tool
    def give() -> Any:
        """Gives the value."""
        return value

    driver.invoke(give, {}, {"callbacks": [recorder]})
    (run,) = recorded(store)
    assert run["output"] == kept
    assert (run["notes"] or {}).get("inexact", []) == ([] if exact else ["output"])


def test_a_value_that_cannot_even_be_shown_does_not_spoil_the_record(
    driver: Any, recorder: Recorder, store: Path
) -> None:
    class Broken:
        def __repr__(self) -> str:
            raise RuntimeError

    @tool
    def give() -> Any:
        """Gives something that has no repr."""
        return Broken()

    driver.invoke(give, {}, {"callbacks": [recorder]})
    assert "whose repr raised RuntimeError" in recorded(store)[0]["output"]


def test_a_value_that_cannot_be_read_does_not_lose_the_record(driver: Any, recorder: Recorder, store: Path) -> None:
    class Shifting(dict[str, int]):
        def items(self) -> Any:
            raise RuntimeError("dictionary changed size during iteration")

    @tool
    def give() -> Any:
        """Gives something that changes meanwhile."""
        return [Shifting(), {(1, 2): Shifting(a=1)}]

    metadata = {"shifting": {(1, 2): Shifting()}}
    driver.invoke(give, {}, {"callbacks": [recorder], "metadata": metadata})
    (run,) = recorded(store)
    assert (run["status"], run["metadata"]) == ("ok", "<could not be recorded: RuntimeError>")
    assert run["notes"]["inexact"] == ["inputs", "metadata", "output"]


def test_secrets_are_masked_before_anything_is_written(driver: Any, recorder: Recorder, store: Path) -> None:
    @tool
    def login(user: str, password: str) -> dict[str, str]:
        """Logs in."""
        return {"user": user, "token": "t-12345"}

    driver.invoke(login, {"user": "eve", "password": "hunter2"}, {"callbacks": [recorder]})
    written = segments_of(store)[0].read_bytes()
    assert b"hunter2" not in written and b"t-12345" not in written and b"eve" in written
    (run,) = recorded(store)
    assert run["notes"] == {
        "masked": ["inputs", "output"],
        "digest": arguments_digest({"password": "hunter2", "user": "eve"}),
    }


def test_without_a_redactor_everything_is_written_as_it_is(driver: Any, store: Path) -> None:
    recorder = Recorder(store, redact=None, index=False)
    driver.invoke(double, {"number": 1}, {"callbacks": [recorder], "metadata": {"password": "hunter2"}})
    assert recorded(store)[0]["metadata"] == {"password": "hunter2"}


def test_a_redactor_of_ones_own_is_asked(driver: Any, store: Path) -> None:
    recorder = Recorder(store, redact=Redactor(values=[r"\bplan \w+"]), index=False)
    driver.invoke(double, {"number": 1}, {"callbacks": [recorder], "metadata": {"note": "this is plan B of many"}})
    assert "plan B" not in str(recorded(store)[0]["metadata"])


# ── large values ───────────────────────────────────────────────────────────────────────────────────────

LARGE = {"text": "x" * 100_000, "numbers": list(range(10_000)), "deep": [{"a": ["b" * 2000]}] * 100}


@pytest.mark.parametrize("value", LARGE.values(), ids=LARGE)
def test_a_large_value_is_kept_whole(driver: Any, recorder: Recorder, store: Path, value: Any) -> None:
    @tool
    def echo(value: Any) -> Any:
        """Gives it back."""
        return value

    driver.invoke(echo, {"value": value}, {"callbacks": [recorder]})
    (run,) = recorded(store)
    assert (run["inputs"], run["output"], run["notes"]) == ({"value": value}, value, None)


def test_a_large_value_is_there_when_the_end_has_been_delivered(driver: Any, recorder: Recorder, store: Path) -> None:
    @tool
    def much() -> str:
        """Gives much."""
        return "x" * 200_000

    driver.invoke(much, {}, {"callbacks": [recorder]})
    assert records_of(store)[-1][1]["output"] == "x" * 200_000


def test_a_large_value_is_encoded_off_the_loop(async_driver: Any, recorder: Recorder, monkeypatch: Any) -> None:
    threads: list[int] = []
    write = recorder._journal_write

    def noted(kind: int, body: bytes) -> bool:
        threads.append(threading.get_ident())
        return write(kind, body)

    recorder._journal_write = noted  # type: ignore[method-assign]

    @tool
    async def much() -> str:
        """Gives much."""
        return "x" * 200_000

    async_driver.invoke(much, {}, {"callbacks": [recorder]})
    start, end = threads
    assert start == threading.get_ident() != end


def test_a_sync_call_inside_a_running_loop_has_written_a_large_value_when_it_returns(store: Path) -> None:
    recorder = Recorder(store, index=False)

    @tool
    def echo(text: str) -> str:
        """Gives it back."""
        assert records_of(store)[-1][1]["inputs"] == {"text": text}
        return text

    async def main() -> None:
        echo.invoke({"text": "x" * 100_000}, {"callbacks": [recorder]})
        assert [kind for kind, _ in records_of(store)] == [START, END]

    asyncio.run(main())


def test_a_value_beyond_the_bound_is_cut_visibly(driver: Any, store: Path) -> None:
    recorder = Recorder(store, largest_value=5000, index=False)

    @tool
    def echo(value: Any) -> Any:
        """Gives it back."""
        return value

    value = [{"number": number} for number in range(10_000)]
    driver.invoke(echo, {"value": value}, {"callbacks": [recorder]})
    (run,) = recorded(store)
    assert run["output"]["bytes"] == len(str(value).replace(" ", ""))
    assert run["output"]["cut"].startswith('[{"number":0},{"number":1}') and len(run["output"]["cut"]) == 5000
    assert run["notes"] == {"cut": ["inputs", "output"], "digest": arguments_digest({"value": value})}


def test_a_secret_that_lies_across_the_cut_is_masked(driver: Any, store: Path) -> None:
    recorder = Recorder(store, largest_value=1000, index=False)

    @tool
    def much() -> Any:
        """Gives a secret in the wrong place."""
        return {"text": "x" * 960, "password": "hunter2" * 20, "more": "y" * 5000}

    driver.invoke(much, {}, {"callbacks": [recorder]})
    (run,) = recorded(store)
    assert len(run["output"]["cut"]) == 1000 and "hunter" not in run["output"]["cut"]
    assert run["notes"] == {"cut": ["output"], "masked": ["output"]}


def test_a_cancel_waits_for_the_record_of_a_large_value(store: Path) -> None:
    recorder = Recorder(store, index=False)

    async def main() -> None:
        manager = AsyncCallbackManager.configure([recorder])
        run = await manager.on_tool_start({"name": "t"}, "")
        ending = asyncio.ensure_future(run.on_tool_end("x" * 3_000_000))
        await asyncio.sleep(0)
        ending.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await ending
        assert records_of(store)[-1][0] == END

    asyncio.run(main())


# ── where and how ──────────────────────────────────────────────────────────────────────────────────────


def test_a_place_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnwritable):
        Recorder(tmp_path / "file" / "store")


def test_an_unknown_durability_is_refused(store: Path) -> None:
    with pytest.raises(ValueError, match='durability is "process" or "disk"'):
        Recorder(store, durability="memory")  # type: ignore[arg-type]


def test_with_durability_disk_an_end_waits_until_it_is_synced(driver: Any, store: Path, monkeypatch: Any) -> None:
    sizes: list[int] = []
    sync = os.fdatasync

    def noted(descriptor: int) -> None:
        sizes.append(os.fstat(descriptor).st_size)
        sync(descriptor)

    monkeypatch.setattr(os, "fdatasync", noted)
    recorder = Recorder(store, durability="disk", index=False)
    for number in range(3):
        driver.invoke(double, {"number": number}, {"callbacks": [recorder]})
        assert sizes[-1] == segments_of(store)[0].stat().st_size
    recorder.close()


ENVIRONMENT = """
from toolrun import tool
import sys
import threading

@tool
def double(number: int) -> int:
    "Doubles."
    return 2 * number

double.invoke({"number": 1})
thread = threading.Thread(target=double.invoke, args=({"number": 2},))
thread.start()
thread.join()
"""


def test_the_environment_turns_recording_on(store: Path) -> None:
    ended = run_python(ENVIRONMENT, env={**os.environ, "TOOLRUN_STORE": str(store)})
    assert ended.returncode == 0, ended.stderr
    assert [run["inputs"] for run in recorded(store)] == [{"number": 1}, {"number": 2}]


NESTED_IN_A_WORKER = """
from toolrun import tool

@tool
def inner(number: int) -> int:
    "Inner."
    return number + 1

@tool(engine="processes")
def outer(number: int) -> int:
    "Outer."
    return inner.invoke({"number": number})

outer.invoke({"number": 1})
"""


@pytest.mark.skipif(sys.platform != "linux", reason="worker processes are for Linux")
def test_what_happens_in_a_worker_is_recorded_once_and_by_the_parent(store: Path) -> None:
    ended = run_python(NESTED_IN_A_WORKER, env={**os.environ, "TOOLRUN_STORE": str(store)})
    assert ended.returncode == 0, ended.stderr
    assert len(segments_of(store)) == 1
    outer, inner = recorded(store)
    assert (outer["name"], inner["name"]) == ("outer", "inner")
    assert inner["parent_id"] == inner["trace_id"] == outer["run_id"]


KILLED_IN_A_BODY = """
import os, signal, sys
from toolrun import tool
from toolrun.handlers import Recorder

@tool
def die(number: int) -> int:
    "Dies at the third call."
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number

for number in range(5):
    die.invoke({"number": number}, {"callbacks": [Recorder(sys.argv[1])]})
"""


def test_what_had_finished_survives_a_kill_and_what_had_not_is_interrupted(store: Path) -> None:
    run_python(KILLED_IN_A_BODY, store)
    found = [(run["inputs"]["number"], run["status"], run["output"]) for run in recorded(store)]
    assert found == [(0, "ok", 0), (1, "ok", 1), (2, "ok", 2), (3, "interrupted", None)]


def test_a_record_says_how_the_body_ran(recorder: Recorder, store: Path) -> None:
    manager = CallbackManager.configure([recorder])
    run = manager.on_tool_start({"name": "t"}, "in", session="s1")
    run.on_tool_end(
        "out", engine="processes", worker=77, attempts=3, cached=True, stopped_by="kill", name="t", color="g"
    )
    (row,) = recorded(store)
    assert [row[name] for name in ("engine", "worker", "attempts", "cached", "stopped_by", "session", "inputs")] == [
        *("processes", 77, 3, 1, "kill", "s1", "in"),
    ]


def test_what_the_tool_returned_is_recorded_beside_the_message_that_went_out(recorder: Recorder, store: Path) -> None:
    manager = CallbackManager.configure([recorder])
    manager.on_tool_start({"name": "t"}, "in").on_tool_end("5", engine="inline", value=5)
    manager.on_tool_start({"name": "t"}, "in").on_tool_end("sorry", engine="inline", answered=ValueError("no"))
    plain, answered = recorded(store)
    assert (plain["output"], plain["notes"]) == (5, {"message": True})
    assert (answered["status"], answered["output"], answered["error"]["message"]) == ("ok", "sorry", "no")


def test_every_record_is_one_frame(driver: Any, recorder: Recorder, store: Path) -> None:
    driver.invoke(double, {"number": 1}, {"callbacks": [recorder]})
    kinds = [frame.kind for frame in frames_of(segments_of(store)[0])]
    assert kinds == [FrameKind.OPEN, FrameKind.DROPS, START, END]


# ── whatever users give ────────────────────────────────────────────────────────────────────────────────


def nested(levels: int, inner: Any) -> Any:
    for _ in range(levels):
        inner = [inner]
    return inner


@pytest.mark.parametrize("levels", [90, 150, 240, 260, 340, 900])
@pytest.mark.parametrize("size", [1, 70_000])
def test_what_is_nested_deeply_can_be_stored_and_written_again(
    recorder: Recorder, store: Path, levels: int, size: int
) -> None:
    @tool
    def give() -> Any:
        """Gives something deep."""
        return nested(levels, "y" * size)

    give.invoke({}, {"callbacks": [recorder]})
    recorder.close()
    (ended,) = [fields for kind, fields in records_of(store) if kind == END]
    orjson.dumps(ended["output"])
    (run,) = recorded(store)
    assert run["status"] == "ok"
    assert (run["output"] == nested(levels, "y" * size)) == (run["notes"] is None)


def test_tags_that_are_no_texts_are_recorded_as_texts(driver: Any, recorder: Recorder, store: Path) -> None:
    driver.invoke(double, {"number": 1}, {"callbacks": [recorder], "tags": [None, "a", 5]})
    (run,) = recorded(store)
    assert run["tags"] == ["None", "a", "5"]


def test_an_output_whose_properties_raise_is_recorded(driver: Any, recorder: Recorder, store: Path) -> None:
    class Handle:
        @property
        def type(self) -> str:
            raise RuntimeError("not connected")

        def __repr__(self) -> str:
            return "<handle>"

    @tool
    def connect() -> Any:
        """Gives a handle."""
        return Handle()

    driver.invoke(connect, {}, {"callbacks": [recorder]})
    (run,) = recorded(store)
    assert (run["status"], run["output"], run["notes"]) == ("ok", "<handle>", {"inexact": ["output"]})


def test_half_a_surrogate_in_a_name_or_an_id_does_not_lose_the_record(
    driver: Any, recorder: Recorder, store: Path
) -> None:
    call = {"name": "double", "args": {"number": 4}, "id": "call_\ud800", "type": "tool_call"}
    driver.invoke(double, call, {"callbacks": [recorder], "run_name": "na\udfffme", "metadata": {"a": 1}})
    (run,) = recorded(store)
    assert (run["status"], run["inputs"], run["metadata"]) == ("ok", {"number": 4}, {"a": 1})
    assert (run["name"], run["call_id"]) == (r"na\udfffme", r"call_\ud800")


def test_a_number_of_more_digits_than_python_writes_does_not_wipe_what_stands_beside_it(
    driver: Any, recorder: Recorder, store: Path
) -> None:
    config = {"callbacks": [recorder], "tags": ["t"], "metadata": {"a": 1}}
    driver.invoke(double, {"number": 10**5000}, config)
    (run,) = recorded(store)
    assert run["inputs"] == {"number": hex(10**5000)} and run["output"] == hex(2 * 10**5000)
    assert (run["tags"], run["metadata"]) == (["t"], {"a": 1})
    assert run["notes"]["inexact"] == ["inputs", "output"]


def test_secrets_in_names_ids_and_sessions_are_masked(driver: Any, recorder: Recorder, store: Path) -> None:
    key = "ghp_" + "a1B2c3D4e5" * 4
    call = {"name": "double", "args": {"number": 4}, "id": f"call {key}", "type": "tool_call"}
    driver.invoke(double, call, {"callbacks": [recorder], "run_name": f"with {key}"})
    (told,) = [fields for kind, fields in records_of(store) if kind == START]
    recorder.on_tool_start(None, "x", run_id=(other := new_run_id()), name="t", session=key)
    recorder.on_tool_end("x", run_id=other)
    assert key not in "".join(path.read_text(errors="replace") for path in segments_of(store))
    assert told["name"].startswith("with ") and told["call_id"].startswith("call "), "the rest of them stays"


def test_a_redactor_that_raises_costs_the_text_and_not_the_record(driver: Any, store: Path) -> None:
    class Broken:
        def redact_json(self, encoded: bytes) -> tuple[bytes, bool]:
            raise RuntimeError

    call = {"name": "double", "args": {"number": 4}, "id": "call_1", "type": "tool_call"}
    driver.invoke(double, call, {"callbacks": [Recorder(store, redact=Broken(), index=False)]})
    (run,) = recorded(store)
    assert (run["status"], run["name"], run["call_id"]) == ("ok", *["<could not be recorded: RuntimeError>"] * 2)
