"""`TOOLRUN_STORE=path`: every run of the process is recorded, without a change to the program."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from threading import Lock
from typing import Any, cast

from toolrun.callbacks import register_configure_hook
from toolrun.handlers.recorder import Recorder
from toolrun.store.errors import StoreError

VARIABLE = "TOOLRUN_STORE"

logger = logging.getLogger("toolrun.store")


class _Everywhere:
    """Stands for a context variable that has the same value in every context, also of threads."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def get(self, default: Any = None) -> Recorder:
        """The recorder."""
        return self._recorder


class _OnceSomethingRuns:
    """Such a variable whose recorder is made when the first run begins: who runs nothing makes no store."""

    def __init__(self, path: str) -> None:
        self._path = os.path.abspath(os.path.expanduser(path))
        self._lock = Lock()
        self._is_made = False
        self._recorder: Recorder | None = None

    def get(self, default: Any = None) -> Recorder | None:
        """The recorder; None if nothing can be recorded there."""
        if not self._is_made:
            with self._lock:
                self._make()
        return self._recorder

    def _make(self) -> None:
        if not self._is_made:
            try:
                self._recorder = Recorder(self._path)
            except StoreError as error:
                logger.warning("%s is in vain, nothing is recorded: %s", VARIABLE, error)
            self._is_made = True

    def close(self) -> None:
        """End its part of the journal, if it has one."""
        if self._recorder is not None:
            self._recorder.close()


def record_everywhere(recorder: Recorder) -> Callable[[], None]:
    """Have every run of the process recorded from now on; gives what undoes it."""
    return register_configure_hook(cast(Any, _Everywhere(recorder)), inheritable=True)


_recording: _OnceSomethingRuns | None = None
_undo: Callable[[], None] | None = None


def record_runs() -> None:
    """Have every run recorded in the store that the environment names, if it names one.

    Once for a process: what the variable says later has no effect. A store in which nothing can be recorded is a
    warning in the log, and no error: the program runs as it would without.
    """
    global _recording, _undo
    path = os.environ.get(VARIABLE)
    if path and _recording is None:
        _recording = _OnceSomethingRuns(path)
        _undo = register_configure_hook(cast(Any, _recording), inheritable=True)


def forget() -> None:
    """What the environment says does not hold: somebody nearer has said where to record, or that nothing is."""
    global _recording, _undo
    if _recording is not None and _undo is not None:
        _undo()
        _recording.close()
        _recording = _undo = None
