"""What `toolrun run` does: calls from a file through a batch into a file of results."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
from collections.abc import Iterator
from contextlib import ExitStack, aclosing, contextmanager, suppress
from io import FileIO
from typing import Any, Self

from rich.console import Console

from toolrun._ids import monotonic
from toolrun._offload import HANDLER_POOL
from toolrun.cli._aftermath import Aftermath
from toolrun.cli._approval import TERMINAL
from toolrun.cli._errors import Unusable
from toolrun.cli._load import load
from toolrun.cli._policy import runner_of
from toolrun.cli._progress import Bar, Lines, Quiet, Watcher
from toolrun.cli._source import CallsFile
from toolrun.cli._stdout import OURS, stdout_for_results
from toolrun.cli._summary import Summary
from toolrun.cli._visible import visible
from toolrun.runner import CallResult
from toolrun.runner._batch import Batch

SHOWN_MALFORMED = 10


def run_calls(
    tools: str, calls: str, output: str | None, concurrency: int, format: str, quiet: bool, policy: dict[str, Any]
) -> int:
    """Run the calls; the exit status. Where results go to standard output, nothing else does."""
    with ExitStack() as stack:
        target = stack.enter_context(stdout_for_results()) if output is None or output == "-" else output
        source = stack.enter_context(CallsFile(calls, format))  # first: importing tools may read standard input
        runner = stack.enter_context(runner_of(load(tools), policy, concurrency=concurrency))
        results = stack.enter_context(ResultsFile(target, not_this=calls))
        return asyncio.run(Invocation(runner.batch(), source, results, quiet).run())


class ResultsFile:
    """Where result lines go, each written whole and at once, so that a reader never sees half of one."""

    def __init__(self, target: str | int, not_this: str) -> None:
        if isinstance(target, str) and _are_one_file(target, not_this):
            raise Unusable(f"{target}: the results would overwrite the calls.")
        self._name = target if isinstance(target, str) else OURS
        try:
            self._file = FileIO(target, "w", closefd=isinstance(target, str))
        except OSError as error:
            raise Unusable(f"{self._name}: {error.strerror}.") from None
        self._may_block = not stat.S_ISREG(os.fstat(self._file.fileno()).st_mode)
        self.is_terminal = self._file.isatty()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._file.close()

    async def write(self, line: bytes) -> None:
        """Write one line; off the loop where a slow reader could make it wait."""
        try:
            if self._may_block:
                await HANDLER_POOL.run_in_thread(self._write, line)
            else:
                self._write(line)
        except BrokenPipeError:  # nobody reads any further, which is no fault of anybody
            raise
        except OSError as error:
            raise Unusable(f"{self._name}: {error.strerror}.") from None

    def _write(self, line: bytes) -> None:
        rest = memoryview(line + b"\n")
        while rest:
            rest = rest[self._file.write(rest) or 0 :]


def _are_one_file(*paths: str) -> bool:
    return all(map(os.path.exists, paths)) and os.path.samefile(*paths)


class Invocation:
    """One `toolrun run`, from the first call to the exit status."""

    def __init__(self, batch: Batch, source: CallsFile, results: ResultsFile, quiet: bool) -> None:
        self._batch, self._source, self._results, self._quiet = batch, source, results, quiet
        self._console = Console(stderr=True)
        self._summary = Summary()
        self._malformed = 0
        self._stopped_by = 0

    async def run(self) -> int:
        """Run to the end or to the first Ctrl-C; the exit status."""
        began, aftermath = monotonic(), Aftermath()
        with self._stopped_by_signals(), self._watcher() as watcher, TERMINAL.beside(watcher.paused):
            async with aclosing(self._batch.results(self._source.items())) as results:
                async for result in results:
                    await self._take(result)
                    watcher.update()
        if not self._quiet:
            self._conclude(monotonic() - began, aftermath)
        return self._exit_status()

    def _conclude(self, elapsed: float, aftermath: Aftermath) -> None:
        if self._summary.by_tool:
            self._summary.print(self._console, elapsed, aftermath.lines(self._summary))
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
        return 1 if self._summary.total.errors else 0

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
