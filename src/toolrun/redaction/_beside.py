r"""Secrets that no sign leads to: they stand beside their names, between tags, on the next line.

A name in such a place may be one among others (`"required": ["user", "password"]`), so it takes more to be sure.
"""

from __future__ import annotations

import re

from toolrun.redaction._spans import Span, value_in_text, values

_OPENS_A_PAIR = re.compile(rb"[\[(]\s*[bfru]?\Z", re.IGNORECASE)
_STRING = re.compile(rb"""[bfru]?\\*["']""", re.IGNORECASE)
_CLOSES_A_PAIR = re.compile(rb"""\\*["']\s*[\])]""")
_NO_NAME = re.compile(rb"(?!--|.*\*{5})(?=.*[^A-Za-z_ \-]).{8}")
_KEY_OF_NAME = re.compile(rb"""(?:name|key)\\*["']\s*:\s*\Z""", re.IGNORECASE)
_KEY_OF_VALUE = re.compile(rb"""\\*["']value\\*["']\s*:\s*""", re.IGNORECASE)
_BETWEEN_TAGS = re.compile(rb"""(?P<value>[^<>"'\\]++)<\\*/(?:[\w\-]{1,80}+:)?(?P<name>[\w.\-]{1,80}+)>""")
_IN_HTML_QUOTES = re.compile(rb"""(?:(?!&(?:quot|apos|#0?3[49]|#x2[27]);)[^<"'\\])++""")
_LINE = rb"""(?:[^"'\\]|\\+[^"'\\nr])++"""
_BLOCK = re.compile(
    rb"[|>][+\-]?(?:\\+r)?\\+n(?P<indent> {1,40}+)(?P<value>%s(?:(?:\\+r)?\\+n(?P=indent)%s)*+)" % (_LINE, _LINE)
)
_ALONE = re.compile(
    rb"""(?:\\+r)?\\+n {1,40}+(?P<value>(?=[^\s"'\\]{0,64}\d)[^\s"'\\]{7,}+(?<![:,]))(?=\\+[nr"']|["'])"""
)


def after_quoted(encoded: bytes, start: int, quote: bytes) -> tuple[list[Span], int]:
    """The values that begin at `start`, after a name in these quotes, and where to go on."""
    if quote.endswith(b'"') and len(quote) % 2:
        return values(encoded, start)
    span = value_in_text(encoded, start, quote, False)
    return ([span], span.end) if span else ([], start)


def beside(encoded: bytes, name: int, start: int, quote: bytes) -> tuple[list[Span], int]:
    """The value of a pair, of `["--password", "..."]`, and of `{"name": "password", "value": "..."}`.

    The quote before the name is at `name`, what is behind the comma at `start`.
    """
    before = encoded[max(0, name - 20) : name]
    if (key := _KEY_OF_VALUE.match(encoded, start)) and _KEY_OF_NAME.search(before):
        return after_quoted(encoded, key.end(), quote)
    is_flag = encoded.startswith(b"--", name + len(quote))
    if (is_flag or _OPENS_A_PAIR.search(before)) and _STRING.match(encoded, start):
        spans, end = after_quoted(encoded, start, quote)
        if _is_no_name(spans, encoded) and (is_flag or _CLOSES_A_PAIR.match(encoded, spans[0].end)):
            return spans, end
    return [], start


def _is_no_name(spans: list[Span], encoded: bytes) -> bool:
    """Whether that is one string, and hardly the name of something."""
    return len(spans) == 1 and not spans[0].quote and bool(_NO_NAME.match(encoded, spans[0].start, spans[0].end))


def between_tags(encoded: bytes, start: int, name: bytes) -> Span | None:
    """The value of `<password>...</password>`."""
    found = _BETWEEN_TAGS.match(encoded, start)
    return Span(*found.span("value")) if found and found["name"].lower() == name.lower() else None


def in_html_quotes(encoded: bytes, start: int) -> Span | None:
    """The value of `&quot;password&quot;:&quot;...&quot;`, behind its first quote."""
    found = _IN_HTML_QUOTES.match(encoded, start)
    return Span(*found.span()) if found else None


def on_next_lines(encoded: bytes, start: int) -> Span | None:
    """The value of a key of YAML that is on the lines below it: a block with its sign, or a word alone."""
    found = _BLOCK.match(encoded, start) or _ALONE.match(encoded, start)
    return Span(*found.span("value")) if found else None
