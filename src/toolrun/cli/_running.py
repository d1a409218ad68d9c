"""What `toolrun run` does: calls from a file through a batch into a file of results."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, aclosing, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Console

from toolrun._ids import monotonic
from toolrun.cli._aftermath import Aftermath
from toolrun.cli._approval import TERMINAL
from toolrun.cli._errors import Unusable
from toolrun.cli._load import load
from toolrun.cli._policy import runner_of
from toolrun.cli._progress import Bar, Lines, Quiet, Watcher
from toolrun.cli._recording import USUAL, drops_of, recording
from toolrun.cli._results import ResultsFile, refuse_overwriting
from toolrun.cli._resume import Resumption, is_rebuilt
from toolrun.cli._source import CallsFile
from toolrun.cli._stdout import stdout_for_results
from toolrun.cli._summary import Summary
from toolrun.cli._visible import visible
from toolrun.runner import CallResult
from toolrun.runner._batch import Batch
from toolrun.runner._keeping import Keeper
from toolrun.runner.toolbox import is_factory
from toolrun.store.batches import begin_batch
from toolrun.store.errors import StoreError

if TYPE_CHECKING:
    from toolrun.handlers import Recorder

SHOWN_MALFORMED = 10


@dataclass(frozen=True, slots=True)
class Plan:
    """What one `toolrun run` is to do, as the command line says it."""

    tools: str
    calls: str
    output: str | None
    concurrency: int
    format: str
    quiet: bool
    store: str | None
    no_store: bool
    resume: bool
    policy: dict[str, Any]


def run_calls(plan: Plan) -> int:
    """Run the calls; the exit status. Where results go to standard output, nothing else does."""
    with ExitStack() as stack:
        to_stdout = plan.output is None or plan.output == "-"
        target = stack.enter_context(stdout_for_results()) if to_stdout else plan.output
        assert target is not None
        source = stack.enter_context(CallsFile(plan.calls, plan.format))  # first: importing tools may read it
        refuse_overwriting(target, plan.calls)
        tools = load(plan.tools)
        resumption = _resumption(plan, source, target, is_factory(tools)) if plan.resume else None
        recorder = stack.enter_context(recording(*(None, None) if plan.no_store else (plan.store, USUAL)))
        source.batch = _batch_name(source, recorder, resumption)
        handlers = [Keeper(recorder), recorder] if recorder else []
        runner = stack.enter_context(runner_of(tools, plan.policy, concurrency=plan.concurrency))
        results = stack.enter_context(ResultsFile(target, append=resumption is not None))
        batch = runner.batch(*handlers, guard=resumption.guard if resumption else None)
        return asyncio.run(Invocation(batch, source, results, plan.quiet, recorder, resumption).run())


def _resumption(plan: Plan, source: CallsFile, target: str | int, has_factory: bool) -> Resumption:
    if not isinstance(target, str):
        raise Unusable("--resume completes a file of results: say with -o which.")
    try:
        return Resumption(source, plan.store or USUAL, target, has_factory=has_factory)
    except (StoreError, LookupError) as error:
        raise Unusable(str(error)) from None


def _batch_name(source: CallsFile, recorder: Recorder | None, resumption: Resumption | None) -> str | None:
    if recorder is None or source.digest is None:
        return None
    return (resumption and resumption.batch) or begin_batch(recorder.path, source.digest)


class Invocation:
    """One `toolrun run`, from the first call to the exit status."""

    def __init__(
        self,
        batch: Batch,
        source: CallsFile,
        results: ResultsFile,
        quiet: bool,
        recorder: Recorder | None = None,
        resumption: Resumption | None = None,
    ) -> None:
        self._batch, self._source, self._results, self._quiet = batch, source, results, quiet
        self._recorder, self._resumption = recorder, resumption
        self._console = Console(stderr=True)
        self._summary = Summary()
        self._malformed = 0
        self._stopped_by = 0

    async def run(self) -> int:
        """Run to the end or to the first Ctrl-C; the exit status."""
        began, aftermath = monotonic(), Aftermath()
        with self._stopped_by_signals(), self._watcher() as watcher, TERMINAL.beside(watcher.paused):
            async with aclosing(self._batch.results((self._resumption or self._source).items())) as results:
                async for result in results:
                    if not is_rebuilt(result.request):
                        await self._take(result)
                    watcher.update()
        if not self._quiet:
            self._conclude(monotonic() - began, aftermath)
        return self._exit_status()

    def _conclude(self, elapsed: float, aftermath: Aftermath) -> None:
        more = [*(self._resumption.lines() if self._resumption else ()), *drops_of(self._recorder)]
        if self._summary.by_tool:
            self._summary.print(self._console, elapsed, [*aftermath.lines(self._summary), *more])
        elif more:
            self._console.print("\n".join(map(visible, more)), highlight=False, markup=False)
        elif not self._stopped_by:
            self._console.print(f"{self._source.name}: no calls in it.", highlight=False, markup=False)

    async def _take(self, result: CallResult) -> None:
        self._summary.add(result)
        if result.name is None:
            self._complain(result)
        await self._results.write(result.line)

    def _complain(self, result: CallResult) -> None:
        self._malformed += 1
        if self._malformed <= SHOWN_MALFORMED and result.error:
            self._console.print(visible(result.error["message"]), style="red", highlight=False, markup=False)

    def _exit_status(self) -> int:
        if self._stopped_by:
            return 128 + self._stopped_by
        if self._malformed and not self._source.calls:
            raise Unusable(f"{self._source.name}: no line of it is a tool call.")
        failed_before = self._resumption.failed if self._resumption else 0
        return 1 if self._summary.total.errors or failed_before else 0

    def _watcher(self) -> Watcher:
        if self._quiet:
            return Quiet()
        live = self._console.is_terminal and not self._results.is_terminal
        return (Bar if live else Lines)(self._console, self._source, self._summary)

    @contextmanager
    def _stopped_by_signals(self) -> Iterator[None]:
        """The first signal cancels what runs and keeps its results; the second leaves at once."""
        loop = asyncio.get_running_loop()

        def stop(number: int, frame: Any) -> None:
            if self._stopped_by:
                os._exit(128 + number)
            self._stopped_by = number
            loop.call_soon_threadsafe(self._batch.stop)

        numbers = (signal.SIGINT, signal.SIGTERM)
        previous = {number: signal.getsignal(number) for number in numbers}
        for number in numbers:
            with suppress(NotImplementedError):  # Windows
                loop.add_signal_handler(number, _wake)
            signal.signal(number, stop)
        try:
            yield
        finally:
            for number in numbers:
                with suppress(NotImplementedError):
                    loop.remove_signal_handler(number)
                signal.signal(number, previous[number])


def _wake() -> None:
    """The loop's own handler only wakes the loop: a signal that comes as it falls asleep would be seen too late."""
