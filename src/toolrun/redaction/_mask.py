"""What stands where a secret was."""

from __future__ import annotations

MASK = "**********"
