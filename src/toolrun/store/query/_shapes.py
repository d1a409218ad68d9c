"""The shape of an error message: what is left when numbers, ids and quoted words are taken out.

Messages of the same shape are the same failure on other data, and are counted together.
"""

from __future__ import annotations

import re

_VARYING = re.compile(
    r"""
      '[^'\n]{0,200}' | "[^"\n]{0,200}"                                             # quoted words
    | \b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b   # UUIDs
    | \b0x[0-9a-fA-F]+\b                                                            # addresses
    | \b(?=[a-fA-F]*\d)[0-9a-fA-F]{12,}\b                                           # digests
    | \d+(?:[.,:]\d+)*                                                              # numbers, versions, times
    """,
    re.VERBOSE,
)
STANDS_FOR_ANYTHING = "…"


def shape(message: str) -> str:
    """The message in one line, with `…` for what differs from one time to the next."""
    return " ".join(_VARYING.sub(STANDS_FOR_ANYTHING, message).split())
