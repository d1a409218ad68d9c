"""Runs out of a store, for other programs, and back into one."""
