"""`tool.invoke` with 0, 1 and 5 sync handlers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from benchmarks import floors
from benchmarks.harness import FLOOR, OURS, Bound, Measure, Metric, Scenario, per_run
from benchmarks.libraries import ARGUMENTS, add, libraries

BOUNDS = {
    0: Bound(5, faster_than_peer=25),
    1: Bound(6, faster_than_peer=25),
    5: Bound(8, faster_than_peer=25),
}


def scenarios() -> Iterator[Scenario]:
    for count, bound in BOUNDS.items():
        yield Scenario(f"invoke, {count} sync handlers", (Metric("per run", "us", bound),), _subjects(count))


def _subjects(count: int) -> dict[str, Measure]:
    subjects: dict[str, Measure] = {}
    for library in libraries():
        listeners = library.sync_handlers(count)
        tool = library.tool(add)
        subjects[library.name] = per_run(partial(tool.invoke, ARGUMENTS, {"callbacks": listeners}))
        if library.name == OURS:
            subjects[FLOOR] = per_run(partial(floors.invoke, add, ARGUMENTS, listeners))
    return subjects
