"""Record and replay: recorded results in place of the tools, and a loud end where the program does otherwise."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import pytest

from toolrun import CallRequest, Retry, ToolRunner, current_run, tool
from toolrun.callbacks import CallbackManager
from toolrun.execution import replay
from toolrun.execution.replay import replaying
from toolrun.execution.replay_errors import AlreadyReplaying, CannotReplay, ReplayDiverged
from toolrun.handlers import Recorder
from toolrun.run import RunStatus
from toolrun.store import open_store
from toolrun.store.exchange.export import export
from toolrun.store.query import Reader
from toolrun.testing import RecordingHandler
from toolrun.tools import Secret, ToolException, ToolMessage

ran: list[Any] = []
"""What the bodies did."""


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    ran.clear()
    yield
    assert replay.playing is None


class Flaky(Exception):
    """An error of the program's own."""


@tool
def double(x: int) -> int:
    """Double it."""
    ran.append(x)
    return 2 * x


@tool
async def adouble(x: int) -> int:
    """Double it, later."""
    ran.append(x)
    await asyncio.sleep(0)
    return 2 * x


@tool
def fail(how: str) -> None:
    """Fail."""
    ran.append(how)
    raise {"value": ValueError("no"), "key": KeyError("k"), "own": Flaky("flaky"), "exit": SystemExit(3)}[how]


class Taped:
    """A store that records what is done in it, and replays it."""

    def __init__(self, path: Path, driver: Any) -> None:
        self.path, self.driver = path, driver

    def recording(self, function: Callable[[dict[str, Any]], Any], **options: Any) -> Any:
        """Calls the function with a config that records."""
        with Recorder(self.path, **options) as recorder:
            return function({"callbacks": [recorder]})


@pytest.fixture
def taped(tmp_path: Path, driver: Any) -> Taped:
    return Taped(tmp_path / "store", driver)


def outcome(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except BaseException as error:
        return type(error), str(error)


# ── what is served ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("subject", [double, adouble], ids=["sync tool", "async tool"])
def test_a_recorded_result_is_served_and_the_body_does_not_run(taped: Taped, subject: Any) -> None:
    assert taped.recording(lambda config: taped.driver.invoke(subject, {"x": 2}, config)) == 4
    with replaying(taped.path) as replayed:
        assert taped.driver.invoke(subject, {"x": 2}) == 4
    assert (ran, replayed.served, replayed.left) == ([2], 1, [])
    assert taped.driver.invoke(subject, {"x": 5}) == 10


def test_a_tool_call_is_answered_by_a_message_with_its_own_id(taped: Taped) -> None:
    def call(id: str) -> dict[str, Any]:
        return {"type": "tool_call", "id": id, "name": "double", "args": {"x": 2}}

    taped.recording(lambda config: taped.driver.invoke(double, call("then"), config))
    with replaying(taped.path):
        message = taped.driver.invoke(double, call("now"))
    assert message == ToolMessage("4", tool_call_id="now", name="double")


@pytest.mark.parametrize(
    "value", ["5", 5, None, 1.5, True, "", [], {"a": [1, {"b": None}]}, "ä\n\u2028", {"type": "tool"}]
)
@pytest.mark.parametrize("as_call", [False, True])
def test_values_come_back_as_they_were(taped: Taped, value: Any, as_call: bool) -> None:
    give = _giver(value)
    given: Any = {"type": "tool_call", "id": "c", "name": "give", "args": {}} if as_call else {}
    then = taped.recording(lambda config: taped.driver.invoke(give, given, config))
    with replaying(taped.path):
        now = taped.driver.invoke(_giver("something else"), given)
    assert (now, type(now)) == (then, type(then))


def _giver(value: Any) -> Any:
    @tool("give")
    def give() -> Any:
        """Give it."""
        return value

    return give


@pytest.mark.parametrize("how", ["value", "key", "own", "exit"])
def test_recorded_errors_are_raised_again_as_what_they_were(taped: Taped, how: str) -> None:
    then = outcome(lambda: taped.recording(lambda config: taped.driver.invoke(fail, {"how": how}, config)))
    with replaying(taped.path):
        assert outcome(lambda: taped.driver.invoke(fail, {"how": how})) == then
    assert ran == [how]


def test_an_error_of_a_class_that_is_not_known_here_tells_of_it(taped: Taped) -> None:
    def strange() -> None:
        class Strange(Exception):
            pass

        raise Strange("odd")

    of_then = tool("strange", description="Be strange.")(strange)
    outcome(lambda: taped.recording(lambda config: taped.driver.invoke(of_then, {}, config)))
    with replaying(taped.path):
        kind, message = outcome(lambda: taped.driver.invoke(of_then, {}))
    assert (kind.__name__, "Strange: odd" in message) == ("RemoteError", True)


def test_an_error_that_was_answered_is_answered_again(taped: Taped) -> None:
    @tool(handle_tool_error=True)
    def refuse() -> None:
        """Refuse."""
        ran.append("refused")
        raise ToolException("not today")

    call = {"type": "tool_call", "id": "c", "name": "refuse", "args": {}}
    then = taped.recording(lambda config: taped.driver.invoke(refuse, call, config))
    with replaying(taped.path):
        assert taped.driver.invoke(refuse, call) == then
    assert (then.status, ran) == ("error", ["refused"])


def test_equal_calls_are_served_in_their_order(taped: Taped) -> None:
    numbers = iter(range(10))

    @tool
    def count() -> int:
        """Count."""
        return next(numbers)

    taped.recording(lambda config: [taped.driver.invoke(count, {}, config) for _ in range(3)])
    with replaying(taped.path):
        assert [taped.driver.invoke(count, {}) for _ in range(3)] == [0, 1, 2]


def test_an_artifact_comes_back_with_its_content(taped: Taped) -> None:
    @tool(response_format="content_and_artifact")
    def both() -> tuple[str, dict[str, int]]:
        """Give both."""
        return "said", {"kept": 1}

    call = {"type": "tool_call", "id": "c", "name": "both", "args": {}}
    then = taped.recording(lambda config: taped.driver.invoke(both, call, config))
    with replaying(taped.path):
        now = taped.driver.invoke(both, call)
    assert now == then
    assert (now.content, now.artifact) == ("said", {"kept": 1})


def test_limits_retries_and_approval_are_passed_by(taped: Taped) -> None:
    tries: list[int] = []

    def build(approve: bool) -> Any:
        @tool(retry=Retry(3, wait=0), requires_approval=lambda name, arguments: approve, cache=True)
        def flaky() -> str:
            """Fail at first."""
            tries.append(1)
            if len(tries) < 3:
                raise ConnectionError("busy")
            return "done"

        return flaky

    taped.recording(lambda config: taped.driver.invoke(build(True), {}, config))
    handler = RecordingHandler()
    with replaying(taped.path):
        assert taped.driver.invoke(build(False), {}, {"callbacks": [handler]}) == "done"
    [end] = handler.named("on_tool_end")
    assert (end.keywords["attempts"], end.keywords["engine"], len(tries)) == (3, "replay", 3)
    retries = [event.payload[0] for event in handler.named("on_retry")]
    assert [(state.attempt_number, str(state.outcome.exception())) for state in retries] == [(1, "busy"), (2, "busy")]


def test_the_runs_recorded_statuses_hold_again(taped: Taped) -> None:
    @tool(timeout=0.05)
    def slow() -> None:
        """Take too long."""
        threading.Event().wait(5)

    @tool(requires_approval=lambda name, arguments: "never")
    def secret() -> None:
        """Be denied."""

    runner = ToolRunner([slow, secret, double], store=taped.path)
    requests = [CallRequest("slow", {}), CallRequest("secret", {}), CallRequest("double", {"x": 1})]
    then = taped.driver.run_all(runner, requests)
    Recorder(taped.path).close()
    with replaying(taped.path):
        now = taped.driver.run_all(ToolRunner([slow, secret, double]), requests)
    assert [result.status for result in now] == [RunStatus.TIMEOUT, RunStatus.DENIED, RunStatus.OK]
    assert [(r.error, r.output, r.stopped_by) for r in now] == [(r.error, r.output, r.stopped_by) for r in then]


# ── what handlers hear ─────────────────────────────────────────────────────────────────────────────────


@tool
def chatty(x: int) -> int:
    """Say much."""
    run = current_run()
    run.on_text("begun")
    run.on_tool_progress(1, 2, "half")
    run.on_tool_output({"part": x})
    run.on_custom_event("found", [x])
    return x


@tool
async def achatty(x: int) -> int:
    """Say much."""
    run = current_run()
    await run.on_text("begun")
    await run.on_tool_progress(1, 2, "half")
    await run.on_tool_output({"part": x})
    await run.on_custom_event("found", [x])
    return x


@pytest.mark.parametrize("subject", [chatty, achatty], ids=["sync tool", "async tool"])
def test_recorded_events_are_told_to_the_handlers_of_today(taped: Taped, subject: Any) -> None:
    def told(config: dict[str, Any]) -> list[tuple[str, Any]]:
        handler = RecordingHandler()
        taped.driver.invoke(subject, {"x": 1}, {"callbacks": [handler, *config.get("callbacks", [])]})
        return [(event.name, event.payload) for event in handler.events]

    then = taped.recording(told)
    assert len(then) == 6
    with replaying(taped.path):
        assert told({}) == then


def test_calls_inside_a_tool_are_not_made_and_not_missed(taped: Taped) -> None:
    @tool
    def outer(x: int) -> int:
        """Call another."""
        return double.invoke({"x": x}) + 1

    taped.recording(lambda config: taped.driver.invoke(outer, {"x": 1}, config))
    with replaying(taped.path) as replayed:
        assert taped.driver.invoke(outer, {"x": 1}) == 3
    assert (ran, replayed.served) == ([1], 1)


def test_one_trace_of_many_can_be_replayed(taped: Taped) -> None:
    def agent(x: int, config: dict[str, Any]) -> None:
        run = CallbackManager.configure(config.get("callbacks")).on_chain_start({"name": "agent"}, {"x": x})
        for step in range(2):
            taped.driver.invoke(double, {"x": x + step}, {"callbacks": run.get_child()})
        run.on_chain_end({})

    taped.recording(lambda config: [agent(x, config) for x in (10, 20)])
    with open_store(taped.path) as store, closing(Reader(store)) as reader:
        traces = [trace.root.trace for trace in reader.traces().items]
    with replaying(taped.path, trace=traces[0]):
        assert [taped.driver.invoke(double, {"x": x}) for x in (20, 21)] == [40, 42]
    assert ran == [10, 11, 20, 21]


# ── matching ───────────────────────────────────────────────────────────────────────────────────────────


def test_calls_are_matched_by_their_arguments_before_anything_was_masked(taped: Taped) -> None:
    @tool
    def login(password: str) -> int:
        """Log in."""
        return len(password)

    taped.recording(lambda config: [taped.driver.invoke(login, {"password": word}, config) for word in ("abc", "defg")])
    with replaying(taped.path):
        assert [taped.driver.invoke(login, {"password": word}) for word in ("defg", "abc")] == [4, 3]


def test_secret_arguments_are_not_part_of_the_match(taped: Taped) -> None:
    @tool
    def pay(amount: int, card: Annotated[str, Secret]) -> int:
        """Pay."""
        return amount

    taped.recording(lambda config: taped.driver.invoke(pay, {"amount": 1, "card": "4711"}, config))
    with replaying(taped.path):
        assert taped.driver.invoke(pay, {"amount": 1, "card": "0815"}) == 1


def test_arguments_that_are_refused_are_refused_again(taped: Taped) -> None:
    then = outcome(lambda: taped.recording(lambda config: taped.driver.invoke(double, {"x": "one"}, config)))
    with replaying(taped.path):
        assert outcome(lambda: taped.driver.invoke(double, {"x": "one"})) == then


class Desk:
    """A session's own tool: equal calls of two sessions give different things."""

    def __init__(self, session: str) -> None:
        self.session = session

    def who(self) -> str:
        """Say whose this is."""
        ran.append(self.session)
        return self.session


def test_each_session_of_a_runner_is_served_its_own_calls(taped: Taped) -> None:
    requests = [CallRequest("who", {}, session=session) for session in "aba"]
    taped.recording(lambda config: taped.driver.run_all(ToolRunner(Desk, **config), requests))
    ran.clear()
    with replaying(taped.path):
        results = taped.driver.run_all(ToolRunner(Desk), [requests[1], requests[0], requests[2]])
    assert ([result.output for result in results], ran) == (["b", "a", "a"], [])


def test_what_was_just_recorded_can_be_replayed_while_the_recorder_is_open(taped: Taped) -> None:
    recorder = Recorder(taped.path)
    for x in range(30):
        taped.driver.invoke(double, {"x": x}, {"callbacks": [recorder]})
    with replaying(taped.path) as replayed:
        assert [taped.driver.invoke(double, {"x": x}) for x in range(30)] == [2 * x for x in range(30)]
    assert replayed.served == 30
    recorder.close()


# ── divergence ─────────────────────────────────────────────────────────────────────────────────────────


def test_the_first_call_that_was_not_recorded_fails_with_what_differs(taped: Taped) -> None:
    taped.recording(lambda config: [taped.driver.invoke(double, {"x": x}, config) for x in (1, 2, 3)])
    with pytest.raises(ReplayDiverged) as raised, replaying(taped.path):
        taped.driver.invoke(double, {"x": 1})
        taped.driver.invoke(double, {"x": 7})
    said = str(raised.value)
    assert "call 2 is one of 'double' with arguments with which it was not recorded." in said
    assert '-  "x": 2' in said
    assert '+  "x": 7' in said
    assert "Still to come: double x 2." in said


def test_another_tool_than_the_recorded_one_is_a_divergence(taped: Taped) -> None:
    taped.recording(lambda config: taped.driver.invoke(double, {"x": 1}, config))
    with (
        pytest.raises(ReplayDiverged, match="call 1 is one of 'adouble', of which no call is left"),
        replaying(taped.path),
    ):
        taped.driver.invoke(adouble, {"x": 1})


def test_one_call_more_than_recorded_is_a_divergence(taped: Taped) -> None:
    taped.recording(lambda config: [taped.driver.invoke(double, {"x": x}, config) for x in (1, 2)])
    with pytest.raises(ReplayDiverged, match="with which it was recorded 1 time only"), replaying(taped.path):
        taped.driver.invoke(double, {"x": 1})
        taped.driver.invoke(double, {"x": 1})


def test_one_call_less_than_recorded_is_a_divergence_unless_a_part_will_do(taped: Taped) -> None:
    taped.recording(lambda config: [taped.driver.invoke(double, {"x": x}, config) for x in (1, 2)])
    with pytest.raises(ReplayDiverged, match=r"it ended after 1 calls, and 1 more were recorded: double\."):
        with replaying(taped.path):
            taped.driver.invoke(double, {"x": 1})
    with replaying(taped.path, partly=True) as replayed:
        taped.driver.invoke(double, {"x": 1})
    assert [call.payload.inputs for call in replayed.left] == [{"x": 2}]


def test_a_divergence_that_the_program_swallows_comes_at_the_end_all_the_same(taped: Taped) -> None:
    taped.recording(lambda config: taped.driver.invoke(double, {"x": 1}, config))
    with pytest.raises(ReplayDiverged, match="not recorded"), replaying(taped.path):
        results = taped.driver.run_all(ToolRunner([double]), [CallRequest("double", {"x": x}) for x in (7, 1)])
        assert not any(result.ok for result in results)


@pytest.mark.parametrize("kind", [ZeroDivisionError, KeyboardInterrupt])
def test_an_error_of_the_program_itself_comes_out_with_a_note_of_what_diverged(
    taped: Taped, kind: type[BaseException]
) -> None:
    taped.recording(lambda config: taped.driver.invoke(double, {"x": 1}, config))
    with pytest.raises(kind) as raised, replaying(taped.path):
        outcome(lambda: taped.driver.invoke(double, {"x": 2}))
        raise kind
    [note] = raised.value.__notes__
    assert "The replay has diverged: call 1 is one of 'double'" in note
    with pytest.raises(kind) as raised, replaying(taped.path):
        raise kind
    assert "it ended after 0 calls, and 1 more were recorded" in raised.value.__notes__[0]


def test_an_error_of_the_program_in_a_replay_that_did_not_diverge_has_no_note(taped: Taped) -> None:
    taped.recording(lambda config: taped.driver.invoke(double, {"x": 1}, config))
    with pytest.raises(ZeroDivisionError) as raised, replaying(taped.path, partly=True):
        raise ZeroDivisionError
    assert not hasattr(raised.value, "__notes__")


def test_secrets_are_not_shown_in_what_differs(taped: Taped) -> None:
    @tool
    def login(user: str, password: str) -> None:
        """Log in."""

    taped.recording(lambda config: taped.driver.invoke(login, {"user": "a", "password": "hunter2"}, config))
    with pytest.raises(ReplayDiverged) as raised, replaying(taped.path):
        taped.driver.invoke(login, {"user": "b", "password": "hunter3"})
    assert "hunter" not in str(raised.value)
    assert "(the recorded arguments were masked)" in str(raised.value)


# ── what cannot be replayed ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({"token": "abc"}, "secrets in its result were masked"),
        ("x" * 5000, "its result was too large, and was cut"),
        ({1, 2}, "its result is no JSON"),
    ],
)
def test_a_result_that_was_not_kept_whole_says_so(taped: Taped, value: Any, why: str) -> None:
    give = _giver(value)
    taped.recording(lambda config: taped.driver.invoke(give, {}, config), largest_value=4000)
    with pytest.raises(CannotReplay, match=why), replaying(taped.path):
        taped.driver.invoke(give, {})


def test_two_replays_at_once_are_refused(taped: Taped) -> None:
    taped.recording(lambda config: taped.driver.invoke(double, {"x": 1}, config))
    with replaying(taped.path):
        with pytest.raises(AlreadyReplaying), replaying(taped.path):
            pass
        assert taped.driver.invoke(double, {"x": 1}) == 2


def test_a_replay_can_be_entered_again_and_begins_anew(taped: Taped) -> None:
    taped.recording(lambda config: taped.driver.invoke(double, {"x": 1}, config))
    replayed = replaying(taped.path)
    for _ in range(2):
        with replayed:
            assert taped.driver.invoke(double, {"x": 1}) == 2
        assert replayed.served == 1


# ── cassettes ──────────────────────────────────────────────────────────────────────────────────────────


def test_an_export_can_be_replayed_without_the_store(taped: Taped, tmp_path: Path) -> None:
    taped.recording(lambda config: [taped.driver.invoke(double, {"x": x}, config) for x in (1, 2)])
    with open_store(taped.path) as store, closing(Reader(store)) as reader:
        (tmp_path / "cassette.jsonl").write_bytes(b"".join(export(reader.records())))
    with replaying(tmp_path / "cassette.jsonl"):
        assert [taped.driver.invoke(double, {"x": x}) for x in (1, 2)] == [2, 4]
    assert ran == [1, 2]
