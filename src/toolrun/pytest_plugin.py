"""A plugin of pytest: what a test's tools did is recorded once, and served from a file from then on.

    @pytest.mark.toolrun_cassette
    def test_the_agent_finds_the_eclipse():
        assert "2027" in agent("When is the next eclipse?")

The first run records the tools' calls into a cassette beside the test, `cassettes/<file>/<test>.jsonl`: an export, a
line for each run, to be committed. Every later run serves it, so the test needs neither network nor keys, and fails
when the agent calls its tools otherwise. `pytest --toolrun-record` records anew.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

MARKER = "toolrun_cassette"
_MARKER_FORM = f"{MARKER}(path=None, *, partly=False)"
_MARKER_LINE = f"{_MARKER_FORM}: record what the test's tools do, and serve it in later runs."
_NOT_IN_A_NAME = re.compile(r"[^\w.=,+-]+")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--toolrun-record`."""
    group = parser.getgroup("toolrun")
    group.addoption("--toolrun-record", action="store_true", help="Record the cassettes of marked tests anew.")


def pytest_configure(config: pytest.Config) -> None:
    """The marker."""
    config.addinivalue_line("markers", _MARKER_LINE)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Record or serve while a marked test runs."""
    marker = item.get_closest_marker(MARKER)
    if marker is None:
        return (yield)
    with _cassette(item, marker):
        return (yield)


def _cassette(item: pytest.Item, marker: pytest.Mark) -> AbstractContextManager[Any]:
    try:
        path, partly = _asked_for(*marker.args, **marker.kwargs)
    except TypeError:
        given = [*map(repr, marker.args), *(f"{name}={value!r}" for name, value in marker.kwargs.items())]
        pytest.fail(
            f"@pytest.mark.{MARKER}({', '.join(given)}) cannot be understood: write {_MARKER_FORM}, "
            "with the path as a text or a Path, and partly as True or False.",
            pytrace=False,
        )
    cassette = item.path.parent / (path or _usual_path(item))
    if item.config.getoption("--toolrun-record") or not cassette.exists():
        return recorded(cassette)
    from toolrun.execution.replay import replaying

    return replaying(cassette, partly=partly)


def _asked_for(path: object = None, *, partly: object = False) -> tuple[str | Path | None, bool]:
    """What a marker says; `TypeError` if it says something else."""
    if not (path is None or isinstance(path, str | Path)) or not isinstance(partly, bool):
        raise TypeError
    return path, partly


def _usual_path(item: pytest.Item) -> Path:
    """By the test's name and its class's; parameters too, for each of them calls its tools in its own way."""
    of_test = item.nodeid.partition("::")[2].replace("::", ".")
    return Path("cassettes") / item.path.stem / f"{_NOT_IN_A_NAME.sub('_', of_test)[:200]}.jsonl"


@contextmanager
def recorded(cassette: Path) -> Iterator[None]:
    """Writes what every run of the process did meanwhile into the cassette; not if the test has failed."""
    from toolrun.handlers import Recorder
    from toolrun.handlers.environment import record_everywhere
    from toolrun.store import open_store
    from toolrun.store.exchange.export import export
    from toolrun.store.query import Reader

    with TemporaryDirectory(prefix="toolrun-") as folder:
        with Recorder(folder) as recorder:
            undo = record_everywhere(recorder)
            try:
                yield
            finally:
                undo()
        with Reader(open_store(folder)) as reader:
            lines = [*steady(export(reader.records()))]
    cassette.parent.mkdir(parents=True, exist_ok=True)
    cassette.write_bytes(b"".join(lines))


def steady(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of an export without what is another at every recording: ids and times become numbers, by the order."""
    import orjson

    ids: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        run = orjson.loads(line)
        for field in ("id", "parent", "trace"):
            if field in run:
                run[field] = ids.setdefault(run[field], f"{len(ids) + 1:032x}")
        run |= {"at": number} | ({"us": 0} if "us" in run else {})
        run.pop("worker", None)
        for event in run.get("events", ()):
            event["at"] = number
        run.get("error", {}).pop("traceback", None)
        yield orjson.dumps(run) + b"\n"
