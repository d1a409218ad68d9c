"""Looking through records for secrets: what a record costs that holds none, and one that does."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import orjson

from benchmarks.harness import OURS, Bound, Figures, Measure, Metric, Scenario, per_run
from toolrun.redaction import default

KB = 1024
PROSE: dict[str, Any] = {
    "query": "What is the weather in Paris tomorrow, and how many people live there?",
    "options": {"max_results": 5, "language": "en", "verbose": True},
    "answer": "Tomorrow it rains in the morning; the afternoon stays dry at 14 degrees. " * 8,
}
ROWS: list[dict[str, Any]] = [
    {
        "run_id": f"0197c2b2-6b5a-7c3a-9f21-0242ac1200{n:02x}",
        "user_name": "ann_b",
        "created_at": "2026-11-22T09:00:00Z",
        "page_size": 10 * n,
        "file_path": "/srv/data_sets/weather-2026.csv",
        "usage": {"prompt_tokens": 12 * n, "completion_tokens": 3},
    }
    for n in range(5)
]
BOUND = Bound(10)


def scenarios() -> Iterator[Scenario]:
    records = {"prose": PROSE, "rows with ids": ROWS, "rows, 64 KB": ROWS * 64, "with three secrets": [*ROWS, SECRETS]}
    for name, record in records.items():
        encoded = orjson.dumps(record)
        bound = Bound() if "secrets" in name else BOUND
        subjects: dict[str, Measure] = {OURS: _per_kb(encoded)}
        yield Scenario(f"redaction, {name}", (Metric("per KB", "us", bound),), subjects)


SECRETS = {
    "password": "swordfish",
    "headers": {"Authorization": "Bearer abc.def"},
    "note": "api_key=AKIAIOSFODNN7EXAMPLE",
}


def _per_kb(encoded: bytes) -> Measure:
    measure = per_run(partial(default().redact_json, encoded))

    def per_kb() -> Figures:
        return tuple(figure * KB / len(encoded) for figure in measure())

    return per_kb
