"""`TOOLRUN_STORE=path`: every run of the process is recorded, without a change to the program."""

from __future__ import annotations

import os
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


_recorder: Recorder | None = None


def record_runs() -> Recorder | None:
    """Have every run recorded in the store that the environment names; None if it names none.

    Once for a process: what the variable says later has no effect.
    """
    global _recorder
    path = os.environ.get(VARIABLE)
    if path and _recorder is None:
        _recorder = Recorder(path)
        register_configure_hook(cast(Any, _Everywhere(_recorder)), inheritable=True)
    return _recorder
