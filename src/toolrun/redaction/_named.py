r"""Secrets by the names before them: keys of JSON at any depth, `name=value`, `name: value`, headers, reprs."""

from __future__ import annotations

import re

from toolrun.redaction._beside import after_quoted, beside, between_tags, in_html_quotes, on_next_lines
from toolrun.redaction._spans import Span, value_in_text
from toolrun.redaction.names import Names

_FAR = 80
"""Bytes of a name that are looked at, before and after its needle."""

_MASKED = b"*****"
"""In what was masked once already."""
_BEFORE = re.compile(rb"[\w.\- ]*\Z")
_ESCAPES = {b"\\": re.compile(rb"u[0-9a-fA-F]{4}|[nrtbf]"), b"%": re.compile(rb"(?:25)*[0-9a-fA-F]{2}")}
_OF_A_LINE = re.compile(rb"authorization|cookie", re.IGNORECASE)
_RANDOM = re.compile(rb"(?=\S{0,64}\d)\S{8}")


_TYPE = rb"[a-z_][\w.]{0,80}+(?:\[[\w.\[\], |]{1,80}\])?"
_ANNOTATION = rb""":\s*&?%s(?:\s*\|\s*%s){0,4}\s*=\s*(?=[bfru]{0,2}\\*["'])""" % (_TYPE, _TYPE)
"""As in `password: str | None = "..."`: what is assigned is the secret, not its type."""

_SIGN = rb"(?:%s|(?:[:=]|!=)=*+>?\s*)" % _ANNOTATION
_URL_SIGN = rb"(?:%(?:25)*2[027])*+%(?:25)*3[ad]"
_FLAG_VALUE = rb"""[ ]++(?=\\*["'][^\-]|(?!-)[^\s"'\\]{0,64}\d)"""
"""Behind `--password`: a string, or a word with a digit."""
_HTML_QUOTE = rb"(?:&(?:quot|apos|#0?3[49]|#x2[27]);)"


def _occurrence(needle: bytes) -> re.Pattern[bytes]:
    """A needle with the rest of its name, the quote that ends it, and what separates it from its value."""
    quoted = rb"""[^"'\\:={}\[\],]{0,80}+:?(?P<quote>\\*["'])"""
    bare = rb"[\w.\-]{0,80}+(?P<end>)(?:%s?\s*%s(?P<html>%s)?|%s|(?P<tag>>)|(?P<flag>%s))"
    bare %= (_HTML_QUOTE, _SIGN, _HTML_QUOTE, _URL_SIGN, _FLAG_VALUE)
    return re.compile(rb"%s(?:%s\s*(?:%s|(?P<comma>,)\s*)|%s)" % (needle, quoted, _SIGN, bare))


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
        if match["quote"] is None:
            return self._after_bare(match, encoded)
        quote, start = match["quote"], match.end()
        begin = _quoted_begin(encoded, match)
        name = encoded[begin : match.start("quote")]
        if _MASKED in name or not self._names.is_secret(name):
            return [], start
        if match["comma"]:
            return beside(encoded, begin - len(quote), start, quote)
        return after_quoted(encoded, start, quote)

    def _after_bare(self, match: re.Match[bytes], encoded: bytes) -> tuple[list[Span], int]:
        name, start = self._bare_name(encoded, match), match.end()
        if name is None or (match["flag"] and not name.split(b" ")[-1].startswith(b"--")):
            return [], start
        if match["tag"]:
            span = between_tags(encoded, start, name)
        elif match["html"]:
            span = in_html_quotes(encoded, start)
        else:
            span = on_next_lines(encoded, start) or _in_line(encoded, start, name)
        return ([span], span.end) if span else ([], start)

    def _bare_name(self, encoded: bytes, match: re.Match[bytes]) -> bytes | None:
        """The name in a text, if it is that of a secret: without an escape that it follows, as the n of `\\n`."""
        end = match.start("end")
        begin = _begin(encoded, match.start())
        name = encoded[begin:end]
        if self._names.is_secret(name):
            return name
        escapes = _ESCAPES.get(encoded[begin - 1 : begin])
        if escapes and (escape := escapes.match(name)):
            name = name[escape.end() :]
            return name if self._names.is_secret(name) else None
        return None


def _in_line(encoded: bytes, start: int, name: bytes) -> Span | None:
    if name.split(b" ")[-1].lower() == b"token" and not _RANDOM.match(encoded, start):
        return None
    return value_in_text(encoded, start, b"", bool(_OF_A_LINE.search(name)))


def _quoted_begin(encoded: bytes, match: re.Match[bytes]) -> int:
    quote = match["quote"]
    begin = encoded.rfind(quote, max(0, match.start() - _FAR), match.start())
    return begin + len(quote) if begin >= 0 else _begin(encoded, match.start())


def _begin(encoded: bytes, needle: int) -> int:
    nearest = max(0, needle - _FAR)
    before = _BEFORE.search(encoded, nearest, needle)
    return before.start() if before else needle
