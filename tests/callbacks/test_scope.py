"""A scope is a value: changing it gives a new one, and what is local stays local."""

from __future__ import annotations

from toolrun._ids import new_run_id
from toolrun.callbacks._scope import EMPTY, Scope


class Unhashable:
    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Unhashable)


def test_a_child_inherits_only_what_is_inheritable() -> None:
    local, inherited = object(), object()
    scope = EMPTY.with_handlers([inherited], inherit=True).with_handlers([local], inherit=False)
    scope = scope.with_tags(["down"], inherit=True).with_tags(["here"], inherit=False)
    scope = scope.with_metadata({"down": 1}, inherit=True).with_metadata({"here": 2}, inherit=False)
    run_id = new_run_id()
    child = scope.child(run_id, "step")
    assert child == Scope((inherited,), (inherited,), run_id, ("down", "step"), ("down",), {"down": 1}, {"down": 1})
    assert child.child(run_id).tags == ("down",)


def test_handlers_are_told_apart_by_identity_and_kept_in_order() -> None:
    one, two = Unhashable(), Unhashable()
    scope = EMPTY.with_handlers([one, two, one], inherit=True).with_handlers([two], inherit=False)
    assert [*map(id, scope.handlers)] == [id(one), id(two)]


def test_merging_keeps_order_and_keeps_local_local() -> None:
    a, b, c = object(), object(), object()
    left = EMPTY.with_handlers([a], inherit=True).with_tags(["x"], inherit=True)
    right = (
        EMPTY.with_handlers([b], inherit=False).with_handlers([a, c], inherit=True).with_tags(["x", "y"], inherit=False)
    )
    merged = left.merge(right)
    assert merged.handlers == (a, b, c)
    assert merged.inheritable_handlers == (a, c)
    assert merged.tags == ("x", "y")
    assert merged.inheritable_tags == ("x",)


def test_adding_a_tag_again_as_local_does_not_take_it_from_the_children() -> None:
    scope = EMPTY.with_tags(["x"], inherit=True).with_tags(["x"], inherit=False)
    assert scope.tags == scope.inheritable_tags == ("x",)


def test_taking_out_what_is_not_there_does_no_harm() -> None:
    assert EMPTY.without_handler(object()) == EMPTY
    assert EMPTY.without_tags(["x"]).without_metadata(["y"]) == EMPTY
