"""Cassettes: the first run of a test records what its tools do, later runs are served from that."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytest_plugins = ["pytester"]

AGENT = """
    import asyncio
    from pathlib import Path

    from toolrun import tool

    @tool
    def search(query: str) -> dict:
        "Search the web."
        with open("log", "a") as log:
            log.write(query + "\\n")
        return {"found": query.upper(), "times": log_lines()}

    @tool
    async def fetch(url: str) -> str:
        "Fetch a page."
        await asyncio.sleep(0)
        with open("log", "a") as log:
            log.write(url + "\\n")
        if url == "nowhere":
            raise ConnectionError(url)
        return "<h1>"

    def log_lines():
        return len(Path("log").read_text().splitlines())

    QUERY = "eclipse"

    def agent():
        return search.invoke({"query": QUERY})["found"]
"""

TESTS = """
    import asyncio, pytest, threading
    from agent import agent, fetch, search

    pytestmark = pytest.mark.toolrun_cassette

    def test_sync():
        assert agent() == "ECLIPSE"

    def test_async():
        async def main():
            return await asyncio.gather(fetch.ainvoke({"url": "a"}), fetch.ainvoke({"url": "b"}))
        assert asyncio.run(main()) == ["<h1>", "<h1>"]

    def test_thread():
        found = []
        thread = threading.Thread(target=lambda: found.append(agent()))
        thread.start()
        thread.join()
        assert found == ["ECLIPSE"]

    def test_error():
        with pytest.raises(ConnectionError, match="nowhere"):
            fetch.invoke({"url": "nowhere"})

    class TestMany:
        @pytest.mark.parametrize("query", ["a/b", "ü"])
        def test_query(self, query):
            assert search.invoke({"query": query})["found"] == query.upper()
"""


class Project:
    """A project of a user, whose tests call tools."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester, self.path = pytester, pytester.path
        pytester.makepyfile(agent=AGENT)
        self.agent = self.path / "agent.py"

    def test(self, *options: str, **outcomes: int) -> pytest.RunResult:
        """Runs its tests, which come to these outcomes."""
        result = self.pytester.runpytest_subprocess("-p", "toolrun.pytest_plugin", *options)
        result.assert_outcomes(**outcomes)
        return result

    def log(self) -> list[str]:
        """What the tools' bodies did, and forget it."""
        log = self.path / "log"
        lines = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return lines

    def cassettes(self) -> dict[str, bytes]:
        """What was recorded, by file."""
        folder = self.path / "cassettes"
        return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.jsonl"))}


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("TOOLRUN_STORE", raising=False)
    return Project(pytester)


def lines(cassette: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in cassette.splitlines()]


def test_the_first_run_records_and_later_ones_run_no_tool(project: Project) -> None:
    project.pytester.makepyfile(test_agent=TESTS)
    project.test(passed=6)
    assert sorted(project.log()) == ["a", "a/b", "b", "eclipse", "eclipse", "nowhere", "ü"]
    assert sorted(project.cassettes()) == [
        "test_agent/TestMany.test_query_a_b_.jsonl",
        "test_agent/TestMany.test_query_xfc_.jsonl",
        "test_agent/test_async.jsonl",
        "test_agent/test_error.jsonl",
        "test_agent/test_sync.jsonl",
        "test_agent/test_thread.jsonl",
    ]
    project.test(passed=6)
    assert project.log() == []


def test_a_recording_of_the_same_is_the_same_byte_by_byte(project: Project) -> None:
    project.pytester.makepyfile(test_agent=TESTS.replace("times", "same"))
    project.agent.write_text(project.agent.read_text().replace(', "times": log_lines()', ""))
    project.test(passed=6)
    before = project.cassettes()
    project.test("--toolrun-record", passed=6)
    del before["test_agent/test_async.jsonl"]  # two calls at once
    assert {name: cassette for name, cassette in project.cassettes().items() if name in before} == before
    [call] = lines(before["test_agent/test_error.jsonl"])
    assert call["error"] == {"type": "ConnectionError", "module": "builtins", "message": "nowhere"}


def test_a_test_fails_when_the_agent_calls_its_tools_otherwise(project: Project) -> None:
    project.pytester.makepyfile(test_agent=TESTS)
    project.test("-k", "test_sync", passed=1)
    project.log()
    project.agent.write_text(project.agent.read_text().replace('QUERY = "eclipse"', 'QUERY = "moon"'))
    result = project.test("-k", "test_sync", failed=1)
    result.stdout.fnmatch_lines(['*-  "query": "eclipse"*', '*+  "query": "moon"*'])
    assert project.log() == []
    project.agent.write_text(project.agent.read_text().replace("return search.invoke({", "return str({"))
    project.test("-k", "test_sync", failed=1)


def test_a_new_recording_is_made_on_request(project: Project) -> None:
    project.pytester.makepyfile(test_agent=TESTS)
    project.test("-k", "test_sync", passed=1)
    project.agent.write_text(project.agent.read_text().replace("query.upper()", "'ECLIPSE', 'new': 1"))
    project.test("-k", "test_sync", "--toolrun-record", passed=1)
    [call] = lines(project.cassettes()["test_agent/test_sync.jsonl"])
    assert call["output"]["new"] == 1


def test_a_test_that_failed_leaves_no_recording(project: Project) -> None:
    project.pytester.makepyfile(test_agent=TESTS.replace('"ECLIPSE"', '"MOON"'))
    project.test("-k", "test_sync", failed=1)
    assert project.cassettes() == {}


def test_the_marker_takes_a_path_and_whether_a_part_will_do(project: Project) -> None:
    project.pytester.makepyfile(
        test_agent="""
            import pytest
            from agent import agent

            @pytest.mark.toolrun_cassette("tapes/both.jsonl", partly=True)
            @pytest.mark.parametrize("times", [2, 1])
            def test_times(times):
                assert [agent() for _ in range(times)] == ["ECLIPSE"] * times
        """
    )
    project.test(passed=2)
    assert len(project.log()) == 2
    assert len(lines((project.path / "tapes" / "both.jsonl").read_bytes())) == 2


@pytest.mark.parametrize("given", ["5", "bogus=1", "partly='no'", "'a', 'b'"])
def test_a_marker_that_cannot_be_understood_fails_its_test_with_how_to_write_it(project: Project, given: str) -> None:
    project.pytester.makepyfile(test_agent=TESTS.replace("toolrun_cassette", f"toolrun_cassette({given})"))
    told = project.test("-k", "test_sync", failed=1)
    told.stdout.fnmatch_lines(
        [f"@pytest.mark.toolrun_cassette({given}) cannot be understood: write toolrun_cassette(path=None, *, partly*"]
    )
    assert (project.log(), project.cassettes()) == ([], {})


def test_a_damaged_cassette_is_told_of_by_its_file_and_line(project: Project) -> None:
    project.pytester.makepyfile(test_agent=TESTS)
    project.test("-k", "test_sync", passed=1)
    [cassette] = project.path.rglob("test_sync.jsonl")
    cassette.write_bytes(cassette.read_bytes() + b"\n<<<<<<< HEAD\n")
    told = project.test("-k", "test_sync", failed=1)
    told.stdout.fnmatch_lines(
        ["*DamagedCassette: *test_sync.jsonl:3: The line is no run of an export: it is not JSON*"]
    )


def test_tests_without_the_marker_are_left_alone(project: Project) -> None:
    project.pytester.makepyfile(test_agent=TESTS.replace("pytestmark", "ignored"))
    project.test(passed=6)
    project.log()
    project.test("--toolrun-record", passed=6)
    assert len(project.log()) == 7
    assert project.cassettes() == {}


def test_the_marker_is_known_to_strict_configurations(project: Project) -> None:
    project.pytester.makepyfile(test_agent=TESTS)
    project.test("--strict-markers", passed=6)
    told = project.pytester.runpytest_subprocess("-p", "toolrun.pytest_plugin", "--markers")
    told.stdout.fnmatch_lines(["@pytest.mark.toolrun_cassette(path=None*"])


def test_the_plugin_costs_a_project_without_the_marker_no_import(project: Project) -> None:
    project.pytester.makepyfile(
        test_nothing="""
            import sys

            def test_nothing():
                assert [name for name in sys.modules if name.startswith("toolrun.")] == ["toolrun.pytest_plugin"]
        """
    )
    project.test(passed=1)


def test_secrets_are_not_in_a_cassette(project: Project) -> None:
    project.agent.write_text(project.agent.read_text() + '\nQUERY = "password=hunter2"\n')
    project.pytester.makepyfile(test_agent=TESTS.replace('agent() == "ECLIPSE"', "agent()"))
    project.test("-k", "test_sync", passed=1)
    assert b"hunter2" not in project.cassettes()["test_agent/test_sync.jsonl"]
