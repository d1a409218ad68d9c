"""`--resume`: what is left to do of a batch that was cut short.

A call is finished when the store has its end, or the results have its line, and it was not cancelled. Finished calls
never run again, but for those of a session with calls left: its tools have to be made anew and brought to where they
were, so its finished calls run once more, marked `rebuilt`, without a second line. Where one of those begun may do harm
when repeated, the session is left as it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

from toolrun.cli._earlier import Complete, EarlierResults
from toolrun.cli._errors import Unusable
from toolrun.cli._restoring import Restorer
from toolrun.cli._source import CallsFile
from toolrun.errors import ToolrunError
from toolrun.runner._reading import Item
from toolrun.runner.toolbox import Toolbox
from toolrun.store import NoStore, Store, open_store
from toolrun.store.batches import Batches, BatchRun, latest_batch
from toolrun.tools.formats import CallRequest

Place = tuple[int, int]
"""The line, and which of the line's calls."""

_UNFINISHED = frozenset({"running", "interrupted", "cancelled"})


class NotResumed(ToolrunError, RuntimeError):
    """A call is left, for going on would mean to repeat one that must not be repeated."""

    def __init__(self, session: Any, tool: str) -> None:
        self.session, self.tool = session, tool
        whose = "It" if session is None else f"To go on, session {session!r} would have to be rebuilt, but it"
        super().__init__(f"{whose} has begun {tool!r}, which is not idempotent. See what it did, and finish by hand.")


class Resumption:
    """What was done, and what is to be done."""

    def __init__(self, source: CallsFile, store: str, results: str, *, has_factory: bool) -> None:
        """Completes the results file by what the store knows, and finds out what is left.

        Without a factory no session has tools of its own, and there is nothing to rebuild.
        """
        if source.digest is None:
            raise Unusable(f"{source.name} can be read only once, so it cannot be resumed: put the calls into a file.")
        self._source, self._has_factory = source, has_factory
        self.earlier = EarlierResults(results)
        self.rebuilt = self.left = 0
        self._begun: dict[Place, BatchRun] = {}
        self._finished: set[Place] = set()
        self._unfinished: set[Any] = set()
        self._begun_by: defaultdict[Any, set[str]] = defaultdict(set)
        self._restorer: Restorer | None = None
        self.batch: str | None = None
        opened = _opened(store)
        if opened is None:  # killed before there was one
            self.earlier.places({}, stale=False)
            return
        self.batch = latest_batch(opened.path, source.digest)
        with closing(Batches(opened)) as batches, closing(Restorer(opened, batches)) as self._restorer:
            self._look_through(batches)
            with self.earlier.completed() as complete:
                for request in self._calls():
                    self._look_at(request, self._restorer, complete)
        source.rewind()

    def _look_through(self, batches: Batches) -> None:
        """What the store knows of the batch, and which of the lines that there are belong to it."""
        for run in batches.runs(self.batch) if self.batch else ():
            if run.status == "running":
                raise Unusable(f"{self._source.name}: the batch is still running. Wait for its end, or stop it.")
            if not run.rebuilt:
                self._add(run)
        known = {run.id: place for place, run in self._begun.items()}
        just_begun = self.batch is not None and not known  # killed before it could empty the file
        self._finished |= self.earlier.places(known, stale=just_begun)

    def _add(self, run: BatchRun) -> None:
        """Of several runs of one call the one that finished counts, else the last."""
        place = run.line, run.call
        if place not in self._finished:
            self._begun[place] = run
        if run.status not in _UNFINISHED:
            self._finished.add(place)

    def _calls(self) -> Iterator[CallRequest]:
        self._source.batch = self.batch
        while (items := self._source.next_items()) is not None:
            yield from (item for item in items if isinstance(item, CallRequest))

    def _look_at(self, request: CallRequest, restorer: Restorer, complete: Complete) -> None:
        run, owner = self._begun.get(place := _place(request)), self._owner(request)
        if run is not None:
            self._begun_by[owner].add(request.name)
        if place not in self._finished:
            if owner != place:
                self._unfinished.add(owner)
        elif run is not None and run.id not in self.earlier.ids:
            complete(restorer.line(request, run.id))

    async def items(self) -> AsyncIterator[Item]:
        """What has to run, in the order of the calls."""
        async for item in self._source.items():
            if not isinstance(item, CallRequest) or _place(item) not in self._finished:
                yield item
                continue
            self._source.skipped += 1
            if self._owner(item) in self._unfinished:
                self.rebuilt += 1
                yield _marked(item)

    def guard(self, request: CallRequest, tools: Toolbox) -> None:
        """Raise `NotResumed` if what the call needs must not be repeated."""
        owner = self._owner(request)
        for name in sorted(self._begun_by.get(owner, ())):
            if name in tools and tools[name].idempotent is False:
                self.left += not is_rebuilt(request)
                raise NotResumed(None if owner == _place(request) else request.session, name)

    def _owner(self, request: CallRequest) -> Any:
        """Whose state the call may have changed: its session's, if that has tools of its own; else it is for itself."""
        return (request.session,) if self._has_factory and request.session is not None else _place(request)

    @property
    def failed(self) -> int:
        """How many of the finished calls did not succeed."""
        return self.earlier.failed + (self._restorer.failed if self._restorer else 0)

    def lines(self) -> Iterator[str]:
        """What is worth a line in the summary."""
        if self._finished:
            yield f"{len(self._finished):,} calls had finished before."
        if self._restorer:
            yield from self._restorer.lines()
        if self.rebuilt:
            yield f"{self.rebuilt:,} finished calls were repeated, to rebuild their sessions."
        if self.left:
            yield f"{self.left:,} calls were left: what they need is not idempotent."


def _opened(path: str) -> Store | None:
    """The store with all that the journal has; None if there is none."""
    try:
        return open_store(path)
    except NoStore:
        return None


def _place(request: CallRequest) -> Place:
    mark = (request.metadata or {}).get("toolrun", {})
    return mark.get("line", 0), mark.get("call", 0)


def _marked(request: CallRequest) -> CallRequest:
    mark = {**(request.metadata or {}).get("toolrun", {}), "rebuilt": True}
    return replace(request, metadata={"toolrun": mark})


def is_rebuilt(request: CallRequest | None) -> bool:
    """Whether the call runs again only to rebuild its session."""
    return request is not None and bool((request.metadata or {}).get("toolrun", {}).get("rebuilt"))
