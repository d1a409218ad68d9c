"""The redactor: JSON text in, JSON text out, with secrets masked.

Most records hold no secret, so the text is first searched for a handful of words and prefixes. Only where one is found
is it looked at more closely. What is not masked stays as it was, byte by byte.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from functools import cache

import orjson

from toolrun.redaction._mask import MASK
from toolrun.redaction._named import Named
from toolrun.redaction._spans import Span, end_of_string
from toolrun.redaction._strings import Function, Strings
from toolrun.redaction.names import Names
from toolrun.redaction.services import key_spans, may_hold_keys

_log = logging.getLogger(__name__)

_MASK = MASK.encode()
_LOST = orjson.dumps(MASK)
_PRIVATE_KEY = b"PRIVATE KEY"
_BEGIN = re.compile(rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----")
_END = re.compile(rb"-----END [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----")
_PLAIN_ESCAPE = re.compile(rb"(?<!\\)((?:\\\\)*)\\u00([2-7][0-9a-fA-F])")


class Redactor:
    """Masks secrets in JSON text."""

    def __init__(
        self,
        keys: Iterable[str] = (),
        values: Iterable[str | re.Pattern[str]] = (),
        function: Function | None = None,
        *,
        well_known: bool = True,
    ) -> None:
        """`keys` are names of secrets, `values` patterns of them, in addition to the well-known ones.

        `function(text, key)` gets each string that is no key, and gives what is to be written instead.
        """
        self._named = Named(Names(keys, well_known))
        self._strings = Strings(values, function)
        self._well_known = well_known

    def redact_json(self, encoded: bytes) -> tuple[bytes, bool]:
        """The JSON text without secrets, and whether there were any. It raises nothing: what fails is masked whole."""
        try:
            redacted = self._redacted(encoded)
        except Exception:
            _log.exception("A value could not be looked through for secrets, and is masked.")
            return _LOST, True
        return redacted, redacted is not encoded

    def redact_text(self, text: str) -> str:
        """The same for a text."""
        redacted, found = self.redact_json(orjson.dumps(text))
        return str(orjson.loads(redacted)) if found else text

    def _redacted(self, encoded: bytes) -> bytes:
        plain = _without_plain_escapes(encoded) if b"\\u00" in encoded else encoded
        redacted = _masked(plain, self._spans(plain))
        if self._strings:
            redacted = self._strings.changed(redacted)
        return encoded if redacted is plain else redacted

    def _spans(self, encoded: bytes) -> list[Span]:
        lowered = encoded.lower()
        spans = self._named.spans(encoded, lowered)
        if self._well_known:
            if may_hold_keys(encoded, lowered):
                spans += [Span(*span) for span in key_spans(encoded)]
            if _PRIVATE_KEY in encoded:
                spans += _private_keys(encoded)
        return spans


@cache
def default() -> Redactor:
    """The redactor that is on wherever nothing else is said: the well-known names and keys."""
    return Redactor()


def _private_keys(encoded: bytes) -> Iterator[Span]:
    """Blocks from their first line to their last; where that was cut off, to the end of the string."""
    done = 0
    for begin in _BEGIN.finditer(encoded):
        if begin.start() >= done:
            limit = end_of_string(encoded, begin.end())
            last = _END.search(encoded, begin.end(), limit)
            done = last.end() if last else limit
            yield Span(begin.start(), done)


def _masked(encoded: bytes, spans: list[Span]) -> bytes:
    pieces, done = [], 0
    for start, end, quote in _merged(spans):
        if encoded[start:end] != _MASK:
            pieces += [encoded[done:start], quote, _MASK, quote]
            done = end
    return b"".join([*pieces, encoded[done:]]) if pieces else encoded


def _merged(spans: list[Span]) -> list[Span]:
    """The spans in their order, those that overlap as one."""
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.start < merged[-1].end:
            merged[-1] = merged[-1]._replace(end=max(span.end, merged[-1].end))
        else:
            merged.append(span)
    return merged


def _without_plain_escapes(encoded: bytes) -> bytes:
    r"""The text with each printable character as itself, not as `\u0070`: some encoders write so."""

    def plain(match: re.Match[bytes]) -> bytes:
        character = bytes([int(match[2], 16)])
        return match[1] + (b"\\" + character if character in b'"\\' else b"" if character == b"\x7f" else character)

    return _PLAIN_ESCAPE.sub(plain, encoded) if _PLAIN_ESCAPE.search(encoded) else encoded
