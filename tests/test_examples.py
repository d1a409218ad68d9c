"""What the README and the examples show is what happens."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def block(language: str) -> str:
    """The first code block of a language in the README."""
    found = re.search(rf"```{language}\n(.*?)```", README, re.DOTALL)
    assert found
    return found[1]


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, cwd=ROOT, check=False)


def test_the_readme_shows_the_quickstart_as_it_is_and_what_it_prints() -> None:
    assert block("python") == (ROOT / "examples" / "quickstart.py").read_text()
    ended = run("examples/quickstart.py")
    assert (ended.stdout, ended.stderr) == (block("text"), "")


EXECUTION = re.findall(
    r"```python\n(.*?)```\n\n```text\n(.*?)```", (ROOT / "docs" / "execution.md").read_text(), re.DOTALL
)


@pytest.mark.parametrize(("program", "printed"), EXECUTION, ids=["policies", "approval", "sessions"])
def test_programs_in_the_account_of_execution_print_what_it_says(program: str, printed: str, tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(program)
    ended = run(script)
    assert (ended.stdout, ended.stderr) == (printed, "")


def test_every_document_that_the_readme_names_is_there() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_desk_has_a_few_hundred_calls_of_which_only_the_wrong_and_the_unlucky_fail(tmp_path: Path) -> None:
    calls, results = tmp_path / "calls.jsonl", tmp_path / "results.jsonl"
    calls.write_text(run("examples/desk/make_calls.py").stdout)
    ended = run("-m", "toolrun", "run", "examples/desk/tools.py:desk", calls, "-o", results, "--no-store")
    assert ended.returncode == 1
    lines = [json.loads(line) for line in results.read_text().splitlines()]
    failures = {(line["name"], line["error"]["type"]) for line in lines if line["status"] != "ok"}
    assert len(lines) == 403
    assert failures == {
        ("find_costumer", "UnknownTool"),
        ("convert", "ValidationError"),
        ("refund", "ValidationError"),
        ("refund", "ToolException"),
        ("checkout", "ValueError"),
    }


@pytest.mark.parametrize("target", ["demo", "test", "lint", "bench", "peer", "defects", "clean"])
def test_make_says_what_it_can_do(target: str) -> None:
    assert re.search(rf"^#   make {target} ", (ROOT / "Makefile").read_text(), re.MULTILINE)
