"""Running bodies: where, under which limits, and how they are stopped. Knows no tools.

engine     the interface
body       what an engine runs
watchdog   who holds the event loop
inline     in the caller's thread or task
threads    in toolrun's own pool
"""
