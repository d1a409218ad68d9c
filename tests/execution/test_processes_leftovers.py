"""Worker processes: nothing of them outlives their parent, whatever becomes of it; programs need no `if __name__`."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from contextvars import copy_context
from pathlib import Path
from typing import Any

import pytest

from toolrun.execution.body import Body
from toolrun.execution.errors import ToolTimeout
from toolrun.execution.job import Job
from toolrun.execution.processes import PROCESSES
from toolrun.execution.processes._launcher import LAUNCHER

pytestmark = pytest.mark.timeout(30)

PROGRAM = """
import os, sys, threading, time
from contextvars import copy_context
from toolrun.callbacks.context import current_run
from toolrun.execution.body import Body
from toolrun.execution.job import Job
from toolrun.execution.processes import PROCESSES
from toolrun.execution.processes._launcher import LAUNCHER

def call(function, *args, **bounds):
    return PROCESSES.run(Job(Body(function), args, {}, copy_context(), name="tool", **bounds))

def hang():
    while True:
        pass

def say_who_runs():
    pids = [call(os.getpid), LAUNCHER.process.pid]
    thread = threading.Thread(target=call, args=(hang,), daemon=True)
    thread.start()
    while len([worker for worker in PROCESSES._pool.workers() if worker.pid or worker in PROCESSES._pool._free]) < 2:
        time.sleep(0.001)
    print(*pids, flush=True)
"""


class Program(subprocess.Popen[str]):
    """A program that does not outlive the test that has failed."""

    def __exit__(self, *error: Any) -> None:
        self.kill()
        super().__exit__(*error)


def program(tmp_path: Path, text: str, **options: Any) -> Program:
    file = tmp_path / "program.py"
    file.write_text(PROGRAM + text)
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.PIPE}
    return Program([sys.executable, file], text=True, **pipes, **options)


def ended(pids: list[int]) -> bool:
    """Whether all of these end within ten seconds."""
    for pid in pids:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            if not select.select([descriptor], [], [], 10)[0]:
                return False
        finally:
            os.close(descriptor)
    return True


def test_a_program_needs_no_main_guard_and_its_own_things_go_and_come(tmp_path: Path) -> None:
    text = """
class Point:
    def __init__(self, x): self.x = x

class Odd(Exception): pass

SCALE = 10

def scaled(point):
    assert current_run() is None
    if point.x % 2: raise Odd(point.x)
    return Point(point.x * SCALE)

point = call(scaled, Point(2))
assert type(point) is Point and point.x == 20
try:
    call(scaled, Point(3))
except Odd as error:
    print("caught", error)
"""
    with program(tmp_path, text) as process:
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "caught 3\n", "")


def test_what_a_body_prints_is_printed(tmp_path: Path) -> None:
    with program(tmp_path, "call(print, 'from a worker')") as process:
        out, err = process.communicate(timeout=20)
    assert (out, err) == ("from a worker\n", "")


@pytest.mark.parametrize(
    ("end", "code"),
    [("pass", 0), ("sys.exit(3)", 3), ("os._exit(4)", 4), ("os.kill(os.getpid(), 9)", -9), ("os.abort()", -6)],
)
def test_nothing_is_left_when_the_parent_ends(tmp_path: Path, end: str, code: int) -> None:
    with program(tmp_path, f"say_who_runs()\n{end}") as process:
        out, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (code, "")
    assert ended([int(pid) for pid in out.split()])


def test_ctrl_c_is_the_parents_alone(tmp_path: Path) -> None:
    text = """
def hang_loudly():
    print("ready", flush=True)
    hang()

try:
    call(hang_loudly)
except KeyboardInterrupt:
    print(call(abs, -1))
"""
    with program(tmp_path, text, process_group=0) as process:
        assert process.stdout is not None
        process.stdout.readline()
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (out, err, process.returncode) == ("1\n", "", 0)


def test_a_worker_takes_no_notice_of_an_interrupt() -> None:
    assert run(interrupt_itself) == "still here"


def interrupt_itself() -> str:
    os.kill(os.getpid(), signal.SIGINT)
    return "still here"


def test_a_forked_child_has_workers_of_its_own(tmp_path: Path) -> None:
    text = """
first = call(os.getpid)
child = os.fork()
if child == 0:
    theirs = call(os.getppid)
    os._exit(0 if theirs != LAUNCHER and call(os.getpid) != first else 1)
_, status = os.waitpid(child, 0)
assert status == 0, status
assert call(os.getpid) in {worker.pid for worker in PROCESSES._pool.workers()}
"""
    with program(tmp_path, text) as process:
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "", "")


def test_a_parent_that_is_killed_takes_a_tools_own_processes_along(tmp_path: Path) -> None:
    text = """
import subprocess

def start():
    print(subprocess.Popen(["sleep", "1000"]).pid, flush=True)
    while True:
        pass

threading.Thread(target=call, args=(start,), daemon=True).start()
time.sleep(1000)
"""
    with program(tmp_path, text) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        process.kill()
        assert ended([pid])


def run(function: Any, *args: Any, **bounds: Any) -> Any:
    return PROCESSES.run(Job(Body(function), args, {}, copy_context(), name="tool", **bounds))


def hang() -> None:
    while True:
        pass


def test_killed_workers_leave_no_descriptor_and_no_zombie() -> None:
    run(abs, 1)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(10):
        with pytest.raises(ToolTimeout):
            run(hang, timeout=0.01)
    assert len(os.listdir("/proc/self/fd")) <= before + 1  # a worker that replaces one is a descriptor, too
    server = LAUNCHER.process.pid  # type: ignore[union-attr]
    give_up = time.monotonic() + 10
    while len(children_of(server)) > PROCESSES.workers:  # those that it has not waited for yet are among them
        assert time.monotonic() < give_up
        run(abs, 1)


def children_of(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def test_a_worker_holds_no_socket_but_its_own() -> None:
    [run(abs, 1) for _ in range(3)]
    names = run(sockets_here)
    assert sum(name.startswith("socket:") for name in names) == 1, names


def sockets_here() -> list[str]:
    found = []
    for fd in os.listdir("/proc/self/fd"):
        try:
            found.append(os.readlink(f"/proc/self/fd/{fd}"))
        except OSError:
            continue
    return found


def test_a_body_finds_its_standard_input_empty() -> None:
    assert run(read_standard_input) == ""


def read_standard_input() -> str:
    return sys.stdin.read()
