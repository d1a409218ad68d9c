"""What the tests of tools share."""

from __future__ import annotations

import pytest

from toolrun.execution import _stopping, leaving, threads


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """More time for bodies to stop, for a machine that is busy with other things."""
    for module in (_stopping, leaving):
        monkeypatch.setattr(module, "GRACE", 5)
    monkeypatch.setattr(threads, "LATE", 10)
