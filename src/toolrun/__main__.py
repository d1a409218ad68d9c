"""`python -m toolrun` is the command line."""

from __future__ import annotations

from toolrun.cli import main

if __name__ == "__main__":
    main(prog_name="toolrun")
