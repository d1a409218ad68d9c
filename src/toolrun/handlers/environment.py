"""`TOOLRUN_STORE=path`: every run of the process is recorded, without a change to the program."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, cast

from toolrun.callbacks import register_configure_hook
from toolrun.handlers.recorder import Recorder

VARIABLE = "TOOLRUN_STORE"


class _Everywhere:
    """Stands for a context variable that has the same value in every context, also of threads."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def get(self, default: Any = None) -> Recorder:
        """The recorder."""
        return self._recorder


def record_everywhere(recorder: Recorder) -> Callable[[], None]:
    """Have every run of the process recorded from now on; gives what undoes it."""
    return register_configure_hook(cast(Any, _Everywhere(recorder)), inheritable=True)


_recorder: Recorder | None = None
_undo: Callable[[], None] | None = None


def record_runs() -> Recorder | None:
    """Have every run recorded in the store that the environment names; None if it names none.

    Once for a process: what the variable says later has no effect.
    """
    global _recorder, _undo
    path = os.environ.get(VARIABLE)
    if path and _recorder is None:
        _recorder = Recorder(path)
        _undo = record_everywhere(_recorder)
    return _recorder


def forget() -> None:
    """What the environment says does not hold: somebody nearer has said where to record, or that nothing is."""
    global _recorder, _undo
    if _recorder is not None and _undo is not None:
        _undo()
        _recorder.close()
        _recorder = _undo = None
