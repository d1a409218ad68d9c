"""Which names are those of secrets: keys of JSON, variables in a text, fields of a header.

A name is taken apart into words (`accessToken`, `ACCESS-TOKEN` and `access_token` are the same), and the words decide.
Names that count or describe are no secrets: `max_tokens`, `token_count`, `password_policy`, `next_page_token`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_NEEDLES = (
    rb"k(?:(?<=tok)en(?!s[^a-z])|(?<=[hirs]tok)ens|(?<=[hirs][ _.\-]tok)ens"
    rb"|(?<=cook)ie|(?<=[deghinrst]k)ey|(?<=[deghinrst][ _.\-]k)ey)",
    rb"z(?<=authoriz)ation",
    rb"w(?<=pw)d",
    rb"pass",
    rb"secret",
    rb"credential",
)
"""Each name of a secret, in lower case, matches one of them. Those that begin with a rare letter are found fastest.

The first leaves out what is frequent and no secret: tokens that are counted, keys of other kinds."""

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SECRET = re.compile(
    r"password|passwd|passphrase|passcode|pwd"
    r"|(?:^|_)[a-z]*secrets?(?:$|_)"
    r"|(?:^|_)[a-z]*credentials?(?:$|_)"
    r"|(?:^|_)[a-z]*authorization(?:$|_)"
    r"|(?:^|_)[a-z]*cookies?(?:$|_)"
    r"|(?:^|_)[a-z]*token(?:$|_)"
    r"|(?:^|_)(?:access|api|auth|bearer|refresh)_?tokens(?:$|_)"
    r"|(?:^|_)(?:access|account|api|auth|encryption|master|private|service|shared|signing|ssh)_?keys?(?:$|_)"
    r"|(?:^|_)pass$"
)
_DESCRIBES = re.compile(
    r"(?:^|_)(?:budget|bytes|counts?|endpoint|expiration|expires|expiry|hint|ids|in|label|length|limits?|names?|policy"
    r"|required|rules?|size|status|strength|ttl|types?|uri|url|usage|valid)$"
)
"""Words at the end of a name that say something about a secret and are none."""
_NO_SECRETS = re.compile(
    r"(?:^|_)(?:bos|continuation|cursor|eos|mask|max|min|next|num|pad|page|pagination|sep|special|stop|sync|total|unk"
    r"|unexpected)_(?:[a-z]+_)?token(?:$|_)"
)
"""Tokens that are marks in a list of pages, or pieces of a text."""


class Names:
    """Tells which names are those of secrets."""

    def __init__(self, more: Iterable[str] = (), well_known: bool = True) -> None:
        """`more` are names whose words, in their order, make a name that of a secret."""
        wanted = ["_".join(_words(name)) for name in more]
        self._well_known = well_known
        self._wanted = re.compile(rf"(?:^|_)(?:{'|'.join(map(re.escape, wanted))})(?:$|_)") if wanted else None
        own = (re.escape(max(name.split("_"), key=len).encode()) for name in wanted)
        self.needles = tuple(dict.fromkeys((*(_NEEDLES if well_known else ()), *own)))
        """Patterns of which each name of a secret matches one, in lower case."""
        self._known: dict[bytes, bool] = {}

    def is_secret(self, name: bytes) -> bool:
        """Whether what stands under this name is a secret."""
        known = self._known.get(name)
        if known is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            known = self._known[name] = self._decide(_words(name.decode(errors="replace")))
        return known

    def _decide(self, words: list[str]) -> bool:
        joined = "_".join(words)
        if self._wanted is not None and self._wanted.search(joined):
            return True
        if not self._well_known or _DESCRIBES.search(joined) or _NO_SECRETS.search(joined):
            return False
        return bool(_SECRET.search(joined))


_MOST_KNOWN = 4096


def _words(name: str) -> list[str]:
    return [word.lower() for word in _WORDS.findall(name)]
