"""What holds for every JSON text: it stays one, secrets are gone, and the rest is as it was."""

from __future__ import annotations

import json
from typing import Any

import orjson
from hypothesis import example, given
from hypothesis import strategies as st

from toolrun.redaction import MASK, Redactor, default

SECRET_NAMES = ["password", "db_password", "accessToken", "X-Api-Key", "client_secret", "Set-Cookie", "refresh_tokens"]
OTHER_NAMES = ["name", "max_tokens", "tokenCount", "keyboard", "next_page_token", "author", "public_key", "a b", "é"]
SERVICE_KEYS = [
    "AKIAIOSFODNN7EXAMPLE",
    "ghp_" + "aB3" * 12,
    "glpat-" + "xY7" * 7,
    "xoxb-123456789012-abcDEF",
    "sk-proj-" + "Ab1_" * 8,
    "sk-ant-api03-" + "Zz9-" * 8,
    "AIza" + "Sy0" * 12,
    "sk_live_" + "q1W" * 8,
    "hf_" + "qWe" * 11,
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "Bearer abcdef0123456789",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
]

CALM = st.text(st.sampled_from("abc XYZ019.,!?\n\té€\U0001f600(){}[]/"), max_size=20)
"""Text without a separator, a quote or a backslash: no secret can begin in it."""
SNIPPETS = [
    "password",
    "token",
    "Cookie",
    ":",
    "=",
    " ",
    '"',
    "'",
    "\\",
    "n",
    "\n",
    "u0041",
    *"{}[]x7é,;\0",
    "://a:b@",
    "Bearer ",
]
TRICKY = st.lists(st.sampled_from([*SNIPPETS, "-----BEGIN PRIVATE KEY-----"]), max_size=25).map("".join)
BESIDE = [*SNIPPETS, *(",", "(", "|", "<", ">", "</password>", "--", "%3D", "&quot;", '"name":', '"value":', ": str =")]
TRICKIER = st.lists(st.sampled_from(BESIDE), max_size=25).map("".join)
PLANTED = st.text(st.characters(exclude_categories=["Cs"]), min_size=3, max_size=20).map(lambda text: f"§{text}§")
"""Secrets that any character may be part of, and that occur nowhere else."""


def trees(leaves: st.SearchStrategy[Any], names: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=8
    )


def redacted(value: Any) -> Any:
    """The value as it is written, with JSON that is inside of strings written as it came."""
    return json.loads(default().redact_json(orjson.dumps(value))[0])


@given(trees(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TRICKIER, TRICKIER))
@example({"password": ["\\", '"', {"a": -1e5}]})
@example('{"password": "\\')
@example(["'password': ['", "it's", 1])
@example({"password:{": None, '"': None})
@example({"secrets": {"secrets": [None]}, "token": [[], 1]})
@example([{"a": 'cookies: {"b'}, {"c": '"}'}])
def test_what_comes_out_is_json_of_the_same_shape(value: Any) -> None:
    encoded = json.dumps(value).encode()
    redacted, found = default().redact_json(encoded)
    assert _shape(redacted) == _shape(encoded)
    assert found == (redacted != encoded)


def _shape(encoded: bytes) -> Any:
    """Containers alone: what is masked is a value, or a part of a string, never a part of the structure."""
    return _dotted(json.loads(encoded, object_pairs_hook=lambda pairs: {i: item for i, (_, item) in enumerate(pairs)}))


def _dotted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _dotted(item) for key, item in value.items()}
    return [_dotted(item) for item in value] if isinstance(value, list) else "."


@given(trees(st.none() | st.booleans() | st.integers() | CALM, st.sampled_from(OTHER_NAMES)), st.booleans())
def test_what_holds_no_secret_comes_back_as_the_very_same_object(value: Any, ascii_only: bool) -> None:
    encoded = json.dumps(value, ensure_ascii=ascii_only).encode()
    assert default().redact_json(encoded) == (encoded, False)
    assert default().redact_json(encoded)[0] is encoded


@given(st.data(), st.integers(0, 3), st.sampled_from([orjson.dumps, lambda value: json.dumps(value).encode()]))
def test_what_stands_under_the_name_of_a_secret_is_masked_however_deep_in_json_in_strings(
    data: st.DataObject, depth: int, dumps: Any
) -> None:
    names = st.sampled_from(SECRET_NAMES)
    tree = data.draw(
        trees(CALM | st.dictionaries(names, PLANTED, min_size=1, max_size=2), st.sampled_from(OTHER_NAMES))
    )
    expected, encoded = _masked(tree), dumps(tree)
    for _ in range(depth):
        encoded = dumps({"text": encoded.decode()})
    result: Any = json.loads(default().redact_json(encoded)[0])
    for _ in range(depth):
        result = json.loads(result["text"])
    assert result == expected


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: MASK if key in SECRET_NAMES else _masked(item) for key, item in value.items()}
    return [_masked(item) for item in value] if isinstance(value, list) else value


@given(CALM, st.sampled_from(SERVICE_KEYS), st.sampled_from([" ", "\n", "\t", '"', "'", "(", ","]), st.integers(0, 3))
def test_keys_of_services_are_masked_in_any_text(before: str, key: str, edge: str, depth: int) -> None:
    result: Any = f"{before}{edge}{key}{edge}after"
    for _ in range(depth):
        result = json.dumps([result])
    result = redacted(result)
    for _ in range(depth):
        [result] = json.loads(result)
    assert result == f"{before}{edge}{MASK}{edge}after"


@given(
    CALM,
    st.sampled_from(["password", "API_KEY", "--client-secret", "self.token", "access token"]),
    st.sampled_from(["=", ": ", " = ", ":"]),
    st.text(st.sampled_from("abcXYZ0189!$%*+-./<>?@^_|~#"), min_size=3).map(lambda text: f"1aB{text}xyz9"),
    st.sampled_from(["", " ", "\n", "\t", ";"]),
)
def test_assignments_in_a_text_are_masked(before: str, name: str, sign: str, secret: str, after: str) -> None:
    text = f"{before}\n{name}{sign}{secret}{after}"
    assert redacted(text) == f"{before}\n{name}{sign}{MASK}{after}"
    assert redacted({"error": {"traceback": text}}) == {"error": {"traceback": f"{before}\n{name}{sign}{MASK}{after}"}}


@given(trees(PLANTED, st.sampled_from(["password", *OTHER_NAMES])))
def test_reprs_hold_no_secret_either(value: Any) -> None:
    result = redacted(repr({"password": value, "after": 1}))
    assert "§" not in result
    assert result.endswith(", 'after': 1}")


@given(st.binary(max_size=200) | TRICKY.map(str.encode))
def test_nothing_is_raised_whatever_comes(data: bytes) -> None:
    Redactor(values=["x+"], function=lambda text, key: text).redact_json(data)


@given(trees(TRICKY | st.integers(), st.sampled_from([*SECRET_NAMES, *OTHER_NAMES])))
def test_what_was_masked_once_is_not_masked_again(value: Any) -> None:
    once, _ = default().redact_json(json.dumps(value).encode())
    assert default().redact_json(once) == (once, False)
