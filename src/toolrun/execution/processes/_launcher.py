"""Starts the fork server on first use, and asks it for workers.

The parent never forks: it has threads and locks, and a fork in their midst may hang. It hands the fork server one end
of a socket pair, and may write to the other at once: the worker reads it as soon as it is there.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import socket
import subprocess
import sys
from threading import Lock
from typing import Any

from toolrun.execution.processes._worker import Worker

_SERVE = "import sys; sys.path[:] = {path!r}; from toolrun.execution.processes._forkserver import main; main({fd})"


class Launcher:
    """The parent's side of the fork server."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._setting: bytes = b""
        self.preload: list[str] = []
        """Modules that the fork server imports, so that workers begin with them; none that starts threads."""

    def launch(self) -> Worker:
        """A new worker: on its way, and ready to be written to."""
        ours, theirs = socket.socketpair()
        with theirs, self._lock:
            try:
                self._ask_for_worker(theirs)
            except OSError:  # the fork server is gone: the next one may fare better
                self.close()
                self._ask_for_worker(theirs)
        return Worker(ours)

    def _ask_for_worker(self, end: socket.socket) -> None:
        if self._control is None:
            self._start()
        assert self._control is not None
        setting = _setting()
        message = b"" if setting == self._setting else setting
        socket.send_fds(self._control, [len(message).to_bytes(8, "little")], [end.fileno()])
        self._control.sendall(message)

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, *subprocess._args_from_interpreter_flags()),  # type: ignore[attr-defined]
                    *("-c", _SERVE.format(fd=theirs.fileno(), path=sys.path)),
                ],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                process_group=0,  # out of reach of the terminal's Ctrl-C
            )
        self._control, self._setting = ours, _setting()
        ours_here = [name for name in sys.modules if name.partition(".")[0] == "toolrun"]
        preload = pickle.dumps([*ours_here, *self.preload])
        ours.sendall(len(preload).to_bytes(8, "little") + preload)

    def close(self) -> None:
        """Let the fork server go; it takes its workers with it."""
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._control = self._process = None

    def forget(self) -> None:
        """In a forked child: the fork server is the parent's."""
        self._lock = Lock()
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            self._process.returncode = 0  # not ours to wait for, nor to complain about
        self._control = self._process = None


LAUNCHER = Launcher()


def _setting() -> bytes:
    """What a worker takes over from its parent as it is now: directory, environment, import path."""
    directory: Any = None
    with contextlib.suppress(OSError):
        directory = os.getcwd()
    return pickle.dumps((directory, dict(os.environ), list(sys.path)))
