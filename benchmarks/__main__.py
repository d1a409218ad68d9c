"""Prints the table; the exit status is 1 when a bound is missed."""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Iterator

from benchmarks import (
    async_calls,
    bfcl,
    bridges,
    crowds,
    harness,
    libraries,
    memory,
    off_loop,
    queries,
    recording,
    redaction,
    report,
    startup,
    stopping,
    sync_calls,
)

FAMILIES = (
    *(sync_calls, async_calls, off_loop, stopping, crowds, bfcl, startup, memory),
    *(redaction, recording, queries, bridges),
)


def main() -> int:
    options = _options()
    yardstick = libraries.yardstick()
    rows: list[harness.Row] = []
    for scenario in _scenarios(options.only):
        print(f"measuring {scenario.name} ...", file=sys.stderr)
        gc.freeze()  # what was imported is not the garbage of any subject
        rows += harness.run(scenario, yardstick)
    show = report.print_json if options.json else report.print_table
    show(rows)
    return 0 if rows and all(row.holds for row in rows) else 1


def _scenarios(only: str) -> Iterator[harness.Scenario]:
    """Those whose name contains the word, each made when it is its turn: a bridge, once imported, costs every run."""
    for family in FAMILIES:
        yield from (scenario for scenario in family.scenarios() if only in scenario.name)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", metavar="NAME", default="", help="only scenarios whose name contains NAME")
    parser.add_argument("--json", action="store_true", help="JSON instead of a table")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
