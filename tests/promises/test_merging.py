"""Merging managers keeps the order of handlers, and what was local stays local."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.defect(17)
def test_a_merge_keeps_the_order_of_handlers_and_tags(lib: Any) -> None:
    handlers = [lib.recorder() for _ in range(8)]
    tags = [f"tag {number}" for number in range(8)]
    first = lib.CallbackManager(handlers[:4], handlers[:4], tags=tags[:4])
    second = lib.CallbackManager(handlers[4:], handlers[4:], tags=tags[4:])

    merged = first.merge(second)

    assert list(merged.handlers) == handlers
    assert list(merged.inheritable_handlers) == handlers
    assert list(merged.tags) == tags


@pytest.mark.defect(17)
@pytest.mark.parametrize("group", ["CallbackManagerForChainGroup", "AsyncCallbackManagerForChainGroup"])
def test_a_merged_group_keeps_what_was_inheritable_and_no_more(lib: Any, group: str) -> None:
    local, shared, other = lib.recorder(), lib.recorder(), lib.recorder()
    kind = getattr(lib, group)
    parent = lib.CallbackManager([]).on_chain_start({"name": "group"}, {})
    first = kind(
        [local, shared], [shared], parent_run_manager=parent, inheritable_metadata={"team": "search"}, metadata={}
    )

    merged = first.merge(kind([other], [], parent_run_manager=parent))

    assert list(merged.handlers) == [local, shared, other]
    assert list(merged.inheritable_handlers) == [shared]
    assert merged.inheritable_metadata == {"team": "search"}
