"""Tokens on standard output as they come."""

from __future__ import annotations

import sys
from typing import Any

from toolrun.callbacks.base import BaseCallbackHandler


class StreamingStdOutCallbackHandler(BaseCallbackHandler):
    """Writes each token of a streaming model at once."""

    def on_llm_new_token(self, token: str, **kwargs: Any) -> None:
        """Write the token."""
        sys.stdout.write(token)
        sys.stdout.flush()
