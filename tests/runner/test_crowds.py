"""Many calls at once: everything else on the loop has its turns all the same."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

from toolrun import CallRequest, ToolRunner


def test_a_crowd_that_begins_leaves_the_loop_its_turns(async_driver: Any) -> None:
    begun = 0
    seen = [0]

    async def begin() -> None:
        """Counts."""
        nonlocal begun
        begun += 1
        await asyncio.sleep(0)

    async def look() -> None:
        while begun < 1000:
            await asyncio.sleep(0)
            seen.append(begun)

    async def main() -> None:
        looking = asyncio.create_task(look())
        await ToolRunner([begin], concurrency=1000).arun_all([CallRequest("begin", {})] * 1000)
        await looking

    async_driver.run(main())
    assert max(after - before for before, after in pairwise(seen)) <= 100
