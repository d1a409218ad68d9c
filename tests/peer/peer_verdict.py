"""What the outcomes mean: the counts, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from peer_pytest import Result


def counts(results: Mapping[str, Result], discriminating: Sequence[str]) -> Iterator[str]:
    """The two counts: of all the tests, and of those that can fail when dispatch or tools do nothing."""
    yield f"{len(results)}: {sum(result.passed for result in results.values())} passed"
    yield f"{len(discriminating)} discriminating: {sum(results[test].passed for test in discriminating)} passed"


def faults(results: Mapping[str, Result], excepted: Sequence[str]) -> Iterator[str]:
    """Tests that fail and are not excepted, and exceptions that are none: unknown, or passing after all."""
    allowed = {row: [test for test in results if row in (test, test.partition("[")[0])] for row in excepted}
    known = {test for tests in allowed.values() for test in tests}
    for test, result in results.items():
        if not result.passed and test not in known:
            yield f"{test}: {result.outcome}, and not among the differences\n{_indented(result.traceback)}"
    for row, tests in allowed.items():
        if not tests:
            yield f"{row}: listed as a difference, but no such test is run"
        yield from (f"{test}: listed as a difference, but it passes" for test in tests if results[test].passed)


def _indented(text: str, lines: int = 12) -> str:
    return "\n".join(f"    {line}" for line in text.strip().splitlines()[-lines:])
