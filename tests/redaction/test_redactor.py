"""Which names are secret, what a user adds, and what becomes of a failure."""

from __future__ import annotations

import json
import logging
import re
from typing import Any

import orjson
import pytest

from toolrun.redaction import MASK, InvalidPattern, Redactor, default
from toolrun.tools import injected


def redacted(value: Any, redactor: Redactor | None = None) -> Any:
    return json.loads((redactor or default()).redact_json(orjson.dumps(value))[0])


@pytest.mark.parametrize(
    "name",
    [
        *("password", "PASSWORD", "dbPassword", "user-password", "passwd", "passphrase", "db_pwd", "pass"),
        *("token", "access_token", "accessToken", "AccessTokens", "csrftoken", "id_token", "X-Auth-Token"),
        *("api_key", "apiKey", "apikey", "X-API-Key", "OPENAI_API_KEY", "aws_secret_access_key", "privateKey"),
        *("secret", "clientSecret", "client_secrets", "credentials", "Authorization", "proxy-authorization"),
        *("cookie", "Set-Cookie", "session_cookies", "password (old)", "api key", "password:"),
    ],
)
def test_names_of_secrets_are_known_in_each_way_of_writing_them(name: str) -> None:
    assert redacted({name: "swordfish", "other": "swordfish"}) == {name: MASK, "other": "swordfish"}


@pytest.mark.parametrize(
    "name",
    [
        *("max_tokens", "maxTokens", "token_count", "prompt_tokens", "tokens", "total_token_usage", "token_type"),
        *("next_page_token", "nextToken", "pageToken", "eos_token", "password_policy", "secret_name", "cookie_names"),
        *("key", "keys", "primary_key", "public_key", "keyboard", "secretary", "passed", "author", "authorized"),
    ],
)
def test_names_that_count_describe_or_only_look_alike_are_no_secrets(name: str) -> None:
    assert redacted({name: "swordfish"}) == {name: "swordfish"}
    assert redacted({name: 7}) == {name: 7}


def test_of_a_container_under_the_name_of_a_secret_strings_and_numbers_are_masked_and_the_keys_stay() -> None:
    value: Any = {
        "cookies": {"sid": "a", "list": ["b", 1, None, True, {}]},
        "password": None,
        "token": 123456,
        "x": "a",
    }
    expected: Any = {
        "cookies": {"sid": MASK, "list": [MASK, MASK, None, True, {}]},
        "password": None,
        "token": MASK,
        "x": "a",
    }
    assert redacted(value) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("connect(user='ann', password='it is', x=1)", f"connect(user='ann', password='{MASK}', x=1)"),
        ('self.api_key = "abc"\n    raise', f'self.api_key = "{MASK}"\n    raise'),
        ("GET /?token=abc1def2&page=2", f"GET /?token={MASK}&page=2"),
        ("Authorization: Basic dXNlcjpw\nAccept: */*", f"Authorization: {MASK}\nAccept: */*"),
        ("curl -H 'Cookie: a=b; c=d' x", f"curl -H 'Cookie: {MASK}' x"),
        ("Server=db;Uid=ann;Pwd=secret;Port=1", f"Server=db;Uid=ann;Pwd={MASK};Port=1"),
        ("postgres://ann:s3cret@db/x", f"postgres://ann:{MASK}@db/x"),
        ("{'tokens': 5, 'token': 77, 'cookies': {'a': '}'}, 'b': 1}", None),
        ("SyntaxError: Unexpected token: punc (})", "SyntaxError: Unexpected token: punc (})"),
        ("the word token: a piece of a text", "the word token: a piece of a text"),
        ("see https://host:8080/a@b and ann@example.com", "see https://host:8080/a@b and ann@example.com"),
        ("risk-management-and-control-systems", "risk-management-and-control-systems"),
        ("C:\\token=abc1def2 \\npass=x", f"C:\\token={MASK} \\npass={MASK}"),
        ("password: null, secret=True", "password: null, secret=True"),
    ],
)
def test_secrets_in_a_text_are_found_by_what_is_before_them(text: str, expected: str | None) -> None:
    expected = expected or f"{{'tokens': 5, 'token': '{MASK}', 'cookies': '{MASK}', 'b': 1}}"
    assert default().redact_text(text) == expected


@pytest.mark.parametrize(
    "sign",
    [
        *(" == ", "==", " === ", " != ", " := ", " => ", ": str = ", ":str=", ": str | None = ", ": Optional[str] = "),
        *(": Annotated[str, Secret] = ", ": &str = ", ": typing.Final[str] = b"),
    ],
)
@pytest.mark.parametrize("quote", ["'", '"'])
@pytest.mark.parametrize("name", ["password", "self.token"])
def test_a_literal_that_is_compared_with_or_assigned_to_a_secret_is_masked_itself(
    name: str, sign: str, quote: str
) -> None:
    text = f"if {name}{sign}{quote}%s{quote}: pass"
    assert default().redact_text(text % "it's 1".replace(quote, " ")) == text % MASK
    assert redacted(json.dumps({"code": text % "swordfish"})) == json.dumps({"code": text % MASK})


@pytest.mark.parametrize(
    "text",
    [
        *("mysql --password %s -u ann", "x --api-key '%s' y", 'x --token "%s"', "('password', '%s')"),
        *("[(b'authorization', b'%s'), (b'a', b'b')]", '[["a", "b"], ["password", "%s"]]', '["--password","%s","x"]'),
        *("{'name': 'DB_PASSWORD', 'value': '%s'}", '[{"key":"password","value":"%s","x":1}]'),
        *("<a><password>%s</password></a>", "<c:clientSecret>%s</c:clientSecret>", "a=1%%26password%%3D%s"),
        *("u?q=%%3Fapi_key%%3D%s", "&quot;password&quot;:&quot;%s&quot;,&quot;a&quot;:1", "<a password=&#34;%s&#34;>"),
        *("db:\n  password:\n    %s\n  a: 1", "password: |\n  %s\na: 1", "token: >-\r\n  %s\r\na: 1"),
    ],
)
def test_a_secret_that_no_sign_leads_to_is_found_beside_its_name(text: str) -> None:
    assert default().redact_text(text % "Zx81-hunter2") == text % MASK
    assert redacted(json.dumps([text % "Zx81-hunter2"])) == json.dumps([text % MASK])


def test_pairs_and_named_values_of_json_are_found_too() -> None:
    value = [["Password", "Zx81-hunter2"], {"name": "token", "value": 4711}, {"name": "api_key", "value": ["a"]}, "a"]
    masked = [["Password", MASK], {"name": "token", "value": MASK}, {"name": "api_key", "value": [MASK]}, "a"]
    assert redacted(value) == masked


def test_all_lines_of_a_block_are_masked() -> None:
    assert default().redact_text("a:\n  secret: |\n    one\n    two\n  b: 1") == f"a:\n  secret: |\n    {MASK}\n  b: 1"


@pytest.mark.parametrize(
    "value",
    [
        {"required": ["password", "email"], "enum": ["token", "cookie"], "methods": ["api_key", "oauth2"]},
        ["password", "user1-of-many", "email"],
        [["token", 17], ["password", 4]],
        {"name": "password", "type": "string", "value": 1},
        {"error": "no token", "value": 5},
        "use --password to log in, --token, --api-key or --secret -v; login --password-stdin docker.io",
        "click.option('--password', 'password', '-p')",
        "password:\n  It must be 8 characters.\npassword:\n  min_length_1: 8\npassword:\n\nsection-12",
        "mysql -p<password> -h a; $token->next; <token>, a </b>",
        "The password, 12345678 times; a token (at 10:30:15)",
    ],
)
def test_a_name_that_is_one_among_others_hides_nothing(value: Any) -> None:
    assert redacted(value) == value


def test_a_private_key_that_was_cut_off_is_masked_to_the_end_of_its_string() -> None:
    assert redacted(["-----BEGIN PRIVATE KEY-----\nMIIE\nabc", "next"]) == [MASK, "next"]


def test_characters_that_an_encoder_escaped_hide_nothing() -> None:
    encoded = rb'{"pass\u0077ord":"x\u0022y","note":"a\u0026b","\\u0070":1}'
    assert json.loads(default().redact_json(encoded)[0]) == {"password": MASK, "note": "a&b", "\\u0070": 1}
    assert default().redact_json(rb'{"note":"a\u0026b"}') == (rb'{"note":"a\u0026b"}', False)


def test_numbers_stay_as_they_were_written() -> None:
    encoded = b'{"token":"abc","n":[123456789012345678901234567890, 1.0e400, 0.10, -0]}'
    assert default().redact_json(encoded)[0] == encoded.replace(b"abc", MASK.encode())


def test_a_user_adds_names() -> None:
    redactor = Redactor(keys=["customer no", "iban"])
    value = {"customerNo": 7, "IBAN": "DE1", "the-customer-no": "x", "customer": "y", "no": 1, "password": "z"}
    masked = {"customerNo": MASK, "IBAN": MASK, "the-customer-no": MASK, "customer": "y", "no": 1, "password": MASK}
    assert redacted(value, redactor) == masked
    assert redactor.redact_text("iban=DE12 x") == f"iban={MASK} x"


def test_a_user_adds_patterns_which_see_the_text_as_it_is() -> None:
    redactor = Redactor(values=[r'^"\d+"$', re.compile("ann", re.IGNORECASE)])
    assert redacted({'"1"': ['"12"', "x", "Ann & ann\n"]}, redactor) == {'"1"': [MASK, "x", f"{MASK} & {MASK}\n"]}


def test_a_users_function_decides_by_text_and_key() -> None:
    seen = []

    def function(text: str, key: str | None) -> str:
        seen.append((key, text))
        return text.upper() if key == "loud" else text

    value = {"loud": ["a", {"inner": "b"}, "c"], "n": 1, "é": "d"}
    assert redacted(value, Redactor(function=function)) == {"loud": ["A", {"inner": "b"}, "C"], "n": 1, "é": "d"}
    assert seen == [("loud", "a"), ("inner", "b"), ("loud", "c"), ("é", "d")]
    assert redacted("top", Redactor(function=lambda text, key: f"{key}")) == "None"


@pytest.mark.parametrize("function", [lambda text, key: 1 / 0, lambda text, key: None, lambda text: text])
def test_what_a_users_function_fails_on_is_masked(function: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "toolrun"):
        assert redacted({"a": "b", "n": 1}, Redactor(function=function)) == {"a": MASK, "n": 1}


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(", "missing ), unterminated subpattern at position 0"),
        ("", "it matches the empty text, and so everywhere"),
        ("[0-9]*", "it matches the empty text, and so everywhere"),
        (re.compile(b"x"), "it is one of bytes"),
        (None, "first argument must be string or compiled pattern"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_refused_with_the_reason(pattern: Any, why: str) -> None:
    with pytest.raises(InvalidPattern) as raised:
        Redactor(values=["x", pattern])
    assert (raised.value.pattern, raised.value.why) == (pattern, why)
    assert f"{pattern!r} does not do: {why}." in str(raised.value)


def test_the_well_known_ones_can_be_left_out() -> None:
    value = {"password": "a", "x": "AKIAIOSFODNN7EXAMPLE", "iban": "b"}
    assert redacted(value, Redactor(["iban"], well_known=False)) == {**value, "iban": MASK}


def test_what_cannot_be_looked_through_is_masked_whole() -> None:
    assert Redactor(values=["a"]).redact_json(b'"\xff"') == (orjson.dumps(MASK), True)


def test_there_is_one_mask() -> None:
    assert injected.MASK == MASK


def test_a_secret_that_ends_with_a_backslash_ends_there() -> None:
    value = {"password": "a\\", "other": "b", "token": '\\"', "last": "c"}
    masked = {"password": MASK, "other": "b", "token": MASK, "last": "c"}
    assert json.loads(json.loads(redacted(json.dumps(json.dumps(value))))) == masked


def test_json_in_a_string_that_was_cut_off_hides_nothing_behind_it() -> None:
    cut = json.dumps({"password": "hunter2"})[:-2]
    inside = json.dumps({"cut": cut, "next": "visible"})
    assert json.loads(redacted({"text": inside})["text"]) == {"cut": f'{{"password": "{MASK}', "next": "visible"}
