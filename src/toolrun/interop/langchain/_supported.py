"""Asks, before anything of LangChain is imported, whether it is there in a release that this bridge knows."""

from __future__ import annotations

from toolrun.interop._peer import require

SINCE, BEFORE = "1.4", "2"

require("langchain-core", "langchain", since=SINCE, before=BEFORE)
