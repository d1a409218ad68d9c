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


def excepted() -> dict[str, str]:
    """The tests that are not to pass, each with its reason: table rows "| `test` | reason |" of `docs/differences.md`.

    A test named without its parameters stands for all its cases.
    """
    rows = _ROW.finditer(DIFFERENCES.read_text()) if DIFFERENCES.exists() else ()
    return {row["test"]: row["reason"] for row in rows}
