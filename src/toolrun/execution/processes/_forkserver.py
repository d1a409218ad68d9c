"""The fork server: a small process with a single thread, so that forking is safe and fast.

It forks a worker for every socket that it is sent, tells the parent how each ended (over the worker's own socket, after
all that the worker wrote), and leaves no process behind: when the parent goes, it kills every worker and ends.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import pickle
import selectors
import signal
import socket
import sys
from importlib import import_module
from types import FrameType
from typing import Any

from toolrun.execution.processes import _serve
from toolrun.execution.processes._frames import exit_frame
from toolrun.execution.processes._setting import take_over

NICE = 10
_PR_SET_PDEATHSIG = 1
_DO_NOT_WAIT = socket.MSG_DONTWAIT
_CLOSED_ON_EXEC = getattr(socket, "MSG_CMSG_CLOEXEC", 0)


def main(control: int, preload: list[str]) -> None:
    """Serve until the parent goes. `preload` is what of toolrun the parent has imported."""
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)  # bodies have no standard input: it is the parent's
    for name in ("asyncio", "cloudpickle", *preload):
        with contextlib.suppress(Exception):
            import_module(name)
    os.set_inheritable(control, False)
    server = ForkServer(socket.socket(fileno=control))
    try:
        server.serve()
    finally:
        server.kill_all()
        os._exit(0)


class ForkServer:
    """Forks workers and reaps them."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._workers: dict[int, socket.socket] = {}
        self._last_words: dict[socket.socket, bytes] = {}
        self._selector = selectors.DefaultSelector()
        self._wake, waker = socket.socketpair()
        self._wake.setblocking(False)
        waker.setblocking(False)
        self._waker = waker

    def serve(self) -> None:
        """Take what comes: a request for a worker, the end of one, room to say so."""
        _share_pages()
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, _nothing)
        signal.signal(signal.SIGINT, _nothing)
        self._selector.register(self._control, selectors.EVENT_READ)
        self._selector.register(self._wake, selectors.EVENT_READ)
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._control:
                    if not self._take_request():
                        return
                elif key.fileobj is self._wake:
                    self._reap()
                else:
                    self._say_last_words(key.fileobj)

    def _take_request(self) -> bool:
        header, ends, _, _ = socket.recv_fds(self._control, 8, 1, _CLOSED_ON_EXEC)
        if not header:
            return False
        if size := int.from_bytes(header, "little"):
            take_over(pickle.loads(_read(self._control, size)))
            _share_pages()
        end = socket.socket(fileno=ends[0])
        server = os.getpid()
        try:
            pid = os.fork()
        except OSError:  # no process to be had: the parent sees the socket close
            end.close()
            return True
        if pid == 0:
            self._become_worker(end, server)
        self._workers[pid] = end
        return True

    def _become_worker(self, end: socket.socket, server: int) -> None:
        try:
            self._let_go()
            _settle_in()
            if os.getppid() != server:  # it died before the kernel knew that this process is to die with it
                os._exit(1)
            _serve.serve(end)
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        finally:
            with contextlib.suppress(BaseException):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(0)

    def _let_go(self) -> None:
        """Close what belongs to the fork server and to the other workers."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._selector.close()
        for each in (self._control, self._wake, self._waker, *self._workers.values(), *self._last_words):
            each.close()

    def _reap(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._wake.recv(4096):
                pass
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            end = self._workers.pop(pid, None)
            if end is None:  # a child of a module that was imported here
                continue
            _kill_group(pid)  # what the tool started and left behind
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RD)  # from now on the parent cannot write to it
            self._last_words[end] = exit_frame(os.waitstatus_to_exitcode(status))
            self._say_last_words(end)

    def _say_last_words(self, end: Any) -> None:
        """Send the exit code behind what the worker wrote, as soon as there is room."""
        words = self._last_words[end]
        try:
            sent = end.send(words, _DO_NOT_WAIT)
        except BlockingIOError:
            sent = 0
        except OSError:  # the parent has closed its end: it knows
            sent = len(words)
        if sent == len(words):
            del self._last_words[end]
            with contextlib.suppress(KeyError):
                self._selector.unregister(end)
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)  # a process that the tool left behind may have the socket, too
            end.close()
            return
        self._last_words[end] = words[sent:]
        with contextlib.suppress(KeyError):
            self._selector.register(end, selectors.EVENT_WRITE)

    def kill_all(self) -> None:
        """Leave no worker behind."""
        for pid in self._workers:
            _kill_group(pid)


def _share_pages() -> None:
    """Keep the collector off what there is now: workers share these pages until someone writes to them."""
    gc.collect()
    gc.freeze()


def _settle_in() -> None:
    """Be a process group of our own, be nice, and die with the fork server."""
    os.setpgid(0, 0)
    _die_with_parent()
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, NICE)
    if hasattr(
        os, "SCHED_BATCH"
    ):  # a worker that wakes up waits for its turn: the parent has just woken it, and goes on
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def _die_with_parent() -> None:
    """On Linux the kernel sees to it; elsewhere the worker goes when it next reads its socket."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _nothing(signal_number: int, frame: FrameType | None) -> None:
    """Ignore a signal, without children of the tool's own ignoring it, too, as `SIG_IGN` would have it."""


def _read(sock: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        chunk = sock.recv(size - len(data))
        if not chunk:
            raise SystemExit  # the parent is gone
        data += chunk
    return bytes(data)
