"""Copies of arguments: plain containers by value, all else by reference."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from toolrun.tools._snapshot import snapshot, text_of

plain = st.recursive(
    st.none() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), plain, max_size=3))
def test_a_snapshot_equals_what_it_was_taken_of(arguments: dict[str, Any]) -> None:
    assert snapshot(arguments) == arguments


def test_containers_are_copied_to_any_depth() -> None:
    arguments: dict[str, Any] = {"a": [{"b": {1}}, ([2],)], "c": bytearray(b"x")}
    taken = snapshot(arguments)
    arguments["a"][0]["b"].add(3)
    arguments["a"][1][0].append(4)
    arguments["c"].extend(b"y")
    assert taken == {"a": [{"b": {1}}, ([2],)], "c": b"x"}


def test_other_objects_go_by_reference() -> None:
    class Own(dict[str, int]):
        pass

    one, own = object(), Own(a=1)
    taken = snapshot({"one": [one], "own": own})
    assert taken["one"][0] is one
    assert taken["own"] is own


def test_a_container_that_holds_itself_is_copied_once() -> None:
    arguments: dict[str, Any] = {"list": []}
    arguments["list"].append(arguments["list"])
    arguments["self"] = arguments
    taken = snapshot(arguments)
    assert taken["list"][0] is taken["list"]
    assert taken["self"] is taken


def nested(depth: int) -> list[Any]:
    inner: list[Any] = []
    for _ in range(depth):
        inner = [inner]
    return inner


class Unshowable:
    def __repr__(self) -> str:
        raise RuntimeError


def test_what_is_nested_too_deep_to_copy_goes_by_reference() -> None:
    arguments = {"deep": nested(5000), "a": [1]}
    assert snapshot(arguments)["deep"] is arguments["deep"]


def test_an_argument_that_cannot_be_shown_does_not_spoil_the_others() -> None:
    text = text_of({"a": 1, "bad": Unshowable(), "deep": nested(200_000), "b": "x"})
    assert text == (
        "{'a': 1, 'bad': <Unshowable whose repr raised RuntimeError>, "
        "'deep': <list whose repr raised RecursionError>, 'b': 'x'}"
    )
