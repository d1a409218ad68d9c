"""The official conformance suite, where `make interop` has installed it."""

from __future__ import annotations

import pytest
from tests.interop.mcp.conformance.suite import NOT_BY_TOOLS, verdicts
from tests.interop.mcp.packages import SUITE


@pytest.mark.skipif(not SUITE.exists(), reason="make interop installs Node and the conformance suite")
def test_every_server_scenario_passes_that_tools_can_answer() -> None:
    found = {verdict.scenario: verdict for verdict in verdicts()}
    assert found.keys() >= NOT_BY_TOOLS.keys()
    assert {scenario for scenario, verdict in found.items() if not verdict.is_as_expected} == set()
    assert len(found) - len(NOT_BY_TOOLS) == 20
