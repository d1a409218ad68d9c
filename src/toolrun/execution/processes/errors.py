"""What can go wrong between two processes."""

from __future__ import annotations

from typing import Any

from toolrun.errors import ToolrunError


class RemoteError(ToolrunError):
    """A body in a worker raised an exception that cannot be sent: here is what is known of it."""

    def __init__(self, type_name: str, message: str, remote_traceback: str) -> None:
        self.type_name, self.message, self.remote_traceback = type_name, message, remote_traceback
        super().__init__(f"{type_name}: {message}" if message else type_name)

    def __reduce__(self) -> Any:
        return RemoteError, (self.type_name, self.message, self.remote_traceback)


class NoWorkers(ToolrunError, RuntimeError):
    """Worker processes need sockets that can carry file descriptors, which this system does not have."""

    def __init__(self, platform: str) -> None:
        self.platform = platform
        super().__init__(f"There are no worker processes on {platform!r}: use engine='threads'.")


class TooManyWorkers(ToolrunError, ValueError):
    """More workers were wanted ahead than may ever be used."""

    def __init__(self, workers: int, limit: int) -> None:
        self.workers, self.limit = workers, limit
        super().__init__(
            f"{workers} workers are more than the {limit} that may work at once and one to spare: "
            f"set PROCESSES.limit to {workers} first."
        )


class NotPreloadable(ToolrunError, ValueError):
    """A module was executed, as a program is, and not imported: workers cannot import it either."""

    def __init__(self, module: str) -> None:
        self.module = module
        super().__init__(
            f"Workers cannot begin with module {module!r}, which was executed and not imported: "
            f"put the tools into a module of their own, or leave it out."
        )
