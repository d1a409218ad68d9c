"""Which worker a call gets.

At most `limit` calls run at once; the others wait in line. One worker more than that is kept, so that a killed one is
replaced without waiting. A session lives in the worker that its first call got; calls without a session take workers
without sessions as long as there are any, because a call that is killed takes its worker along.
"""

from __future__ import annotations

import pickle
from collections import deque
from collections.abc import Callable, Hashable
from threading import RLock

from toolrun.execution.errors import SessionLost
from toolrun.execution.processes._frames import DROP, frame
from toolrun.execution.processes._shipping import latest
from toolrun.execution.processes._ticket import Ticket
from toolrun.execution.processes._worker import Worker


class Pool:
    """The workers of this process. All methods may be called from any thread; none waits."""

    def __init__(self, launch: Callable[[], Worker], limit: int) -> None:
        self._launch = launch
        self.limit = limit
        self.forget()

    def forget(self) -> None:
        """Begin anew; for a forked child, too, which has none of its parent's workers."""
        self._lock = RLock()  # the garbage collector may close a coroutine that holds a worker, at any time
        self._workers: set[Worker] = set()
        self._free: list[Worker] = []
        self._hosts: set[Worker] = set()  # idle ones with sessions
        self._busy = 0
        self._line: deque[Ticket] = deque()
        self._homes: dict[Hashable, Worker | None] = {}

    def workers(self) -> list[Worker]:
        """All there are."""
        with self._lock:
            return list(self._workers)

    def waiting(self) -> int:
        """How many calls wait for a worker."""
        with self._lock:
            return len(self._line) + sum(len(worker.waiting) for worker in self._workers)

    @property
    def has_one_busy(self) -> bool:
        """Whether just one call is under way."""
        return self._busy == 1

    def grow(self, count: int) -> None:
        """Have at least so many workers."""
        with self._lock:
            while len(self._workers) < count:
                self._add_free()

    def let_idle_go(self) -> None:
        """End those that wait for a call and are nobody's home."""
        with self._lock:
            for worker in self._free:
                worker.close()
                self._workers.discard(worker)
            self._free.clear()

    def take(self, session: Hashable | None = None) -> Worker | Ticket:
        """A worker for one call, or a place in line for one; raises `SessionLost`."""
        with self._lock:
            if session is not None and session in self._homes:
                return self._take_home(session)
            if self._busy < self.limit and not self._line:
                return self._taken(self._pick(), session)
            ticket = Ticket(session)
            self._line.append(ticket)
            return ticket

    def _take_home(self, session: Hashable) -> Worker | Ticket:
        home = self._homes[session]
        if home is None:
            raise SessionLost(session)
        if home in self._hosts:
            self._hosts.discard(home)
            return self._taken(home, session)
        ticket = Ticket(session)
        home.waiting.append(ticket)
        return ticket

    def withdraw(self, ticket: Ticket) -> None:
        """Whoever was in line has gone; what it was given at the last moment is given back."""
        with self._lock:
            ticket.withdrawn = True
        if ticket.worker is not None:
            self.give_back(ticket.worker)

    def _pick(self) -> Worker:
        if self._free:
            return self._free.pop()
        if len(self._workers) <= self.limit or not self._hosts:
            return self._new()
        host = min(self._hosts, key=lambda worker: len(worker.sessions))
        self._hosts.discard(host)
        return host

    def _new(self) -> Worker:
        worker = self._launch()
        self._workers.add(worker)
        return worker

    def _taken(self, worker: Worker, session: Hashable | None) -> Worker:
        self._keep_spare()
        self._busy += 1
        if session is not None and session not in self._homes:
            self._homes[session] = worker
            worker.sessions.add(session)
        return worker

    def _keep_spare(self) -> None:
        """Have one worker more than is needed, which gets to know the latest tools while it waits."""
        if not self._free and len(self._workers) <= self.limit:
            self._add_free()

    def _add_free(self) -> None:
        worker = self._new()
        self._free.append(worker)
        for shipment in list(latest):
            if worker.needs(shipment.number):
                worker.tell(shipment.frame)

    def give_back(self, worker: Worker) -> None:
        """The call has ended. A worker that is gone is replaced, and its sessions are lost."""
        with self._lock:
            if worker not in self._workers:
                return  # this process was forked meanwhile
            self._busy -= 1
            if worker.gone:
                self._remove(worker)
            elif not (worker.waiting and self._serve_own(worker)):
                self._put_down(worker)
            if self._line:
                self._serve_line()

    def _remove(self, worker: Worker) -> None:
        worker.close()
        self._workers.discard(worker)
        for session in worker.sessions:
            self._homes[session] = None
        for ticket in worker.waiting:
            ticket.settle(None, SessionLost(ticket.session))
        self._keep_spare()

    def _serve_own(self, worker: Worker) -> bool:
        while worker.waiting:
            ticket = worker.waiting.popleft()
            if not ticket.withdrawn:
                ticket.settle(self._taken(worker, ticket.session))
                return True
        return False

    def _put_down(self, worker: Worker) -> None:
        if worker.sessions:
            self._hosts.add(worker)
        else:
            self._free.append(worker)

    def _serve_line(self) -> None:
        while self._line and self._busy < self.limit:
            ticket = self._line.popleft()
            if ticket.withdrawn:
                continue
            if ticket.session is not None and ticket.session in self._homes:
                self._send_home(ticket)  # the session has begun while this call was in line
            else:
                ticket.settle(self._taken(self._pick(), ticket.session))

    def _send_home(self, ticket: Ticket) -> None:
        home = self._homes[ticket.session]
        if home is None:
            ticket.settle(None, SessionLost(ticket.session))
        elif home in self._hosts:
            self._hosts.discard(home)
            ticket.settle(self._taken(home, ticket.session))
        else:
            home.waiting.append(ticket)

    def drop(self, session: Hashable) -> None:
        """The session has ended: its worker may forget it."""
        with self._lock:
            home = self._homes.pop(session, None)
            if home is None:
                return
            home.sessions.discard(session)
            data = frame(DROP, pickle.dumps(session))
            if home not in self._hosts:  # its socket is its call's
                home.parting += data
            else:
                home.tell(data)
                if not home.sessions:
                    self._hosts.discard(home)
                    self._free.append(home)
