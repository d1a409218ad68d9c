"""The measures that must hold: toolrun beside langchain-core and a hand-written floor.

- `harness`     rounds, medians, bounds; knows nothing about tools
- `report`      the table, and the same as JSON
- `libraries`   the two libraries under one face, and the handlers and tools they are measured with
- `peers`       pydantic-ai, where the design names it
- `floors`      the least that a run can cost, written by hand
- `watching`    the beats of the loop, the life of a process; also for `tests/torture`
- one file for each family of rows: `sync_calls`, `async_calls`, `off_loop`, `stopping`, `crowds`, `bfcl`,
  `startup`, `memory`
"""
