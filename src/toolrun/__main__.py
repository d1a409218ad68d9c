"""`python -m toolrun`, and `toolrun`, are the command line."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line."""
    try:
        from toolrun.cli import main as command_line

        command_line(prog_name="toolrun")
    except KeyboardInterrupt:  # it came before there was a command line to see to it
        sys.exit(130)


if __name__ == "__main__":
    main()
