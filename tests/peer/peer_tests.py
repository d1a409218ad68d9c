"""The lists of the peer's tests, and of those that toolrun does not pass on purpose.

A test is named as pytest does, from the folder of the peer's unit tests on: `test_tools.py::test_empty_args_decorator`.
"""

from __future__ import annotations

import json
import re

from peer_environment import HERE, ROOT

ALL = HERE / "langchain_tests.json"
DISCRIMINATING = HERE / "discriminating.json"
DIFFERENCES = ROOT / "docs" / "differences.md"
_ROW = re.compile(r"^\|\s*`(?P<test>[\w/]+\.py::[^`]+)`\s*\|\s*(?P<reason>\S.*?)\s*\|", re.MULTILINE)


def class_a() -> list[str]:
    """The tests that need nothing but callbacks, tools and tracers."""
    tests: list[str] = json.loads(ALL.read_text())["A_pure"]
    return tests


def relevant() -> list[str]:
    """All tests that execute anything of callbacks, tools or tracers.

    Beside those of class A: those that need the peer's messages, runnables and configs, event streams, or LangSmith.
    """
    by_class: dict[str, list[str]] = json.loads(ALL.read_text())
    return [test for name, tests in by_class.items() if name != "Z_untouched" for test in tests]


def discriminating() -> list[str]:
    """Those of class A that fail when nothing is dispatched or no tool runs: the evidence."""
    tests: list[str] = json.loads(DISCRIMINATING.read_text())
    return tests


BORROWED = (
    "tracers/test_memory_stream.py::",
    "tracers/test_address.py::test_tracer_kwargs_leave_environment_to_sdk",
    "test_tools.py::test__get_all_basemodel_annotations_v2",
    "test_tools.py::test_get_all_basemodel_annotations_aliases",
)
"""How the names of those begin that test helpers of the peer's own, which toolrun has no counterpart of."""


def excepted(subject: str) -> list[str]:
    """The tests that are not to pass: table rows "| `test` | reason |" of `docs/differences.md`.

    A test named without its parameters stands for all its cases. `install` leaves the peer its own tracers.
    """
    if subject == "langchain":
        return []
    rows = [row["test"] for row in _ROW.finditer(DIFFERENCES.read_text())]
    return [row for row in rows if subject == "toolrun" or not row.startswith("tracers/")]
