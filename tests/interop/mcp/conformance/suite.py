"""The official conformance suite against a server that `toolrun mcp serve` makes of `tools.py`.

All server scenarios run. Those of `NOT_BY_TOOLS` ask for what a server of tools has not, and fail as they should; if
one of them passes, the list is wrong, and that is an error too.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.interop.mcp.packages import NODE, SUITE
from tests.interop.mcp.wire import served_over_http

TOOLS = Path(__file__).with_name("tools.py")

NOT_BY_TOOLS = {
    "completion-complete": "completes arguments of prompts and resource templates; tools have no completion",
    **dict.fromkeys(
        [
            *("resources-list", "resources-read-text", "resources-read-binary", "resources-templates-read"),
            *("resources-subscribe", "resources-unsubscribe"),
        ],
        "is about resources; toolrun serves tools",
    ),
    **dict.fromkeys(
        [
            *("prompts-list", "prompts-get-simple", "prompts-get-with-args"),
            *("prompts-get-embedded-resource", "prompts-get-with-image"),
        ],
        "is about prompts; toolrun serves tools",
    ),
}

_VERDICT = re.compile(r"^[✓✗] (\S+): (\d+) passed, (\d+) failed", re.MULTILINE)


class Verdict(NamedTuple):
    """What the suite says of a scenario."""

    scenario: str
    passed: int
    failed: int

    @property
    def is_as_expected(self) -> bool:
        """Whether it passes, or is none that tools can answer."""
        return bool(self.failed) == (self.scenario in NOT_BY_TOOLS)


def verdicts() -> list[Verdict]:
    """Run all server scenarios."""
    with served_over_http(TOOLS) as url, tempfile.TemporaryDirectory() as folder:
        command = [NODE, SUITE, "server", "--url", url, "--suite", "all", "--output-dir", folder]
        ended = subprocess.run(list(map(str, command)), capture_output=True, text=True, cwd=folder, check=False)
    found = [Verdict(scenario, int(passed), int(failed)) for scenario, passed, failed in _VERDICT.findall(ended.stdout)]
    if not found:
        raise RuntimeError(f"the suite did not run:\n{ended.stdout[-2000:]}\n{ended.stderr[-2000:]}")
    return found


def main() -> int:
    """Print what each scenario came to; the exit status."""
    found = verdicts()
    for each in found:
        mark = "ok  " if not each.failed else "--  " if each.is_as_expected else "FAIL"
        why = f"{each.scenario} {NOT_BY_TOOLS[each.scenario]}" if each.scenario in NOT_BY_TOOLS else each.scenario
        print(f"{mark} {why}")
    passed, wrong = sum(not each.failed for each in found), [each for each in found if not each.is_as_expected]
    print(f"{passed} of {len(found)} server scenarios pass; {len(NOT_BY_TOOLS)} are not for tools")
    return 1 if wrong else 0
