"""The base of sync tracers: handlers that keep the tree of runs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from toolrun.callbacks.base import BaseCallbackHandler
from toolrun.tracers._core import TracerCore
from toolrun.tracers.schemas import Run

Hook = Callable[[Run], None]


class BaseTracer(TracerCore, BaseCallbackHandler, ABC):
    """Keeps a `Run` for every run in flight, and hands each finished root to `_persist_run`.

    Override the hooks, which get the run's record: `_on_run_create` and `_on_run_update` for runs of every kind,
    `_on_tool_start` and its like for one kind and event. At the end of a run it has left `run_map` already.
    """

    @abstractmethod
    def _persist_run(self, run: Run) -> None:
        """Take a finished root, with all runs below it."""

    def _start_trace(self, run: Run) -> None:
        self._link(run)
        self._on_run_create(run)

    def _end_trace(self, run: Run) -> None:
        self._unlink(run)
        if not run.parent_run_id:
            self._persist_run(run)
        self._on_run_update(run)

    def _started(self, run: Run, hook: Hook) -> Run:
        self._start_trace(run)
        hook(run)
        return run

    def _finished(self, run: Run, hook: Hook) -> Run:
        self._end_trace(run)
        hook(run)
        return run

    def on_tool_start(self, serialized: dict[str, Any], input_str: str, *, run_id: UUID, **kwargs: Any) -> Run:
        return self._started(self._create_tool_run(serialized, input_str, run_id=run_id, **kwargs), self._on_tool_start)

    def on_tool_end(self, output: Any, *, run_id: UUID, **kwargs: Any) -> Run:
        return self._finished(self._complete_tool_run(output, run_id), self._on_tool_end)

    def on_tool_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> Run:
        return self._finished(self._errored_tool_run(error, run_id), self._on_tool_error)

    def on_chain_start(self, serialized: dict[str, Any] | None, inputs: Any, *, run_id: UUID, **kwargs: Any) -> Run:
        return self._started(self._create_chain_run(serialized, inputs, run_id=run_id, **kwargs), self._on_chain_start)

    def on_chain_end(self, outputs: Any, *, run_id: UUID, inputs: Any = None, **kwargs: Any) -> Run:
        return self._finished(self._complete_chain_run(outputs, run_id, inputs), self._on_chain_end)

    def on_chain_error(self, error: BaseException, *, run_id: UUID, inputs: Any = None, **kwargs: Any) -> Run:
        return self._finished(self._errored_chain_run(error, run_id, inputs), self._on_chain_error)

    def on_llm_start(self, serialized: dict[str, Any], prompts: list[str], *, run_id: UUID, **kwargs: Any) -> Run:
        return self._started(self._create_llm_run(serialized, prompts, run_id=run_id, **kwargs), self._on_llm_start)

    def on_chat_model_start(
        self, serialized: dict[str, Any], messages: list[list[Any]], *, run_id: UUID, **kwargs: Any
    ) -> Run:
        run = self._create_chat_model_run(serialized, messages, run_id=run_id, **kwargs)
        return self._started(run, self._on_chat_model_start)

    def on_llm_new_token(self, token: Any, *, chunk: Any = None, run_id: UUID, **kwargs: Any) -> Run:
        run = self._note_token(token, run_id, chunk)
        self._on_llm_new_token(run, token, chunk)
        return run

    def on_llm_end(self, response: Any, *, run_id: UUID, **kwargs: Any) -> Run:
        return self._finished(self._complete_llm_run(response, run_id), self._on_llm_end)

    def on_llm_error(self, error: BaseException, *, run_id: UUID, response: Any = None, **kwargs: Any) -> Run:
        return self._finished(self._errored_llm_run(error, run_id, response), self._on_llm_error)

    def on_retriever_start(self, serialized: dict[str, Any], query: str, *, run_id: UUID, **kwargs: Any) -> Run:
        run = self._create_retrieval_run(serialized, query, run_id=run_id, **kwargs)
        return self._started(run, self._on_retriever_start)

    def on_retriever_end(self, documents: Sequence[Any], *, run_id: UUID, **kwargs: Any) -> Run:
        return self._finished(self._complete_retrieval_run(documents, run_id), self._on_retriever_end)

    def on_retriever_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> Run:
        return self._finished(self._errored_retrieval_run(error, run_id), self._on_retriever_error)

    def on_retry(self, retry_state: Any, *, run_id: UUID, **kwargs: Any) -> Run:
        return self._note_retry(retry_state, run_id)

    def _on_run_create(self, run: Run) -> None:
        """A run of any kind started."""

    def _on_run_update(self, run: Run) -> None:
        """A run of any kind ended; `run.error` says whether well."""

    def _on_tool_start(self, run: Run) -> None:
        """A tool run started."""

    def _on_tool_end(self, run: Run) -> None:
        """A tool run ended well."""

    def _on_tool_error(self, run: Run) -> None:
        """A tool run failed."""

    def _on_chain_start(self, run: Run) -> None:
        """A chain run started."""

    def _on_chain_end(self, run: Run) -> None:
        """A chain run ended well."""

    def _on_chain_error(self, run: Run) -> None:
        """A chain run failed."""

    def _on_llm_start(self, run: Run) -> None:
        """An LLM run started."""

    def _on_chat_model_start(self, run: Run) -> None:
        """A chat model run started; it ends as an LLM run."""

    def _on_llm_new_token(self, run: Run, token: Any, chunk: Any) -> None:
        """An LLM or chat model produced a token."""

    def _on_llm_end(self, run: Run) -> None:
        """An LLM or chat model run ended well."""

    def _on_llm_error(self, run: Run) -> None:
        """An LLM or chat model run failed."""

    def _on_retriever_start(self, run: Run) -> None:
        """A retriever run started."""

    def _on_retriever_end(self, run: Run) -> None:
        """A retriever run ended well."""

    def _on_retriever_error(self, run: Run) -> None:
        """A retriever run failed."""
