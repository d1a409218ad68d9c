r"""Secrets by the names before them: keys of JSON at any depth, `name=value`, `name: value`, headers, reprs."""

from __future__ import annotations

import re

from toolrun.redaction._spans import Span, value_in_text, values
from toolrun.redaction.names import Names

_FAR = 80
"""Bytes of a name that are looked at, before and after its needle."""

_BEFORE = re.compile(rb"[\w.\- ]*\Z")
_ESCAPE = re.compile(rb"u[0-9a-fA-F]{4}|[nrtbf]")
_OF_A_LINE = re.compile(rb"authorization|cookie", re.IGNORECASE)
_RANDOM = re.compile(rb"(?=\S{0,64}\d)\S{8}")


_TYPE = rb"[a-z_][\w.]{0,80}+(?:\[[\w.\[\], |]{1,80}\])?"
_ANNOTATION = rb""":\s*&?%s(?:\s*\|\s*%s){0,4}\s*=\s*(?=[bfru]{0,2}\\*["'])""" % (_TYPE, _TYPE)
"""As in `password: str | None = "..."`: what is assigned is the secret, not its type."""

_SEPARATOR = rb"\s*(?:%s|(?:[:=]|!=)=*+>?\s*)" % _ANNOTATION


def _occurrence(needle: bytes) -> re.Pattern[bytes]:
    """A needle with the rest of its name, the quote that ends it, and what separates it from its value."""
    quoted = rb"""[^"'\\:={}\[\],]{0,80}+:?(?P<quote>\\*["'])"""
    return re.compile(rb"%s(?:%s|[\w.\-]{0,80}+)(?P<end>)%s" % (needle, quoted, _SEPARATOR))


class Named:
    """Finds values by their names."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._occurrences = [_occurrence(needle) for needle in names.needles]

    def spans(self, encoded: bytes, lowered: bytes) -> list[Span]:
        """The values whose names are those of secrets."""
        found: list[Span] = []
        for occurrence in self._occurrences:
            match = occurrence.search(lowered)
            while match is not None:
                spans, end = self._values_after(match, encoded)
                found += spans
                match = occurrence.search(lowered, end)
        return found

    def _values_after(self, match: re.Match[bytes], encoded: bytes) -> tuple[list[Span], int]:
        """What is to be masked after a name, and where to go on."""
        quote, start, whole_line = match["quote"], match.end(), False
        if quote is None:
            name = self._bare_name(encoded, match)
            if name is None or (name.split(b" ")[-1].lower() == b"token" and not _RANDOM.match(encoded, start)):
                return [], start
            whole_line = bool(_OF_A_LINE.search(name))
        elif not self._names.is_secret(_quoted_name(encoded, match)):
            return [], start
        elif quote.endswith(b'"') and len(quote) % 2:
            return values(encoded, start)
        span = value_in_text(encoded, start, quote or b"", whole_line)
        return ([span], span.end) if span else ([], start)

    def _bare_name(self, encoded: bytes, match: re.Match[bytes]) -> bytes | None:
        """The name in a text, if it is that of a secret: without an escape that it follows, as the n of a newline."""
        end = match.start("end")
        begin = _begin(encoded, match.start())
        name = encoded[begin:end]
        if self._names.is_secret(name):
            return name
        if encoded[begin - 1 : begin] == b"\\" and (escape := _ESCAPE.match(name)):
            name = name[escape.end() :]
            return name if self._names.is_secret(name) else None
        return None


def _quoted_name(encoded: bytes, match: re.Match[bytes]) -> bytes:
    quote, end = match["quote"], match.start("quote")
    begin = encoded.rfind(quote, max(0, match.start() - _FAR), match.start())
    begin = begin + len(quote) if begin >= 0 else _begin(encoded, match.start())
    return encoded[begin:end]


def _begin(encoded: bytes, needle: int) -> int:
    nearest = max(0, needle - _FAR)
    before = _BEFORE.search(encoded, nearest, needle)
    return before.start() if before else needle
