"""Record and replay: recorded results in place of the tools.

    with toolrun.replaying(".toolrun", trace="0197c2b2"):
        answer = agent("When is the next eclipse?")     # calls its tools; their bodies do not run

Every call of a tool in this process is answered by the recorded call of the same tool with the same arguments; of equal
ones, in their order. The first call that was not recorded raises `ReplayDiverged`, with what differs, and so does the
end of the block, if the program has swallowed the error, or if recorded calls were not made. An error of the program's
own stays what it is, with a note of what diverged.
"""

from __future__ import annotations

import threading
from types import TracebackType
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:  # asked by every program that calls a tool: what a replay needs is imported when there is one
    from toolrun.execution.replay_player import Player
    from toolrun.execution.replay_recording import RecordedCall, Source

playing: Player | None = None
"""Asked by every call of a tool, in this process, which way it goes. None but inside of `replaying`."""

_one_at_a_time = threading.Lock()


class replaying:  # it is used as a function: `with replaying(...)`
    """Serves what was recorded, in place of every tool of this process, to sync and async callers.

    `store` is the folder of a store, an open one, or a cassette: a file of the export `jsonl`. `trace` is the id of one
    trace in it, or how it begins; without it, all of it is served. With `partly`, calls may be left at the end.
    """

    def __init__(self, store: Source, trace: str | UUID | None = None, *, partly: bool = False) -> None:
        from toolrun.execution.replay_player import Player
        from toolrun.execution.replay_recording import recorded_calls

        self._calls = recorded_calls(store, None if trace is None else str(trace))
        self._player = Player(self._calls)
        self._partly = partly

    @property
    def served(self) -> int:
        """How many calls were answered so far."""
        return self._player.served

    @property
    def left(self) -> list[RecordedCall]:
        """The recorded calls that have not been made yet."""
        return self._player.recording.left()

    def __enter__(self) -> replaying:
        global playing
        from toolrun.execution.replay_errors import AlreadyReplaying
        from toolrun.execution.replay_player import Player

        if not _one_at_a_time.acquire(blocking=False):
            raise AlreadyReplaying
        playing = self._player = Player(self._calls)  # anew, for who enters it again
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        global playing
        playing = None
        _one_at_a_time.release()
        failure = self._player.failure if self._partly else self._player.ended()
        if failure is None:
            return
        if error is None:
            raise failure
        if not _leads_to(error, failure):
            error.add_note(str(failure))


def _leads_to(error: BaseException, failure: BaseException) -> bool:
    """Whether somebody who sees the error sees the failure too."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        if link is failure:
            return True
        seen.add(id(link))
        link = link.__cause__ or link.__context__
    return False
