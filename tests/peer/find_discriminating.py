"""Finds the peer's tests that say something about dispatch or tools: those that fail when one of them does nothing.

By default it takes that ability away from the peer itself, and writes what it finds to `discriminating.json`: to be
run again only for another version of the peer. With `--subject toolrun` it takes it away from toolrun, and says
which of the tests in that file pass all the same: if any does, the alias leads past toolrun.
"""

from __future__ import annotations

import argparse
import json
import sys

from peer_environment import prepare
from peer_knockouts import KNOCKOUTS
from peer_pytest import run_tests
from peer_tests import DISCRIMINATING, class_a, discriminating


def main() -> int:
    parser = argparse.ArgumentParser(description="Find the tests that need dispatch or tools.")
    parser.add_argument("--subject", choices=list(KNOCKOUTS), default="langchain", help="whose abilities to take away")
    subject = parser.parse_args().subject
    found = failing_without(subject)
    print(f"{len(found)} of {len(class_a())} need dispatch or tools")
    if subject == "langchain":
        DISCRIMINATING.write_text(json.dumps(sorted(found), indent=1) + "\n")
        return 0
    untouched = sorted(set(discriminating()) - found)
    print(*(f"{test}: passes without" for test in untouched), sep="\n")
    return 1 if untouched else 0


def failing_without(subject: str) -> set[str]:
    """The tests of class A that fail without dispatch, and those that fail without tools."""
    environment, tests, found = prepare(), class_a(), set[str]()
    for ability in KNOCKOUTS[subject]:
        results = run_tests(environment, tests, subject, ability)
        failed = {test for test, result in results.items() if not result.passed}
        print(f"without {ability}: {len(failed)} of {len(tests)} fail")
        found |= failed
    return found


if __name__ == "__main__":
    sys.exit(main())
