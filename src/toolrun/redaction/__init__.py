"""Secrets are masked before anything is written or exported.

names     which keys hold secrets
services  how the keys of well-known services look
_beside   secrets that stand beside their names, with no sign between
_spans    where a value ends in JSON text, also in a text inside of it
_strings  what a user's own patterns and function make of each string
redactor  all of it together
"""

from __future__ import annotations

from toolrun.redaction._mask import MASK
from toolrun.redaction._strings import InvalidPattern
from toolrun.redaction.redactor import Redactor, default

__all__ = ["MASK", "InvalidPattern", "Redactor", "default"]
