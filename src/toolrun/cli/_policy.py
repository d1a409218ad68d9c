"""Options of the command line that say how tools are to run, where the tools themselves do not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from toolrun.cli._approval import MODES, approval
from toolrun.cli._errors import Unusable
from toolrun.errors import ToolrunError

if TYPE_CHECKING:
    from toolrun.runner import ToolRunner


class Size(click.ParamType):  # type: ignore[type-arg]  # it takes arguments in stubs alone
    """A number of bytes: 500000, 512M or 2G."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number of bytes."""
        number, unit = (value[:-1], value[-1]) if value[-1:] in _UNITS else (value, "")
        try:
            return int(number) * _UNITS[unit]
        except ValueError:
            self.fail(f"{value!r} is no size: give bytes, or a number with K, M or G.", param, ctx)


_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}

_ABOVE_ZERO = click.FloatRange(0, min_open=True)
_OPTIONS = (
    click.option("--timeout", type=_ABOVE_ZERO, metavar="S", help="Seconds that each attempt of a call may take."),
    click.option("--retry", type=click.IntRange(1), metavar="N", help="Attempts of a call, the first one counted."),
    click.option("--engine", type=click.Choice(["inline", "threads", "processes"]), help="Where sync tools run."),
    click.option("--max-concurrency", type=click.IntRange(1), metavar="N", help="Calls of each tool at once."),
    click.option("--rate-limit", type=_ABOVE_ZERO, metavar="N", help="Calls of each tool that begin in a second."),
    click.option("--memory-limit", type=Size(), metavar="SIZE", help="Of a worker process: bytes, or 512M."),
    click.option("--workers", type=click.IntRange(1), metavar="N", help="Worker processes that are at work at once."),
    click.option(
        "--approve", type=click.Choice(MODES), default="ask", show_default=True, help="Calls that require approval."
    ),
)


def policy_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options; what is given reaches the command as keywords of `ToolRunner`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@contextmanager
def runner_of(tools: Any, policy: dict[str, Any], **options: Any) -> Iterator[ToolRunner]:
    """A runner of these tools, by the options that were given."""
    from toolrun.runner import ToolRunner

    approve, workers = policy.pop("approve"), policy.pop("workers")
    try:
        runner = ToolRunner(tools, **policy, **options)
    except ToolrunError as error:
        raise Unusable(str(error)) from None
    with approval(approve), _at_once(workers):
        yield runner


@contextmanager
def _at_once(workers: int | None) -> Iterator[None]:
    """As many worker processes at work at once, meanwhile."""
    if workers is None:
        yield
        return
    from toolrun.execution.processes import PROCESSES

    before, PROCESSES.limit = PROCESSES.limit, workers
    try:
        yield
    finally:
        PROCESSES.limit = before
