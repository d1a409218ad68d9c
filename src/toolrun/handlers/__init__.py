"""Handlers with a task of their own, beside the plain ones in `toolrun.callbacks`.

recorder      keeps every run in a store, from which commands and the viewer read
"""

from __future__ import annotations

from toolrun.handlers.recorder import Recorder

__all__ = ["Recorder"]
