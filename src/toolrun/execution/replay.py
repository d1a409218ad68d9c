"""Whether recorded results are served in place of the tools, by whom: see `replaying`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from toolrun.execution.replay_player import Player

playing: Player | None = None
"""Asked by every call of a tool, in this process, which way it goes. Held to be None but inside of `replaying`."""
