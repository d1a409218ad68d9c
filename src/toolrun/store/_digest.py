"""A digest of a tool's arguments, the same for the arguments themselves and for what was recorded of them."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import orjson

from toolrun.store._encode import encode


def arguments_digest(inputs: Any) -> str:
    """32 hex digits of BLAKE2b over the canonical JSON (sorted keys) of what handlers saw of the arguments."""
    encoded, _ = encode(inputs, orjson.OPT_SORT_KEYS)
    return blake2b(encoded, digest_size=16).hexdigest()
