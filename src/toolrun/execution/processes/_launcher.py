"""Starts the fork server on first use, and asks it for workers.

The parent never forks: it has threads and locks, and a fork in their midst may hang. It hands the fork server one end
of a socket pair, and may write to the other at once: the worker reads it as soon as it is there. So a worker can be
launched from an event loop: even the start of the fork server, which takes its time, happens in a thread.
"""

from __future__ import annotations

import _thread
import contextlib
import logging
import os
import pickle
import socket
import subprocess
import sys
import threading

from toolrun.execution.processes._setting import setting_here
from toolrun.execution.processes._worker import Worker

_SERVE = (
    "import pickle, sys; given = sys.stdin.buffer.read(); given or sys.exit(); "  # the parent may have gone by now
    "sys.path[:], preload = pickle.loads(given); "
    "from toolrun.execution.processes._forkserver import main; main({}, preload)"
)

logger = logging.getLogger("toolrun.execution")


class Launcher:
    """The parent's side of the fork server."""

    def __init__(self) -> None:
        self.preload: dict[str, str | None] = {}
        """Modules that workers begin with, by name, with the file that each is from; the fork server imports them."""
        self.process: subprocess.Popen[bytes] | None = None
        self.at_exit = False
        self._forget_all()

    def _forget_all(self) -> None:
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._setting: bytes = b""
        self._ends: list[socket.socket] = []
        """Of workers that wait for the fork server to be there."""
        self._is_starting = False

    def launch(self) -> Worker:
        """A new worker: on its way, and ready to be written to."""
        if self.at_exit:
            raise RuntimeError("no worker process can be started any more: the interpreter is shutting down")
        ours, theirs = socket.socketpair()
        with self._lock:
            try:
                self._hand_over(theirs)
            except OSError:  # the fork server is not there, or is gone
                self._ends.append(theirs)
                if not self._is_starting:  # said by the thread itself: Ctrl-C may come before there is one
                    _thread.start_new_thread(self._start, ())
        return Worker(ours)

    def _hand_over(self, end: socket.socket) -> None:
        if self._control is None:
            raise ConnectionError
        setting = pickle.dumps(setting_here(self.preload.items()))
        message = b"" if setting == self._setting else setting
        socket.send_fds(self._control, [len(message).to_bytes(8, "little")], [end.fileno()])
        self._control.sendall(message)
        self._setting = setting
        end.close()

    def _start(self) -> None:
        """Start the fork server anew, then hand over what has been waiting for it."""
        with self._lock:
            if self._is_starting or not self._ends:
                return
            self._is_starting = True
        self.close()
        ours, theirs = socket.socketpair()
        try:
            self.process = self._start_process(theirs)
        except Exception:
            logger.exception("no worker processes: the fork server cannot be started")
            ours.close()
        theirs.close()
        with self._lock:
            ends, self._ends = self._ends, []
            self._control, self._setting, self._is_starting = ours, b"", False
            for end in ends:
                with contextlib.suppress(OSError):  # then its call finds it closed
                    self._hand_over(end)
                end.close()

    def _start_process(self, theirs: socket.socket) -> subprocess.Popen[bytes]:
        flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
        process = subprocess.Popen(
            [sys.executable, *flags, "-c", _SERVE.format(theirs.fileno())],
            stdin=subprocess.PIPE,
            pass_fds=[theirs.fileno()],
            env=_environment(),
            process_group=0,  # out of reach of the terminal's Ctrl-C
        )
        assert process.stdin is not None
        names = [name for name in list(sys.modules) if name.partition(".")[0] == "toolrun"]
        with contextlib.suppress(BrokenPipeError), process.stdin:  # it has ended: the first call finds out
            pickle.dump((sys.path, names), process.stdin)
        return process

    def close(self) -> None:
        """Let the fork server go; it takes its workers with it."""
        with self._lock:
            if self._control is not None:
                self._control.close()
            self._control = None
        self._end_process()

    def exit(self) -> None:
        """Let the fork server go, and start no other one: threads that are left may still ask."""
        self.at_exit = True
        self.close()

    def _end_process(self) -> None:
        """Wait for a fork server that has lost its parent's socket, or has ended by itself."""
        process, self.process = self.process, None
        if process is not None:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def forget(self) -> None:
        """In a forked child: the fork server is the parent's."""
        for each in (*self._ends, *([self._control] if self._control else [])):
            each.close()
        if self.process is not None:
            self.process.returncode = 0  # not ours to wait for, nor to complain about
            self.process = None
        self._forget_all()


def _environment() -> dict[str, str]:
    """Nothing is recorded by workers: their runs are told to the parent's handlers, its recorder among them."""
    return {name: value for name, value in os.environ.items() if name != "TOOLRUN_STORE"}


LAUNCHER = Launcher()
