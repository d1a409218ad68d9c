"""The handlers that print, write and count."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from toolrun.callbacks import (
    CallbackManager,
    FileCallbackHandler,
    StdOutCallbackHandler,
    StreamingStdOutCallbackHandler,
    UsageMetadataCallbackHandler,
)


def test_stdout_prints_chains_tools_and_texts(capsys: pytest.CaptureFixture[str]) -> None:
    manager = CallbackManager([StdOutCallbackHandler()])
    chain = manager.on_chain_start({"name": "Agent"}, {})
    tool = manager.on_tool_start({}, "")
    tool.on_text("thinking\n")
    tool.on_tool_end({"temperature": 21}, observation_prefix="Observation: ")
    chain.on_agent_finish(SimpleNamespace(log="done"))
    chain.on_chain_end({})
    printed = capsys.readouterr().out
    for part in ("Entering new Agent chain", "thinking\n", "\nObservation: {'temperature': 21}", "done\n", "Finished"):
        assert part in printed


def test_a_colour_is_used_where_it_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    StdOutCallbackHandler("green").on_text("leaf")
    assert capsys.readouterr().out == "\033[32;1m\033[1;3mleaf\033[0m"


def test_streaming_prints_tokens_as_they_come(capsys: pytest.CaptureFixture[str]) -> None:
    (run,) = CallbackManager([StreamingStdOutCallbackHandler()]).on_llm_start({}, ["hi"])
    for token in ("Hel", "lo"):
        run.on_llm_new_token(token)
    assert capsys.readouterr().out == "Hello"


def test_the_file_handler_writes_the_same_and_says_when_it_is_used_closed(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    with FileCallbackHandler(path) as handler:
        CallbackManager([handler]).on_tool_start({}, "").on_tool_end("result", color="green")
        assert path.read_text() == "result", "no colours in a file"
    with pytest.raises(RuntimeError, match=r"log\.txt is closed"):
        handler.on_text("too late")
    handler.close()


def a_response(model: str | None, usage: Any) -> Any:
    message = SimpleNamespace(usage_metadata=usage, response_metadata={"model_name": model})
    return SimpleNamespace(generations=[[SimpleNamespace(message=message)]])


def test_usage_is_added_up_per_model_however_deep() -> None:
    handler = UsageMetadataCallbackHandler()
    manager = CallbackManager([handler])
    for model, usage in [
        ("a", {"input_tokens": 1, "details": {"cache": 1}}),
        ("a", {"input_tokens": 2, "details": {"audio": 5, "cache": 1}}),
        ("b", {"input_tokens": 3}),
        (None, {"input_tokens": 100}),
        ("a", None),
    ]:
        (run,) = manager.on_llm_start({}, ["hi"])
        run.on_llm_end(a_response(model, usage))
    assert handler.usage_metadata == {
        "a": {"input_tokens": 3, "details": {"cache": 2, "audio": 5}},
        "b": {"input_tokens": 3},
    }


def test_an_answer_without_generations_is_no_usage() -> None:
    handler = UsageMetadataCallbackHandler()
    handler.on_llm_end(SimpleNamespace(generations=[]))
    handler.on_llm_end(None)
    assert handler.usage_metadata == {}
