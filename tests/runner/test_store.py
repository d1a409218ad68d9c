"""`ToolRunner(store=...)`: every run of a batch is recorded."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from toolrun import CallRequest, ToolRunner
from toolrun.callbacks import CallbackManager
from toolrun.store import open_store
from toolrun.store.errors import NotAStore, StoreUnwritable
from toolrun.store.query import Reader
from toolrun.testing import RecordingHandler


def double(x: int) -> int:
    """Double it."""
    return 2 * x


@pytest.mark.parametrize("callbacks", [None, [RecordingHandler()], CallbackManager([RecordingHandler()])])
def test_each_call_is_in_the_store_with_what_its_request_said_of_it(
    driver: Any, tmp_path: Path, callbacks: Any
) -> None:
    runner = ToolRunner([double], store=tmp_path / "store", callbacks=callbacks, metadata={"all": 1})
    requests = [CallRequest("double", {"x": x}, f"c{x}", metadata={"own": x}) for x in range(3)]
    assert [result.output for result in driver.run_all(runner, requests)] == [0, 2, 4]
    with open_store(tmp_path / "store") as store, closing(Reader(store)) as reader:
        found = sorted((run.call_id, payload.metadata, payload.inputs) for run, payload in reader.records())
    assert found == [(f"c{x}", {"all": 1, "own": x}, {"x": x}) for x in range(3)]


def test_a_place_that_cannot_be_a_store_is_refused_when_the_runner_is_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises((NotAStore, StoreUnwritable)):
        ToolRunner([double], store=tmp_path / "file")
