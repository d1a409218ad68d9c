"""Kills `toolrun run` at random moments, resumes it until it is done, and looks at what ran and what was written.

    python tests/torture/resume.py --kills 50

Of BFCL's sessions the results must be those expected, one line a call, and no call may have ended twice but to rebuild
a session with calls left. Of calls without a session none may have ended twice at all. Exits with 1 if a promise is
broken.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolrun.store import open_store
from toolrun.store.batches import Batches, BatchRun, latest_batch

DATA = Path(__file__).parents[1] / "data" / "bfcl"
STARTUP = 0.3
"""Seconds before which there is little to kill."""

SLOW = """
import functools, sys, time
sys.path.insert(0, {data!r})
import tools

def slow(function):
    @functools.wraps(function)
    def call(*args, **kwargs):
        time.sleep({seconds})
        return function(*args, **kwargs)
    return call

desk = {{name: slow(getattr(tools, name)) for name in {names!r}}}
"""


@dataclass
class Batch:
    """One batch, its expected results, and how long it takes alone."""

    tools: str
    calls: Path
    expected: Path
    concurrency: int
    longest: float
    """Seconds after which an invocation is killed at the latest."""
    environment: dict[str, str]

    def command(self, folder: Path, *options: str) -> list[str]:
        """One invocation."""
        return [
            *(sys.executable, "-m", "toolrun", "run", self.tools, str(self.calls), "-o", str(folder / "out.jsonl")),
            *("--store", str(folder / "store"), "--concurrency", str(self.concurrency), "--quiet", *options),
        ]


def batches(folder: Path, delays: float) -> dict[str, Batch]:
    """The sessions with their recorded delays, some fraction of them; and the stateless calls, made slow."""
    names = sorted({call["name"] for call in rows(DATA / "math.calls.jsonl")})
    slow = folder / "slow_math.py"
    slow.write_text(SLOW.format(data=str(DATA), seconds=0.2 * delays, names=names))
    of_sessions = DATA / "calls.jsonl", DATA / "expected.jsonl"
    of_math = DATA / "math.calls.jsonl", DATA / "math.expected.jsonl"
    environment = {**os.environ, "BFCL_DELAYS": str(delays)}
    return {
        "sessions": Batch(f"{DATA / 'slow_tools.py'}:session", *of_sessions, 20, 1.5, environment),
        "math": Batch(f"{slow}:desk", *of_math, 4, 0.9, environment),
    }


def kill_and_resume(batch: Batch, folder: Path, kills: int, chance: random.Random) -> tuple[int, int]:
    """Run the batch with so many kills at most, and then to its end: how often it was killed, and its exit status."""
    killed, options = 0, ()
    while True:
        process = subprocess.Popen(batch.command(folder, *options), env=batch.environment, stderr=subprocess.PIPE)
        if killed < kills:
            try:
                process.wait(chance.uniform(STARTUP, batch.longest))
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                killed += 1
        _, said = process.communicate()
        if process.returncode != -signal.SIGKILL:
            if b"Traceback" in said:
                print(said.decode(), file=sys.stderr)
            return killed, process.returncode
        tear_last_line(folder / "out.jsonl", chance)
        options = ("--resume",)


def tear_last_line(results: Path, chance: random.Random) -> None:
    """Now and then, what a full disk or a power cut does to a file that was being written."""
    if results.exists() and chance.random() < 0.3 and (size := results.stat().st_size):
        os.truncate(results, size - chance.randrange(1, min(size, 200) + 1))


def faults(batch: Batch, folder: Path) -> list[str]:
    """What is wrong with the results, and with what ran."""
    return [*wrong_results(batch, folder / "out.jsonl"), *repeated(batch, folder / "store")]


def is_same(value: Any, recorded: Any) -> bool:
    """Equality; but from Python 3.12 on `sum` rounds floats otherwise than when the results were recorded."""
    if isinstance(value, dict) and isinstance(value.get("result"), float):
        return math.isclose(value["result"], recorded["result"], rel_tol=1e-15)
    return bool(value == recorded)


def wrong_results(batch: Batch, out: Path) -> list[str]:
    results, expected = list(rows(out)), {row["id"]: row for row in rows(batch.expected)}
    found = [f"{id} has {n} lines" for id, n in Counter(result["id"] for result in results).items() if n > 1]
    found += [f"{id} has no line" for id in expected.keys() - {result["id"] for result in results}]
    for result in results:
        row = expected[result["id"]]
        same = (result["status"] == "ok") == row["ok"] and (
            not row["ok"]
            or (
                is_same(result["output"], row["result"])
                and result.get("json_exact", True) == row.get("json_exact", True)
            )
        )
        if not same:
            found.append(f"{result['id']}: {result} is not {row}")
    return found


def repeated(batch: Batch, store: Path) -> list[str]:
    """Calls that ended twice without need: by the order of the runs' ids, which is that of their starts."""
    calls = list(rows(batch.calls))
    with open_store(store) as opened, closing(Batches(opened)) as reading:
        name = latest_batch(opened.path, digest_of(batch.calls))
        assert name is not None
        runs = list(reading.runs(name))
    found = []
    of_line: defaultdict[int, list[BatchRun]] = defaultdict(list)
    of_session: defaultdict[Any, list[BatchRun]] = defaultdict(list)
    for run in sorted(runs, key=lambda run: run.id):
        of_line[run.line].append(run)
        of_session[calls[run.line - 1].get("session")].append(run)
    for line, its in of_line.items():
        if sum(run.status in ("ok", "error") and not run.rebuilt for run in its) != 1:
            found.append(f"line {line} did not end once: {[(run.status, run.rebuilt) for run in its]}")
    found += [f"session {session} was rebuilt for nothing" for session, its in of_session.items() if its[-1].rebuilt]
    if any(run.rebuilt for run in of_session[None]):
        found.append("a call without a session ran again")
    return found


def digest_of(calls: Path) -> str:
    from hashlib import blake2b

    return blake2b(calls.read_bytes(), digest_size=16).hexdigest()


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=50)
    options.add_argument("--delays", type=float, default=0.2, help="of the recorded delays, this part")
    options.add_argument("--seed", type=int, default=None)
    given = options.parse_args()
    seed = given.seed if given.seed is not None else random.randrange(1 << 32)
    broken = False
    for name in ("sessions", "math"):
        with tempfile.TemporaryDirectory() as place:
            folder, began = Path(place), time.monotonic()
            batch = batches(folder, given.delays)[name]
            killed, status = kill_and_resume(batch, folder, given.kills, random.Random(f"{seed} {name}"))
            wrong = faults(batch, folder) + [f"exit status {status}"] * (status not in (0, 1))
            print(f"{name}: {killed} kills, {time.monotonic() - began:.1f} s, {len(wrong)} faults (seed {seed})")
            print("".join(f"  {fault}\n" for fault in wrong[:20]), end="")
            broken |= bool(wrong)
    return int(broken)


if __name__ == "__main__":
    sys.exit(main())
