"""Ctrl-C, told apart from a KeyboardInterrupt that the user's code raises by itself."""

from __future__ import annotations

import signal
from types import FrameType
from typing import NoReturn, Self

STATUS = 128 + signal.SIGINT


class CtrlC:
    """While it is entered, knows whether Ctrl-C was pressed; it raises KeyboardInterrupt as ever."""

    def __init__(self) -> None:
        self.came = False
        self._is_ours = False

    def __enter__(self) -> Self:
        self.came = False
        self._is_ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # else it is to be ignored
        if self._is_ours:
            signal.signal(signal.SIGINT, self._notice)
        return self

    def __exit__(self, *exc: object) -> None:
        if self._is_ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _notice(self, number: int, frame: FrameType | None) -> NoReturn:
        self.came = True
        raise KeyboardInterrupt

    def obey(self) -> None:
        """Raise KeyboardInterrupt if Ctrl-C came, whatever has become of the first one."""
        if self.came:
            raise KeyboardInterrupt


CTRL_C = CtrlC()
