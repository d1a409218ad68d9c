"""What a user says of secrets: patterns, and a function, which get each string as it was before it became JSON."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable
from typing import Any

import orjson

from toolrun.errors import ToolrunError
from toolrun.redaction._mask import MASK
from toolrun.redaction._spans import texts

Function = Callable[[str, str | None], Any]
"""Of a text and the key that it stands under, if any: the text to be written instead."""

_log = logging.getLogger(__name__)


class InvalidPattern(ToolrunError, ValueError):
    """A pattern of secrets that a user gave cannot be used."""

    def __init__(self, pattern: object, why: str) -> None:
        self.pattern, self.why = pattern, why
        super().__init__(
            f"values takes regular expressions, as texts or compiled; {pattern!r} does not do: {why}. "
            "A literal is written re.escape(...)."
        )


class Strings:
    """Applies a user's patterns and function to each string that is no key."""

    def __init__(self, patterns: Iterable[str | re.Pattern[str]], function: Function | None) -> None:
        self._patterns = [_compiled(pattern) for pattern in patterns]
        self._function = function

    def __bool__(self) -> bool:
        return bool(self._patterns or self._function)

    def changed(self, encoded: bytes) -> bytes:
        """The JSON text with the strings as they are to be written."""
        pieces, done = [], 0
        for span, key in texts(encoded):
            text = orjson.loads(encoded[span.start - 1 : span.end + 1])
            wanted = self._wanted(text, None if key is None else orjson.loads(b'"%s"' % key))
            if wanted != text:
                pieces += [encoded[done : span.start], orjson.dumps(wanted)[1:-1]]
                done = span.end
        return b"".join([*pieces, encoded[done:]]) if pieces else encoded

    def _wanted(self, text: str, key: str | None) -> str:
        for pattern in self._patterns:
            text = pattern.sub(MASK, text)
        if self._function is None:
            return text
        try:
            wanted = self._function(text, key)
        except Exception:
            _log.exception("The redacting function %r failed; what it was given is masked.", self._function)
            return MASK
        return wanted if type(wanted) is str else MASK


def _compiled(pattern: str | re.Pattern[str]) -> re.Pattern[str]:
    try:
        compiled = re.compile(pattern)
    except (re.error, TypeError) as error:
        raise InvalidPattern(pattern, str(error)) from None
    if not isinstance(compiled.pattern, str):
        raise InvalidPattern(pattern, "it is one of bytes")
    if compiled.fullmatch(""):
        raise InvalidPattern(pattern, "it matches the empty text, and so everywhere")
    return compiled
