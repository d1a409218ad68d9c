"""Large values, piece by piece: the same JSON as in one go."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolrun.handlers import _pieces
from toolrun.handlers._fields import Fields
from toolrun.handlers._pieces import Pieces, beginning
from toolrun.handlers._weight import weighs_over
from toolrun.store._digest import arguments_digest
from toolrun.store._encode import encode

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=40,
)


@pytest.fixture(autouse=True, scope="module")
def small_pieces() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_pieces, "PIECE", 30)
        patch.setattr(_pieces, "_ITEMS", 3)
        yield


@given(JSON)
def test_pieces_make_up_the_same_json(value: Any) -> None:
    pieces = Pieces(value)
    assert b"".join(pieces) == orjson.dumps(value)
    assert pieces.exact


@given(JSON)
def test_pieces_with_sorted_keys_make_up_the_canonical_json(value: Any) -> None:
    assert b"".join(Pieces(value, sort_keys=True)) == orjson.dumps(value, None, orjson.OPT_SORT_KEYS)


@given(JSON, st.integers(1, 200))
def test_the_beginning_of_a_value_is_json_of_about_that_size(value: Any, size: int) -> None:
    first = beginning(value, size)
    orjson.loads(first)
    assert len(first) <= 12 * size + 200


def loops() -> Any:
    one: list[Any] = ["x" * 40]
    one += [one, one, {"again": one}]
    return one


def test_what_holds_itself_ends() -> None:
    pieces = Pieces(loops())
    assert orjson.loads(b"".join(pieces))[1:] == ["...", "...", {"again": "..."}] and not pieces.exact
    encoded, exact = encode(loops())
    assert orjson.loads(encoded)[1:] == ["...", "...", {"again": "..."}] and not exact
    assert weighs_over(loops(), 1000)


def test_the_digest_of_a_cut_value_is_that_of_the_arguments() -> None:
    inputs = {1: "x", "b": ["x" * 100, {"z": 1, "a": 2.5}] * 50, "a": {"ü": None}}
    encoded = orjson.loads(Fields(None, 1000).encode({"inputs": inputs}))
    assert encoded["cut"] == ["inputs"] and encoded["digest"] == arguments_digest(inputs)


def test_a_value_that_grows_without_end_when_it_is_written_out_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    from toolrun.handlers import _fields

    monkeypatch.setattr(_fields, "MEASURED", 100_000)
    laughs: Any = ["ha"]
    for _ in range(40):
        laughs = [laughs] * 10
    encoded = orjson.loads(Fields(None, 1000).encode({"inputs": laughs}))
    assert encoded["inputs"]["bytes"] > 100_000 and "digest" not in encoded
