"""Running bodies: where, under which limits, and how they are stopped. Knows no tools.

policy      how a tool is to run; which of several policies wins
governor    what keeps a policy: approval, cache, limits, retry
engine      the interface of engines
job, body   what an engine runs
inline      in the caller's thread or task
threads     in toolrun's own pool
processes/  in worker processes
leaving     async bodies that overrun their timeout
_stopping   sync bodies that do
deadlines   when that is
watchdog    who holds the event loop
statistics  what runs, waits, or was left behind
"""
