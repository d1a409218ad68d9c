r"""Where a value begins and ends in JSON text; also in a text that is inside a string, as `"{\"password\": \"x\"}"`.

JSON inside a string has its quotes escaped, and JSON in that once more: a quote of depth k has 2**k - 1 backslashes
before it. So from an opening quote with n of them the value goes on to the next quote with n, or n more than a multiple
of 2n + 2: the others stand for backslashes of its own. A quote with fewer ends a string further out, and so the value
at the latest.

Nothing here looks further than the end of the string that it began in, or ends in the middle of an escape.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple


class Span(NamedTuple):
    """A part of JSON text to be masked; what is no string gets the `quote` around it."""

    start: int
    end: int
    quote: bytes = b""


_QUOTE = re.compile(rb'(\\*)"')
_OPENING = re.compile(rb"""[bfru]{0,2}((?P<backslashes>\\*)"|')""", re.IGNORECASE)
_SINGLE_END = re.compile(rb"""(\\*)(["'])""")
_TOKEN = re.compile(rb'"(?P<text>[^"\\]*(?:\\.[^"\\]*)*)"(?P<is_key>\s*:)?|[\[{]|[\]}]|-?\d[\d.eE+\-]*', re.DOTALL)
_NUMBER = re.compile(rb"-?\d[\d.eE+\-]*")
_NOTHING = re.compile(rb"(?:null|None|[Tt]rue|[Ff]alse|undefined)(?![\w.])|\*{5}")
_WORD = re.compile(rb"""(?:[^\s"'\\&;]|\\+[^\s"'\\&;nrt])+""")
_LINE = re.compile(rb"""(?:[^"'\\]|\\+[^"'\\nr])+""")
_BRACKET = re.compile(rb"""(?P<quote>(?P<backslashes>\\*)"|')|(?P<opens>[\[{(])|[\]})]""")


def values(encoded: bytes, start: int) -> tuple[list[Span], int]:
    """The value of a JSON key, as it begins at `start`: a string, a number, or all that there are in a container.

    Also where it ends, so that nobody looks through it again.
    """
    found: list[Span] = []
    depth, end = 0, start
    for token in _TOKEN.finditer(encoded, start):
        if not depth and token.start() != start:
            break  # true, false or null
        first, end = encoded[token.start()], token.end()
        if first in b"[{":
            depth += 1
        elif first in b"]}":
            depth -= 1
        elif first != _DOUBLE:
            found.append(Span(*token.span(), b'"'))
        elif token["text"] and not token["is_key"]:
            found.append(Span(*token.span("text")))
        if not depth:
            break
    return found, end


_DOUBLE = ord('"')


def value_in_text(encoded: bytes, start: int, quote: bytes, whole_line: bool) -> Span | None:
    """The value that begins at `start` in a text; None if it is no secret.

    `quote` is that of its name, if it has one; the value of a header goes to the end of the `whole_line`.
    """
    if _NOTHING.match(encoded, start):
        return None
    if opening := _OPENING.match(encoded, start):
        begin, end = opening.end(), _end_of_literal(encoded, opening)
        return Span(begin, end) if end > begin else None
    if encoded[start : start + 1] in _OPEN_BRACKETS:
        return Span(start, _end_of_brackets(encoded, start), quote)
    if quote and (number := _NUMBER.match(encoded, start)):
        return Span(*number.span(), quote)
    match = (_LINE if whole_line else _WORD).match(encoded, start)
    return Span(*match.span()) if match else None


_OPEN_BRACKETS = frozenset((b"[", b"{", b"("))


def _end_of_literal(encoded: bytes, opening: re.Match[bytes]) -> int:
    """Where the string literal that opens there ends, or the JSON string that it is in."""
    if opening["backslashes"] is None:
        return _end_of_single(encoded, opening.end())
    backslashes = len(opening["backslashes"])
    return opening.end() - 1 if backslashes % 2 == 0 else _end_of_quoted(encoded, opening.end(), backslashes)


def _end_of_quoted(encoded: bytes, begin: int, opening: int) -> int:
    for quote in _QUOTE.finditer(encoded, begin):
        backslashes = len(quote[1])
        if backslashes % 2 == 0:
            return quote.end() - 1
        if backslashes % (2 * opening + 2) == opening:
            return quote.end() - 1 - opening
        if backslashes < opening:
            return quote.start()
    return len(encoded)


def _end_of_single(encoded: bytes, begin: int) -> int:
    for quote in _SINGLE_END.finditer(encoded, begin):
        if quote[2] == b"'" and not quote[1]:
            return quote.start()
        if quote[2] == b'"' and len(quote[1]) % 2 == 0:
            return quote.end() - 1
    return len(encoded)


def _end_of_brackets(encoded: bytes, start: int) -> int:
    """Behind the bracket that closes the one at `start`; brackets in strings do not count."""
    depth = 0
    found = _BRACKET.search(encoded, start)
    while found is not None:
        after = found.end()
        if found["quote"] is None:
            depth += 1 if found["opens"] else -1
            if not depth:
                return after
        else:
            end = _end_of_literal(encoded, found)
            if end < after or not encoded.startswith(found["quote"], end):
                return end  # of the JSON string that all of this is in
            after = end + len(found["quote"])
        found = _BRACKET.search(encoded, after)
    return len(encoded)


def end_of_string(encoded: bytes, start: int) -> int:
    """The end of the JSON string that `start` is in."""
    for quote in _QUOTE.finditer(encoded, start):
        if len(quote[1]) % 2 == 0:
            return quote.end() - 1
    return len(encoded)


def texts(encoded: bytes) -> Iterator[tuple[Span, bytes | None]]:
    """Each string that is no key, with the key that it, or the container that it is in, stands under."""
    key: bytes | None = None
    outer: list[bytes | None] = []
    for token in _TOKEN.finditer(encoded):
        first = encoded[token.start()]
        if first in b"[{":
            outer.append(key)
        elif first in b"]}":
            key = outer.pop() if outer else None
        elif first == _DOUBLE:
            if token["is_key"]:
                key = token["text"]
            else:
                yield Span(*token.span("text")), key
