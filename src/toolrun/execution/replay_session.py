"""Which session of a runner a call belongs to, for a replay: sessions make equal calls, and get different results."""

from __future__ import annotations

from collections.abc import Hashable
from contextvars import ContextVar

session: ContextVar[Hashable | None] = ContextVar("toolrun_replayed_session", default=None)
"""Set by a runner for each of its calls while there is a replay."""
