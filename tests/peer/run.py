"""Runs the peer's own tests against toolrun and says how many pass: `make peer`.

langchain-core's unit tests run with its packages `callbacks`, `tools` and `tracers` replaced by toolrun's, for its own
runnables and language models as well as for the tests. Which of them are not to pass, and why, is said in
`docs/differences.md`; the exit status is 1 when any other fails, or when one of those passes.
`--subject installed` runs them against langchain-core as it is after `toolrun.interop.langchain.install()`, and beside
them all others that execute anything of callbacks, tools or tracers: those that need langchain-core's own messages,
runnables and event streams, or LangSmith. `--subject langchain` runs them against langchain-core itself: all must pass.
"""

from __future__ import annotations

import argparse
import sys

from peer_environment import Environment, prepare
from peer_pytest import Result, run_tests
from peer_tests import BORROWED, class_a, discriminating, excepted, relevant
from peer_verdict import counts, faults

SUBJECTS = ["toolrun", "installed", "langchain"]


def main() -> int:
    parser = argparse.ArgumentParser(description="Run langchain-core's own tests against toolrun.")
    parser.add_argument("--subject", choices=SUBJECTS, default="toolrun", help="who is under test")
    subject = parser.parse_args().subject
    results = run(prepare(), subject)
    wrong = list(faults(results, excepted(subject)))
    print(*wrong, *counts(results, discriminating()), sep="\n")
    borrowed = sum(test.startswith(BORROWED) for test in results)
    print(f"({borrowed} of the {len(results)} test helpers of langchain-core's own, and so say nothing of toolrun)")
    return 1 if wrong else 0


def run(environment: Environment, subject: str) -> dict[str, Result]:
    """Run the tests. Those of the peer's own helpers measure delays: on a busy machine they get a second chance."""
    tests = relevant() if subject == "installed" else class_a()
    results = run_tests(environment, tests, subject)
    late = [test for test in results if test.startswith(BORROWED) and not results[test].passed]
    return results | (run_tests(environment, late, subject) if late else {})


if __name__ == "__main__":
    sys.exit(main())
