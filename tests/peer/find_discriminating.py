"""Finds the peer's tests that say something about dispatch or tools, and writes `discriminating.json`.

Of class A, which needs nothing but callbacks, tools and tracers, those that fail in the peer itself once it dispatches
no event or runs no tool. Run it again only for another version of the peer.
"""

from __future__ import annotations

import json

from peer_environment import prepare
from peer_knockouts import KNOCKOUTS
from peer_pytest import run_tests
from peer_tests import DISCRIMINATING, class_a


def main() -> None:
    environment, tests = prepare(), class_a()
    found: set[str] = set()
    for knockout in KNOCKOUTS:
        results = run_tests(environment, tests, "langchain", knockout)
        failed = {test for test, result in results.items() if not result.passed}
        print(f"without {knockout}: {len(failed)} of {len(tests)} fail")
        found |= failed
    DISCRIMINATING.write_text(json.dumps(sorted(found), indent=1) + "\n")
    print(f"{len(found)} of {len(tests)} need dispatch or tools")


if __name__ == "__main__":
    main()
