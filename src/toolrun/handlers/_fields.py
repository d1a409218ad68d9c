"""The fields of a record as JSON, with secrets masked, and cut where they are too large.

Most fields are small, exact and hold no secret: they are encoded and searched together. Where that does not do,
each is looked at for itself, and the record says which are `inexact`, `masked` or `cut`.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Protocol

import orjson
from orjson import dumps

from toolrun.handlers._pieces import PIECE, Pieces, beginning
from toolrun.handlers._weight import weighs_over
from toolrun.store._encode import EXACTLY, encode, has_lost_numbers

_MARGIN = 4096  # what is looked through for secrets beyond the cut: one that lies across it is found


MEASURED = 256 * 1024 * 1024
"""How far the size of a value is measured; what is larger is told as this large."""


class Redacts(Protocol):
    """What masks secrets in JSON text; see `toolrun.redaction`."""

    def redact_json(self, encoded: bytes) -> tuple[bytes, bool]:
        """The text without secrets, and whether there were any."""
        ...


class Fields:
    """Encodes the fields of records, for one recorder."""

    def __init__(self, redactor: Redacts | None, largest: int) -> None:
        self._redact = None if redactor is None else redactor.redact_json
        self._largest = largest

    def encode_small(self, fields: Mapping[str, Any]) -> bytes:
        """A JSON object of fields that do not weigh much."""
        try:
            encoded = dumps(fields, None, EXACTLY)
        except TypeError:  # something in it has no form in JSON
            return self._each(fields)
        if (b"null" in encoded and has_lost_numbers(fields)) or len(encoded) > self._largest:
            return self._each(fields)
        if self._redact is not None and self._redact(encoded)[1]:
            return self._each(fields)
        return encoded

    def encode(self, fields: Mapping[str, Any]) -> bytes:
        """A JSON object of any fields."""
        return self._each(fields) if weighs_over(fields, PIECE) else self.encode_small(fields)

    def text(self, text: object) -> str:
        """A name or an id as JSON."""
        try:
            return self._redacted(encode(str(text))[0])[0].decode()
        except Exception as error:  # a redactor of the user's
            return dumps(_why(error)).decode()

    def _redacted(self, encoded: bytes) -> tuple[bytes, bool]:
        return (encoded, False) if self._redact is None else self._redact(encoded)

    def _each(self, fields: Mapping[str, Any]) -> bytes:
        notes: dict[str, Any] = {}
        members = [b"%b:%b" % (orjson.dumps(name), self._one(name, value, notes)) for name, value in fields.items()]
        changed = {*notes.get("masked", ()), *notes.get("cut", ())}
        if "inputs" in changed:
            digest = _digest(fields["inputs"])
            if digest is not None:
                notes["digest"] = digest
        members += [b"%b:%b" % (orjson.dumps(name), orjson.dumps(note)) for name, note in notes.items()]
        return b"{%b}" % b",".join(members)

    def _one(self, name: str, value: Any, notes: dict[str, Any]) -> bytes:
        encoded, size, exact = self._bounded(value)
        if encoded is None:
            notes.setdefault("cut", []).append(name)
            encoded = beginning(value, self._largest + _MARGIN)
        redacted, masked = self._redacted(encoded)
        if masked:
            notes.setdefault("masked", []).append(name)
        if not exact:
            notes.setdefault("inexact", []).append(name)
        return redacted if size <= self._largest else self._cut(redacted, size)

    def _bounded(self, value: Any) -> tuple[bytes | None, int, bool]:
        """The JSON of a value unless it is over the bound, its size in bytes, and whether it is exact."""
        pieces = Pieces(value)
        kept, size = [], 0
        for piece in pieces:
            size += len(piece)
            if size <= self._largest:
                kept.append(piece)
            elif size > MEASURED:
                break
        return (b"".join(kept) if size <= self._largest else None), size, pieces.exact

    def _cut(self, encoded: bytes, size: int) -> bytes:
        return orjson.dumps({"cut": encoded[: self._largest].decode(errors="ignore"), "bytes": size})


def _digest(inputs: Any) -> str | None:
    """`arguments_digest`, piece by piece; None for what is too large to be looked through."""
    digest, size = blake2b(digest_size=16), 0
    for piece in Pieces(inputs, sort_keys=True):
        digest.update(piece)
        size += len(piece)
        if size > MEASURED:
            return None
    return digest.hexdigest()


def unreadable(fields: Mapping[str, Any], error: Exception) -> bytes:
    """In place of fields that cannot be read, as a dict that another thread changes. The run itself is recorded."""
    return dumps({**dict.fromkeys(fields, _why(error)), "inexact": list(fields)})


def _why(error: Exception) -> str:
    return f"<could not be recorded: {type(error).__name__}>"
